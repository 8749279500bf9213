"""A control plane in this process, with an ear at its judge and at its router: what was decided from what, and when.

It is wired as `plainsail up` wires it, and drives a real HAProxy and real instances. Times are the monotonic clock's,
which is the same in all processes of a machine.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bench.rig.plane import APP, SERVICE, SPEC
from plainsail.app.access import OWNER
from plainsail.app.apply import apply
from plainsail.app.deploy import deploy
from plainsail.app.releases import make_release
from plainsail.cli.packing import pack
from plainsail.domain.decide import Decision, decide
from plainsail.domain.evidence import Evidence
from plainsail.domain.intents import Intent
from plainsail.domain.observation import Seen
from plainsail.domain.rollout import Rollout, Target
from plainsail.domain.traffic import Traffic
from plainsail.engine import turn as engine_turn
from plainsail.engine.turn import Site
from plainsail.ports.router import Router, RouterSeen
from plainsail.ports.store import Key
from plainsail.testing.conformance.bench import free_port
from plainsail.wiring import build

KEY = Key("shop", "production")


class Look(msgspec.Struct, frozen=True):
    """What one turn decided from; `now` is the engine's clock."""

    at: float
    target: Target
    evidence: Evidence | None
    seen: Seen
    now: float


class Sent(msgspec.Struct, frozen=True):
    """An order to the router: when it was in force."""

    traffic: Traffic
    done: float


class Watched:
    """One service in one environment, from `up` to `down`."""

    def __init__(self, place: Path, steps: str = "[10%, 50%]") -> None:
        self.place = place
        self.port = free_port()
        self.asked = place / "asked"
        self.asked.mkdir(parents=True)
        self.looks: list[Look] = []
        self.sent: list[Sent] = []
        self._text = SPEC.format(address=f"127.0.0.1:{self.port}") + SERVICE.format(
            name="shop", python=json.dumps(sys.executable), replicas=2, steps=steps, until="proven", dwell="1s",
            log=json.dumps(str(self.asked)),
        )  # fmt: skip
        self._plane = build(place / "data")
        self._running: asyncio.Task[None] | None = None

    async def up(self) -> None:
        apply(self._plane.context, OWNER, [("plainsail.yaml", self._text)])
        site = await self._plane.sites.get(KEY.environment)
        heard = Site(_Heard(site.router, self.sent), site.provider)

        async def the_site(environment: str) -> Site:
            return heard

        self._plane.engine._site = the_site
        self._hear(self._decide)
        self._running = asyncio.create_task(self._plane.engine.run())

    async def down(self) -> None:
        self._hear(decide)
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
        declared = self._plane.store.environments()
        await self._plane.sites.stop()
        await self._plane.sites.end(declared)
        self._plane.store.close()

    async def release(self, version: str, within: float = 120.0, **behaviour: object) -> Rollout:
        """Deploy a release that behaves like this; its rollout, when it is over."""
        self.looks.clear()
        self.sent.clear()
        tree = self.place / "releases" / version
        tree.mkdir(parents=True)
        shutil.copy(APP, tree / "app.py")
        (tree / "behaviour.json").write_text(json.dumps({"version": version, **behaviour}))
        packed, context = pack(tree), self._plane.context
        with packed.tar:
            make_release(context, OWNER, packed.tar, digest=packed.digest, service="shop", version=version)
        started = await asyncio.to_thread(deploy, context, OWNER, KEY, packed.digest)
        until = time.monotonic() + within
        while True:
            rollout = await asyncio.to_thread(self._plane.store.rollout, started.id)
            if rollout is not None and rollout.ended():
                return rollout
            if time.monotonic() > until:
                raise AssertionError(f"{version} is not decided after {within:g} s: {rollout}")
            await asyncio.sleep(0.1)

    def _hear(self, decides: object) -> None:
        """In the place where a turn finds its decision."""
        vars(engine_turn)["decide"] = decides

    def _decide(
        self, target: Target, evidence: Evidence | None, intents: Sequence[Intent], seen: Seen, now: float
    ) -> Decision:
        self.looks.append(Look(time.monotonic(), target, evidence, seen, now))
        return decide(target, evidence, intents, seen, now)


class _Heard:
    """The router, and a note of when each order was in force."""

    def __init__(self, router: Router, sent: list[Sent]) -> None:
        self._router, self._sent = router, sent
        self.capabilities = router.capabilities

    async def start(self) -> None:
        await self._router.start()

    async def apply(self, traffic: Traffic, epoch: int) -> None:
        await self._router.apply(traffic, epoch)
        self._sent.append(Sent(traffic, time.monotonic()))

    async def observe(self, service: str) -> RouterSeen:
        return await self._router.observe(service)

    async def remove(self, service: str, epoch: int) -> None:
        await self._router.remove(service, epoch)

    async def stop(self) -> None:
        await self._router.stop()

    async def end(self) -> None:
        await self._router.end()
