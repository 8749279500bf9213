"""What is ordered runs, what is not ordered ends: the sizes of groups, who leaves and when, and who may give orders."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest
from msgspec.structs import replace

from plainsail.domain.observation import GroupSeen
from plainsail.domain.service import Stop
from plainsail.ports.errors import Fenced, Transient
from plainsail.ports.provider import Provider
from plainsail.testing.conformance.bench import needs, story
from plainsail.testing.conformance.provider.bench import ProviderBench, fleet, gone, ready

LONG = Stop(drain=600, grace=5)


@story
async def test_sizes_converge_up_and_down(bench: ProviderBench) -> None:
    """After `apply`, `observe` says the size asked for at once, and sooner or later there are as many ready ones."""
    release = bench.release()
    async with bench.running() as provider:
        for size in (3, 1, 2):
            await provider.apply(fleet(bench.order(release, size)), 1)
            assert (await bench.seen(provider)).asked == size
            seen = await bench.comes(provider, ready(size))
            assert len({one.id for one in seen.instances}) == size
            assert len({one.address for one in seen.instances}) == size
            assert {one.group for one in seen.instances} == {"shop-1"}
            assert (seen.crashes, seen.failed_starts, seen.trouble) == (0, 0, "")
        await provider.end()


@story
async def test_never_more_than_asked_besides_those_that_leave(bench: ProviderBench) -> None:
    """At no moment are more instances reported that are not `leaving` than were asked for."""
    release = bench.release()
    async with bench.running() as provider:
        for size in (3, 1, 3, 0, 2):
            await provider.apply(fleet(bench.order(release, size)), 1)

            def settled(seen: GroupSeen, size: int = size) -> bool:
                assert seen.alive() <= size
                return ready(size)(seen)

            await bench.comes(provider, settled)
        await provider.end()


@story
async def test_ordering_the_same_again_does_no_harm(bench: ProviderBench) -> None:
    """`apply` is set-shaped: the same order twice, or ten times, or under a newer epoch, changes nothing."""
    wanted = fleet(bench.order(bench.release(), 2))
    async with bench.running() as provider:
        for _ in range(5):
            await provider.apply(wanted, 1)
        before = (await bench.comes(provider, ready(2))).instances
        for epoch in (1, 1, 2, 2):
            await provider.apply(wanted, epoch)
            for _ in range(5):
                await bench.wait()
        assert (await bench.comes(provider, ready(2))).instances == before
        await provider.end()


@story
async def test_orders_at_once_do_no_harm(bench: ProviderBench) -> None:
    """`apply` and `observe` may be called while others are under way."""
    wanted = fleet(bench.order(bench.release(), 2))
    async with bench.running() as provider:
        calls = [provider.apply(wanted, 1) for _ in range(5)]
        looks = [provider.observe("shop") for _ in range(5)]
        await asyncio.gather(*calls, *looks)
        seen = await bench.comes(provider, lambda seen: seen.ready() >= 2)
        assert len(seen.instances) == 2
        await provider.end()


@story
async def test_groups_that_are_not_named_end(bench: ProviderBench) -> None:
    """A fleet is whole: a group that is left out goes to size 0, and is forgotten when its last instance is gone."""
    release = bench.release()
    async with bench.running() as provider:
        one, two = bench.order(release), bench.order(bench.release(late=0.1), 2, group="shop-2")
        await provider.apply(fleet(one, two), 1)
        await bench.comes(provider, ready(1))
        kept = (await bench.comes(provider, ready(2), "shop-2")).instances
        await provider.apply(fleet(two), 1)
        await bench.comes(provider, gone)
        await bench.until(
            lambda: provider.observe("shop"), lambda groups: [one.group for one in groups] == ["shop-2"]
        )
        assert (await bench.seen(provider, "shop-2")).instances == kept
        await provider.apply(fleet(), 1)
        await bench.until(lambda: provider.observe("shop"), lambda groups: not groups)


@story
async def test_services_do_not_disturb_each_other(bench: ProviderBench) -> None:
    """Groups, epochs and ends of one service are its own, also where groups have the same names."""
    release = bench.release()
    async with bench.running() as provider:
        await provider.apply(fleet(bench.order(release, 2)), 9)
        await provider.apply(fleet(bench.order(release, 1), service="blog"), 1)
        kept = (await bench.comes(provider, ready(1), service="blog")).instances
        shop = (await bench.comes(provider, ready(2))).instances
        assert not {one.id for one in kept} & {one.id for one in shop}
        await provider.apply(fleet(), 9)
        await bench.comes(provider, gone)
        assert (await bench.seen(provider, service="blog")).instances == kept
        await provider.end()


@story
async def test_an_order_of_an_older_epoch_is_refused_and_changes_nothing(bench: ProviderBench) -> None:
    """Raise Fenced when an epoch is older than one that was seen for the service; the same again is welcome."""
    wanted = fleet(bench.order(bench.release(), 2))
    async with bench.running() as provider:
        await provider.apply(wanted, 7)
        before = (await bench.comes(provider, ready(2))).instances
        with pytest.raises(Fenced):
            await provider.apply(fleet(), 6)
        await provider.apply(wanted, 7)
        assert (await bench.comes(provider, ready(2))).instances == before
        await provider.end()


@story
async def test_who_is_retired_is_replaced(bench: ProviderBench) -> None:
    """An instance that an order names in `retire` leaves though it is ready, another is started in its place, and the size is
    kept. The same order again, and one that names it no longer, change nothing: it is never called back."""
    run, release = bench.run(stop=LONG), bench.release()
    async with bench.running() as provider:
        await provider.apply(fleet(bench.order(release, 3, run)), 1)
        before = (await bench.comes(provider, ready(3))).instances
        bad = before[1].id
        order = replace(bench.order(release, 3, run), retire=(bad,))
        for _ in range(3):
            await provider.apply(fleet(order), 1)
            seen = await bench.comes(provider, lambda seen: seen.alive() == seen.ready() == 3)
            assert {one.id for one in seen.instances if one.state == "leaving"} == {bad}
            assert {one.id for one in before} - {bad} < {one.id for one in seen.instances}
        await bench.crash(before[0])
        await provider.apply(fleet(bench.order(release, 3, run)), 1)
        seen = await bench.comes(provider, lambda seen: seen.ready() == 3 and seen.crashes == 1)
        assert next(one.state for one in seen.instances if one.id == bad) == "leaving"
        await provider.apply(fleet(order, released=(bad,)), 1)
        await bench.comes(provider, ready(3))
        assert (await bench.seen(provider)).crashes == 1
        await provider.end()


@story
async def test_who_leaves_drains_until_it_is_released(bench: ProviderBench) -> None:
    """Who is too many is reported as `leaving` and serves on; it ends when it is in `released`, and is no crash."""
    run = bench.run(stop=LONG)
    release = bench.release()
    async with bench.running() as provider:
        await provider.apply(fleet(bench.order(release, 3, run)), 1)
        await bench.comes(provider, ready(3))
        await provider.apply(fleet(bench.order(release, 1, run)), 1)
        seen = await bench.comes(provider, lambda seen: seen.alive() == 1)
        leaving = [one for one in seen.instances if one.state == "leaving"]
        assert len(leaving) == 2, "they are still reported"
        first, second = leaving
        for _ in range(10):
            await bench.wait()
        seen = await bench.seen(provider)
        assert len(seen.instances) == 3, "they drain"
        if bench.answers:
            assert all((await bench.pids(seen)).values()), "and answer"
        await provider.apply(fleet(bench.order(release, 1, run), released=(first.id,)), 1)
        seen = await bench.comes(provider, lambda seen: len(seen.instances) == 2)
        assert {one.id for one in seen.instances} >= {second.id}
        assert seen.crashes == 0
        await provider.apply(fleet(bench.order(release, 1, run), released=(first.id, second.id)), 1)
        await bench.comes(provider, ready(1))
        await provider.end()


@story
async def test_who_is_not_leaving_is_not_ended_by_being_released(bench: ProviderBench) -> None:
    """`released` says that the router sends it nothing; that alone ends nobody who is wanted."""
    release = bench.release()
    async with bench.running() as provider:
        await provider.apply(fleet(bench.order(release, 2)), 1)
        before = (await bench.comes(provider, ready(2))).instances
        ids = tuple(one.id for one in before)
        await provider.apply(fleet(bench.order(release, 2), released=(*ids, "nobody")), 1)
        for _ in range(10):
            await bench.wait()
        assert (await bench.seen(provider)).instances == before
        await provider.end()


@story
async def test_who_leaves_ends_when_its_drain_time_is_over(bench: ProviderBench) -> None:
    """Without being released it ends after `stop.drain`, and not before."""
    run = bench.run(stop=Stop(drain=1.0, grace=5))
    async with bench.running() as provider:
        await provider.apply(fleet(bench.order(bench.release(), 2, run)), 1)
        await bench.comes(provider, ready(2))
        began = time.monotonic()
        await provider.apply(fleet(), 1)
        assert {one.state for one in (await bench.seen(provider)).instances} == {"leaving"}
        await bench.comes(provider, gone)
        if bench.answers:
            assert time.monotonic() - began >= 0.9
            await bench.until(bench.living, lambda alive: not alive)


@story
@needs("answers")
async def test_who_ends_is_asked_first_and_has_its_grace(bench: ProviderBench) -> None:
    """SIGTERM, then `stop.grace`, then SIGKILL: one that does not listen is ended all the same, and not before."""
    release = bench.release(deaf=1)
    run = bench.run(stop=Stop(drain=0, grace=1.0))
    async with bench.running() as provider:
        await provider.apply(fleet(bench.order(release, run=run)), 1)
        await bench.comes(provider, ready(1))
        began = time.monotonic()
        await provider.apply(fleet(), 1)
        await bench.until(bench.living, lambda alive: not alive)
        assert time.monotonic() - began >= 0.9
        assert "does not listen" in await _said(provider)


@story
async def test_who_leaves_stays_when_more_are_wanted_again(bench: ProviderBench) -> None:
    """People change their minds in mid-flight: an order that wants more takes back those that leave, or starts new
    ones; either way there are as many as asked for, and nobody crashed."""
    run = bench.run(stop=LONG)
    release = bench.release()
    async with bench.running() as provider:
        await provider.apply(fleet(bench.order(release, 2, run)), 1)
        await bench.comes(provider, ready(2))
        await provider.apply(fleet(bench.order(release, 0, run)), 1)
        leaving = await bench.comes(provider, lambda seen: seen.alive() == 0)
        await provider.apply(
            fleet(bench.order(release, 2, run), released=tuple(one.id for one in leaving.instances)), 1
        )
        seen = await bench.comes(provider, ready(2))
        assert seen.crashes == 0
        await provider.end()


@story
async def test_the_engine_is_told_when_something_changed(bench: ProviderBench) -> None:
    """`changed` is called with the service's name when an instance becomes ready, leaves, ends or fails."""
    told: list[str] = []
    async with bench.running() as provider:
        provider.changed = told.append
        await provider.apply(fleet(bench.order(bench.release())), 1)
        await bench.comes(provider, ready(1))
        await bench.until(_told(told), lambda calls: calls == {"shop"})
        told.clear()
        await provider.apply(fleet(), 1)
        await bench.comes(provider, gone)
        await bench.until(_told(told), lambda calls: calls == {"shop"})


