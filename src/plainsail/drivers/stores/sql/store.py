"""The store in a database: what changes it. Each method is one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import msgspec
import sqlalchemy as sa

from plainsail.domain.events import Event
from plainsail.domain.evidence import Evidence
from plainsail.domain.intents import Beginning, Intent
from plainsail.domain.release import Release
from plainsail.domain.rollout import Rollout, Target
from plainsail.domain.service import Environment, Notify, Service
from plainsail.drivers.stores.sql import tables
from plainsail.drivers.stores.sql.failures import damaged, translated
from plainsail.drivers.stores.sql.reading import Reading, load_evidence, load_target, of, value
from plainsail.drivers.stores.sql.shapes import encode
from plainsail.ports.errors import Fenced, NotFound, Rejected
from plainsail.ports.store import Claimed, Key, Store


class SqlStore(Reading):
    """`ports.store.Store` over SQLite or PostgreSQL. Safe to call from any thread.

    Built on a store that is whole; `open_store` sees to that.
    """

    def claim(self, key: Key, holder: str, now: float, lease: float) -> Claimed | None:
        """Also None for a target that does not exist."""
        target = tables.target
        free = sa.or_(target.c.held_until <= now, target.c.holder == holder)
        with self._changing() as connection:
            epoch = connection.execute(
                sa.update(target)
                .where(of(target, key), free)
                .values(epoch=target.c.epoch + 1, holder=holder, held_until=now + lease)
                .returning(target.c.epoch)
            ).scalar()
            if epoch is None:
                return None
            found = load_target(connection, key)
            assert found is not None
            evidence = load_evidence(connection, found.rollout.id) if found.rollout else None
        return Claimed(found, epoch, evidence)

    def save(
        self,
        target: Target,
        epoch: int,
        *,
        rollouts: Sequence[Rollout] = (),
        events: Sequence[Event] = (),
        done: Sequence[int] = (),
        due_at: float,
        held_until: float,
    ) -> None:
        """The target's own rollout is written only as one of `rollouts`. A later `held_until` renews the claim."""
        key = Key(target.service, target.environment)
        state = encode(msgspec.structs.replace(target, rollout=None))
        with self._changing() as connection:
            _hold(connection, key, epoch, {**state, "due_at": due_at, "held_until": held_until})
            for rollout in sorted(
                rollouts, key=Rollout.ended, reverse=True
            ):  # One ends before the next begins.
                _put_rollout(connection, rollout)
            if done:
                intent = tables.intent
                connection.execute(
                    sa.update(intent).where(of(intent, key), intent.c.id.in_(done)).values(done=True)
                )
            if any(one.kind == "remove" and one.phase == "succeeded" for one in rollouts):
                _displace(connection, key)
            self._record(connection, events)

    def save_evidence(self, rollout: str, key: Key, epoch: int, evidence: Evidence) -> None:
        with self._changing() as connection:
            _hold(connection, key, epoch, {"epoch": epoch})
            _put(connection, tables.evidence, {"rollout": rollout}, encode(evidence))

    def release_claim(self, key: Key, epoch: int) -> None:
        with self._changing() as connection:
            _hold(connection, key, epoch, {"holder": "", "held_until": 0.0})

    def ask(self, key: Key, intent: Intent, now: float) -> int:
        """Raises NotFound (`target_unknown`); Rejected (`rollout_known`) if its rollout was asked for before."""
        target = tables.target
        makes = intent.rollout if isinstance(intent, Beginning) else None
        with self._changing() as connection:
            known = connection.execute(
                sa.update(target)
                .where(of(target, key))
                .values(due_at=sa.case((target.c.due_at > now, now), else_=target.c.due_at))
            ).rowcount
            if not known:
                raise NotFound(
                    "target_unknown",
                    f"{key.service} has no place in {key.environment}",
                    f"name {key.environment} under `in:` of the service, and apply that",
                )
            id = self._next(connection, "intent", 1)
            row = {"id": id, "asked_at": now, "makes": makes, "done": False, **_names(key), **encode(intent)}
            try:
                connection.execute(sa.insert(tables.intent).values(row))
            except sa.exc.IntegrityError as error:
                raise Rejected(
                    "rollout_known",
                    f"rollout {makes} was asked for before",
                    "look at what became of it; another rollout needs another id",
                ) from error
        return id

    def add_release(self, release: Release, events: Sequence[Event]) -> None:
        """The first stays: if the service has this digest already, nothing is written, events included."""
        table = tables.release
        with self._changing() as connection:
            found = connection.execute(
                sa.select(table.c.digest).where(
                    table.c.digest == release.digest, table.c.service == release.service
                )
            ).first()
            if found is None:
                names = {"digest": release.digest, "service": release.service, "made_at": release.made_at}
                connection.execute(sa.insert(table).values({**names, **encode(release)}))
                self._record(connection, events)

    def put_spec(
        self,
        environments: dict[str, Environment],
        services: dict[str, Service],
        notify: Notify | None,
        events: Sequence[Event],
    ) -> None:
        """A target whose placement is gone from the spec stays: its instances run and users are on them. It goes when
        its service is removed, which is a rollout of its own."""
        with self._changing() as connection:
            _put_spec(connection, "environment", environments)
            _put_spec(connection, "service", services)
            _put_spec(connection, "notify", {} if notify is None else {"": notify})
            _add_targets(
                connection, [Key(name, place) for name, one in services.items() for place in one.placements]
            )
            self._record(connection, events)

    def unplace(self, key: Key, events: Sequence[Event]) -> bool:
        target, rollout, intent = tables.target, tables.rollout, tables.intent
        with self._changing() as connection:
            connection.execute(  # locks its row: nobody asks for a deploy there meanwhile
                sa.update(target).where(of(target, key)).values(due_at=target.c.due_at)
            )
            busy = sa.union_all(
                sa.select(sa.literal(1)).where(of(rollout, key), ~rollout.c.ended),
                sa.select(sa.literal(1)).where(of(intent, key), ~intent.c.done),
            )
            if connection.execute(busy.limit(1)).first() is not None or not _displace(connection, key):
                return False
            self._record(connection, events)
        return True

    def _record(self, connection: sa.Connection, events: Sequence[Event]) -> None:
        """Last in its transaction: the counter is locked from here to the commit."""
        if not events:
            return
        first = self._next(connection, "event", len(events))
        rows = [
            {
                "id": first + place,
                "at": event.at,
                "kind": event.kind,
                "service": event.service,
                "environment": event.environment,
                "rollout": event.rollout,
                "actor": event.by,
                **encode(event),
            }
            for place, event in enumerate(events)
        ]
        connection.execute(sa.insert(tables.event), rows)

    def _next(self, connection: sa.Connection, name: str, count: int) -> int:
        """The first of `count` ids that nobody had."""
        counter = tables.counter
        last = connection.execute(
            sa.update(counter)
            .where(counter.c.name == name)
            .values(value=counter.c.value + count)
            .returning(counter.c.value)
        ).scalar()
        if last is None:
            raise damaged(self._url, f"its counter of {name}s is gone")
        return int(last) - count + 1

    @contextmanager
    def _changing(self) -> Iterator[sa.Connection]:
        with translated(self._url), self._engine.begin() as connection:
            yield connection


