"""The store in trouble: many at once, no room, death in the middle of a write, a server that says no."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
from tests.real import store_samples as samples
from tests.real.store_samples import SHOP

from plainsail.drivers.stores.sql import SqlStore, connecting, failures, open_store
from plainsail.ports.errors import Broken, Failure, Transient
from plainsail.ports.store import Key

replace = msgspec.structs.replace
ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store with some content, closed."""
    with contextlib.closing(open_store(samples.url(tmp_path))) as store:
        samples.fill(store)
    return tmp_path / "plainsail.db"


# Many at once.


def test_a_database_that_another_program_holds_is_busy(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connecting, "BUSY", 0.05)
    store = open_store(samples.url(path.parent))
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Transient) as busy:
            store.ask(SHOP, samples.deploy("r2"), now=1.0)
        assert busy.value.code == "store_busy"
        assert len(store.events()) == 100, "reading goes on"
        other.execute("ROLLBACK")
    store.ask(SHOP, samples.deploy("r2"), now=1.0)
    store.close()


# No room.


@contextlib.contextmanager
def no_room_in(directory: Path, store: SqlStore) -> Iterator[None]:
    """A file system that is full, if we may mount one; else a database that may not grow."""
    if os.path.ismount(directory):
        ballast = directory / "ballast"
        with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))
        yield
        ballast.unlink()
        return

    def limit(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")

    sa.event.listen(store._engine, "checkout", limit)
    yield
    sa.event.remove(store._engine, "checkout", limit)
    sa.event.listen(
        store._engine,
        "checkout",
        lambda connection, *_: connection.execute("PRAGMA max_page_count = 9999999"),
    )


@pytest.fixture(params=["database", "disk"])
def small(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    directory = tmp_path / "small"
    directory.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(directory)]
    mounted = (
        request.param == "disk"
        and shutil.which("mount")
        and not subprocess.run(mount, check=False, capture_output=True).returncode
    )
    yield directory
    if mounted:
        subprocess.run(["umount", str(directory)], check=True)


def test_without_room_it_says_so_loses_nothing_and_recovers(small: Path) -> None:
    store = open_store(samples.url(small))
    epoch = samples.fill(store)
    big = [samples.event(n, rollout="x" * 1000) for n in range(1000)]
    with no_room_in(small, store):
        with pytest.raises(Broken) as full:
            store.save(samples.target(serial=99), epoch, events=big, due_at=0.0, held_until=20.0)
        assert full.value.code == "disk_full"
        assert "room" in str(full.value)
        assert store.target(SHOP) == replace(samples.target(), rollout=samples.rollout("r1"))
        assert len(store.events()) == 100
    store.save(samples.target(serial=100), epoch, events=[samples.event(100)], due_at=0.0, held_until=20.0)
    assert len(store.events()) == 101
    store.close()
    with contextlib.closing(open_store(samples.url(small))) as again:
        assert again.target(SHOP) == replace(samples.target(serial=100), rollout=samples.rollout("r1"))


# Death.

WRITER = """
import sys
from plainsail.drivers.stores.sql import open_store
from tests.real import store_samples as samples
store = open_store(sys.argv[1])
store.put_spec(samples.ENVIRONMENTS, samples.SERVICES, None, ())
claimed = store.claim(samples.SHOP, "writer", now=2.0, lease=0.0)
target, n = claimed.target, claimed.target.serial
while True:
    n += 1
    rollouts = [samples.rollout(f"r{n - 1}", "succeeded", ended_at=1.0), samples.rollout(f"r{n}")] if n > 1 else []
    asked = store.ask(samples.SHOP, samples.deploy(f"d{n}-{claimed.epoch}"), now=1.0)
    store.save(samples.target(serial=n), claimed.epoch, rollouts=rollouts, events=[samples.event(n), samples.event(n)],
               done=[asked], due_at=0.0, held_until=0.0)
    print(n, flush=True)
"""


def test_killed_while_it_is_made_it_is_made_again(tmp_path: Path) -> None:
    """What an earlier start left under the draft's name is no store, and does not stop the next."""
    (tmp_path / ".plainsail.db.new").write_bytes(b"half of it")
    (tmp_path / ".plainsail.db.new-journal").write_bytes(b"and its journal")
    with contextlib.closing(open_store(samples.url(tmp_path))) as store:
        assert store.targets() == ()
        assert store.due(0.0, "me") == ()
        assert store.target(Key("a", "b")) is None
    assert sorted(one.name for one in tmp_path.iterdir()) == [".plainsail.db.lock", "plainsail.db"]


# What PostgreSQL says, by SQLSTATE (its documentation, appendix A).


class Said(Exception):
    """An error as psycopg raises it."""

    def __init__(self, sqlstate: str | None) -> None:
        super().__init__("what it said,\n\ton two lines")
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("sqlstate", "code", "kind"),
    [
        ("53100", "disk_full", Broken),
        ("53300", "store_busy", Transient),
        ("40P01", "store_busy", Transient),
        ("57P01", "store_unreachable", Transient),
        ("08006", "store_unreachable", Transient),
        (None, "store_unreachable", Transient),
        ("42P01", "store_damaged", Broken),
        ("XX001", "store_damaged", Broken),
    ],
)
def test_what_postgresql_says_is_one_of_our_errors(
    sqlstate: str | None, code: str, kind: type[Failure]
) -> None:
    url = sa.make_url("postgresql+psycopg://plain:secret@db/plainsail")
    with pytest.raises(kind) as failure, failures.translated(url):
        raise sa.exc.OperationalError("SELECT 1", {}, Said(sqlstate))
    assert failure.value.code == code
    assert "secret" not in str(failure.value)
    assert "what it said, on two lines" in str(failure.value)
