"""What turns of the engine cost: its real turns and the real store on disk, with the drivers of the simulated world.

So what is measured is our own code, which reads intents, decides, judges and records; not HAProxy and not processes,
which the idle services of the same bench have. Time is the world's, so nothing waits.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from pathlib import Path

import msgspec

from plainsail.domain.criteria import EvidenceCriteria, LatencyCriteria
from plainsail.domain.driver import Driver
from plainsail.domain.intents import Deploy
from plainsail.domain.rollout import Revision
from plainsail.domain.service import (
    Environment,
    Placement,
    Probe,
    Run,
    Service,
    config_digest,
)
from plainsail.domain.strategy import Canary, Pace
from plainsail.drivers.stores.sql import open_store
from plainsail.engine.turn import LEASE, Holding, Site
from plainsail.ports.store import Key
from plainsail.testing.world import World

TICK = 0.1
"""Seconds of the world between two turns of a rollout."""
UNIT_CALLS = 2000
RUN = Run(("bin/serve",), ready=Probe(tcp=True))
PLACE = Placement(
    replicas=2, strategy=(Canary((1000, 5000)),), pace=Pace(dwell=1e6, deadline=2e6),
    evidence=EvidenceCriteria(latency=LatencyCriteria(bound=0.25)),
)  # fmt: skip


class Turns(msgspec.Struct, frozen=True):
    """Medians over ticks, in microseconds of CPU."""

    rollouts: int
    judged: float
    """A turn of a canary that has traffic and is judged."""
    at_rest: float
    """A turn of a service with nothing under way."""
    unit: float
    """One encoding of such a target and its rollout as JSON by msgspec."""


def turns(place: Path, rollouts: int, ticks: int) -> Turns:
    """So many rollouts at once, each with a turn every tick."""
    place.mkdir(parents=True)
    return asyncio.run(_Turning(place, rollouts).run(ticks))


class _Turning:
    def __init__(self, place: Path, rollouts: int) -> None:
        self._store = open_store(f"sqlite:///{place / 'bench.db'}")
        self._world = World(7, rate=400.0)
        self._keys = [Key(f"s{number}", "production") for number in range(rollouts)]
        self._holdings: list[Holding] = []

    async def run(self, ticks: int) -> Turns:
        services = {key.service: Service(RUN, {key.environment: PLACE}) for key in self._keys}
        self._store.put_spec({"production": Environment(Driver("simulated"))}, services, None, ())
        site = Site(self._world.router, self._world.provider)
        for key in self._keys:
            claimed = self._store.claim(key, "bench", self._world.now, LEASE)
            assert claimed is not None
            self._holdings.append(Holding(key, claimed, site, self._store, self._world.now))
        await self._deploy("v1")
        while any(one.target.rollout for one in self._holdings):
            await self._tick()
        for one in self._holdings:
            one.asked = False  # as the engine says when nobody wants anything
        at_rest = [await self._tick() for _ in range(ticks)]
        await self._deploy("v2")
        while not all(
            one.seen.share(one.target.rollout.candidate) for one in self._holdings if one.target.rollout
        ):
            await self._tick()
        judged = [await self._tick() for _ in range(ticks)]
        assert all(one.target.rollout for one in self._holdings), "it is judged to the end"
        self._store.close()
        return Turns(len(self._keys), statistics.mean(judged), statistics.mean(at_rest), self._unit())

    async def _deploy(self, version: str) -> None:
        revision = Revision(f"sha256:{version:0>64}", version, RUN, config_digest(RUN))
        for one in self._holdings:
            intent = Deploy(f"{one.key.service}-{version}", "bench", revision, PLACE, PLACE.strategy)
            self._store.ask(one.key, intent, self._world.now)
            one.asked = True
        await self._tick()

    async def _tick(self) -> float:
        """The world goes on, every target has its turn: microseconds of CPU of one."""
        self._world.advance(TICK)
        began = time.process_time()
        for one in self._holdings:
            await one.turn(self._world.now)
        return 1e6 * (time.process_time() - began) / len(self._holdings)

    def _unit(self) -> float:
        target = self._holdings[0].target
        began = time.process_time()
        for _ in range(UNIT_CALLS):
            msgspec.json.encode(target)
        return 1e6 * (time.process_time() - began) / UNIT_CALLS