def _hold(connection: sa.Connection, key: Key, epoch: int, values: Mapping[str, object]) -> None:
    """Write to the target's row, which locks it, or find that the epoch is another's. First in its transaction."""
    target = tables.target
    held = connection.execute(
        sa.update(target).where(of(target, key), target.c.epoch == epoch).values(values)
    )
    if not held.rowcount:
        raise Fenced(
            "fenced",
            f"{key.service} in {key.environment} was claimed by another control plane since epoch {epoch}",
        )


def _put_rollout(connection: sa.Connection, rollout: Rollout) -> None:
    values = {
        "phase": rollout.phase,
        "ended": rollout.ended(),
        "started_at": rollout.started_at,
        "ended_at": rollout.ended_at,
        **encode(rollout),
    }
    key = Key(rollout.service, rollout.environment)
    _put(connection, tables.rollout, {"id": rollout.id, **_names(key)}, values)


def _put_spec(connection: sa.Connection, kind: str, values: Mapping[str, msgspec.Struct]) -> None:
    """In two statements however many they are: rollouts wait for the lock meanwhile."""
    spec = tables.spec
    found = connection.execute(sa.select(spec.c.name, spec.c.shape, spec.c.state).where(spec.c.kind == kind))
    known = {row.name: {"shape": row.shape, "state": row.state} for row in found}
    rows = {name: encode(value) for name, value in sorted(values.items())}
    fresh = [{"kind": kind, "name": name, **row} for name, row in rows.items() if name not in known]
    changed = [{"which": name, **row} for name, row in rows.items() if known.get(name, row) != row]
    if fresh:
        connection.execute(sa.insert(spec), fresh)
    if changed:
        same = sa.and_(spec.c.kind == kind, spec.c.name == sa.bindparam("which"))
        statement = (
            sa.update(spec).where(same).values(shape=sa.bindparam("shape"), state=sa.bindparam("state"))
        )
        connection.execute(statement, changed)


def _displace(connection: sa.Connection, key: Key) -> bool:
    """Its service is not placed there any more; a service without a place is none. The target's row stays, for what
    happened there is told of it. False if it was not placed there."""
    spec = tables.spec
    same = sa.and_(spec.c.kind == "service", spec.c.name == key.service)
    row = connection.execute(sa.select(spec.c.shape, spec.c.state).where(same)).first()
    if row is None:
        return False
    known = value(Service, "service", key.service, row)
    if key.environment not in known.placements:
        return False
    places = {name: one for name, one in known.placements.items() if name != key.environment}
    if places:
        left = msgspec.structs.replace(known, placements=places)
        connection.execute(sa.update(spec).where(same).values(encode(left)))
    else:
        connection.execute(sa.delete(spec).where(same))
    return True


def _add_targets(connection: sa.Connection, keys: Sequence[Key]) -> None:
    """Those that are missing; due at once, so that somebody takes them."""
    target = tables.target
    rows = connection.execute(sa.select(target.c.service, target.c.environment))
    known = {Key(row.service, row.environment) for row in rows}
    held = {"epoch": 0, "holder": "", "held_until": 0.0, "due_at": 0.0}
    fresh = [
        {**_names(key), **held, **encode(Target(key.service, key.environment))}
        for key in sorted(keys)
        if key not in known
    ]
    if fresh:
        connection.execute(sa.insert(target), fresh)


def _put(
    connection: sa.Connection,
    table: sa.Table,
    key: dict[str, str],
    values: Mapping[str, object],
) -> None:
    """Update or insert. (Both databases can do it in one statement, each in its own dialect.)"""
    same = sa.and_(*(table.c[name] == part for name, part in key.items()))
    if not connection.execute(sa.update(table).where(same).values(values)).rowcount:
        connection.execute(sa.insert(table).values({**key, **values}))


def _names(key: Key) -> dict[str, str]:
    return {"service": key.service, "environment": key.environment}


_: type[Store] = SqlStore
