"""A control plane with its pages, for a browser: as in `tests/api/practice.py`, but its server can be stopped and started
again on the same port, over the same store and the same world."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from tests.api.practice import DRIVERS, TICK, TOKEN, WELL, Plane, PractisingEngine, until

from plainsail.api import create_app
from plainsail.app.access import OWNER, hash_token
from plainsail.app.apply import apply
from plainsail.app.context import Context, rollout_id
from plainsail.domain.events import Event
from plainsail.drivers.stores.sql import open_store
from plainsail.drivers.stores.tree import TreeStore
from plainsail.engine.turn import Site
from plainsail.ports.provider import OutputLine
from plainsail.ports.store import Key, Store
from plainsail.testing.world import Behaviour, World
from plainsail.web.pages import Pages

SPEC = """\
schema: 1
environments:
  staging:
    router: {haproxy: {listen: 127.0.0.1:8080}}
  production:
    router: {haproxy: {listen: 127.0.0.1:8081}}
services:
  shop:
    run:
      command: [bin/serve, --port, "{port}"]
      stop: {drain: 1s, grace: 1s}
    in:
      production:
        replicas: 2
        hosts: [shop.example]
        strategy: [{canary: {steps: [10%, 50%]}}]
        pace: {until: dwell, dwell: 10m, deadline: 60m}
  search:
    run: {command: [bin/serve, --port, "{port}"]}
    in:
      production: {replicas: 1, hosts: [search.example]}
"""
"""A step of the shop's canary stays until somebody moves it, or until the release is found bad."""


class Engine(PractisingEngine):
    """Whose instances say what they are told to say."""

    said: tuple[str, ...] = tuple(f"line {n}" for n in range(1, 101))

    async def output(self, key: Key, group: str | None = None, lines: int = 50) -> tuple[OutputLine, ...]:
        return tuple(OutputLine("g1-1", "g1", text) for text in self.said)[-lines:]


class Stage(Plane):
    """A `Plane` that can be stopped and started again. `speed`: simulated seconds in a real one; `idle`: no engine runs."""

    engine: Engine
    server: uvicorn.Server
    thread: threading.Thread

    def __init__(self, directory: Path, *, speed: float = 5.0, spec: str = SPEC, idle: bool = False) -> None:
        world = World(seed=7, rate=200.0)
        world.now = time.time()
        self.world, self.directory, self.speed, self.port, self.idle = world, directory, speed, 0, idle
        self.store: Store = open_store(f"sqlite:///{directory / 'plainsail.db'}")
        self.worlds = {"production": world}
        (directory / "spool").mkdir()
        self.start()
        super().__init__(directory, world, f"http://127.0.0.1:{self.port}", self.context)
        apply(self.context, OWNER, [("plainsail.yaml", spec)])

    def start(self) -> None:
        """Serve and take turns, on the port it had before; what happened until now is in the store."""
        self.engine = Engine(self.store, self._site, lambda: self.world.now, "stage")
        self.context = Context(
            store=self.store, artifacts=TreeStore(self.directory / "releases"), live=self.engine, drivers=DRIVERS,
            now=lambda: self.world.now, new_id=lambda: rollout_id(self.world.now), token_hash=hash_token(TOKEN),
            spool=self.directory / "spool",
        )  # fmt: skip
        self.pages = Pages(self.context.now)
        app = create_app(self.context, self.pages.handlers)
        self.server = uvicorn.Server(
            uvicorn.Config(app, port=self.port, log_config=None, timeout_graceful_shutdown=1)
        )
        self.thread = threading.Thread(target=asyncio.run, args=(self._serve(),), daemon=True)
        self.thread.start()
        until(lambda: self.server.started or not self.thread.is_alive())
        self.port = self.server.servers[0].sockets[0].getsockname()[1]

    def stop(self) -> None:
        """The control plane ends; its world does not move meanwhile."""
        self.pages.close()
        self.server.should_exit = True
        self.thread.join(30)
        assert not self.thread.is_alive()

    def status(self, service: str = "shop", environment: str = "production") -> Any:
        return self.get(f"/services/{service}/environments/{environment}")

    def rollout(self, service: str = "shop") -> Any:
        """The one under way, else the last."""
        status = self.status(service)
        return status["rollout"] or status["last_rollout"]

    def share(self, release: str, service: str = "shop") -> int:
        """Of users who get it, in basis points, as the router has it."""
        table = self.world.router.tables[service]
        groups = {one["group"] for one in self.status(service)["groups"] if one["release"] == release}
        return sum(part.share_bp for part in table.routes[-1].split if part.group in groups)

    def canary(self, version: str, behaviour: Behaviour = WELL) -> str:
        """Deploy it beside what is live and wait until it has its first share; its digest."""
        release = self.release(version, behaviour)
        self.deploy(release)
        until(lambda: self.share(release) == 1000)
        return release

    def steer(self, verb: str, reason: str = "") -> None:
        """As the command line does, the shop's rollout under way, as soon as it is possible: a step must be in force."""
        id = self.rollout()["id"]
        until(lambda: self.post(f"/rollouts/{id}/{verb}", reason=reason).status_code == 202)

    def flood(self, events: list[Event]) -> None:
        """Write them at once, as if so much had happened."""
        self.store.put_spec({}, {}, None, events)

    async def _site(self, environment: str) -> Site:
        """A world for each environment, as a service may be in several; all have one clock and the same behaviours."""
        if environment not in self.worlds:
            self.worlds[environment] = World(seed=7, rate=200.0)
            self.worlds[environment].now = self.world.now
            self.worlds[environment].behaviours = self.world.behaviours
        return Site(router=self.worlds[environment].router, provider=self.worlds[environment].provider)

    async def _serve(self) -> None:
        alive = () if self.idle else (self.engine.run(), self._live())
        background = [asyncio.create_task(one) for one in alive]
        await self.server.serve()
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)

    async def _live(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            for one in tuple(self.worlds.values()):
                one.advance(TICK * self.speed)


@contextmanager
def stage(directory: Path, *, speed: float = 5.0, spec: str = SPEC, idle: bool = False) -> Iterator[Stage]:
    one = Stage(directory, speed=speed, spec=spec, idle=idle)
    try:
        yield one
    finally:
        one.http.close()
        one.stop()
        one.store.close()
