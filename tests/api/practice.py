"""A control plane to practise on: the real API, use cases, store and engine, in front of a simulated world whose time
runs faster than ours."""

from __future__ import annotations

import asyncio
import io
import tarfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import msgspec
import uvicorn

from plainsail.api import create_app
from plainsail.app.access import OWNER, hash_token
from plainsail.app.apply import apply
from plainsail.app.context import Context, rollout_id
from plainsail.domain.release import Entry, tree_digest
from plainsail.drivers.stores.sql import open_store
from plainsail.drivers.stores.tree import TreeStore
from plainsail.engine.loop import Engine
from plainsail.engine.turn import Site
from plainsail.ports.metrics import Metrics
from plainsail.ports.provider import OutputLine
from plainsail.ports.store import Key, Store
from plainsail.spec.drivers import Drivers
from plainsail.testing.world import Behaviour, World
from plainsail.web.pages import Pages

T = TypeVar("T")

WELL = Behaviour()
TOKEN = "ps_practice"
TICK = 0.02
"""Real seconds between steps of the world."""


class RouterConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    listen: str


class ProviderConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


DRIVERS = Drivers(routers={"haproxy": RouterConfig}, providers={"process": ProviderConfig})

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
        strategy: [{canary: {steps: [10%, 50%]}}]
        pace: {until: dwell, dwell: 3s, deadline: 10m}
"""


class PractisingEngine(Engine):
    """Whose instances say what they are told to say; those of the simulated world have no words of their own."""

    said: tuple[str, ...] = tuple(f"line {n}" for n in range(1, 101))

    async def output(self, key: Key, group: str | None = None, lines: int = 50) -> tuple[OutputLine, ...]:
        return tuple(OutputLine("g1-1", "g1", text) for text in self.said)[-lines:]


class Plane:
    """A running control plane: its address, its token, and the world behind it. It can be stopped and started again, on
    the same port, over the same store and the same world.

    `speed`: simulated seconds in a real one; `idle`: no engine runs; `options`: fields of the context.
    """

    drivers = DRIVERS
    """Those that a spec may name."""
    sources: Mapping[str, Metrics] = {}
    """Metric sources of every environment."""

    def __init__(
        self,
        directory: Path,
        *,
        speed: float = 10.0,
        spec: str | None = SPEC,
        idle: bool = False,
        **options: Any,
    ) -> None:
        self.directory, self.speed, self.idle, self.port = directory, speed, idle, 0
        self.world = World(seed=7, rate=200.0)
        self.world.now = time.time()
        self.worlds = {"production": self.world}
        self.store: Store = open_store(f"sqlite:///{directory / 'plainsail.db'}")
        (directory / "spool").mkdir()
        self._options = options
        self._make()
        if spec is not None:
            apply(self.context, OWNER, [("plainsail.yaml", spec)])
        self._serve()
        self.url = f"http://127.0.0.1:{self.port}"
        self.http = httpx2.Client(
            base_url=self.url + "/api/v1",
            headers={"Authorization": f"Bearer {TOKEN}"},
            timeout=20,
            trust_env=False,
        )

    def start(self) -> None:
        """Serve and take turns, on the port it had before; what happened until now is in the store."""
        self._make()
        self._serve()

    def stop(self) -> None:
        """The control plane ends; its world does not move meanwhile."""
        self.pages.close()
        self.server.should_exit = True
        self.thread.join(30)
        assert not self.thread.is_alive()

    def close(self) -> None:
        self.http.close()
        self.stop()
        self.store.close()

    def _make(self) -> None:
        self.engine = PractisingEngine(self.store, self._site, lambda: self.world.now, "practice")
        self.context = Context(
            store=self.store, artifacts=TreeStore(self.directory / "releases"), live=self.engine, drivers=self.drivers,
            now=lambda: self.world.now, new_id=lambda: rollout_id(self.world.now), token_hash=hash_token(TOKEN),
            spool=self.directory / "spool", **self._options,
        )  # fmt: skip
        self.pages = Pages(self.context.now)
        app = create_app(self.context, self.pages.handlers)
        self.server = uvicorn.Server(
            uvicorn.Config(app, port=self.port, log_config=None, timeout_graceful_shutdown=1)
        )

    def _serve(self) -> None:
        self.thread = threading.Thread(target=asyncio.run, args=(self._run(),), daemon=True)
        self.thread.start()
        until(lambda: self.server.started or not self.thread.is_alive())
        self.port = self.server.servers[0].sockets[0].getsockname()[1]

    async def _run(self) -> None:
        alive = () if self.idle else (self.engine.run(), self._live())
        background = [asyncio.create_task(one) for one in alive]
        await self.server.serve()
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)

    async def _site(self, environment: str) -> Site:
        """A world for each environment, as a service may be in several; all have one clock and the same behaviours."""
        if environment not in self.worlds:
            self.worlds[environment] = World(seed=7, rate=200.0)
            self.worlds[environment].now = self.world.now
            self.worlds[environment].behaviours = self.world.behaviours
        world = self.worlds[environment]
        return Site(router=world.router, provider=world.provider, metrics=self.sources)

    async def _live(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            for one in tuple(self.worlds.values()):
                one.advance(TICK * self.speed)

    def get(self, path: str, **query: Any) -> Any:
        answer = self.http.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, **body: Any) -> httpx2.Response:
        return self.http.post(path, json=body)

    def apply(self, text: str = SPEC) -> Any:
        answer = self.post("/spec", files=[{"name": "plainsail.yaml", "text": text}])
        assert answer.status_code == 200, answer.text
        return answer.json()

    def release(self, version: str, behaviour: Behaviour = WELL, service: str = "shop") -> str:
        """Upload a release that behaves like this; its digest."""
        body, digest = archive({"bin/serve": f"#!/bin/sh\n# {version}\n".encode()})
        self.world.behaviours[digest] = behaviour
        answer = self.http.put(
            f"/releases/{digest}", params={"service": service, "version": version}, content=body
        )
        assert answer.status_code == 201, answer.text
        return digest

    def deploy(self, release: str, environment: str = "production", **options: Any) -> str:
        answer = self.post(f"/services/shop/environments/{environment}/rollouts", release=release, **options)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def ended(self, rollout: str) -> Any:
        return until(lambda: one if (one := self.get(f"/rollouts/{rollout}"))["ended_at"] else None)

    def live(self, version: str) -> str:
        """Deploy it and wait until all users have it; its digest."""
        digest = self.release(version)
        assert self.ended(self.deploy(digest))["phase"] == "succeeded"
        return digest


def practice(directory: Path, *, applied: bool = True, **options: Any) -> closing[Plane]:
    """Run one; `applied`: with `SPEC` from the start."""
    return closing(Plane(directory, spec=SPEC if applied else None, **options))


def archive(files: dict[str, bytes]) -> tuple[bytes, str]:
    """A tar of these, and the digest of its tree."""
    entries = [Entry(path, "exec", sha256(content).hexdigest()) for path, content in files.items()]
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.size, member.mode = len(content), 0o755
            tar.addfile(member, io.BytesIO(content))
    return out.getvalue(), tree_digest(entries)


def until(look: Callable[[], T | None], within: float = 60.0) -> T:
    """The first answer that says something; looks often, gives up late, since machines are slow at times."""
    deadline = time.monotonic() + within
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"nothing after {within:g} s"
        time.sleep(0.05)
