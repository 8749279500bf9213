"""A simulated world in virtual time: instances, a router and users behind the real ports, driven by one seed.

Nothing in it awaits, so a port's coroutine can be run to its end without an event loop (`done`).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import msgspec

from plainsail.domain.actions import Fleet, GroupOrder
from plainsail.domain.observation import Counts, GroupSeen, Instance, InstanceState, Seen
from plainsail.domain.traffic import Traffic
from plainsail.domain.units import ALL
from plainsail.ports.errors import Fenced, Transient
from plainsail.ports.provider import OutputLine
from plainsail.ports.router import Capabilities, RouterSeen

T = TypeVar("T")


class Behaviour(msgspec.Struct, frozen=True):
    """How a release's instances behave."""

    starts_in: float = 1.0
    """Seconds until ready."""
    errors: float = 0.0
    """Part of requests answered 5xx."""
    slow: float = 0.0
    """Part of requests slower than the bound."""
    crash_after: float | None = None
    """Seconds of life."""
    never_ready: bool = False
    lies: bool = False
    """Says it is ready and then answers nothing."""


class Running(msgspec.Struct):
    """An instance in the world."""

    id: str
    group: str
    behaviour: Behaviour
    since: float
    within: float
    drain: float
    state: InstanceState = "starting"
    leaving_at: float = 0.0
    sessions: int = 0


class World:
    """Time, releases' behaviours, and what users got."""

    def __init__(self, seed: int = 0, rate: float = 100.0) -> None:
        self.now = 1_000_000.0
        self.random = random.Random(seed)
        self.rate = rate
        """Requests per second of each service."""
        self.behaviours: dict[str, Behaviour] = {}
        """By release digest."""
        self.provider = SimProvider(self)
        self.router = SimRouter(self)
        self.answered = 0
        self.user_errors = 0
        self.lost = 0
        """Requests that went where nobody was although somebody was ready: plainsail's fault."""

    def advance(self, seconds: float) -> None:
        """Let time pass: instances start, crash and end; users ask and are answered."""
        self.now += seconds
        self.provider.live_on()
        for service in self.router.tables:
            self._users(service, seconds)

    def look(self, service: str) -> Seen:
        """What a control plane would see now; a router that fails is seen as not answering."""
        groups = {found.group: found for found in done(self.provider.observe(service))}
        try:
            router = done(self.router.observe(service))
        except Transient:
            return Seen(at=self.now, groups=groups, router_up=False)
        return Seen(
            at=self.now, groups=groups, traffic=router.traffic, sessions=router.sessions, counts=router.counts
        )

    def _users(self, service: str, seconds: float) -> None:
        table = self.router.tables[service]
        expected = self.rate * seconds
        requests = int(expected) + (self.random.random() < expected % 1)
        for part in table.routes[-1].split if table.routes else ():
            mine = self._binomial(requests, part.share_bp / ALL)
            self._ask(table, part.group, mine)

    def _ask(self, table: Traffic, group: str, requests: int) -> None:
        there = [self.provider.find(member.instance) for member in table.members.get(group, ())]
        able = [one for one in there if one is not None and one.state in ("ready", "leaving", "unready")]
        backup = [self.provider.find(member.instance) for member in table.members.get(table.live or "", ())]
        shielded = (
            table.shield.enabled
            and group != table.live
            and any(one and one.state == "ready" for one in backup)
        )
        if not able:
            if self.provider.any_ready(table.service):
                self.lost += 0 if shielded else requests
            self.router.count(table.service, group, requests, requests, 0, requests if shielded else 0)
            self.user_errors += 0 if shielded else requests
            return
        behaviour = able[0].behaviour
        failed = self._binomial(requests, 1.0 if behaviour.lies else behaviour.errors)
        slow = self._binomial(requests, behaviour.slow)
        self.answered += requests
        self.user_errors += 0 if shielded else failed
        self.router.count(table.service, group, requests, failed, slow, failed if shielded else 0)

    def _binomial(self, n: int, p: float) -> int:
        if p <= 0 or n <= 0:
            return 0
        if p >= 1:
            return n
        if n > 200:
            return min(n, max(0, round(self.random.gauss(n * p, (n * p * (1 - p)) ** 0.5))))
        return sum(self.random.random() < p for _ in range(n))


