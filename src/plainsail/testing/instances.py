"""The provider port over simulated instances. Who starts, leaves and ends, and how long a crash loop waits, is decided by
the same pure code as in the process driver."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import msgspec

from plainsail.domain.actions import Fleet, GroupOrder
from plainsail.domain.observation import GroupSeen, Instance, InstanceState
from plainsail.domain.units import seconds
from plainsail.drivers._kit.replicas import Backoff, Hand, Moves, moves
from plainsail.ports.errors import Fenced, Transient
from plainsail.ports.provider import OutputLine, Provider
from plainsail.testing.behaviour import Behaviour

if TYPE_CHECKING:
    from plainsail.testing.world import World


class Running(msgspec.Struct):
    """An instance in the world. Times are the world's."""

    id: str
    group: str
    release: str
    behaviour: Behaviour
    since: float
    within: float
    drain: float
    ready_at: float | None = None
    leaving_at: float | None = None
    well: bool = True
    """Its probe succeeds, once it is ready."""

    @property
    def state(self) -> InstanceState:
        if self.leaving_at is not None:
            return "leaving"
        if self.ready_at is None:
            return "starting"
        return "ready" if self.well else "unready"

    def next_at(self, zero: float) -> float | None:
        """When something will happen to it by itself. `zero` is the world's."""
        behaviour = self.behaviour
        crash = behaviour.crashes_at(self.since, zero)
        at = [] if crash is None else [crash]
        if self.ready_at is None and self.leaving_at is None:
            at.append(self.since + self.within)
            if not behaviour.never_ready:
                at.append(self.since + behaviour.starts_in)
        return min(at, default=None)


class Group(msgspec.Struct):
    """A group as the provider holds it."""

    service: str
    name: str
    release: str
    order: GroupOrder | None = None
    asked: int = 0
    crashes: int = 0
    failed_starts: int = 0
    timed_out: int = 0
    trouble: str = ""
    backoff: Backoff = Backoff()
    again_at: float | None = None
    retired: frozenset[str] = frozenset()
    begun: int = 0
    instances: dict[str, Running] = msgspec.field(default_factory=dict)


