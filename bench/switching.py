"""Does a switch cost a request? plainsail beside nginx's reload and Caddy's PATCH, the same work under the same load.

Each router is driven at half of what it carries here, all at one rate, and as fast as they go. Meanwhile versions are
switched: instances added, shares moved up, back and up again, the old instances taken out and ended. Counted is what
users got: requests without an answer, connections closed, streams cut, answers of the old version after the change.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bench.results import publish
from bench.rig.counted import AFTER, Carried, Cell, counted
from bench.rig.instances import Town
from bench.rig.machine import cpu, cpu_with_ended, pin
from bench.rig.switches import Switcher
from bench.rig.users import Order, Users
from bench.rig.way import Way
from bench.rig.ways import ways
from bench.told.switching import LOADS, NOBODY, OURS, told

MIX = (0.7, 0.2, 0.1)
"""Parts of all requests: GET and POST over kept connections, GET over new ones."""
OPEN, CLOSED = (64, 24, 12), (24, 6, 2)
"""Most connections by kind, at a rate and as fast as answers come."""
STREAMS = 4
"""Held from the beginning, at the first version, whose instances are the only ones never ended; half are WebSockets."""
USERS, ROUTER = 0, 1
"""Cores: users and instances, and the router alone."""


class Plan(msgspec.Struct, frozen=True):
    """How much is done."""

    cycles: int
    every: float
    """Seconds between switches."""
    before: float
    """Seconds without a change, to compare with."""
    warm: float = 1.0
    """Seconds before anything is measured."""
    rounds: int = 3
    """Of measuring what each carries; the median counts."""
    rate_at_most: float = 1e9


def main(arguments: Sequence[str] = ()) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench switching", description=__doc__)
    parser.add_argument(
        "--cycles", type=int, default=20, help="versions one after another, seven switches each"
    )
    parser.add_argument("--every", type=float, default=0.25, help="seconds between two switches")
    parser.add_argument("--before", type=float, default=6.0, help="seconds without a change, to compare with")
    parser.add_argument("--quick", action="store_true", help="only see that it works; nothing is kept")
    options = parser.parse_args(arguments)
    plan = Plan(options.cycles, options.every, options.before)
    if options.quick:
        plan = Plan(cycles=1, every=0.1, before=0.3, warm=0.2, rounds=1, rate_at_most=200.0)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        bench = Bench(Path(name), plan)
        asyncio.run(bench.run())
    publish(told(arguments, bench.notes, bench.carried, bench.cells), keep=not options.quick)
    return 0 if not any(one.lost() for one in bench.cells if one.way == OURS) else 1


class Bench:
    """One run: every router under every load, each time from a fresh start."""

    def __init__(self, place: Path, plan: Plan) -> None:
        self._place, self._plan = place, plan
        self._starts = 0
        self.notes = [f"{way.name}: {way.note}" for way in self._fresh()]
        self.carried: list[Carried] = []
        self.cells: list[Cell] = []

    async def run(self) -> None:
        rounds: list[list[Carried]] = []
        for _ in range(self._plan.rounds):
            rounds.append([await self._carries(way) for way in (None, *self._fresh())])
        self.carried = [
            sorted(one, key=lambda carried: carried.rate)[len(one) // 2] for one in zip(*rounds, strict=True)
        ]
        own = {one.way: one.rate / 2 for one in self.carried}
        together = min(own.values())
        for load in LOADS:
            for way in self._fresh():
                rate = {"half of its own": own[way.name], "the same for all": together}.get(load)
                self.cells.append(await self._switched(way, load, rate))

    async def _carries(self, way: Way | None) -> Carried:
        """As fast as it goes, without a change."""
        with Town() as town:
            pin(town.pid, USERS)
            if way is not None:
                await Switcher(way, town).begin()
                pin(way.pids()[0], ROUTER)
            users = self._users(way.port if way else town.open("alone", "v0"), None)
            await asyncio.sleep(self._plan.warm)
            used, began = _used(way), time.monotonic()
            await asyncio.sleep(self._plan.before)
            took = time.monotonic() - began
            busy = (_used(way) - used) / took
            samples, summary = users.stop()
            if way is not None:
                await way.end()
        answered = sum(
            began <= at + lasted < began + took
            for at, lasted in zip(samples.began, samples.took, strict=True)
        )
        return Carried(way.name if way else NOBODY, answered / took, busy, summary.cpu)

    async def _switched(self, way: Way, load: str, rate: float | None) -> Cell:
        plan = self._plan
        rate = None if rate is None else min(rate, plan.rate_at_most)
        with Town() as town:
            pin(town.pid, USERS)
            switcher = Switcher(way, town)
            await switcher.begin()
            pin(way.pids()[0], ROUTER)
            users = self._users(way.port, rate)
            await asyncio.sleep(self._plan.warm)
            used, began = _used(way), time.monotonic()
            await asyncio.sleep(plan.before)
            for _ in range(plan.cycles):
                await switcher.cycle(plan.every)
            await asyncio.sleep(AFTER)
            busy = (_used(way) - used) / (time.monotonic() - began)
            samples, summary = users.stop()
            await switcher.over()
            await way.end()
        cell = counted(way.name, load, rate, samples, summary, switcher, began, busy)
        print(
            f"{cell.way:<20} {load:<20} {cell.requests:>8} requests, lost: {cell.failed or 'none'}",
            flush=True,
        )
        return cell

    def _users(self, port: int, rate: float | None) -> Users:
        rates = None if rate is None else (rate * MIX[0], rate * MIX[1], rate * MIX[2])
        order = Order(port, str(self._place / "samples"), CLOSED if rate is None else OPEN, rates, STREAMS)
        users = Users(order)
        pin(users.pid, USERS)
        return users

    def _fresh(self) -> list[Way]:
        """The routers, none of them started, in directories of their own."""
        self._starts += 1
        return ways(self._place / str(self._starts))


def _used(way: Way | None) -> float:
    """Seconds of CPU of the whole router, of workers that have ended as well."""
    if way is None:
        return 0.0
    master, *workers = way.pids()
    return cpu_with_ended(master) + sum(cpu(pid) for pid in workers)
