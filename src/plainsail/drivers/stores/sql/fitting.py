"""Whether this plainsail can read what a store holds: asked once, when it is opened, of a few rows of each kind.

An unreadable row among readable ones is damage to one service, which is told where it is met; the others are looked after.
Where none of a kind can be read, the store is of another program, and nothing would work. Of kinds without which a service
goes on (events, evidence, intents, where to notify) none is asked.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from plainsail.domain.release import Release
from plainsail.domain.rollout import Rollout, Target
from plainsail.domain.service import Environment, Service
from plainsail.drivers.stores.sql import tables
from plainsail.drivers.stores.sql.reading import value
from plainsail.ports.errors import Broken

EACH = 3
"""Rows of each kind: the last ones by their keys, most of which grow with time. Found by the key, however many there are."""

KINDS: tuple[tuple[str, Any, sa.Select[Any]], ...] = (
    ("target", Target, sa.select(tables.target)),
    ("rollout", Rollout, sa.select(tables.rollout)),
    ("release", Release, sa.select(tables.release)),
    *(
        (kind, type_, sa.select(tables.spec).where(tables.spec.c.kind == kind))
        for kind, type_ in (("environment", Environment), ("service", Service))
    ),
)


def check_rows(connection: sa.Connection) -> None:
    """Raises Broken (`store_damaged`, `store_newer`), as reading the last row of a kind does, when none of it can be read."""
    for kind, type_, rows in KINDS:
        table = rows.get_final_froms()[0]
        assert isinstance(table, sa.Table)
        keys = tuple(table.primary_key)
        failures: list[Broken] = []
        found = connection.execute(rows.order_by(*(key.desc() for key in keys)).limit(EACH)).all()
        for row in found:
            try:
                value(type_, kind, " ".join(str(getattr(row, key.name)) for key in keys), row)
            except Broken as failure:
                failures.append(failure)
        if failures and len(failures) == len(found):
            raise failures[0]
