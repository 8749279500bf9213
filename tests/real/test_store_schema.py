"""The schema: migrations lead to the tables, and every statement is one that PostgreSQL takes too."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.dialects import postgresql
from tests.real import store_samples as samples
from tests.real.store_samples import SHOP

from plainsail.drivers.stores.sql import open_store
from plainsail.drivers.stores.sql.shapes import upgrade
from plainsail.drivers.stores.sql.tables import HEAD, metadata
from plainsail.ports.errors import Broken
from plainsail.ports.store import Store

SCRIPTS = "plainsail.drivers.stores.sql:migrations"


def test_the_migrations_lead_to_the_tables(tmp_path: Path) -> None:
    open_store(samples.url(tmp_path)).close()
    engine = sa.create_engine(samples.url(tmp_path))
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        made = _indexes(connection)
    direct = sa.create_engine("sqlite://")
    metadata.create_all(direct)
    with direct.connect() as connection:
        assert made == _indexes(connection), "partial indexes are not compared by Alembic"
    engine.dispose()
    direct.dispose()


def test_the_newest_script_is_the_one_that_a_store_is_checked_for() -> None:
    config = Config()
    config.set_main_option("script_location", SCRIPTS)
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_postgresql_takes_every_statement(tmp_path: Path) -> None:
    """Each method of the port once; what it executes is compiled for PostgreSQL."""
    store = open_store(samples.url(tmp_path))
    statements: list[Any] = []
    sa.event.listen(store._engine, "before_execute", lambda _, clause, *rest: statements.append(clause))
    used = _use_all(store)
    assert used == {name for name in vars(Store) if not name.startswith("_")}
    assert len(statements) > 30
    texts = [str(statement.compile(dialect=postgresql.dialect())) for statement in statements]  # type: ignore[no-untyped-call]
    assert any("FOR" not in text and "RETURNING target.epoch" in text for text in texts)
    assert any("NOT rollout.ended" in text for text in texts)


def test_postgresql_takes_the_migrations() -> None:
    written = io.StringIO()
    context = MigrationContext.configure(
        dialect_name="postgresql", opts={"as_sql": True, "output_buffer": written}
    )
    config = Config()
    config.set_main_option("script_location", SCRIPTS)
    with Operations.context(context):
        for script in reversed(list(ScriptDirectory.from_config(config).walk_revisions())):
            script.module.upgrade()
    sql = written.getvalue()
    assert sql.count("CREATE TABLE") == len(metadata.tables)
    assert "id BIGINT NOT NULL" in sql
    assert "WHERE NOT ended" in sql
    assert "SERIAL" not in sql


def test_an_older_shape_is_upgraded_step_by_step() -> None:
    steps = {
        1: lambda table, data: {**data, "table": table},
        2: lambda table, data: {**data, "size": data["size"] * 2},
    }
    assert upgrade("rollout", {"size": 2}, 1, to=3, upgrades=steps) == {"table": "rollout", "size": 4}
    assert upgrade("rollout", {"size": 2}, 2, to=3, upgrades=steps) == {"size": 4}
    assert upgrade("rollout", {"size": 2}, 3, to=3, upgrades=steps) == {"size": 2}


@pytest.mark.parametrize(("shape", "code"), [(4, "store_newer"), (0, "store_damaged")])
def test_a_shape_that_is_not_known_is_not_guessed_at(shape: int, code: str) -> None:
    with pytest.raises(Broken) as broken:
        upgrade("rollout", {}, shape, to=3, upgrades={1: lambda _, data: data, 2: lambda _, data: data})
    assert broken.value.code == code


def _use_all(store: Store) -> set[str]:
    used: set[str] = set()

    def call(name: str, *args: Any, **more: Any) -> Any:
        used.add(name)
        return getattr(store, name)(*args, **more)

    call("put_spec", samples.ENVIRONMENTS, samples.SERVICES, samples.NOTIFY, [samples.event()])
    call("add_release", samples.release(1), [samples.event()])
    asked = call("ask", SHOP, samples.deploy("r1"), 1.0)
    epoch = call("claim", SHOP, "me", 0.0, 10.0).epoch
    rollouts = [samples.rollout("r1")]
    call(
        "save", samples.target(), epoch, rollouts=rollouts, events=[samples.event()], done=[asked],
        due_at=1.0, held_until=10.0,
    )  # fmt: skip
    for _ in range(2):
        call("save_evidence", "r1", SHOP, epoch, samples.evidence())
    assert call("target", SHOP).rollout
    call("claim", SHOP, "me", 0.0, 10.0)
    call("release_claim", SHOP, epoch + 1)
    for name in ("targets", "environments", "services", "notify", "busy"):
        call(name)
    call("service", "shop")
    call("due", 5.0, "me")
    call("pending", SHOP)
    for name in ("asked", "rollout", "evidence"):
        call(name, "r1")
    call("releases", "shop")
    call("release", samples.digest(1), "shop")
    call("rollouts", "shop", "production", 5)
    call("events", 0, "shop", "r1", 5)
    call("events", -1)
    call("unplace", SHOP, [samples.event()])
    call("close")
    return used


def _indexes(connection: sa.Connection) -> set[str]:
    rows = connection.execute(
        sa.text("SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
    )
    return {" ".join(row.sql.split()) for row in rows}
