"""Nothing can be recorded, and a release turns bad: users come off it all the same."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from plainsail.domain.driver import Driver
from plainsail.domain.intents import Abort, Deploy
from plainsail.domain.rollout import Revision
from plainsail.domain.service import Environment, Placement, Run, Service, config_digest
from plainsail.domain.strategy import Canary, Pace
from plainsail.drivers.stores.sql import open_store
from plainsail.engine.turn import LEASE, Holding, Site
from plainsail.ports.errors import Broken
from plainsail.ports.store import Key
from plainsail.testing.world import Behaviour, World

KEY = Key("shop", "production")
RUN = Run(("bin/serve",))
PLACE = Placement(replicas=2, strategy=(Canary((1000, 5000)),), pace=Pace(dwell=1e6, deadline=2e6))


class Practice:
    """One service held by one control plane, in the simulated world."""

    def __init__(self, place: Path) -> None:
        self.world = World(1, rate=100.0)
        self.store = open_store(f"sqlite:///{place / 'plainsail.db'}")
        self.store.put_spec(
            {KEY.environment: Environment(Driver("simulated"))},
            {KEY.service: Service(RUN, {KEY.environment: PLACE})}, None, (),
        )  # fmt: skip
        claimed = self.store.claim(KEY, "test", self.world.now, LEASE)
        assert claimed is not None
        site = Site(self.world.router, self.world.provider)
        self.holding = Holding(KEY, claimed, site, self.store, self.world.now)

    def deploy(self, version: str) -> str:
        """The candidate's digest."""
        revision = Revision(f"sha256:{version:0>64}", version, RUN, config_digest(RUN))
        self.store.ask(KEY, Deploy(version, "test", revision, PLACE, PLACE.strategy), self.world.now)
        return revision.release

    async def turns(self, count: int) -> None:
        for _ in range(count):
            self.world.advance(0.1)
            try:
                await self.holding.turn(self.world.now)
            except Broken:
                continue

    def share(self) -> int:
        rollout = self.holding.target.rollout
        return self.holding.seen.share(rollout.candidate) if rollout else 0


def test_a_release_that_turns_bad_while_the_disk_is_full_loses_its_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    practice = Practice(tmp_path)

    def full(*_: Any, **__: Any) -> None:
        raise Broken("disk_full", "there is no room", "make some")

    async def story() -> None:
        practice.deploy("v1")
        await practice.turns(60)
        release = practice.deploy("v2")
        await practice.turns(60)
        assert practice.share() == 1000
        with monkeypatch.context() as patch:
            patch.setattr(practice.store, "save", full)
            good = practice.world.behaviours.get(release, Behaviour())
            practice.world.behaviours[release] = msgspec.structs.replace(good, errors=0.5)
            for one in practice.world.provider.instances(KEY.service):
                if one.group == practice.holding.target.rollout.candidate:  # type: ignore[union-attr]
                    one.behaviour = practice.world.behaviours[release]
            await practice.turns(100)
            assert practice.share() == 0, "off, though nothing could be written"
            rollout = practice.store.rollout("v2")
            assert rollout is not None and rollout.phase == "progressing", "which the record does not know"  # noqa: PT018
        await practice.turns(100)
        rollout = practice.store.rollout("v2")
        assert rollout is not None and rollout.phase == "rolled_back", "and is told when there is room"  # noqa: PT018

    asyncio.run(story())


def test_an_abort_is_not_forgotten_when_only_the_numbers_can_not_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last page of the disk takes the decision; the evidence, which follows it, finds none."""
    practice = Practice(tmp_path)

    def full(*_: Any, **__: Any) -> None:
        raise Broken("disk_full", "there is no room", "make some")

    async def story() -> None:
        practice.deploy("v1")
        await practice.turns(60)
        practice.deploy("v2")
        await practice.turns(60)
        assert practice.share() == 1000
        practice.store.ask(KEY, Abort("v2", "test", "enough"), practice.world.now)
        with monkeypatch.context() as patch:
            patch.setattr(practice.store, "save_evidence", full)
            await practice.turns(30)
            assert practice.share() == 0
        await practice.turns(100)
        rollout = practice.store.rollout("v2")
        assert rollout is not None and rollout.phase == "aborted", "and no turn wrote over it"  # noqa: PT018
        told = [one.event.kind for one in practice.store.events(-1, None, "v2")]
        assert told.count("rollout_turned_back") == 1, told

    asyncio.run(story())
