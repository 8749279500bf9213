"""Instances as plain processes of this machine, which outlive the control plane that started them."""

from __future__ import annotations

import asyncio
import fcntl
import functools
import logging
import os
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Annotated

import msgspec

from plainsail.domain.actions import Fleet, GroupOrder
from plainsail.domain.observation import GroupSeen
from plainsail.domain.units import Size
from plainsail.drivers._kit import disk, proc
from plainsail.drivers._kit.adoption import find
from plainsail.drivers._kit.group import Group
from plainsail.drivers._kit.instance import Instance, Mishap
from plainsail.drivers._kit.journal import GroupRecord, InstanceRecord, Journal
from plainsail.drivers._kit.output import can_punch
from plainsail.drivers._kit.ports import Ports
from plainsail.drivers._kit.spawn import NoSpace, NotStarted, launch
from plainsail.ports.errors import Broken, Failure, Fenced, Transient
from plainsail.ports.provider import OutputLine, Provider
from plainsail.ports.site import Site

log = logging.getLogger(__name__)

Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
TEND_EVERY = 1.0
"""Seconds between two looks at the size of outputs."""
PREDECESSOR = 5.0
"""Seconds to wait for another control plane to let go of the directory: it may be ending just now."""


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of the `process` provider."""

    first_port: Port = 20_000
    """First port that instances may be given."""
    last_port: Port = 31_999
    """Last port that instances may be given. The default range ends below the ports Linux gives to clients."""
    output_size: Size = 10_000_000
    """An instance's output is rotated when it is larger."""
    output_parts: Annotated[int, msgspec.Meta(ge=1)] = 2
    """Rotated parts kept of an instance's output."""
    ended_groups: Annotated[int, msgspec.Meta(ge=0)] = 5
    """The output of this many ended groups of a service is kept."""


