"""Stores as earlier versions wrote them are opened, migrated and read, and nothing they held is lost."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.real import store_samples as samples
from tests.real.store_samples import SHOP, STAGING
from tests.upgrade.make_states import STATES

from plainsail.domain.events import Event
from plainsail.domain.evidence import Evidence
from plainsail.domain.intents import Deploy, Intent
from plainsail.domain.release import Release
from plainsail.domain.rollout import SHAPE, Rollout, Target
from plainsail.domain.service import Environment, Notify, Service
from plainsail.drivers.stores.sql import open_store
from plainsail.drivers.stores.sql.shapes import decode
from plainsail.drivers.stores.sql.tables import HEAD
from plainsail.ports.errors import Broken

TYPES: dict[str, Any] = {
    "target": Target, "rollout": Rollout, "evidence": Evidence, "event": Event, "intent": Intent, "release": Release,
    "environment": Environment, "service": Service, "notify": Notify,
}  # fmt: skip


@pytest.fixture(params=sorted(STATES.glob("*/*.sql")), ids=lambda path: f"{path.parent.name} {path.stem}")
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return load(request.param, tmp_path)


@pytest.fixture(params=sorted(STATES.glob("*/rows.sql")), ids=lambda path: path.parent.name)
def rows(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return load(request.param, tmp_path)


def load(dump: Path, directory: Path) -> Path:
    path = directory / "plainsail.db"
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.executescript(dump.read_text())
    return path


def test_every_kind_of_row_goes_on_as_it_was(rows: Path) -> None:
    with contextlib.closing(open_store(samples.url(rows.parent))) as store:
        assert store.targets() == (SHOP, STAGING)
        assert sorted(store.environments()) == ["production", "staging"]
        assert sorted(store.services()["shop"].placements) == ["production", "staging"]
        assert store.notify().webhook
        assert [one.version for one in store.releases("shop")] == ["1.2", "1.1"]
        assert [(one.id, one.event.at) for one in store.events()] == [(1, 0), (2, 1), (3, 2), (4, 4), (5, 5)]
        assert [(one.id, one.phase) for one in store.rollouts()] == [
            ("r1", "progressing"),
            ("r0", "rolled_back"),
        ]
        waiting = store.asked("r9")
        assert waiting
        assert isinstance(waiting.intent, Deploy)
        assert waiting.intent.again
        assert len(store.pending(STAGING)) == 10

        claimed = store.claim(SHOP, "after the upgrade", now=34.0, lease=30.0)
        assert claimed
        assert claimed.epoch == 2
        assert claimed.evidence
        assert claimed.evidence.candidate.requests == 40
        target, under_way = claimed.target, claimed.target.rollout
        assert under_way
        assert (under_way.id, under_way.reached_bp, target.live) == ("r1", 1000, "shop-1")
        done = msgspec.structs.replace(under_way, phase="succeeded", ended_at=35.0)
        store.save(
            target, claimed.epoch, rollouts=[done], events=[samples.event(6)], due_at=0.0, held_until=0.0
        )
        assert store.events(-1, limit=1)[0].id == 6
        assert store.ask(SHOP, samples.deploy("r2"), now=36.0) == 12


def test_nothing_that_a_state_held_is_lost(path: Path) -> None:
    open_store(samples.url(path.parent)).close()
    with contextlib.closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT version_num FROM alembic_version").fetchall() == [(HEAD,)]
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        for table in ("target", "rollout", "evidence", "event", "intent", "release", "spec"):
            kind = "kind" if table == "spec" else f"'{table}'"
            rows = database.execute(f"SELECT {kind}, rowid, shape, state FROM {table}").fetchall()
            assert rows
            for name, row, shape, state in rows:
                read = msgspec.to_builtins(decode(TYPES[name], name, str(row), shape, state))
                if shape == SHAPE:
                    assert _lost(json.loads(state), read) == [], f"{name} {row}"


@pytest.mark.parametrize(
    "newer",
    [
        "UPDATE alembic_version SET version_num = '9000'",
        "UPDATE counter SET value = 9000 WHERE name = 'shape'",
        "INSERT OR REPLACE INTO counter VALUES ('shape', 9000)",
    ],
)
def test_an_older_plainsail_does_not_open_a_newer_store(path: Path, newer: str) -> None:
    open_store(samples.url(path.parent)).close()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute(newer)
        before = list(database.iterdump())
    with pytest.raises(Broken) as refused:
        open_store(samples.url(path.parent))
    assert refused.value.code == "store_newer"
    assert "9000" in str(refused.value)
    assert "run the newer plainsail that wrote it" in refused.value.next_step
    with contextlib.closing(sqlite3.connect(path)) as database:
        assert list(database.iterdump()) == before


def _lost(stored: Any, read: Any, at: str = "$") -> list[str]:
    """Where `read` lacks what was stored. New fields with a default are no loss."""
    if isinstance(stored, dict) and isinstance(read, dict):
        return [lost for name, one in stored.items() for lost in _lost(one, read.get(name), f"{at}.{name}")]
    if isinstance(stored, list) and isinstance(read, list | tuple):
        return [lost for n, one in enumerate(stored) for lost in _lost(one, [*read, None][n], f"{at}[{n}]")]
    return [] if stored == read else [at]
