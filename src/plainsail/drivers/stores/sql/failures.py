"""What the database said, as one of our errors."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from plainsail.ports.errors import Broken, Failure, Transient

POSTGRES = {
    "08": "unreachable",  # connection exception
    "57": "unreachable",  # shut down by its administrator
    "40": "busy",  # deadlock, serialisation
    "55": "busy",  # lock not available
    "53100": "full",
    "53": "busy",  # too many connections, out of memory
    "42P01": "damaged",  # no such table
    "42703": "damaged",  # no such column
    "XX": "damaged",  # data or index corrupted
}  # fmt: skip
"""By the beginning of SQLSTATE; the longest counts."""

SQLITE = {
    sqlite3.SQLITE_BUSY: "busy",
    sqlite3.SQLITE_LOCKED: "busy",
    sqlite3.SQLITE_FULL: "full",
    sqlite3.SQLITE_CORRUPT: "damaged",
    sqlite3.SQLITE_NOTADB: "damaged",
    sqlite3.SQLITE_ERROR: "damaged",  # no such table or column
    sqlite3.SQLITE_SCHEMA: "damaged",
    sqlite3.SQLITE_MISMATCH: "damaged",
    sqlite3.SQLITE_CANTOPEN: "inaccessible",
    sqlite3.SQLITE_READONLY: "inaccessible",
    sqlite3.SQLITE_PERM: "inaccessible",
    sqlite3.SQLITE_IOERR: "inaccessible",
    sqlite3.SQLITE_NOLFS: "inaccessible",
}
"""By primary result code (the low byte)."""


@contextmanager
def translated(url: sa.URL) -> Iterator[None]:
    """Turns what SQLAlchemy, a database driver or the file system raises into errors of the port.

    What is left as it is is a defect of ours.
    """
    try:
        yield
    except sa.exc.TimeoutError as error:
        raise _failure("busy", url, "all connections are in use") from error
    except sa.exc.IntegrityError as error:
        raise Transient(
            "store_conflict", f"a write to {_name(url)} met another: {error.orig}", "try again"
        ) from error
    except sa.exc.DBAPIError as error:
        what = _kind(error.orig, url)
        if what is None and isinstance(error, sa.exc.OperationalError):  # No answer, so no SQLSTATE either.
            what = "unreachable"
        if what is None:
            raise
        raise _failure(what, url, " ".join(str(error.orig).split())) from error
    except sqlite3.Error as error:
        raise _failure(_kind(error, url) or "damaged", url, str(error)) from error
    except OSError as error:
        what = "full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "inaccessible"
        raise _failure(what, url, str(error)) from error


def damaged(url: sa.URL, why: str) -> Broken:
    return Broken(
        "store_damaged",
        f"the store {_name(url)} is damaged: {why}",
        "restore a backup of it; nothing was changed, and what runs goes on",
    )


def _failure(what: str, url: sa.URL, why: str) -> Failure:
    name = _name(url)
    match what:
        case "busy":
            return Transient("store_busy", f"the store {name} is busy: {why}", "try again")
        case "full":
            return Broken(
                "disk_full",
                f"there is no room for the store {name}: {why}",
                "free some space there; what runs goes on, and so do rollouts when there is room",
            )
        case "unreachable":
            return Transient("store_unreachable", f"the store {name} does not answer: {why}", "try again")
        case "inaccessible":
            return Broken(
                "store_inaccessible",
                f"the store {name} can't be opened or written: {why}",
                "check that its directory exists, and who may write there",
            )
        case _:
            return damaged(url, why)


def _kind(error: BaseException | None, url: sa.URL) -> str | None:
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", None)
        if code is None:  # Raised by Python's module: a text that is not UTF-8, or a defect of ours.
            return "damaged" if isinstance(error, sqlite3.OperationalError) else None
        what = SQLITE.get(code & 0xFF)
        return "full" if what == "inaccessible" and _no_room(url) else what
    state = str(getattr(error, "sqlstate", None) or "")
    return POSTGRES.get(state) or POSTGRES.get(state[:2])


def _no_room(url: sa.URL) -> bool:
    """SQLite calls some writes that met a full disk an I/O error."""
    try:
        disk = os.statvfs(os.path.dirname(os.path.abspath(url.database or "")))
    except OSError:
        return False
    return disk.f_bavail * disk.f_frsize < 4096 * 16


def _name(url: sa.URL) -> str:
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    return url.render_as_string(hide_password=True)