@story
async def test_a_group_is_of_the_release_that_is_ordered(bench: ProviderBench) -> None:
    """A group that is known with another release than ordered (an older database was restored) begins anew: the other
    release's instances leave, its counts are forgotten."""
    first, other = bench.release(), bench.release(late=0.1)
    async with bench.running() as provider:
        await provider.apply(fleet(bench.order(first, 2)), 1)
        before = {one.id for one in (await bench.comes(provider, ready(2))).instances}
        await provider.apply(fleet(bench.order(other, 2)), 2)
        seen = await bench.seen(provider)
        assert all(one.state == "leaving" for one in seen.instances if one.id in before)
        seen = await bench.comes(provider, ready(2))
        assert not before & {one.id for one in seen.instances}
        assert (seen.crashes, seen.failed_starts) == (0, 0)
        if bench.answers:
            for one in seen.instances:
                assert (await bench.given(one.address))["cwd"] == str(bench.artifacts.tree(other))
        await provider.end()


@story
@needs("outlives")
async def test_who_was_let_go_says_try_again(bench: ProviderBench) -> None:
    """After `stop` the object holds nothing any more: `apply` and `observe` raise Transient, and change nothing."""
    release = bench.release()
    async with bench.running() as provider:
        await provider.apply(fleet(bench.order(release)), 1)
        before = (await bench.comes(provider, ready(1))).instances
    with pytest.raises(Transient):
        await provider.observe("shop")
    with pytest.raises(Transient):
        await provider.apply(fleet(), 1)
    async with bench.running() as again:
        assert (await bench.comes(again, ready(1))).instances == before
        await again.end()


def _told(told: list[str]) -> Callable[[], Awaitable[set[str]]]:
    async def look() -> set[str]:
        return set(told)

    return look


async def _said(provider: Provider) -> list[str]:
    return [line.text for line in await provider.output("shop")]
