"""The control plane dies before or after any call it makes to the store or a driver; the rollout ends the same."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from plainsail.domain.criteria import EvidenceCriteria
from plainsail.domain.driver import Driver
from plainsail.domain.intents import Deploy, Intent, Remove, Restart, Scale
from plainsail.domain.rollout import Revision
from plainsail.domain.service import (
    Document,
    Environment,
    Placement,
    Probe,
    Run,
    Service,
    Stop,
    config_digest,
)
from plainsail.domain.strategy import BlueGreen, Canary, Pace, Recreate, Strategy
from plainsail.drivers.stores.sql import open_store
from plainsail.engine.turn import LEASE, Holding, Site
from plainsail.ports.store import Key, Store
from plainsail.testing.world import Behaviour, World

replace = msgspec.structs.replace

KEY = Key("shop", "production")
RUN = Run(command=("serve",), ready=Probe(tcp=True, within=5.0), stop=Stop(drain=1.0, grace=1.0))

PACE = Pace(until="dwell", dwell=1.0, deadline=20.0, on_unsure="advance")
FRESH = Placement(replicas=2, pace=replace(PACE, bake=2.0), evidence=EvidenceCriteria(compare="baseline"))


class Killed(BaseException):
    """The process is gone, at once."""


class Mortal:
    """Passes calls on, and dies before or after the chosen one."""

    def __init__(self, at: int) -> None:
        self.at, self.calls = at, 0

    def around(self, inner: object) -> Any:
        mortal = self

        class Proxy:
            def __getattr__(self, name: str) -> Any:
                value = getattr(inner, name)
                return mortal.wrap(value) if callable(value) and name != "capabilities" else value

        return Proxy()

    def wrap(self, call: Callable[..., Any]) -> Callable[..., Any]:
        if asyncio.iscoroutinefunction(call):

            async def awaited(*args: Any, **kwargs: Any) -> Any:
                self.dies()
                answer: Awaitable[Any] = await call(*args, **kwargs)
                self.dies()
                return answer

            return awaited

        def called(*args: Any, **kwargs: Any) -> Any:
            self.dies()
            answer = call(*args, **kwargs)
            self.dies()
            return answer

        return called

    def dies(self) -> None:
        self.calls += 1
        if self.calls == self.at:
            raise Killed


def prepared(
    directory: Path, strategy: Strategy, bad: bool, place: Placement | None = None
) -> tuple[Store, World]:
    """A world with v1 live, and v2 asked for."""
    store = open_store(f"sqlite:///{directory / 'plainsail.db'}")
    service = Service(RUN, {"production": Placement(replicas=2)})
    document = Document(1, {"production": Environment(Driver("sim"))}, {"shop": service})
    store.put_spec(document.environments, document.services, None, ())
    world = World(seed=7, rate=300.0)
    place = place or Placement(replicas=2, pace=PACE)
    deploy(store, world, "v1", Behaviour(), strategy, place)
    run(store, world, Mortal(0))
    deploy(store, world, "v2", Behaviour(errors=0.5 if bad else 0.0), strategy, place)
    return store, world


def deploy(
    store: Store, world: World, version: str, behaviour: Behaviour, strategy: Strategy, place: Placement
) -> None:
    digest = "sha256:" + version[-1] * 64
    world.behaviours[digest] = behaviour
    revision = Revision(digest, version, RUN, config_digest(RUN))
    store.ask(KEY, Deploy(f"r-{version}", "dev", revision, place, (strategy,)), world.now)


def run(store: Store, world: World, mortal: Mortal) -> tuple[int, dict[str, object]]:
    """Take turns until all is done, over as many lives as it takes; the deaths, and how the world ended."""
    deaths = 0
    until = world.now + 300.0
    while world.now < until:
        try:
            if asyncio.run(live(store, world, mortal, until)):
                break
        except Killed:
            deaths += 1
            world.advance(0.5)
    target = store.target(KEY)
    assert target is not None
    assert target.rollout is None, "the rollout ends"
    table = world.router.tables.get("shop")
    return deaths, {
        "phases": [rollout.phase for rollout in store.rollouts("shop")],
        "live": [group.revision.version for group in target.groups if group.id == target.live],
        "groups": len(target.groups),
        "share": table.share(target.live or "") if table else 0,
        "placed": store.service("shop") is not None,
        "instances": len(world.provider.instances("shop")),
        "lost": world.lost,
    }


async def live(store: Store, world: World, mortal: Mortal, until: float) -> bool:
    """One life of a control plane. True when nothing is left to do."""
    site = Site(mortal.around(world.router), mortal.around(world.provider))
    claimed = store.claim(KEY, "test", world.now, LEASE)
    assert claimed is not None
    holding = Holding(KEY, claimed, site, mortal.around(store), world.now)
    quiet = 0
    while world.now < until:
        wake_in = await holding.turn(world.now)
        quiet = quiet + 1 if holding.target.rollout is None and wake_in >= 1.0 else 0
        if quiet > 2:
            return True
        world.advance(wake_in)
    return False


CASES = [
    ("canary", Canary((1000, 5000)), False),
    ("canary, taken back", Canary((1000, 5000)), True),
    ("blue-green", BlueGreen(2.0), False),
    ("recreate", Recreate(), False),
]


@pytest.mark.parametrize(("name", "strategy", "bad"), CASES, ids=[case[0] for case in CASES])
def test_killed_at_any_call(name: str, strategy: Strategy, bad: bool, tmp_path: Path) -> None:
    killed_at_any_call(strategy, bad, None, tmp_path)


@pytest.mark.parametrize("bad", [False, True], ids=["and a bake", "taken back"])
def test_killed_at_any_call_with_a_baseline(bad: bool, tmp_path: Path) -> None:
    killed_at_any_call(Canary((1000, 5000)), bad, FRESH, tmp_path)


def killed_at_any_call(strategy: Strategy, bad: bool, asked: Placement | None, directory: Path) -> None:
    store, world = prepared(directory, strategy, bad, asked)
    count = Mortal(0)
    _, undisturbed = run(store, world, count)
    store.close()
    assert undisturbed["share"] == 10_000
    assert undisturbed["groups"] == 1
    step = max(1, count.calls // 30)
    for at in range(1, count.calls, step):
        place = directory / str(at)
        place.mkdir()
        store, world = prepared(place, strategy, bad, asked)
        deaths, ended = run(store, world, Mortal(at))
        store.close()
        assert deaths == 1
        assert ended == undisturbed, f"killed at call {at} of {count.calls}"


UPKEEP: list[tuple[str, Intent, dict[str, object]]] = [
    ("more", Scale("r-1", "ops", 5, 2), {"share": 10_000, "instances": 5, "placed": True}),
    ("fewer", Scale("r-1", "ops", 1, 2), {"share": 10_000, "instances": 1, "placed": True}),
    ("new ones", Restart("r-1", "ops"), {"share": 10_000, "instances": 2, "placed": True}),
    ("none", Remove("r-1", "ops"), {"share": 0, "instances": 0, "placed": False, "live": []}),
]


@pytest.mark.parametrize(("name", "intent", "meant"), UPKEEP, ids=[case[0] for case in UPKEEP])
def test_killed_at_any_call_of_upkeep(
    name: str, intent: Intent, meant: dict[str, object], tmp_path: Path
) -> None:
    def kept(directory: Path, at: int) -> tuple[int, int, dict[str, object]]:
        directory.mkdir()
        store, world = upkeep(directory, intent)
        mortal = Mortal(at)
        deaths, ended = run(store, world, mortal)
        store.close()
        return deaths, mortal.calls, ended

    _, calls, undisturbed = kept(tmp_path / "0", 0)
    assert undisturbed["phases"] == ["succeeded", "succeeded"]
    assert undisturbed["lost"] == 0
    assert {key: undisturbed[key] for key in meant} == meant
    for at in range(1, calls, max(1, calls // 30)):
        deaths, _, ended = kept(tmp_path / str(at), at)
        assert deaths == 1
        assert ended == undisturbed, f"killed at call {at} of {calls}"


def upkeep(directory: Path, intent: Intent) -> tuple[Store, World]:
    """A world with v1 live in two instances, and something asked of it."""
    store = open_store(f"sqlite:///{directory / 'plainsail.db'}")
    store.put_spec(
        {"production": Environment(Driver("sim"))}, {"shop": Service(RUN, {"production": Placement(replicas=2)})}, None, ()
    )  # fmt: skip
    world = World(seed=7, rate=300.0)
    deploy(store, world, "v1", Behaviour(), Canary(), Placement(replicas=2, pace=PACE))
    run(store, world, Mortal(0))
    store.ask(KEY, intent, world.now)
    return store, world
