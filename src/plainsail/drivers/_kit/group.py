"""A group as the provider holds it: its counts, its order, its instances."""

from __future__ import annotations

import logging
from collections.abc import Callable

from msgspec.structs import replace

from plainsail.domain.actions import GroupOrder
from plainsail.domain.observation import GroupSeen
from plainsail.drivers._kit import proc
from plainsail.drivers._kit.instance import Instance, Mishap
from plainsail.drivers._kit.journal import GroupRecord, Journal
from plainsail.drivers._kit.replicas import Moves, moves
from plainsail.ports.errors import Failure

log = logging.getLogger(__name__)


class Group:
    """The record is kept on disk, so that a restart forgets no crash."""

    def __init__(self, record: GroupRecord, journal: Journal) -> None:
        self.record = record
        self.order: GroupOrder | None = None
        self.wanted: int | None = None if record.asked else 0
        """None: nobody has said since the start, and it was not on its way out before."""
        self.instances: dict[str, Instance] = {}
        self.retired: frozenset[str] = frozenset()
        """Instances that are to be replaced; an order that names them no longer doesn't call them back."""
        self.obstacle: Failure | None = None
        """What keeps instances from starting that is not the release's fault."""
        self._journal = journal

    def seen(self) -> GroupSeen:
        record = self.record
        return GroupSeen(
            record.group,
            record.asked,
            tuple(instance.seen() for instance in self.instances.values()),
            record.crashes,
            record.failed_starts,
            record.timed_out,
            record.trouble,
        )

    def ask(self, order: GroupOrder | None) -> None:
        """This order from now on; none: it is to end.

        A group is of one release. If it is known with another (the database is older than the instances: it was
        restored), the other's instances are not what was ordered: they leave, and the counts are not this release's.
        """
        self.order, self.wanted = order, order.replicas if order else 0
        self.retired = (self.retired | {*(order.retire if order else ())}) & self.instances.keys()
        if order and order.release != self.record.release:
            known = self.record
            log.warning(
                "%s of %s was known with another release; that one's instances leave",
                known.group,
                known.service,
            )
            self._note(GroupRecord(known.service, known.group, order.release, boot=known.boot))
        if self.record.asked != self.wanted:
            self._note(replace(self.record, asked=self.wanted))

    def converge(self, released: frozenset[str], begin: Callable[[Group], bool]) -> float | None:
        """Do what the pure decision says; `begin` starts an instance, if it can. When to look again."""
        todo = self._moves(released)
        for id in todo.leave:
            self.instances[id].leave()
        for id in todo.stay:
            self.instances[id].stay()
        for id in todo.end:
            self.instances[id].end()
        any(not begin(self) for _ in range(todo.start))
        return self._moves(released).again_at

    def empty(self) -> bool:
        """Nobody wants it, and nothing of it is left."""
        return self.order is None and self.wanted == 0 and not self.instances

    def count(self, instance: Instance, mishap: Mishap) -> None:
        """Write it down, and wait longer before the next start. The end of a foreign one says nothing of the group."""
        if self._foreign(instance):
            return
        began_at, ready_at = instance.record.began_at, instance.record.ready_at
        backoff = self.record.backoff.failed(began_at, ready_at, proc.uptime())
        self._note(mishap.counted(replace(self.record, backoff=backoff)))

    def hinder(self, obstacle: Failure, since: float) -> None:
        """An instance begun at `since` could not start. Nothing is counted; it tries again after a while."""
        self.obstacle = obstacle
        backoff = self.record.backoff.failed(since, None, proc.uptime())
        self.record = replace(self.record, backoff=backoff)

    def hindered(self) -> Failure | None:
        """The obstacle, as long as instances are missing for it."""
        there = sum(
            one.record.leaving_at is None and not self._foreign(one) for one in self.instances.values()
        )
        if there >= (self.wanted or 0):
            self.obstacle = None
        return self.obstacle

    def _moves(self, released: frozenset[str]) -> Moves:
        hands = [replace(one.hand(), foreign=self._foreign(one)) for one in self.instances.values()]
        return moves(hands, self.wanted, released, self.record.backoff.starts_at(), proc.uptime())

    def _foreign(self, instance: Instance) -> bool:
        """It is no part of what the group is to be: of another release, or retired."""
        return instance.record.release != self.record.release or instance.record.id in self.retired

    def _note(self, record: GroupRecord) -> None:
        self.record = record
        try:
            self._journal.save(record)
        except OSError as error:
            log.error(
                "the counts of %s in %s cannot be written down: %s",
                record.group,
                record.service,
                error.strerror,
            )
