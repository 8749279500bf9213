"""The tables as of revision `HEAD`. A change here comes with a new file in `migrations/versions`.

Columns exist for what is searched, ordered or fenced by; everything else of a value is in its row's `state`, a JSON
document of the domain's type as of version `shape`. Types are those that SQLite and PostgreSQL share; times are seconds
since 1970.
"""

from __future__ import annotations

import sqlalchemy as sa

HEAD = "0001"
"""The newest revision in `migrations/versions`; four digits that grow."""

metadata = sa.MetaData()

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
"""64 bits in both; SQLite keeps rows in the order of their id only if the type is called INTEGER."""


def _document() -> tuple[sa.Column[int], sa.Column[str]]:
    return sa.Column("shape", sa.Integer, nullable=False), sa.Column("state", sa.Text, nullable=False)


target = sa.Table(
    "target",
    metadata,
    sa.Column("service", sa.Text, primary_key=True),
    sa.Column("environment", sa.Text, primary_key=True),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("held_until", sa.Float, nullable=False),
    sa.Column("due_at", sa.Float, nullable=False),
    *_document(),
)

rollout = sa.Table(
    "rollout",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("service", sa.Text, nullable=False),
    sa.Column("environment", sa.Text, nullable=False),
    sa.Column("phase", sa.Text, nullable=False),
    sa.Column("ended", sa.Boolean, nullable=False),
    sa.Column("started_at", sa.Float, nullable=False),
    sa.Column("ended_at", sa.Float),
    *_document(),
    sa.ForeignKeyConstraint(["service", "environment"], ["target.service", "target.environment"]),
)
sa.Index("rollout_by_target", rollout.c.service, rollout.c.environment, rollout.c.started_at)
sa.Index(  # The target's row doesn't hold the rollout under way: it is this one, and the database sees to it.
    "rollout_under_way",
    rollout.c.service,
    rollout.c.environment,
    unique=True,
    sqlite_where=~rollout.c.ended,
    postgresql_where=~rollout.c.ended,
)

evidence = sa.Table(
    "evidence",
    metadata,
    sa.Column("rollout", sa.Text, sa.ForeignKey("rollout.id"), primary_key=True),
    *_document(),
)

event = sa.Table(
    "event",
    metadata,
    sa.Column("id", ID, primary_key=True, autoincrement=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("service", sa.Text, nullable=False),
    sa.Column("environment", sa.Text, nullable=False),
    sa.Column("rollout", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    *_document(),
)
sa.Index("event_by_service", event.c.service, event.c.id)
sa.Index("event_by_rollout", event.c.rollout, event.c.id)

intent = sa.Table(
    "intent",
    metadata,
    sa.Column("id", ID, primary_key=True, autoincrement=False),
    sa.Column("service", sa.Text, nullable=False),
    sa.Column("environment", sa.Text, nullable=False),
    sa.Column("asked_at", sa.Float, nullable=False),
    sa.Column("makes", sa.Text, unique=True),  # the rollout that a deploy or a rollback becomes
    sa.Column("done", sa.Boolean, nullable=False),
    *_document(),
    sa.ForeignKeyConstraint(["service", "environment"], ["target.service", "target.environment"]),
)
sa.Index(
    "intent_pending",
    intent.c.service,
    intent.c.environment,
    intent.c.id,
    sqlite_where=~intent.c.done,
    postgresql_where=~intent.c.done,
)

release = sa.Table(
    "release",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("service", sa.Text, primary_key=True),
    sa.Column("made_at", sa.Float, nullable=False),
    *_document(),
)

spec = sa.Table(
    "spec",
    metadata,
    sa.Column("kind", sa.Text, primary_key=True),  # environment, service, notify
    sa.Column("name", sa.Text, primary_key=True),
    *_document(),
)

counter = sa.Table(
    "counter",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),  # event, intent; shape
    sa.Column("value", sa.BigInteger, nullable=False),
)
"""The last id given. Taking one locks the row until the commit, so ids become visible in their order, without gaps:
whoever reads events after the last one they saw misses none. (A sequence lets a later id be committed first.)
Under `shape` stands the newest shape that any row may have."""
