"""Services in all the situations that an upgrade may find them in, and the production loop over a simulated world."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from plainsail.domain.criteria import ErrorCriteria, EvidenceCriteria, LatencyCriteria
from plainsail.domain.driver import Driver
from plainsail.domain.evidence import Evidence
from plainsail.domain.intents import Deploy, Pause
from plainsail.domain.release import Release
from plainsail.domain.rollout import Revision, Rollout, Target
from plainsail.domain.service import Environment, Placement, Probe, Run, Service, Stop, config_digest
from plainsail.domain.strategy import BlueGreen, Canary, Pace
from plainsail.domain.units import ALL
from plainsail.drivers.stores.sql import SqlStore
from plainsail.engine.turn import LEASE, Holding, Site
from plainsail.ports.store import Key
from plainsail.testing.world import Behaviour, World

RUN = Run(
    ("bin/serve", "--port", "{port}"),
    ready=Probe(http="/healthz", within=5.0),
    stop=Stop(drain=2.0, grace=2.0),
)
CRITERIA = EvidenceCriteria(ErrorCriteria(margin=0.01, max=0.2), LatencyCriteria(margin=0.01))
PACE = Pace(dwell=10.0, deadline=600.0)
SITUATIONS = ("idle", "canary", "turning-back", "paused", "quarantined", "blue-green")
"""Each is a service of that name."""
GOOD, BAD = 2, 3
"""The release that comes; in some situations a bad one."""


def key(service: str) -> Key:
    return Key(service, "production")


def digest(n: int) -> str:
    return f"sha256:{n:064x}"


def placement(service: str) -> Placement:
    strategy = BlueGreen(keep=8.0) if service == "blue-green" else Canary((1000, 5000))
    return Placement(
        replicas=3, hosts=(f"{service}.example",), strategy=(strategy,), pace=PACE, evidence=CRITERIA
    )


def deploy(service: str, n: int, again: bool = False, id: str = "") -> Deploy:
    placed = placement(service)
    return Deploy(
        id or f"{service}-{n}", "ada", Revision(digest(n), f"1.{n}", RUN, config_digest(RUN)), placed,
        placed.strategy, again,
    )  # fmt: skip


class Plane:
    """A control plane: the production loop and a real store, over simulated drivers in virtual time."""

    def __init__(self, store: SqlStore, world: World) -> None:
        self.store, self.world = store, world
        self._site = Site(world.router, world.provider)
        self._held: dict[Key, Holding] = {}
        world.behaviours[digest(BAD)] = Behaviour(errors=0.6)

    def run(self, seconds: float, *services: str) -> None:
        """Turns as they are due, and the world in between."""
        asyncio.run(self._run(self.world.now + seconds, services, lambda: False))

    def until(self, what: str, true: Callable[[], object], *services: str, within: float = 900.0) -> None:
        end = self.world.now + within
        asyncio.run(self._run(end, services, true))
        assert true(), f"{what}: not within {within:g} s"

    def target(self, service: str) -> Target:
        found = self.store.target(key(service))
        assert found is not None
        return found

    def rollout(self, service: str) -> Rollout:
        """Its last."""
        return self.store.rollouts(service)[0]

    def evidence(self, service: str) -> Evidence | None:
        return self.store.evidence(self.rollout(service).id)

    def share(self, service: str, group: str | None) -> int:
        table = self.world.router.tables.get(service)
        return table.share(group) if table is not None and group is not None else 0

    async def _run(self, end: float, services: tuple[str, ...], over: Callable[[], object]) -> None:
        while self.world.now < end and not over():
            wakes = [await self._turn(key(service)) for service in services]
            self.world.advance(min(*wakes, max(0.01, end - self.world.now)))

    async def _turn(self, of: Key) -> float:
        now = self.world.now
        if of not in self._held:
            claimed = self.store.claim(of, "tests", now, LEASE)
            assert claimed is not None, f"{of} is not free"
            self._held[of] = Holding(of, claimed, self._site, self.store, now, aside=_at_once)
        return await self._held[of].turn(now)


async def _at_once(call: Callable[..., Any], *arguments: Any, **more: Any) -> Any:
    return call(*arguments, **more)


def begin(store: SqlStore) -> None:
    """The spec and the releases of all situations."""
    store.put_spec(
        {"production": Environment(router=Driver("haproxy", {"listen": "127.0.0.1:8081"}))},
        {service: Service(RUN, {"production": placement(service)}) for service in SITUATIONS}, None, (),
    )  # fmt: skip
    for service in SITUATIONS:
        for n in (1, GOOD, BAD):
            store.add_release(Release(digest(n), service, f"1.{n}", made_at=float(n)), ())


def arrive(plane: Plane) -> None:
    """Bring each service into its situation."""
    first = [plane.store.ask(key(service), deploy(service, 1), plane.world.now) for service in SITUATIONS]
    assert first
    plane.until("all are live", lambda: all(_idle(plane, service) for service in SITUATIONS), *SITUATIONS)
    ways: dict[str, Callable[[Plane], None]] = {
        "canary": _mid_canary, "turning-back": _turning_back, "paused": _paused, "quarantined": _quarantined,
        "blue-green": _blue_green,
    }  # fmt: skip
    for service, way in ways.items():
        n = BAD if service in ("turning-back", "quarantined") else GOOD
        plane.store.ask(key(service), deploy(service, n), plane.world.now)
        way(plane)


def _idle(plane: Plane, service: str) -> bool:
    target = plane.target(service)
    return target.rollout is None and plane.share(service, target.live) == ALL


def _mid_canary(plane: Plane) -> None:
    plane.until("it has half of the users", lambda: plane.rollout("canary").reached_bp == 5000, "canary")
    plane.run(2.0, "canary")


def _turning_back(plane: Plane) -> None:
    plane.until(
        "it is on its way back", lambda: plane.rollout("turning-back").phase == "rolling_back", "turning-back"
    )


def _paused(plane: Plane) -> None:
    plane.until("it has users", lambda: plane.rollout("paused").reached_bp == 1000, "paused")
    plane.run(1.0, "paused")
    plane.store.ask(key("paused"), Pause("paused-2", "bob", "lunch"), plane.world.now)
    plane.until("it is paused", lambda: plane.rollout("paused").phase == "paused", "paused")


def _quarantined(plane: Plane) -> None:
    plane.until(
        "it was taken back", lambda: plane.rollout("quarantined").phase == "rolled_back", "quarantined"
    )


def _blue_green(plane: Plane) -> None:
    plane.until("all users are moved", lambda: plane.rollout("blue-green").reached_bp == ALL, "blue-green")
    plane.run(2.0, "blue-green")


_: Callable[..., Awaitable[Any]] = _at_once
