"""A control plane to practise on: the real API, use cases, store and engine, in front of a simulated world whose time
runs faster than ours."""

from __future__ import annotations

import asyncio
import io
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
from plainsail.ports.provider import OutputLine
from plainsail.ports.store import Key
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


class Plane:
    """A running control plane: its address, its token, and the world behind it."""

    def __init__(self, directory: Path, world: World, url: str, context: Context) -> None:
        self.directory, self.world, self.url, self.context = directory, world, url, context
        self.http = httpx2.Client(
            base_url=url + "/api/v1",
            headers={"Authorization": f"Bearer {TOKEN}"},
            timeout=20,
            trust_env=False,
        )

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


class PractisingEngine(Engine):
    """With an instance's last words, which the simulated world has none of."""

    async def output(self, key: Key, group: str | None = None, lines: int = 50) -> tuple[OutputLine, ...]:
        told = (OutputLine("g1-1", "g1", f"line {n}") for n in range(1, 101))
        return tuple(told)[-lines:]


@contextmanager
def practice(
    directory: Path, *, speed: float = 10.0, applied: bool = True, **options: Any
) -> Iterator[Plane]:
    """Run one. `speed`: simulated seconds in a real one."""
    world = World(seed=7, rate=200.0)
    world.now = time.time()
    store = open_store(f"sqlite:///{directory / 'plainsail.db'}")
    (directory / "spool").mkdir()

    worlds = {"production": world}

    async def site(environment: str) -> Site:
        """A world for each environment, as a service may be in several; all have one clock and the same behaviours."""
        if environment not in worlds:
            worlds[environment] = World(seed=7, rate=200.0)
            worlds[environment].now, worlds[environment].behaviours = world.now, world.behaviours
        return Site(router=worlds[environment].router, provider=worlds[environment].provider)

    engine = PractisingEngine(store, site, lambda: world.now, "practice")
    context = Context(
        store=store, artifacts=TreeStore(directory / "releases"), live=engine, drivers=DRIVERS, now=lambda: world.now,
        new_id=lambda: rollout_id(world.now), token_hash=hash_token(TOKEN), spool=directory / "spool", **options,
    )  # fmt: skip
    if applied:
        apply(context, OWNER, [("plainsail.yaml", SPEC)])
    pages = Pages(context.now)
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(context, pages.handlers), port=0, log_config=None, timeout_graceful_shutdown=1
        )
    )

    async def live() -> None:
        while True:
            await asyncio.sleep(TICK)
            for one in tuple(worlds.values()):
                one.advance(TICK * speed)

    async def serve() -> None:
        background = [asyncio.create_task(engine.run()), asyncio.create_task(live())]
        await server.serve()
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    try:
        until(lambda: server.started or not thread.is_alive())
        host, port = server.servers[0].sockets[0].getsockname()
        plane = Plane(directory, world, f"http://{host}:{port}", context)
        yield plane
        plane.http.close()
    finally:
        pages.close()
        server.should_exit = True
        thread.join(20)
        store.close()


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