class SimProvider:
    """The provider port over simulated instances."""

    def __init__(self, world: World) -> None:
        self.changed: Callable[[str], None] = lambda service: None
        self.fails = 0
        """This many coming orders raise Transient."""
        self._world = world
        self._epochs: dict[str, int] = {}
        self._orders: dict[tuple[str, str], GroupOrder] = {}
        self._groups: dict[tuple[str, str], GroupSeen] = {}
        self._running: dict[str, Running] = {}
        self._service: dict[str, str] = {}
        self._wait_until: dict[str, float] = {}
        self._serial = 0

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def end(self) -> None:
        self._running.clear()

    async def apply(self, fleet: Fleet, epoch: int) -> None:
        if epoch < self._epochs.get(fleet.service, 0):
            raise Fenced("stale", f"epoch {epoch} is older than {self._epochs[fleet.service]}")
        self._epochs[fleet.service] = epoch
        if self.fails:
            self.fails -= 1
            raise Transient("sim", "the provider fails")
        wanted = {order.group: order for order in fleet.groups}
        for (service, group), _ in list(self._groups.items()):
            if service == fleet.service and group not in wanted:
                self._resize(service, group, 0)
        for group, order in wanted.items():
            key = (fleet.service, group)
            if key not in self._groups:
                if not order.replicas:
                    continue
                self._groups[key] = GroupSeen(group, 0)
            self._orders[key] = order
            self._resize(fleet.service, group, order.replicas)
        for id in fleet.released:
            if id in self._running and self._running[id].state == "leaving":
                del self._running[id]
        self._forget()

    async def observe(self, service: str) -> tuple[GroupSeen, ...]:
        return tuple(
            msgspec.structs.replace(
                group,
                instances=tuple(
                    Instance(one.id, one.group, one.state, f"sim:{one.id}", one.since)
                    for one in self._of(service, group.group)
                ),
            )
            for (of, _), group in self._groups.items()
            if of == service
        )

    async def output(self, service: str, group: str | None = None, lines: int = 50) -> tuple[OutputLine, ...]:
        return ()

    def find(self, id: str) -> Running | None:
        return self._running.get(id)

    def any_ready(self, service: str) -> bool:
        return any(
            one.state == "ready" and self._service[one.id] == service for one in self._running.values()
        )

    def instances(self, service: str) -> list[Running]:
        return [one for one in self._running.values() if self._service[one.id] == service]

    def kill(self, id: str) -> None:
        """An instance dies."""
        one = self._running.pop(id)
        key = (self._service[id], one.group)
        group = self._groups[key]
        if one.state in ("ready", "unready"):
            self._groups[key] = msgspec.structs.replace(
                group, crashes=group.crashes + 1, trouble="was killed"
            )
        elif one.state == "starting":
            self._groups[key] = msgspec.structs.replace(
                group, failed_starts=group.failed_starts + 1, trouble="ended before it was ready"
            )
        self._wait_until[one.group] = self._world.now + 1.0

    def live_on(self) -> None:
        """What has happened by now."""
        now = self._world.now
        for one in list(self._running.values()):
            age, behaviour = now - one.since, one.behaviour
            if one.state == "starting" and not behaviour.never_ready and age >= behaviour.starts_in:
                one.state = "ready"
            elif one.state == "starting" and age > one.within:
                key = (self._service[one.id], one.group)
                self.kill(one.id)
                group = self._groups[key]
                self._groups[key] = msgspec.structs.replace(
                    group, timed_out=group.timed_out + 1, trouble=f"not ready within {one.within:g} s"
                )
                continue
            if behaviour.crash_after is not None and age >= behaviour.crash_after and one.state != "leaving":
                self.kill(one.id)
            elif one.state == "leaving" and now - one.leaving_at > one.drain:
                del self._running[one.id]
        self._forget()

    def _resize(self, service: str, group: str, replicas: int) -> None:
        key = (service, group)
        self._groups[key] = msgspec.structs.replace(self._groups[key], asked=replicas)
        staying = [one for one in self._of(service, group) if one.state != "leaving"]
        surplus = max(0, len(staying) - replicas)
        for one in sorted(staying, key=lambda one: (one.state == "ready", -one.since))[:surplus]:
            one.state, one.leaving_at = "leaving", self._world.now
        if self._wait_until.get(group, 0.0) > self._world.now:
            return
        for _ in range(replicas - len(staying)):
            order = self._orders[key]
            self._serial += 1
            id = f"{group}-{self._serial}"
            behaviour = self._world.behaviours.get(order.release, Behaviour())
            self._running[id] = Running(
                id, group, behaviour, self._world.now, order.run.ready.within, order.run.stop.drain
            )
            self._service[id] = service

    def _of(self, service: str, group: str) -> list[Running]:
        return [
            one for one in self._running.values() if one.group == group and self._service[one.id] == service
        ]

    def _forget(self) -> None:
        for (service, group), seen in list(self._groups.items()):
            if not seen.asked and not self._of(service, group):
                del self._groups[(service, group)]


class SimRouter:
    """The router port over a table in memory, which may fail to answer, and may forget everything."""

    capabilities = Capabilities(shield=True, fencing=True, counts=True)

    def __init__(self, world: World) -> None:
        self.tables: dict[str, Traffic] = {}
        self.away_until = 0.0
        self._world = world
        self._epochs: dict[str, int] = {}
        self._counts: dict[str, dict[str, Counts]] = {}

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def end(self) -> None:
        self.tables.clear()

    async def apply(self, traffic: Traffic, epoch: int) -> None:
        self._answers()
        if epoch < self._epochs.get(traffic.service, 0):
            raise Fenced("stale", f"epoch {epoch} is older than {self._epochs[traffic.service]}")
        self._epochs[traffic.service] = epoch
        self.tables[traffic.service] = traffic

    async def observe(self, service: str) -> RouterSeen:
        self._answers()
        return RouterSeen(self.tables.get(service), {}, dict(self._counts.get(service, {})))

    async def remove(self, service: str, epoch: int) -> None:
        self._answers()
        self.tables.pop(service, None)

    def forget(self) -> None:
        """It is started anew with nothing."""
        self.tables.clear()
        self._counts.clear()

    def count(self, service: str, group: str, requests: int, failures: int, slow: int, shielded: int) -> None:
        before = self._counts.setdefault(service, {}).get(group, Counts())
        self._counts[service][group] = Counts(
            before.requests + requests,
            before.failures + failures,
            before.shielded + shielded,
            before.slow + slow,
        )

    def _answers(self) -> None:
        if self._world.now < self.away_until:
            raise Transient("sim", "the router does not answer")


def done(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never waits."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        answer: T = stop.value
        return answer
    raise AssertionError("it waits for something outside the simulated world")
