"""The store in trouble: many at once, no room, death in the middle of a write, a server that says no."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
from tests.real import store_samples as samples
from tests.real.store_samples import SHOP, STAGING

from plainsail.drivers.stores.sql import SqlStore, connecting, failures, open_store
from plainsail.ports.errors import Broken, Failure, Rejected, Transient
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


def test_six_writers_and_a_reader_never_find_it_locked(path: Path) -> None:
    store = open_store(samples.url(path.parent))
    others = [open_store(samples.url(path.parent)) for _ in range(2)]
    failed: list[BaseException] = []
    writing = threading.Event()
    writing.set()

    def write(writer: int) -> None:
        own = (store, *others)[writer % 3]
        try:
            for n in range(40):
                own.ask(STAGING, samples.deploy(f"{writer}-{n}"), now=float(n))
                own.add_release(samples.release(1000 * writer + n), [samples.event(n, f"w{writer}")])
        except BaseException as error:
            failed.append(error)

    def read() -> None:
        try:
            while writing.is_set():
                seen = [one.id for one in store.events(limit=1000)]
                assert seen == list(range(1, len(seen) + 1)), "a later event was seen before an earlier one"
        except BaseException as error:
            failed.append(error)

    writers = [threading.Thread(target=write, args=(n,)) for n in range(6)]
    reader = threading.Thread(target=read)
    for thread in (*writers, reader):
        thread.start()
    for thread in writers:
        thread.join()
    writing.clear()
    reader.join()
    assert failed == []
    assert len(store.pending(STAGING)) == 240
    assert len(store.events(after=100, limit=1000)) == 240
    for one in (store, *others):
        one.close()


def test_of_many_who_claim_at_once_one_gets_it(path: Path) -> None:
    stores = [open_store(samples.url(path.parent)) for _ in range(4)]
    start = threading.Barrier(len(stores))
    taken: list[int] = []

    def claim(n: int) -> None:
        start.wait()
        if claimed := stores[n].claim(STAGING, f"holder-{n}", now=0.0, lease=10.0):
            taken.append(claimed.epoch)

    threads = [threading.Thread(target=claim, args=(n,)) for n in range(len(stores))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken == [1]
    for store in stores:
        store.close()


def test_processes_that_start_at_once_make_one_store(tmp_path: Path) -> None:
    program = f"from plainsail.drivers.stores.sql import open_store as o; print(o('{samples.url(tmp_path)}').targets())"
    started = [subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) for _ in range(3)]
    assert [process.communicate()[0] for process in started] == [b"()\n"] * 3
    assert sorted(one.name for one in tmp_path.iterdir()) == [".plainsail.db.lock", "plainsail.db"]


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


def test_killed_in_the_middle_of_writing_it_holds_all_of_a_write_or_nothing(tmp_path: Path) -> None:
    epoch = 0
    for round in range(6):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, samples.url(tmp_path)], stdout=subprocess.PIPE, cwd=ROOT, text=True
        )
        assert writer.stdout
        for _ in range(5 + round):
            assert writer.stdout.readline()
        time.sleep(0.003 * round)  # Not to die always just after a write.
        writer.send_signal(signal.SIGKILL)
        said = [int(line) for line in writer.stdout.read().split()]
        writer.wait()
        with contextlib.closing(open_store(samples.url(tmp_path))) as store:
            target = store.target(SHOP)
            assert target
            n = target.serial
            assert n >= max(said, default=0), "what was acknowledged is there"
            assert [one.event.at for one in store.events(limit=10_000)] == [
                at for at in range(1, n + 1) for _ in "ab"
            ]
            assert target.rollout
            assert target.rollout.id == f"r{n}"
            assert len(store.pending(SHOP)) <= 1, "done in the write that did it"
            claimed = store.claim(SHOP, "reader", now=2.0, lease=0.0)
            assert claimed
            assert claimed.epoch > epoch, "no epoch is given twice"
            epoch = claimed.epoch
            for left in store.pending(SHOP):
                store.save(samples.target(serial=n), epoch, done=[left.id], due_at=0.0, held_until=0.0)
                with pytest.raises(Rejected):
                    store.ask(SHOP, left.intent, now=2.0)


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
