"""Opening a store: make it if there is none, check it, bring it up to date. A damaged one is left as it was found."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from plainsail.domain.rollout import SHAPE
from plainsail.drivers.stores.sql import tables
from plainsail.drivers.stores.sql.connecting import connect, parse
from plainsail.drivers.stores.sql.failures import damaged, translated
from plainsail.drivers.stores.sql.fitting import check_rows
from plainsail.drivers.stores.sql.store import SqlStore
from plainsail.drivers.stores.sql.tables import HEAD, metadata
from plainsail.ports.errors import Broken

CHECK_WITHIN = 5.0
"""Seconds; what could not be looked at in this time is not checked. About a gigabyte; a start should not wait longer."""

MIGRATING = 0x706C61696E
"""The lock that control planes starting at once on one PostgreSQL wait for ("plain")."""


def open_store(url: str) -> SqlStore:
    """A store that is whole, of today's schema, and holds what this plainsail can read.

    Raises Broken (`store_damaged`, `store_newer`, `store_inaccessible`, `disk_full`), Transient (`store_busy`,
    `store_unreachable`), Rejected (`store_url`).
    """
    address = parse(url)
    if address.get_backend_name() == "sqlite":
        _open_file(address)
    else:
        _open_server(address)
    return SqlStore(url)


def _open_file(url: sa.URL) -> None:
    path = Path(url.database or "")
    with translated(url), _alone(path):
        if not path.exists():
            _make(path, url)
        if not path.stat().st_size:  # SQLite would take it for new, and throw away the log beside it.
            raise damaged(url, "it is empty (0 bytes)")
        with _engine(url) as engine:
            with engine.execution_options(reading=True).begin() as connection:
                _quick_check(connection, url)
                current = _version(connection, url) == HEAD and _shape(connection) == SHAPE
            with engine.connect() as connection:  # Kept in the file; can't be changed in a transaction.
                connection.connection.cursor().execute("PRAGMA journal_mode = WAL")
            if not current:
                with engine.begin() as connection:
                    _migrate(connection, url)
            with engine.execution_options(reading=True).begin() as connection:
                _check_tables(connection)
                check_rows(connection)


def _make(path: Path, url: sa.URL) -> None:
    """A new store gets its name when it is whole: so a half-made one is damage, and never looks like a new one."""
    for suffix in ("-wal", "-journal"):
        if path.with_name(path.name + suffix).exists():
            raise damaged(url, f"the file is gone, but its log {path.name}{suffix} is there")
    draft = path.with_name(f".{path.name}.new")
    for left in (draft, draft.with_name(draft.name + "-journal")):
        left.unlink(missing_ok=True)
    os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    with _engine(sa.URL.create("sqlite", database=str(draft))) as engine, engine.begin() as connection:
        _upgrade(connection)
        _note_shape(connection)
    draft.rename(path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _open_server(url: sa.URL) -> None:
    with translated(url), _engine(url) as engine, engine.begin() as connection:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATING)))
        if sa.inspect(connection).get_table_names():
            _migrate(connection, url)
        else:
            _upgrade(connection)
            _note_shape(connection)
        _check_tables(connection)
        check_rows(connection)


def _migrate(connection: sa.Connection, url: sa.URL) -> None:
    """In one transaction: all revisions that are missing, or none."""
    version, shape = (
        _version(connection, url),
        _shape(connection),
    )  # Asked again, now that nobody else migrates.
    if version != HEAD:
        _upgrade(connection)
    if shape != SHAPE:
        _note_shape(connection)


def _upgrade(connection: sa.Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "plainsail.drivers.stores.sql:migrations")
    command.upgrade(config, "head")


def _version(connection: sa.Connection, url: sa.URL) -> str:
    """The revision it has: today's or an older one."""
    if not sa.inspect(connection).has_table("alembic_version"):
        raise damaged(url, "it is not a store of plainsail, or has lost its tables")
    found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalars().all()
    if len(found) != 1 or not str(found[0]).isdecimal():
        raise damaged(url, f"its revision reads {', '.join(map(str, found)) or 'nothing'}")
    version = str(found[0])
    if version > HEAD:
        raise Broken(
            "store_newer",
            f"the store is of revision {version}, and this plainsail knows revisions up to {HEAD}",
            "run the newer plainsail that wrote it, or restore a backup from before; nothing was changed",
        )
    return version


def _shape(connection: sa.Connection) -> int:
    """The newest shape that may be in its rows. They are upgraded when they are read and written as they are today, so
    what has opened it tells more than any row."""
    counter = tables.counter
    found = connection.execute(sa.select(counter.c.value).where(counter.c.name == "shape")).scalar()
    shape = 1 if found is None else int(found)
    if shape > SHAPE:
        raise Broken(
            "store_newer",
            f"the store may hold shapes up to {shape}, and this plainsail knows shapes up to {SHAPE}",
            "run the newer plainsail that wrote it, or restore a backup from before; nothing was changed",
        )
    return shape if found is not None else 0


def _note_shape(connection: sa.Connection) -> None:
    counter = tables.counter
    connection.execute(sa.delete(counter).where(counter.c.name == "shape"))
    connection.execute(sa.insert(counter).values(name="shape", value=SHAPE))


def _check_tables(connection: sa.Connection) -> None:
    """Fails if a table or a column is missing."""
    for table in metadata.sorted_tables:
        connection.execute(sa.select(table).limit(0))


def _quick_check(connection: sa.Connection, url: sa.URL) -> None:
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)
    end = time.monotonic() + CHECK_WITHIN
    raw.set_progress_handler(lambda: time.monotonic() > end, 10_000)
    try:
        (found,) = raw.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
    else:
        if found != "ok":
            raise damaged(url, str(found).replace("\n", " "))
    finally:
        raw.set_progress_handler(None, 0)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Of processes that start at once, one after the other: one makes the store, and nobody uses it before it is whole.

    (A change of the journal mode does not wait for others, it fails.)
    """
    handle = os.open(path.with_name(f".{path.name}.lock"), os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def _engine(url: sa.URL) -> Iterator[sa.Engine]:
    engine = connect(url)
    try:
        yield engine
    finally:
        engine.dispose()