class Process:
    """One object per environment; its directory belongs to one control plane at a time."""

    def __init__(self, config: Config, site: Site) -> None:
        self.changed: Callable[[str], None] = lambda service: None
        self._config, self._site = config, site
        self._ports = Ports(config.first_port, config.last_port)
        self._journal: Journal
        self._groups: dict[tuple[str, str], Group] = {}
        self._released: dict[str, frozenset[str]] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._lives: set[asyncio.Task[None]] = set()
        """One for each instance."""
        self._launches: set[asyncio.Task[tuple[InstanceRecord, tuple[str, ...]]]] = set()
        self._tending: asyncio.Task[None] | None = None
        self._lock: int | None = None
        self._said: set[str] = set()

    async def start(self) -> None:
        with disk.usable(self._site.directory):
            self._site.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = await self._take_over()
            try:
                self._journal = Journal(self._site.directory)
                found = await asyncio.to_thread(find, self._journal)
            except OSError:
                os.close(lock)
                raise
        self._lock = lock
        for record in found.groups:
            self._groups[record.service, record.group] = Group(record, self._journal)
            self._soon(record.service)
        for one in found.alive:
            self._ports.keep(one.port)
            instance = self._add(self._groups[one.service, one.group], one)
            self._live(instance, instance.watch)
        self._tending = asyncio.create_task(self._tend(), name=f"outputs of {self._site.environment}")

    async def apply(self, fleet: Fleet, epoch: int) -> None:
        self._refuse_if_stopped()
        with disk.usable(self._site.directory):
            self._fence(fleet.service, epoch)
        self._released[fleet.service] = frozenset(fleet.released)
        orders = {order.group: order for order in fleet.groups}
        for name, order in orders.items():
            if (fleet.service, name) not in self._groups:
                record = GroupRecord(fleet.service, name, order.release, boot=proc.boot_id())
                self._groups[fleet.service, name] = Group(record, self._journal)
        for group in self._of(fleet.service):
            group.ask(orders.get(group.record.group))
        self._converge(fleet.service)
        for group in self._of(fleet.service):
            if (obstacle := group.hindered()) is not None:
                raise obstacle.with_traceback(None)

    async def observe(self, service: str) -> tuple[GroupSeen, ...]:
        self._refuse_if_stopped()
        return tuple(group.seen() for group in self._of(service))

    async def output(self, service: str, group: str | None = None, lines: int = 50) -> tuple[OutputLine, ...]:
        return await asyncio.to_thread(self._last_lines, service, group, lines)

    async def stop(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        tasks = [*self._lives, *([self._tending] if self._tending else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(
            *tasks, *self._launches, return_exceptions=True
        )  # what is started is written down
        self._ports.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    async def end(self) -> None:
        if self._lock is None:
            await self.start()
        for group in self._groups.values():
            group.ask(None)
            for instance in group.instances.values():
                instance.end()
        while self._lives:
            await asyncio.wait(self._lives)
        for service in {service for service, _ in self._groups}:
            self._converge(service)
        await self.stop()

    # What instances tell.

    def turned(self, instance: Instance) -> None:
        self._soon(instance.record.service)

    def failed(self, instance: Instance, mishap: Mishap) -> None:
        log.warning("%s: %s", instance.record.id, mishap.trouble)
        self._groups[instance.record.service, instance.record.group].count(instance, mishap)
        self._soon(instance.record.service)

    # From what is to what is wanted.

    def _converge(self, service: str) -> None:
        released = self._released.get(service, frozenset())
        again = [group.converge(released, self._begin) for group in self._of(service)]
        for group in self._of(service):
            if group.empty():
                self._forget(group)
        self._at(service, min((at for at in again if at is not None), default=None))

    def _soon(self, service: str) -> None:
        """Converge on the loop's next turn, once for all that happened in this one; and the engine may look."""
        self._at(service, proc.uptime())
        self.changed(service)

    def _at(self, service: str, when: float | None) -> None:
        if (timer := self._timers.pop(service, None)) is not None:
            timer.cancel()
        if when is not None:
            wait = max(0.0, when - proc.uptime())
            self._timers[service] = asyncio.get_running_loop().call_later(wait, self._converge, service)

    def _begin(self, group: Group) -> bool:
        """One more instance; the rest goes on in the background. False: it can't be."""
        assert group.order is not None
        order, run = group.order, group.order.run
        try:
            port = self._ports.take()
        except Broken as broken:
            self._hinder(group, broken, proc.uptime())
            return False
        record = InstanceRecord(
            id=f"{group.record.service}-{order.group}-{secrets.token_hex(3)}",
            service=group.record.service,
            group=order.group,
            release=order.release,
            version=order.version,
            port=port,
            since=time.time(),
            began_at=proc.uptime(),
            ready=run.ready,
            live=run.live,
            stop=run.stop,
        )
        instance = self._add(group, record)
        self._live(instance, functools.partial(self._start, group, instance, order))
        return True

    async def _start(self, group: Group, instance: Instance, order: GroupOrder) -> None:
        launching = asyncio.create_task(asyncio.to_thread(self._launch, instance.record, order))
        self._launches.add(launching)
        launching.add_done_callback(self._launches.discard)
        try:
            record, missing = await asyncio.shield(launching)
        except NotStarted as why:
            await asyncio.to_thread(self._journal.forget_instance, instance.record)
            if isinstance(why, NoSpace):
                self._hinder(group, disk.full(self._site.directory), instance.record.began_at)
            elif instance.record.ending_at is None:
                self.failed(instance, Mishap("failed_start", str(why)))
            return
        group.obstacle = None
        for what in missing:
            self._say_once(f"{instance.record.service}: {what}")
        assert record.process is not None
        instance.launched(record.process, record.cgroups)
        await instance.watch()

    def _launch(self, record: InstanceRecord, order: GroupOrder) -> tuple[InstanceRecord, tuple[str, ...]]:
        try:
            tree = self._site.artifacts.tree(order.release)
        except Failure as failure:
            raise NotStarted(failure.message) from failure
        return launch(record, order.run, self._site.environment, tree, self._journal)

    def _add(self, group: Group, record: InstanceRecord) -> Instance:
        instance = Instance(record, self._journal, self._site.artifacts.tree, self)
        group.instances[record.id] = instance
        return instance

    def _live(self, instance: Instance, life: Callable[[], Awaitable[None]]) -> None:
        task = asyncio.create_task(self._until_gone(instance, life), name=instance.record.id)
        self._lives.add(task)
        task.add_done_callback(self._lives.discard)

    async def _until_gone(self, instance: Instance, life: Callable[[], Awaitable[None]]) -> None:
        record = instance.record
        try:
            await life()
        except Exception:  # a defect of ours; its process, if there is one, is found at the next start
            log.exception("the care for %s failed", record.id)
        del self._groups[record.service, record.group].instances[record.id]
        self._ports.give_back(record.port)
        self._soon(record.service)

    def _hinder(self, group: Group, obstacle: Failure, since: float) -> None:
        group.hinder(obstacle, since)
        self._say_once(str(obstacle))

    def _forget(self, group: Group) -> None:
        record = self._groups.pop((group.record.service, group.record.group)).record
        releases = {other.record.release for other in self._groups.values()}
        instances = {id for other in self._groups.values() for id in other.instances}
        try:
            self._journal.forget_group(record, self._config.ended_groups)
            self._journal.tidy(releases, instances)
        except OSError as error:
            log.error("what is left of %s in %s stays: %s", record.group, record.service, error.strerror)
        self.changed(record.service)

    def _of(self, service: str) -> list[Group]:
        return [group for (owner, _), group in sorted(self._groups.items()) if owner == service]

    # The house.

    def _refuse_if_stopped(self) -> None:
        """What this object remembers is nobody's state any more; another may hold the instances by now."""
        if self._lock is None:
            raise Transient(
                "provider_stopped", f"The instances of {self._site.environment} are not held here any more"
            )

    def _fence(self, service: str, epoch: int) -> None:
        newest = self._journal.epoch(service)
        if epoch < newest:
            raise Fenced(
                "older_epoch", f"Orders of epoch {epoch} for {service} were overtaken by epoch {newest}", ""
            )
        if epoch > newest:
            self._journal.save_epoch(service, epoch)

    async def _take_over(self) -> int:
        """The lock of who gives orders here; the kernel drops it with its holder."""
        lock = os.open(self._site.directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        patience = proc.uptime() + PREDECESSOR
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if proc.uptime() > patience:
                    os.close(lock)
                    raise Transient(
                        "provider_held",
                        f"Another control plane holds the instances of {self._site.environment}",
                        "stop it first, or use another data directory",
                    ) from None
                await asyncio.sleep(0.05)
            else:
                return lock

    async def _tend(self) -> None:
        """Keep outputs small, where the file system can."""
        if not await asyncio.to_thread(can_punch, self._site.directory):
            self._say_once(f"the file system of {self._site.directory} has no holes: output is not rotated")
            return
        size, parts = self._config.output_size, self._config.output_parts
        while True:
            await asyncio.sleep(TEND_EVERY)
            for instance in [one for group in self._groups.values() for one in group.instances.values()]:
                try:
                    if instance.output.size() >= size:
                        await asyncio.to_thread(instance.output.rotate, size, parts)
                except OSError as error:
                    self._say_once(f"the output of {instance.record.id} is not rotated: {error.strerror}")

    def _last_lines(self, service: str, group: str | None, lines: int) -> tuple[OutputLine, ...]:
        return tuple(
            OutputLine(instance, owner, text)
            for owner, instance, output in self._journal.outputs(service, group)
            for text in output.last(lines)
        )

    def _say_once(self, what: str) -> None:
        if what not in self._said:
            self._said.add(what)
            log.warning("%s", what)


def _is_provider(provider: Process) -> Provider:
    return provider