class SimProvider:
    """As the process driver does it: what happens is noticed at once, and an instance that is let go ends at once."""

    def __init__(self, world: World) -> None:
        self.changed: Callable[[str], None] = lambda service: None
        self.fails = 0
        """This many coming orders raise Transient."""
        self._world = world
        self._epochs: dict[str, int] = {}
        self._groups: dict[tuple[str, str], Group] = {}
        self._released: dict[str, frozenset[str]] = {}
        self._serial = 0
        self._next: tuple[float, float | None] | None = None
        """The world's `zero`, and when something happens by itself then; None: it is to be worked out anew."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def end(self) -> None:
        self._groups.clear()
        self._next = None

    async def apply(self, fleet: Fleet, epoch: int) -> None:
        if epoch < self._epochs.get(fleet.service, 0):
            raise Fenced("stale", f"epoch {epoch} is older than {self._epochs[fleet.service]}")
        self._epochs[fleet.service] = epoch
        if self.fails:
            self.fails -= 1
            raise Transient("sim", "the provider fails")
        self._next = None
        self._released[fleet.service] = frozenset(fleet.released)
        orders = {order.group: order for order in fleet.groups}
        for name, order in orders.items():
            self._of_release(fleet.service, name, order.release)
        for group in self._of(fleet.service):
            group.order = orders.get(group.name)
            group.asked = group.order.replicas if group.order else 0
            group.retired |= frozenset(group.order.retire if group.order else ()) & group.instances.keys()
        self._converge(fleet.service)

    async def observe(self, service: str) -> tuple[GroupSeen, ...]:
        return tuple(_seen(group) for group in self._of(service))

    async def output(self, service: str, group: str | None = None, lines: int = 50) -> tuple[OutputLine, ...]:
        return ()

    # What the world asks and does.

    def find(self, id: str) -> Running | None:
        return next((group.instances[id] for group in self._groups.values() if id in group.instances), None)

    def any_ready(self, service: str) -> bool:
        return any(one.state == "ready" for one in self.instances(service))

    def instances(self, service: str) -> list[Running]:
        return [one for group in self._of(service) for one in group.instances.values()]

    def kill(self, id: str) -> None:
        """An instance dies."""
        self._next = None
        group = next(group for group in self._groups.values() if id in group.instances)
        self._gone(group, group.instances[id], "killed by signal 9")
        self._converge(group.service)
        self.changed(group.service)

    def next_at(self) -> float | None:
        """When the next thing happens that nobody has to order."""
        zero = self._world.zero
        if self._next is None or self._next[0] != zero:
            times = [at for one in self._running() if (at := one.next_at(zero)) is not None]
            times += [group.again_at for group in self._groups.values() if group.again_at is not None]
            self._next = zero, min(times, default=None)
        return self._next[1]

    def live_on(self) -> None:
        """What has happened by now."""
        now, due = self._world.now, self.next_at()
        if due is None or due > now:
            return
        self._next = None
        changed: dict[str, None] = {}
        for group in list(self._groups.values()):
            for one in list(group.instances.values()):
                if self._lives_on(group, one, now):
                    changed[group.service] = None
            if group.again_at is not None and group.again_at <= now:
                changed[group.service] = None
        for service in changed:
            self._converge(service)
            self.changed(service)

    def _lives_on(self, group: Group, one: Running, now: float) -> bool:
        """Whether anything happened to it."""
        behaviour, starting = one.behaviour, one.state == "starting"
        crash = behaviour.crashes_at(one.since, self._world.zero)
        if crash is not None and now >= crash:
            self._gone(group, one, "exited with status 1")
        elif starting and not behaviour.never_ready and now >= one.since + behaviour.starts_in:
            one.ready_at = now
        elif starting and now >= one.since + one.within:
            group.timed_out += 1
            group.failed_starts += 1
            self._failed(group, one, f"not ready within {seconds(one.within)}")
        else:
            return False
        return True

    def _gone(self, group: Group, one: Running, how: str) -> None:
        if _foreign(one, group):  # says nothing of what the group is now
            del group.instances[one.id]
            return
        lived = f"{how} after {seconds(self._world.now - one.since)}"
        if one.ready_at is None:
            group.failed_starts += 1
            self._failed(group, one, f"{lived} before it was ready")
        else:
            group.crashes += 1
            self._world.router.cut(group.service, one)
            self._failed(group, one, lived)

    def _failed(self, group: Group, one: Running, trouble: str) -> None:
        group.trouble = trouble
        group.backoff = group.backoff.failed(one.since, one.ready_at, self._world.now)
        del group.instances[one.id]

    def _converge(self, service: str) -> None:
        released = self._released.get(service, frozenset())
        for group in self._of(service):
            self._move(group, released)
            if group.order is None and not group.instances:
                del self._groups[service, group.name]

    def _move(self, group: Group, released: frozenset[str]) -> None:
        todo = self._moves(group, released)
        for id in todo.leave:
            group.instances[id].leaving_at = self._world.now
        for id in todo.stay:
            group.instances[id].leaving_at = None
        for id in todo.end:
            del group.instances[id]
        for _ in range(todo.start):
            self._begin(group)
        group.again_at = self._moves(group, released).again_at

    def _moves(self, group: Group, released: frozenset[str]) -> Moves:
        hands = [_hand(one, _foreign(one, group)) for one in group.instances.values()]
        return moves(hands, group.asked, released, group.backoff.starts_at(), self._world.now)

    def _begin(self, group: Group) -> None:
        assert group.order is not None
        self._serial += 1
        group.begun += 1
        id, run = f"{group.name}-{self._serial}", group.order.run
        behaviour = self._world.behaviours.get(group.order.release, Behaviour()).of(group.begun)
        one = Running(
            id, group.name, group.release, behaviour, self._world.now, run.ready.within, run.stop.drain
        )
        group.instances[id] = one
        self._lives_on(group, one, self._world.now)

    def _of_release(self, service: str, name: str, release: str) -> None:
        """The group is there; if it is known with another release it begins anew, and that one's instances leave."""
        known = self._groups.get((service, name))
        if known is None or known.release != release:
            instances = known.instances if known else {}
            self._groups[service, name] = Group(service, name, release, instances=instances)

    def _of(self, service: str) -> list[Group]:
        return [group for (of, _), group in self._groups.items() if of == service]

    def _running(self) -> Iterator[Running]:
        return (one for group in self._groups.values() for one in group.instances.values())


def _seen(group: Group) -> GroupSeen:
    found = tuple(
        Instance(one.id, one.group, one.state, f"sim:{one.id}", one.since) for one in group.instances.values()
    )
    return GroupSeen(
        group.name, group.asked, found, group.crashes, group.failed_starts, group.timed_out, group.trouble
    )


def _foreign(one: Running, group: Group) -> bool:
    """It is no part of what the group is to be."""
    return one.release != group.release or one.id in group.retired


def _hand(one: Running, foreign: bool) -> Hand:
    was_ready = one.ready_at is not None
    return Hand(
        one.id, one.state == "ready", was_ready, one.since, one.drain, one.leaving_at, foreign=foreign
    )


def _is_provider(provider: SimProvider) -> Provider:
    return provider
