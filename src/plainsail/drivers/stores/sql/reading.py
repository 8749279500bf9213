"""What a store can be asked. Nothing here changes anything, and it works on a full disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa

from plainsail.domain.events import Event
from plainsail.domain.evidence import Evidence
from plainsail.domain.intents import Intent
from plainsail.domain.release import Release
from plainsail.domain.rollout import Rollout, Target
from plainsail.domain.service import Environment, Notify, Service
from plainsail.drivers.stores.sql import tables
from plainsail.drivers.stores.sql.connecting import connect, parse
from plainsail.drivers.stores.sql.failures import translated
from plainsail.drivers.stores.sql.shapes import decode
from plainsail.ports.store import Key, Pending, Written

T = TypeVar("T")

Row = sa.Row[*tuple[Any, ...]]


class Reading:
    """The queries of a store. Safe to call from any thread."""

    def __init__(self, url: str) -> None:
        self._url = parse(url)
        self._engine = connect(self._url)

    def targets(self) -> tuple[Key, ...]:
        target = tables.target.c
        rows = self._rows(
            sa.select(target.service, target.environment).order_by(target.service, target.environment)
        )
        return tuple(Key(row.service, row.environment) for row in rows)

    def due(self, now: float, holder: str) -> tuple[Key, ...]:
        target, intent = tables.target.c, tables.intent.c
        asked = sa.exists().where(
            intent.service == target.service, intent.environment == target.environment, ~intent.done
        )
        rows = self._rows(
            sa.select(target.service, target.environment)
            .where(sa.or_(target.due_at <= now, asked))
            .where(sa.or_(target.held_until <= now, target.holder == holder))
            .order_by(target.due_at, target.service, target.environment)
        )
        return tuple(Key(row.service, row.environment) for row in rows)

    def pending(self, key: Key) -> tuple[Pending, ...]:
        intent = tables.intent
        rows = self._rows(sa.select(intent).where(of(intent, key), ~intent.c.done).order_by(intent.c.id))
        return tuple(_pending(row) for row in rows)

    def asked(self, rollout: str) -> Pending | None:
        intent = tables.intent
        rows = self._rows(sa.select(intent).where(intent.c.makes == rollout, ~intent.c.done))
        return _pending(rows[0]) if rows else None

    def releases(self, service: str | None = None, limit: int | None = None) -> tuple[Release, ...]:
        release = tables.release
        chosen = sa.select(release).order_by(release.c.made_at.desc(), release.c.digest).limit(limit)
        rows = self._rows(chosen if service is None else chosen.where(release.c.service == service))
        return tuple(value(Release, "release", row.digest, row) for row in rows)

    def release(self, digest: str, service: str) -> Release | None:
        release = tables.release
        rows = self._rows(sa.select(release).where(release.c.digest == digest, release.c.service == service))
        return value(Release, "release", digest, rows[0]) if rows else None

    def environments(self) -> dict[str, Environment]:
        return self._spec("environment", Environment)

    def services(self) -> dict[str, Service]:
        return self._spec("service", Service)

    def service(self, name: str) -> Service | None:
        spec = tables.spec
        rows = self._rows(sa.select(spec).where(spec.c.kind == "service", spec.c.name == name))
        return value(Service, "service", name, rows[0]) if rows else None

    def notify(self) -> Notify:
        return self._spec("notify", Notify).get("", Notify())

    def target(self, key: Key) -> Target | None:
        with self._reading() as connection:
            return load_target(connection, key)

    def busy(self) -> tuple[Key, ...]:
        rollout, intent = tables.rollout.c, tables.intent.c
        under_way = self._rows(sa.select(rollout.service, rollout.environment).where(~rollout.ended))
        asked = self._rows(sa.select(intent.service, intent.environment).where(~intent.done))
        return tuple(sorted({Key(row.service, row.environment) for row in (*asked, *under_way)}))

    def rollout(self, id: str) -> Rollout | None:
        rows = self._rows(sa.select(tables.rollout).where(tables.rollout.c.id == id))
        return value(Rollout, "rollout", id, rows[0]) if rows else None

    def rollouts(
        self, service: str | None = None, environment: str | None = None, limit: int = 50
    ) -> tuple[Rollout, ...]:
        rollout = tables.rollout
        query = sa.select(rollout).order_by(rollout.c.started_at.desc(), rollout.c.id.desc()).limit(limit)
        if service is not None:
            query = query.where(rollout.c.service == service)
        if environment is not None:
            query = query.where(rollout.c.environment == environment)
        return tuple(value(Rollout, "rollout", row.id, row) for row in self._rows(query))

    def evidence(self, rollout: str) -> Evidence | None:
        with self._reading() as connection:
            return load_evidence(connection, rollout)

    def events(
        self, after: int = 0, service: str | None = None, rollout: str | None = None, limit: int = 200
    ) -> tuple[Written, ...]:
        event = tables.event
        query = sa.select(event).limit(limit)
        if service is not None:
            query = query.where(event.c.service == service)
        if rollout is not None:
            query = query.where(event.c.rollout == rollout)
        if after < 0:
            rows = self._rows(query.order_by(event.c.id.desc()))[::-1]
        else:
            rows = self._rows(query.where(event.c.id > after).order_by(event.c.id))
        return tuple(Written(row.id, value(Event, "event", row.id, row)) for row in rows)

    def close(self) -> None:
        self._engine.dispose()

    def _spec(self, kind: str, type_: type[T]) -> dict[str, T]:
        spec = tables.spec
        rows = self._rows(sa.select(spec).where(spec.c.kind == kind).order_by(spec.c.name))
        return {row.name: value(type_, kind, row.name, row) for row in rows}

    def _rows(self, query: sa.Select[*tuple[Any, ...]]) -> Sequence[Row]:
        with self._reading() as connection:
            return connection.execute(query).all()

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with translated(self._url), self._engine.execution_options(reading=True).begin() as connection:
            yield connection


def load_target(connection: sa.Connection, key: Key) -> Target | None:
    """With the rollout under way, in one query: of one moment."""
    target, rollout = tables.target, tables.rollout
    under_way = sa.and_(
        rollout.c.service == target.c.service, rollout.c.environment == target.c.environment, ~rollout.c.ended
    )
    row = connection.execute(
        sa.select(
            target.c.shape,
            target.c.state,
            rollout.c.id.label("rollout"),
            rollout.c.shape.label("rollout_shape"),
            rollout.c.state.label("rollout_state"),
        )
        .select_from(target.outerjoin(rollout, under_way))
        .where(of(target, key))
    ).first()
    if row is None:
        return None
    held = value(Target, "target", f"{key.service} in {key.environment}", row)
    if row.rollout is None:
        return held
    return msgspec.structs.replace(
        held, rollout=decode(Rollout, "rollout", row.rollout, row.rollout_shape, row.rollout_state)
    )


def load_evidence(connection: sa.Connection, rollout: str) -> Evidence | None:
    row = connection.execute(sa.select(tables.evidence).where(tables.evidence.c.rollout == rollout)).first()
    return None if row is None else value(Evidence, "evidence", rollout, row)


def of(table: sa.Table, key: Key) -> sa.ColumnElement[bool]:
    """The rows of a target."""
    return sa.and_(table.c.service == key.service, table.c.environment == key.environment)


def value(type_: type[T], table: str, key: object, row: Row) -> T:
    return decode(type_, table, str(key), row.shape, row.state)


def _pending(row: Row) -> Pending:
    intent: Intent = decode(Intent, "intent", str(row.id), row.shape, row.state)  # type: ignore[arg-type]
    return Pending(row.id, intent)
