"""The engine and its store: changed settings are seen at the nudge, and its calls queue behind nobody's."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from plainsail import wiring
from plainsail.domain.driver import Driver
from plainsail.domain.intents import Deploy
from plainsail.domain.rollout import Revision
from plainsail.domain.service import Environment, Placement, Run, Service, config_digest
from plainsail.domain.strategy import BlueGreen
from plainsail.drivers.stores.sql import SqlStore, open_store
from plainsail.drivers.stores.tree import TreeStore
from plainsail.engine.loop import Engine
from plainsail.engine.turn import Site
from plainsail.ports.store import Key
from plainsail.testing.world import World

RUN = Run(("bin/serve",))
KEY = Key("shop", "production")


class Sites(wiring.Sites):
    """A simulated world for each settings of the router."""

    def __init__(self, data: Path, store: SqlStore) -> None:
        super().__init__(data, store, TreeStore(data / "releases"))
        self.worlds: dict[str, World] = {}

    def make(self, environment: str, router: Driver, provider: Driver) -> Site:
        world = self.worlds[str(router.config["listen"])] = World(1, rate=10.0)
        return Site(world.router, world.provider)


def declare(store: SqlStore, listen: str) -> None:
    store.put_spec(
        {KEY.environment: Environment(Driver("simulated", {"listen": listen}))},
        {KEY.service: Service(RUN, {KEY.environment: Placement()})}, None, (),
    )  # fmt: skip


def deploy(store: SqlStore) -> None:
    revision = Revision(f"sha256:{'1':0>64}", "v1", RUN, config_digest(RUN))
    store.ask(KEY, Deploy("r-1", "test", revision, Placement(), (BlueGreen(),)), time.time())


async def until(true: Callable[[], object]) -> None:
    for _ in range(3000):
        if true():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("not within a minute")


async def ended(running: asyncio.Task[None]) -> None:
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def test_changed_settings_take_effect_with_the_nudge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring, "READ_EVERY", 3600.0)  # so nothing but the nudge can tell
    store = open_store(f"sqlite:///{tmp_path / 'plainsail.db'}")
    declare(store, "before")
    deploy(store)

    async def story() -> None:
        sites = Sites(tmp_path, store)
        engine = Engine(store, sites.get, time.time, "test", forget=sites.forget)
        running = asyncio.create_task(engine.run())
        await until(lambda: engine.seen(KEY) is not None)
        assert set(sites.worlds) == {"before"}
        declare(store, "after")
        engine.nudge(KEY)
        await until(lambda: "after" in sites.worlds)
        await ended(running)

    asyncio.run(story())
    store.close()


def test_a_change_during_a_read_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring, "READ_EVERY", 3600.0)
    store = open_store(f"sqlite:///{tmp_path / 'plainsail.db'}")
    declare(store, "before")

    async def story() -> None:
        sites = Sites(tmp_path, store)
        read = store.environments

        def changed_just_then() -> dict[str, Environment]:
            found = read()
            declare(store, "after")
            sites.forget()
            return found

        monkeypatch.setattr(store, "environments", changed_just_then)
        await sites.get(KEY.environment)
        monkeypatch.setattr(store, "environments", read)
        await sites.get(KEY.environment)
        assert list(sites.worlds) == ["before", "after"]

    asyncio.run(story())
    store.close()


def test_a_record_waits_for_none_of_the_other_threads(tmp_path: Path) -> None:
    """All threads of the default executor are busy, with pages, say; what was asked is recorded all the same."""
    world = World(1, rate=10.0)
    store = open_store(f"sqlite:///{tmp_path / 'plainsail.db'}")
    declare(store, "any")
    drawn = threading.Event()

    async def site(environment: str) -> Site:
        return Site(world.router, world.provider)

    async def story() -> None:
        pages = [asyncio.create_task(asyncio.to_thread(drawn.wait, 120.0)) for _ in range(64)]
        try:
            engine = Engine(store, site, lambda: world.now, "test")
            running = asyncio.create_task(engine.run())
            deploy(store)
            engine.nudge(KEY)
            await until(lambda: (found := store.target(KEY)) and found.rollout)
        finally:
            drawn.set()
        await ended(running)
        await asyncio.gather(*pages)
        assert not [one for one in threading.enumerate() if one.name.startswith("plainsail-store")]

    asyncio.run(story())
    store.close()
