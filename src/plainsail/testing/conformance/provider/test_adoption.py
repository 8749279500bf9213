"""Instances outlive the control plane: it is let go or killed, another one comes, and the instances do not notice."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Iterator

import msgspec
import pytest

from plainsail.domain.actions import Fleet
from plainsail.domain.service import Stop
from plainsail.ports.errors import Fenced
from plainsail.testing.conformance.bench import needs, story
from plainsail.testing.conformance.provider.bench import ProviderBench, fleet, gone, ready


@story
@needs("outlives")
async def test_stopping_lets_everything_run_and_starting_finds_it(bench: ProviderBench) -> None:
    """`stop` ends nobody; a new object that is started reports the same instances, ready at once, and the same counts."""
    order = bench.order(bench.release(), 2)
    async with bench.running() as provider:
        await provider.apply(fleet(order), 1)
        before = await bench.comes(provider, ready(2))
        await bench.crash(before.instances[0])
        await bench.comes(provider, lambda seen: seen.crashes == 1)
        before = await bench.comes(provider, ready(2))
        pids = await bench.pids(before)
    assert set(pids.values()) == bench.alive()
    async with bench.running() as again:
        assert await bench.seen(again) == before
        await again.apply(fleet(order), 2)
        for _ in range(20):
            await bench.wait()
        assert await bench.seen(again) == before
        assert await bench.pids(before) == pids
        await again.end()


@story
@needs("outlives")
async def test_epochs_outlive_it_too(bench: ProviderBench) -> None:
    """An older epoch is refused by an object that was started after the newer one was seen."""
    wanted = fleet(bench.order(bench.release()))
    async with bench.running() as provider:
        await provider.apply(wanted, 7)
        await bench.comes(provider, ready(1))
    async with bench.running() as again:
        with pytest.raises(Fenced):
            await again.apply(fleet(), 6)
        await bench.comes(again, ready(1))
        await again.end()


@story
@needs("outlives")
async def test_what_died_while_nobody_looked_is_counted_and_replaced(bench: ProviderBench) -> None:
    """A crash between `stop` and the next `start` is a crash."""
    order = bench.order(bench.release(), 2)
    async with bench.running() as provider:
        await provider.apply(fleet(order), 1)
        before = await bench.comes(provider, ready(2))
    await bench.crash(before.instances[0])
    async with bench.running() as again:
        seen = await bench.comes(again, lambda seen: seen.crashes == 1)
        assert before.instances[0].id not in {one.id for one in seen.instances}
        await again.apply(fleet(order), 2)
        seen = await bench.comes(again, ready(2))
        assert before.instances[1] in seen.instances
        assert (seen.crashes, seen.failed_starts) == (1, 0)
        await again.end()


@story
@needs("outlives")
async def test_who_was_leaving_goes_on_leaving(bench: ProviderBench) -> None:
    """A drain that began before `stop` is finished after `start`, without another order; then the group is forgotten."""
    run = bench.run(stop=Stop(drain=1, grace=5))
    async with bench.running() as provider:
        await provider.apply(fleet(bench.order(bench.release(), 1, run)), 1)
        await bench.comes(provider, ready(1))
        await provider.apply(fleet(), 1)
    async with bench.running() as again:
        assert all(one.state == "leaving" for one in (await bench.seen(again)).instances)
        await bench.comes(again, gone)
        await bench.until(lambda: again.observe("shop"), lambda groups: not groups)
        await bench.until(bench.living, lambda alive: not alive)


@story
@needs("outlives")
async def test_a_new_one_goes_on_where_the_old_one_stopped(bench: ProviderBench) -> None:
    """Stopped right after an order: as many as wanted come, once, and nobody is left over."""
    order = bench.order(bench.release(), 3)
    async with bench.running() as provider:
        await provider.apply(fleet(order), 1)
        await asyncio.sleep(0)
    async with bench.running() as again:
        await again.apply(fleet(order), 1)
        seen = await bench.comes(again, ready(3))
        assert (seen.crashes, seen.failed_starts) == (0, 0)
        assert set((await bench.pids(seen)).values()) == await bench.until(
            bench.living, lambda alive: len(alive) == 3
        )
        await again.end()


@story
@needs("outlives", "registered")
async def test_killed_and_taken_over_the_instances_are_the_same(bench: ProviderBench) -> None:
    """`kill -9` of the control plane's process is a `stop` like any other."""
    wanted = fleet(bench.order(bench.release(), 2))
    with _holder(bench) as holder:
        await asyncio.to_thread(_order, holder, wanted, 2)
        before = bench.alive()
        assert len(before) == 2
    async with bench.running() as provider:
        seen = await bench.seen(provider)
        assert (seen.asked, seen.ready()) == (2, 2)
        await provider.apply(wanted, 2)
        seen = await bench.comes(provider, ready(2))
        assert set((await bench.pids(seen)).values()) == before
        assert (seen.crashes, seen.failed_starts) == (0, 0)
        await provider.end()


