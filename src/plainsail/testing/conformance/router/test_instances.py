"""What the router tells of single instances, and of how long answers took, beyond the counts of groups."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from plainsail.domain import histogram
from plainsail.domain.observation import Counts
from plainsail.domain.service import Shield
from plainsail.domain.units import ALL
from plainsail.ports.router import RouterSeen
from plainsail.testing.conformance.bench import needs, story
from plainsail.testing.conformance.router.bench import RouterBench
from plainsail.testing.conformance.router.street import SLOW_AFTER, Backend

OPEN = Shield(enabled=False)
REQUESTS = 300


def summed(seen: RouterSeen, group: list[Backend]) -> Counts:
    found = [seen.instances[backend.name] for backend in group]
    return Counts(
        *(sum(getattr(one, field) for one in found) for field in ("requests", "failures", "shielded", "slow"))
    )


@story
@needs("serves", "splits", "counts", "instances")
async def test_each_instances_requests_and_failures_are_its_own(bench: RouterBench) -> None:
    """One of each group's instances fails everything. `instances` says of each what it was asked and how it answered, and
    those of a group sum to the group's counts."""
    one, two = bench.group("one", 3), bench.group("two", 2)
    one[1].mode = two[0].mode = "500"
    groups = {"one": one, "two": two}
    async with bench.running() as router:
        await router.apply(bench.traffic(groups, bench.shares(4000), "one", shield=OPEN), 1)
        await bench.ask(REQUESTS, "POST", keep=False)

        def told(seen: RouterSeen) -> bool:
            return sum(one.requests for one in seen.instances.values()) == REQUESTS

        seen = await bench.comes(router, told)
        expected = {
            backend.name: Counts(backend.total, failures=backend.total if backend.mode == "500" else 0)
            for group in groups.values()
            for backend in group
        }
        assert seen.instances == expected
        assert {name: summed(seen, group) for name, group in groups.items()} == seen.counts


@story
@needs("serves", "splits", "counts", "shield", "instances")
async def test_what_live_answered_instead_is_the_failure_of_who_was_meant(bench: RouterBench) -> None:
    """A shielded request is the request, the failure and `shielded` of the candidate's instance that failed it; live's
    instance that answered it has nothing of it."""
    one, two = bench.group("one", 2), bench.group("two", 2)
    two[1].mode = "500"
    async with bench.running() as router:
        await router.apply(bench.traffic({"one": one, "two": two}, bench.shares(ALL // 2), "one"), 1)
        got = await bench.ask(REQUESTS)
        assert {status for status, _ in got} == {200}
        seen = await bench.comes(
            router, lambda seen: sum(one.requests for one in seen.instances.values()) == REQUESTS
        )
        bad = two[1].total
        assert seen.instances["two-1"] == Counts(bad, failures=bad, shielded=bad)
        assert seen.instances["two-0"] == Counts(two[0].total)
        assert summed(seen, one) == seen.counts["one"] == Counts(REQUESTS - bad - two[0].total)


@story
@needs("serves", "splits", "counts", "shield", "instances")
async def test_an_instance_that_cannot_be_reached_has_failed(bench: RouterBench) -> None:
    """Its port is closed: live answers, and the failure is counted where it belongs."""
    one, two = bench.group("one", 1), bench.group("two", 2)
    async with bench.running() as router:
        await router.apply(bench.traffic({"one": one, "two": two}, bench.shares(ALL // 2), "one"), 1)
        await asyncio.to_thread(bench.shut, two[0])
        await bench.ask(60, "POST")
        seen = await bench.comes(
            router, lambda seen: sum(one.requests for one in seen.instances.values()) == 60
        )
        assert seen.instances["two-0"].failures == seen.instances["two-0"].requests > 0
        assert seen.instances["two-1"].failures == seen.instances["one-0"].failures == 0


@story
@needs("serves", "splits", "counts", "instances")
async def test_slow_instances_are_told_from_quick_ones(bench: RouterBench) -> None:
    """`slow` of an instance: the first bytes of its answers came later than `slow_after`."""
    one, two = bench.group("one", 1), bench.group("two", 2)
    two[0].mode = "slow"
    async with bench.running() as router:
        await router.apply(
            bench.traffic({"one": one, "two": two}, bench.shares(ALL // 2), "one", shield=OPEN), 1
        )
        await bench.ask(24, at_once=12)
        seen = await bench.comes(
            router, lambda seen: sum(one.requests for one in seen.instances.values()) == 24
        )
        assert seen.instances["two-0"].slow == seen.instances["two-0"].requests == two[0].total
        assert seen.instances["two-1"].slow == seen.instances["one-0"].slow == 0


@story
@needs("serves", "splits", "counts", "instances")
async def test_the_histogram_of_a_group_grows_with_its_answers(bench: RouterBench) -> None:
    """`buckets` are cumulative: the later ones hold the earlier ones, all of them together what `coverage` says, and a slow
    answer is in a bucket beyond the bound's (in microseconds)."""
    one, two = bench.group("one", 1), bench.group("two", 1, "slow")
    async with bench.running() as router:
        await router.apply(
            bench.traffic({"one": one, "two": two}, bench.shares(ALL // 2), "one", shield=OPEN), 1
        )

        def told(requests: int) -> Callable[[RouterSeen], bool]:
            return lambda seen: (
                sum(number for one in seen.latency.values() for number in one.buckets.values()) == requests
            )

        await bench.ask(16, at_once=8)
        before = (await bench.comes(router, told(16))).latency
        await bench.ask(16, at_once=8)
        after = (await bench.comes(router, told(32))).latency
        for group, latency in before.items():
            assert all(after[group].buckets.get(place, 0) >= many for place, many in latency.buckets.items())
            assert after[group].coverage == 1.0
        bound = histogram.number(SLOW_AFTER * 1_000_000)
        assert min(after["two"].buckets) > bound > max(after["one"].buckets)


@story
@needs("serves", "counts", "not instances")
async def test_who_cannot_tell_instances_apart_says_nothing(bench: RouterBench) -> None:
    """`instances` is empty: nobody is told what isn't known."""
    one = bench.group("one", 2)
    async with bench.running() as router:
        await router.apply(bench.traffic({"one": one}, {"one": ALL}, "one"), 1)
        await bench.ask(20)
        seen = await bench.comes(router, lambda seen: seen.counts["one"].requests == 20)
        assert seen.instances == {}
