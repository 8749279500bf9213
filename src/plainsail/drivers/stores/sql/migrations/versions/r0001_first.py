"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "target",
        sa.Column("service", sa.Text, primary_key=True),
        sa.Column("environment", sa.Text, primary_key=True),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("held_until", sa.Float, nullable=False),
        sa.Column("due_at", sa.Float, nullable=False),
        *_document(),
    )
    op.create_table(
        "rollout",
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
    op.create_index("rollout_by_target", "rollout", ["service", "environment", "started_at"])
    _create_partial_index("rollout_under_way", "rollout", ["service", "environment"], "ended", unique=True)
    op.create_table(
        "evidence",
        sa.Column("rollout", sa.Text, sa.ForeignKey("rollout.id"), primary_key=True),
        *_document(),
    )
    op.create_table(
        "event",
        sa.Column("id", ID, primary_key=True, autoincrement=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("environment", sa.Text, nullable=False),
        sa.Column("rollout", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        *_document(),
    )
    op.create_index("event_by_service", "event", ["service", "id"])
    op.create_index("event_by_rollout", "event", ["rollout", "id"])
    op.create_table(
        "intent",
        sa.Column("id", ID, primary_key=True, autoincrement=False),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("environment", sa.Text, nullable=False),
        sa.Column("asked_at", sa.Float, nullable=False),
        sa.Column("makes", sa.Text, unique=True),
        sa.Column("done", sa.Boolean, nullable=False),
        *_document(),
        sa.ForeignKeyConstraint(["service", "environment"], ["target.service", "target.environment"]),
    )
    _create_partial_index("intent_pending", "intent", ["service", "environment", "id"], "done")
    op.create_table(
        "release",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("service", sa.Text, primary_key=True),
        sa.Column("made_at", sa.Float, nullable=False),
        *_document(),
    )
    op.create_table(
        "spec",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        *_document(),
    )
    counter = op.create_table(
        "counter",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(counter, [{"name": "event", "value": 0}, {"name": "intent", "value": 0}])


def _document() -> tuple[sa.Column[int], sa.Column[str]]:
    return sa.Column("shape", sa.Integer, nullable=False), sa.Column("state", sa.Text, nullable=False)


def _create_partial_index(name: str, table: str, columns: list[str], flag: str, unique: bool = False) -> None:
    """Of the rows whose flag is not set."""
    unset = ~sa.column(flag, sa.Boolean)
    op.create_index(name, table, columns, unique=unique, sqlite_where=unset, postgresql_where=unset)
