"""What the router counts, against what the instances saw and what users got."""

from __future__ import annotations

import asyncio

import pytest

from plainsail.domain.observation import Counts
from plainsail.domain.service import Shield
from plainsail.domain.units import ALL
from plainsail.ports.router import Router
from plainsail.testing.conformance.bench import needs, story
from plainsail.testing.conformance.router.bench import RouterBench
from plainsail.testing.conformance.router.street import Backend, Mode

OPEN = Shield(enabled=False)
REQUESTS = 200


def asked(group: list[Backend]) -> int:
    return sum(backend.total for backend in group)


@pytest.mark.parametrize("mode", ["500", "close"])
@story
@needs("serves", "splits", "counts")
async def test_each_groups_requests_and_failures_are_its_own(bench: RouterBench, mode: Mode) -> None:
    """Without a shield: `requests` are those the group was asked, `failures` those it answered 5xx or not at all; the
    other group has nothing of it. Answered 4xx or less is no failure."""
    one, two = bench.group("one", 2), bench.group("two", 1, mode)
    async with bench.running() as router:
        await router.apply(bench.traffic({"one": one, "two": two}, bench.shares(2500), "one", shield=OPEN), 1)
        got = await bench.ask(REQUESTS, "POST", keep=False)
        assert sum(number for (status, _), number in got.items() if status != 200) == asked(two)
        expected = {"one": Counts(asked(one)), "two": Counts(asked(two), failures=asked(two))}
        await _counted(bench, router, expected)


@story
@needs("serves", "splits", "counts", "shield")
async def test_what_live_answered_for_the_candidate_is_the_candidates_failure(bench: RouterBench) -> None:
    """With the shield, users see none of the candidate's failed GETs. Each is the candidate's request, failure and
    `shielded`, and not live's request."""
    one, two = bench.group("one", 2), bench.group("two", 1, "500")
    async with bench.running() as router:
        await router.apply(bench.traffic({"one": one, "two": two}, bench.shares(2500), "one"), 1)
        got = await bench.ask(REQUESTS)
        assert {status for status, _ in got} == {200}
        tried = asked(two)
        assert asked(one) == REQUESTS
        await _counted(
            bench,
            router,
            {"one": Counts(REQUESTS - tried), "two": Counts(tried, failures=tried, shielded=tried)},
        )


@story
@needs("serves", "splits", "counts", "shield")
async def test_what_must_not_be_done_twice_is_asked_once(bench: RouterBench) -> None:
    """A POST that reached the candidate is never repeated: its failure is the user's, and not `shielded`."""
    one, two = bench.group("one", 1), bench.group("two", 1, "500")
    async with bench.running() as router:
        await router.apply(bench.traffic({"one": one, "two": two}, bench.shares(ALL // 2), "one"), 1)
        got = await bench.ask(REQUESTS, "POST")
        assert asked(one) + asked(two) == REQUESTS
        assert got[(500, "two-0")] == asked(two)
        await _counted(
            bench, router, {"one": Counts(asked(one)), "two": Counts(asked(two), failures=asked(two))}
        )


@story
@needs("serves", "splits", "counts", "shield")
async def test_the_shield_has_a_budget(bench: RouterBench) -> None:
    """No more than `shield.budget` of the service's requests are asked again; the rest of the failures reach users."""
    one, two = bench.group("one", 1), bench.group("two", 1, "500")
    async with bench.running() as router:
        wanted = bench.traffic(
            {"one": one, "two": two}, bench.shares(ALL // 2), "one", shield=Shield(budget=0.1)
        )
        await router.apply(wanted, 1)
        got = await bench.ask(REQUESTS)
        again = asked(one) + asked(two) - REQUESTS
        assert 0 < again <= 0.1 * REQUESTS + 8, "a few may be under way at once"
        failed = sum(number for (status, _), number in got.items() if status == 500)
        expected = Counts(asked(two), failures=asked(two), shielded=asked(two) - failed)
        await bench.comes(router, lambda seen: seen.counts["two"] == expected)


@story
@needs("serves", "splits", "counts")
async def test_slow_answers_are_counted_where_they_are_slow(bench: RouterBench) -> None:
    """`slow`: the first byte came later than `slow_after`; and a request that hangs is counted, as a request and as slow,
    while it still hangs."""
    one, two = bench.group("one", 1), bench.group("two", 1, "slow")
    async with bench.running() as router:
        await router.apply(
            bench.traffic({"one": one, "two": two}, bench.shares(ALL // 2), "one", shield=OPEN), 1
        )
        await bench.ask(20, at_once=10)
        await bench.comes(
            router, lambda seen: seen.counts["two"].slow == seen.counts["two"].requests == asked(two)
        )
        assert (await router.observe("shop")).counts["one"].failures == 0
        two[0].mode = "hang"
        before = asked(two)
        hanging = [asyncio.create_task(bench.ask(1)) for _ in range(8)]
        try:
            await bench.comes(router, lambda seen: seen.counts["two"].slow == asked(two) > before)
        finally:
            for task in hanging:
                task.cancel()
            await asyncio.gather(*hanging, return_exceptions=True)


@story
@needs("serves", "splits", "counts")
async def test_counts_only_grow(bench: RouterBench) -> None:
    """Cumulative: no later `observe` of the same object reports less than an earlier one, whatever is applied meanwhile;
    in the end nothing was lost."""
    groups = {"one": bench.group("one", 2), "two": bench.group("two", 1, "500")}
    async with bench.running() as router:
        await router.apply(bench.traffic(groups, bench.shares(ALL // 2), "one"), 1)
        last: dict[str, Counts] = {}
        async with bench.asking() as seen:
            for number in range(20):
                await router.apply(bench.traffic(groups, bench.shares(500 * number), "one"), 1)
                now = (await router.observe("shop")).counts
                for group, before in last.items():
                    assert now[group].requests >= before.requests
                    assert now[group].failures >= before.failures
                    assert now[group].shielded >= before.shielded
                    assert now[group].slow >= before.slow
                last = now
                await asyncio.sleep(0.03)
        total = sum(seen.values())
        await bench.comes(router, lambda seen: sum(one.requests for one in seen.counts.values()) == total)


@story
@needs("serves", "counts")
async def test_a_new_object_goes_on_counting_or_begins_anew(bench: RouterBench) -> None:
    """After `stop` and another object's `start`, counts go on or begin anew at less; they never claim more than was."""
    one = bench.group("one", 1)
    async with bench.running() as router:
        await router.apply(bench.traffic({"one": one}, {"one": ALL}, "one"), 1)
        await bench.ask(30)
        await bench.comes(router, lambda seen: seen.counts["one"].requests == 30)
        await router.stop()
        async with bench.another() as again:
            before = (await again.observe("shop")).counts["one"].requests
            assert before in (0, 30)
            await bench.ask(20)
            await bench.comes(again, lambda seen: seen.counts["one"].requests == before + 20)


async def _counted(bench: RouterBench, router: Router, expected: dict[str, Counts]) -> None:
    seen = await bench.comes(
        router, lambda seen: {group: one.requests for group, one in seen.counts.items()}
        == {group: one.requests for group, one in expected.items()},
    )  # fmt: skip
    assert seen.counts == expected
