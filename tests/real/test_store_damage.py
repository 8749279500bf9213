"""A store that can't be used: damaged, of a newer program, or not to be reached. It is left as it was found."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

import pytest
from tests.real import store_samples as samples
from tests.real.store_samples import SHOP, STAGING
from tests.upgrade.make_states import fill

from plainsail.drivers.stores.sql import open_store
from plainsail.ports.errors import Broken


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store with some content, closed."""
    with contextlib.closing(open_store(samples.url(tmp_path))) as store:
        samples.fill(store)
    return tmp_path / "plainsail.db"


def damage_header(path: Path) -> None:
    path.write_bytes(b"not a database, but something else of some length\n" * 200)


def damage_page(path: Path) -> None:
    """Tear the pages after the first few."""
    whole = bytearray(path.read_bytes())
    whole[4096 * 2 :] = b"\xa5" * (len(whole) - 4096 * 2)
    path.write_bytes(whole)


def cut_in_half(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def empty(path: Path) -> None:
    os.truncate(path, 0)


def replace_by_empty_database(path: Path) -> None:
    path.unlink()
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 1")


def drop_table(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("DROP TABLE event")


def drop_column(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("ALTER TABLE target DROP COLUMN due_at")


def forget_revision(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("DELETE FROM alembic_version")


def leave_the_log_only(path: Path) -> None:
    path.rename(path.with_name("plainsail.db-wal"))


DAMAGES = [
    damage_header, damage_page, cut_in_half, empty, replace_by_empty_database, drop_table, drop_column,
    forget_revision, leave_the_log_only,
]  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_store_is_refused_and_left_as_it_is(path: Path, damage: object) -> None:
    assert callable(damage)
    damage(path)
    before = _files(path.parent)
    for _ in range(2):
        with pytest.raises(Broken) as broken:
            open_store(samples.url(path.parent))
        assert broken.value.code == "store_damaged"
        assert str(path) in str(broken.value)
        assert broken.value.next_step
    after = _files(path.parent)
    assert {name: after.get(name) for name in before} == before
    assert set(after) - set(before) <= {"plainsail.db-wal", "plainsail.db-shm"}


@pytest.mark.parametrize("kind", ["target", "rollout", "release", "environment", "service"])
def test_a_store_of_which_no_row_of_a_kind_can_be_read_is_refused(tmp_path: Path, kind: str) -> None:
    """One of a program between two versions, say: everybody would get this error, so the control plane does not start."""
    path = tmp_path / "plainsail.db"
    with contextlib.closing(open_store(samples.url(tmp_path))) as store:
        fill(store)
    rows = f"spec SET state = '[1]' WHERE kind = '{kind}'"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        where = rows if kind in ("environment", "service") else f"\"{kind}\" SET state = '[1]'"
        assert database.execute(f"UPDATE {where}").rowcount
    before = _files(path.parent)
    with pytest.raises(Broken) as broken:
        open_store(samples.url(path.parent))
    assert broken.value.code == "store_damaged"
    assert str(broken.value).startswith(kind)
    assert _files(path.parent)["plainsail.db"] == before["plainsail.db"]


def test_a_row_that_makes_no_sense_is_named(path: Path) -> None:
    store = open_store(samples.url(path.parent))
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("UPDATE rollout SET state = '{\"id\": 1}' WHERE id = 'r1'")
    with pytest.raises(Broken) as broken:
        store.target(SHOP)
    assert broken.value.code == "store_damaged"
    assert "rollout r1" in str(broken.value)
    assert store.target(STAGING), "the others are cared for"
    with pytest.raises(Broken):
        store.claim(SHOP, "you", now=50.0, lease=1.0)
    store.close()


@pytest.mark.parametrize(
    "change", ["UPDATE alembic_version SET version_num = '9000'", "UPDATE target SET shape = 9000"]
)
def test_a_store_of_a_newer_program_is_not_touched(path: Path, change: str) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute(change)
    with pytest.raises(Broken) as broken:
        open_store(samples.url(path.parent)).target(SHOP)
    assert broken.value.code == "store_newer"
    assert "newer plainsail" in broken.value.next_step


def test_damage_that_shows_later_is_an_error_of_ours_too(path: Path) -> None:
    store = open_store(samples.url(path.parent))
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("DROP TABLE release")
        database.execute("DELETE FROM counter")
    with pytest.raises(Broken) as gone:
        store.releases("shop")
    assert gone.value.code == "store_damaged"
    with pytest.raises(Broken) as uncounted:
        store.ask(SHOP, samples.deploy("r2"), now=1.0)
    assert uncounted.value.code == "store_damaged"
    store.close()


def test_one_row_that_cannot_be_read_keeps_nobody_else_waiting(tmp_path: Path) -> None:
    path = tmp_path / "plainsail.db"
    with contextlib.closing(open_store(samples.url(tmp_path))) as store:
        fill(store)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("UPDATE rollout SET state = '{\"id\": 1}' WHERE id = 'r1'")
    with contextlib.closing(open_store(samples.url(tmp_path))) as store:
        assert store.target(STAGING)


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Broken) as broken:
        open_store(samples.url(tmp_path / "nowhere"))
    assert broken.value.code == "store_inaccessible"
    assert "nowhere" in str(broken.value)


def test_only_its_owner_may_read_it(path: Path) -> None:
    store = open_store(samples.url(path.parent))
    store.ask(SHOP, samples.deploy("r2"), now=1.0)
    assert {one.name: one.stat().st_mode & 0o777 for one in path.parent.iterdir()} == {
        ".plainsail.db.lock": 0o600,
        "plainsail.db": 0o600, "plainsail.db-wal": 0o600, "plainsail.db-shm": 0o600,
    }  # fmt: skip
    store.close()


def _files(directory: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in directory.iterdir()}