@story
@needs("outlives", "registered")
async def test_killed_at_any_moment_there_are_as_many_as_wanted_and_no_strays(bench: ProviderBench) -> None:
    """Also an instance that was being started in the moment of death is known afterwards, or ended."""
    release = bench.release()
    for round in range(4):
        with _holder(bench) as holder:
            for replicas in (round % 3, 2):
                await asyncio.to_thread(_order, holder, fleet(bench.order(release, replicas)))
            await asyncio.sleep(0.02 * round)
    async with bench.running() as provider:
        await provider.apply(fleet(bench.order(release, 2)), 2)
        seen = await bench.comes(provider, ready(2))
        assert (seen.crashes, seen.failed_starts) == (0, 0)
        pids = set((await bench.pids(seen)).values())
        assert await bench.until(bench.living, lambda alive: alive == pids)
        await provider.end()


@story
@needs("outlives")
async def test_ending_ends_everything_and_needs_no_start(bench: ProviderBench) -> None:
    """`end` on a fresh object: it finds what runs, ends it all, and leaves nothing to be found."""
    async with bench.running() as provider:
        await provider.apply(
            fleet(bench.order(bench.release(), 2), bench.order(bench.release(late=0), group="b")), 1
        )
        await bench.comes(provider, ready(2))
        await provider.apply(fleet(bench.order(bench.release()), service="blog"), 1)
        await bench.comes(provider, ready(1), service="blog")
    await bench.make().end()
    assert not bench.alive()
    async with bench.running() as again:
        assert not await again.observe("shop")
        assert not await again.observe("blog")
    await bench.make().end()


HOLDER = """
import asyncio, sys
from pathlib import Path
import msgspec
from plainsail.domain.actions import Fleet
from plainsail.testing.conformance.plugin import registered
from plainsail.testing.conformance.provider.bench import ProviderBench

async def hold(name, directory, settings):
    subject = next(one for one in registered(ProviderBench) if one.name == name)
    bench = subject.placed(Path(directory))
    bench.settings = msgspec.json.decode(settings)
    provider = bench.make()
    await provider.start()
    for line in iter(sys.stdin.readline, ""):
        wanted, wait_for = msgspec.json.decode(line, type=tuple[Fleet, int])
        await provider.apply(wanted, 1)
        while sum(group.ready() for group in await provider.observe("shop")) < wait_for:
            await asyncio.sleep(0.02)
        print("done", flush=True)

asyncio.run(hold(*sys.argv[1:]))
"""


@contextlib.contextmanager
def _holder(bench: ProviderBench) -> Iterator[subprocess.Popen[str]]:
    """A control plane in a process of its own, killed in the end."""
    settings = msgspec.json.encode(bench.settings).decode()
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, bench.name, str(bench.directory), settings],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _order(holder: subprocess.Popen[str], wanted: Fleet, wait_for: int = 0) -> None:
    """Order it there, and wait until so many are ready."""
    assert holder.stdin
    assert holder.stdout
    holder.stdin.write(msgspec.json.encode((wanted, wait_for)).decode() + "\n")
    holder.stdin.flush()
    assert holder.stdout.readline() == "done\n", "the control plane died"
