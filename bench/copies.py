"""What a shadow costs the router: HAProxy's CPU for a request that is copied and compared, beside one that is not.

Rounds without and with copies, one after the other in one run, at one rate; the same HAProxy, switched by its map.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench.results import Result, Table, found, publish
from bench.rig.machine import cpu, family, version
from plainsail.domain.traffic import Mirror
from plainsail.domain.units import ALL
from plainsail.drivers.routers.haproxy import HAProxy, binary
from plainsail.local.load import Load
from plainsail.testing.conformance.router.bench import RouterBench

Round = tuple[float, float]
"""Microseconds of HAProxy's CPU for a request, without copies and with them."""
SETTLES = 0.5
"""Seconds before a round is measured."""


def main(arguments: Sequence[str] = ()) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench copies", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="each without and with copies")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each half of a round")
    parser.add_argument("--rate", type=float, default=200.0, help="requests a second")
    parser.add_argument("--quick", action="store_true", help="only see that it works; nothing is kept")
    options = parser.parse_args(arguments)
    rounds, seconds = (1, 1.0) if options.quick else (options.rounds, options.seconds)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        measured, dropped, failed = asyncio.run(_measured(Path(name), rounds, seconds, options.rate))
    publish(told(arguments, measured, dropped, failed), keep=not options.quick)
    return 0


def told(arguments: Sequence[str], rounds: Sequence[Round], dropped: int, failed: int) -> Result:
    ratios = [with_copies / without for without, with_copies in rounds]
    middle = statistics.median(ratios)
    return found(
        "copies",
        arguments,
        [
            Table(
                f"HAProxy's CPU for one request, median of {len(rounds)} alternating rounds",
                ("Requests", "µs of CPU", "times those that are not copied"),
                (
                    ("not copied", f"{statistics.median(one for one, _ in rounds):.0f}", ""),
                    (
                        "copied and compared",
                        f"{statistics.median(one for _, one in rounds):.0f}",
                        f"{middle:.1f} ({min(ratios):.1f} to {max(ratios):.1f})",
                    ),
                ),
            )
        ],
        findings=[
            f"Of the users' requests {failed:,} failed, and {dropped:,} copies were dropped.",
        ],
        losses=[
            f"A request that is copied takes {middle:.1f} times the router's CPU: it is sent by Lua, through the router itself, "
            "and both answers are looked at.",
        ],
        versions=[f"HAProxy {version(binary.find(None), '-v')}"],
    )


async def _measured(place: Path, rounds: int, seconds: float, rate: float) -> tuple[list[Round], int, int]:
    """And how many copies were dropped, and requests failed."""
    bench = RouterBench("haproxy", HAProxy, place)
    try:
        one, two = bench.group("one", 2), bench.group("two", 2)
        async with bench.running() as router:
            groups, everybody = {"one": one, "two": two}, {"one": ALL}
            plain = bench.traffic(groups, everybody, "one")
            copied = bench.traffic(groups, everybody, "one", mirror=Mirror("two", ALL, ("GET",)))
            await router.apply(plain, 1)
            pids = _haproxys(place)
            load = Load(f"127.0.0.1:{bench.port}", rate).start()
            taken: list[Round] = []
            for _ in range(rounds):
                halves = []
                for table in (plain, copied):
                    await router.apply(table, 1)
                    await asyncio.sleep(SETTLES)
                    halves.append(await _half(load, pids, seconds))
                taken.append((halves[0], halves[1]))
            dropped = sum(one.dropped for one in (await router.observe("shop")).mirrored.values())
            samples = await asyncio.to_thread(load.stop)
            return taken, dropped, sum(sample.outcome != "ok" for sample in samples)
    finally:
        bench.clear()


async def _half(load: Load, pids: Sequence[int], seconds: float) -> float:
    """Microseconds of CPU for each request that ended in this time. (The looks of a control plane are in neither half.)"""
    used, asked = sum(map(cpu, pids)), len(load.samples)
    until = time.monotonic() + seconds
    while time.monotonic() < until:  # noqa: ASYNC110  (it is the clock that is waited for)
        await asyncio.sleep(0.05)
    return (sum(map(cpu, pids)) - used) * 1_000_000 / max(1, len(load.samples) - asked)


def _haproxys(place: Path) -> list[int]:
    """The master and its worker, which work below this directory."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                below = (entry / "cwd").readlink().is_relative_to(place)
            except OSError:
                continue
            if below and len(found_pids := family(int(entry.name))) > 1:
                return found_pids
    raise RuntimeError("HAProxy does not run where it was started")
