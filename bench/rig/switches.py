"""The work of switching versions on one router, the same for all: seven changes from one version to the next."""

from __future__ import annotations

import asyncio
import time

import msgspec

from bench.rig.instances import Town
from bench.rig.way import Table, Way

ALL = 10_000
INSTANCES = 2
"""Of each version."""
GIVEN = 12.0
"""Seconds an instance that was taken out has, until nobody is connected to it; then it is ended nevertheless."""


class Change(msgspec.Struct, frozen=True):
    """One change: when it was ordered and when it was said to be done."""

    what: str
    ordered: float
    done: float
    alone: int | None
    """The one version that is to answer from now on, if it is one."""


class Switcher:
    """One router with its instances, and what was done to it."""

    def __init__(self, way: Way, town: Town) -> None:
        self.way, self._town = way, town
        self.changes: list[Change] = []
        self.ended_with_connections = 0
        """Instances that were still connected to at the end of their time."""
        self._ending: list[asyncio.Task[None]] = []
        self._version = 0
        self._table = Table({"v0": self._open(0)}, {"v0": ALL})

    async def begin(self) -> None:
        await self.way.start(self._table)

    async def cycle(self, every: float) -> None:
        """From one version to the next: in, up by canary, back at once, up at once, and the old out."""
        old, new = f"v{self._version}", f"v{self._version + 1}"
        both = {**self._table.members, new: self._open(self._version + 1)}
        next_ = self._version + 1
        shares = (("add", 0), ("5 %", 500), ("50 %", 5000), ("all", ALL), ("back", 0), ("all", ALL))
        for what, share in shares:
            alone = {0: self._version, ALL: next_}.get(share)
            await self._change(what, Table(both, {old: ALL - share, new: share}), alone, every)
        await self._change("remove", Table({new: both[new]}, {new: ALL}), next_, every)
        if self._version:  # the first version holds the streams
            self._ending += [
                asyncio.create_task(self._end(name, port)) for name, port in both[old].items()
            ]  # fmt: skip
        self._version = next_

    async def over(self) -> None:
        """All instances that were taken out have ended."""
        await asyncio.gather(*self._ending)

    def _open(self, version: int) -> dict[str, int]:
        names = [f"v{version}-{number}" for number in range(INSTANCES)]
        return {name: self._town.open(name, f"v{version}") for name in names}

    async def _change(self, what: str, table: Table, alone: int | None, every: float) -> None:
        ordered = time.monotonic()
        await self.way.apply(table)
        self._table = table
        self.changes.append(Change(what, ordered, time.monotonic(), alone))
        await asyncio.sleep(max(0.0, ordered + every - time.monotonic()))

    async def _end(self, name: str, port: int) -> None:
        until = time.monotonic() + GIVEN
        while not await self.way.left(name, port):
            if time.monotonic() > until:
                self.ended_with_connections += 1
                break
            await asyncio.sleep(0.2)
        self._town.end(name)
