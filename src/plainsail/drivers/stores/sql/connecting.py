"""Connections: one pool for all threads, and the settings each connection has."""

from __future__ import annotations

import sqlite3
from typing import Any

import sqlalchemy as sa

from plainsail.ports.errors import Rejected

BUSY = 5.0
"""Seconds a write waits for another to end before it is `store_busy`. Ours take milliseconds."""

CONNECTIONS = 8
"""Kept open; twice as many under load. Writers queue anyway, and readers are short."""


def parse(url: str) -> sa.URL:
    """Raises Rejected (`store_url`) unless it is a file of SQLite or a PostgreSQL database."""
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise _rejected("the store's URL can't be read") from None
    match parsed.get_backend_name():
        case "postgresql":
            return parsed
        case "sqlite" if parsed.database and not parsed.database.startswith((":", "file:")):
            return parsed
        case "sqlite":
            raise _rejected("a store in memory would forget what runs")
        case other:
            raise _rejected(f"a store can't be in {other}")


def connect(url: sa.URL) -> sa.Engine:
    """A pool; nothing is opened yet. Connections are made with the option `reading` if they only read."""
    try:
        if url.get_backend_name() != "sqlite":
            return sa.create_engine(url, pool_size=CONNECTIONS, max_overflow=CONNECTIONS, pool_pre_ping=True)
        engine = sa.create_engine(
            url,
            pool_size=CONNECTIONS,
            max_overflow=CONNECTIONS,
            connect_args={"timeout": BUSY, "isolation_level": None, "check_same_thread": False},
        )
    except (ModuleNotFoundError, sa.exc.ArgumentError) as error:
        raise _rejected(f"the store's URL can't be used: {error}") from error
    sa.event.listen(engine, "connect", _set_up)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _set_up(connection: sqlite3.Connection, _: Any) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    # With NORMAL, a power cut can undo the last commits. An epoch that drivers have seen would then be given a second
    # time, and what was done outside would be unknown to the store. A flush for each commit is cheap at our few a second.
    connection.execute("PRAGMA synchronous = FULL")


def _begin(connection: sa.Connection) -> None:
    # Left alone, a transaction that reads first and then writes fails at once, "database is locked", when another wrote
    # in between (182 of 240 with six writers). Taking the lock first makes it wait. Readers need no lock in WAL.
    reading = connection.get_execution_options().get("reading")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _rejected(why: str) -> Rejected:
    return Rejected(
        "store_url", why, "use sqlite:////path/plainsail.db or postgresql+psycopg://user@host/database"
    )
