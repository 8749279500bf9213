"""A router outlives the control plane: adopted, killed, stopped, overtaken; users notice as little as can be."""

from __future__ import annotations

import asyncio
import signal
import time

import pytest

from plainsail.domain.traffic import Traffic
from plainsail.domain.units import ALL
from plainsail.ports.errors import Fenced, Transient
from plainsail.ports.router import Router
from plainsail.testing.conformance.bench import PATIENCE, needs, story
from plainsail.testing.conformance.router.bench import RouterBench, by_group


@story
@needs("fencing")
async def test_an_order_of_an_older_epoch_is_refused_and_changes_nothing(bench: RouterBench) -> None:
    """`apply` and `remove` raise Fenced when the service is held under a newer epoch, whichever object gave it."""
    groups = {"one": bench.group("one", 1), "two": bench.group("two", 1)}
    wanted, late = bench.traffic(groups, {"one": ALL}, "one"), bench.traffic(groups, {"two": ALL}, "one")
    async with bench.running() as newer:
        await newer.apply(late, 3)
        async with bench.another() as older:
            await older.apply(wanted, 7)
            for router in (newer, older):
                with pytest.raises(Fenced):
                    await router.apply(late, 6)
                with pytest.raises(Fenced):
                    await router.remove("shop", 6)
                assert (await router.observe("shop")).traffic == wanted
            await older.apply(
                bench.traffic(groups, {"one": ALL}, "one", service="blog", hosts=("b.example",)), 1
            )
            await older.apply(late, 7)
            assert (await newer.observe("shop")).traffic == late


@story
@needs("serves")
async def test_control_planes_come_and_go_and_no_request_is_lost(bench: RouterBench) -> None:
    """`stop` leaves it serving; another object's `start` adopts it as it is, and finds the traffic in force."""
    groups = {"one": bench.group("one", 2), "two": bench.group("two", 2)}
    wanted = bench.traffic(groups, bench.shares(2500), "one")
    async with bench.running() as router:
        await router.apply(wanted, 1)
        kept = bench.user()
        assert (await kept.ask())[0] == 200
        async with bench.asking() as seen:
            await router.stop()
            await asyncio.sleep(0.2)
            for _ in range(3):
                async with bench.another() as again:
                    assert (await again.observe("shop")).traffic == wanted
                    await asyncio.sleep(0.1)
        assert set(by_group(seen)) <= {"one", "two"}
        assert (await kept.ask())[0] == 200, "on the same connection"


@story
@needs("serves")
async def test_ending_leaves_nothing_and_needs_no_start(bench: RouterBench) -> None:
    """`end` on a fresh object: nobody listens any more. Again does no harm."""
    one = bench.group("one", 1)
    async with bench.running() as router:
        await router.apply(bench.traffic({"one": one}, {"one": ALL}, "one"), 1)
        assert await bench.ask() == {(200, "one-0"): 1}
        await router.stop()
        await bench.make().end()
        assert not bench.listened()
        assert (await bench.ask())[(0, "")] == 1
        await bench.make().end()


@story
@needs("serves", "splits")
async def test_it_starts_with_the_last_known_traffic(bench: RouterBench) -> None:
    """Ended and started again (a machine that was rebooted): the first request already meets the table from before."""
    groups = {"one": bench.group("one", 1), "two": bench.group("two", 1)}
    wanted = bench.traffic(groups, {"two": ALL}, "two")
    async with bench.running() as router:
        await router.apply(bench.traffic(groups, {"one": ALL}, "one"), 1)
        await router.apply(wanted, 1)
    async with bench.running() as again:
        assert await bench.ask(20) == {(200, "two-0"): 20}
        assert (await again.observe("shop")).traffic == wanted


@story
@needs("serves", "is_process")
async def test_killed_it_comes_back_as_it_was(bench: RouterBench) -> None:
    """After `kill -9` it is started again by itself or by the next call, with the same table; a call meanwhile says
    Transient, in time."""
    groups = {"one": bench.group("one", 2), "two": bench.group("two", 1)}
    wanted = bench.traffic(groups, bench.shares(2500), "one")
    async with bench.running() as router:
        await router.apply(wanted, 1)
        bench.signal(signal.SIGKILL)
        await _back(bench, router, wanted)
        got = by_group(await bench.ask(200))
        assert set(got) == {"one", "two"}
        await router.apply(bench.traffic(groups, {"two": ALL}, "two"), 1)
        assert by_group(await bench.ask(20)) == {"two": 20}


@story
@needs("serves", "is_process")
async def test_killed_while_nobody_looked_it_comes_back_with_the_next_start(bench: RouterBench) -> None:
    """`start` starts one when none is left, with the last known traffic in place before its first request."""
    groups = {"one": bench.group("one", 1), "two": bench.group("two", 1)}
    wanted = bench.traffic(groups, {"two": ALL}, "two")
    async with bench.running() as router:
        await router.apply(wanted, 1)
        await router.stop()
        bench.signal(signal.SIGKILL)
        async with bench.another() as again:
            await _back(bench, again, wanted)
            assert await bench.ask(20) == {(200, "two-0"): 20}


@story
@needs("serves", "is_process")
async def test_what_does_not_answer_is_said_in_time(bench: RouterBench) -> None:
    """A router that hangs makes `observe` and `apply` raise Transient rather than wait; when it goes on, so does all."""
    one = bench.group("one", 1)
    wanted = bench.traffic({"one": one}, {"one": ALL}, "one")
    async with bench.running() as router:
        await router.apply(wanted, 1)
        bench.signal(signal.SIGSTOP)
        try:
            for call in (router.observe("shop"), router.apply(bench.traffic({"one": one}, {}, "one"), 1)):
                async with asyncio.timeout(PATIENCE):
                    with pytest.raises(Transient):
                        await call
        finally:
            bench.signal(signal.SIGCONT)
        await router.apply(wanted, 1)
        assert (await router.observe("shop")).traffic == wanted
        assert await bench.ask(5) == {(200, "one-0"): 5}


async def _back(bench: RouterBench, router: Router, wanted: Traffic) -> None:
    """Look until it is there again; each look ends."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            async with asyncio.timeout(PATIENCE):
                if (await router.observe("shop")).traffic == wanted:
                    break
        except Transient:
            pass
        assert time.monotonic() < end, "it does not come back"
        await bench.wait()
    await bench.until(bench.ask, lambda got: set(by_group(got)) <= {"one", "two"})
