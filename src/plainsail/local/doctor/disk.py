"""The data directory: can it be written, is there room, is it a disk that a database may lie on, who may read it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from plainsail.local.doctor.finding import Finding, bad, ok, warn

ROOM, LEAST_ROOM = 1e9, 1e8
"""Bytes: below the first a few more releases fill the disk, below the second the next one does."""
NETWORK = (
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "9p",
    "afs",
    "ceph",
    "glusterfs",
    "lustre",
    "fuse.sshfs",
    "davfs",
)
"""File systems on which SQLite's locks and its shared memory can't be relied on (sqlite.org/howtocorrupt.html, 2.1)."""
FLEETING = ("tmpfs", "ramfs")
SKEW = 2.0
"""Seconds that a disk's clock may differ from ours."""
LEFT_OVER_AFTER = 3600.0
"""Seconds after which an upload is not under way any more."""


def directory(data: Path) -> Iterator[Finding]:
    """Also of one that is still to be made: then of where it would be."""
    place = next(one for one in (data, *data.parents) if one.exists())
    if not place.is_dir():
        yield bad("data", f"{place} is a file", "name a directory with --data")
        return
    try:
        with tempfile.NamedTemporaryFile(dir=place, prefix=".doctor-") as file:
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
            skew = abs(os.stat(file.name).st_mtime - time.time())
    except OSError as failure:
        room = " (the disk is full)" if failure.errno == 28 else ""
        yield bad(
            "data", f"{place} can't be written: {failure.strerror}{room}", _mend_writing(failure, place)
        )
        return
    yield ok(
        "data", f"{place} can be written" + ("" if place == data else f"; {data} is made by plainsail up")
    )
    if skew > SKEW:
        yield warn(
            "clock", f"the disk's clock differs by {skew:.0f} s", "let both follow the same time server"
        )


def room(data: Path) -> Iterator[Finding]:
    place = next(one for one in (data, *data.parents) if one.is_dir())
    free = shutil.disk_usage(place).free
    told = f"{free / 1e9:,.1f} GB" if free >= 1e9 else f"{free / 1e6:,.0f} MB"
    files = os.statvfs(place)
    if free < LEAST_ROOM:
        yield bad("room", f"{told} are free", f"make room: du -xsh {place}/* shows what takes it")
    elif files.f_files and files.f_favail < 10_000:
        yield bad("room", f"{files.f_favail:,} more files can be made", f"make room for files: df -i {place}")
    elif free < ROOM:
        yield warn("room", f"{told} are free", f"make room: du -xsh {place}/* shows what takes it")
    else:
        yield ok("room", f"{told} are free")


def file_system(data: Path, mounts: Path = Path("/proc/self/mounts")) -> Iterator[Finding]:
    try:
        found = _mount(data.resolve(), mounts.read_text())
    except OSError:
        return
    if found in NETWORK:
        yield warn(
            "disk",
            f"{data} lies on {found}, where SQLite can lose data",
            "name a directory on a disk of this machine with --data",
        )
    elif found in FLEETING:
        yield warn(
            "disk",
            f"{data} lies on {found}, which is empty after a restart",
            "name a directory on a disk with --data",
        )
    else:
        yield ok("disk", f"it lies on {found}")


def secrets(data: Path) -> Iterator[Finding]:
    """What only the owner may read."""
    for name in ("token", "plainsail.db"):
        try:
            mode = stat.S_IMODE((data / name).stat().st_mode)
        except OSError:
            continue
        if name == "token" and mode & 0o077:
            yield bad(
                name,
                f"{data / name} can be read by others (mode {mode:o})",
                f"chmod 600 {data / name}; who read it can deploy, so delete it and restart plainsail up for a new one",
            )
        elif name == "token":
            yield ok(name, f"{data / name} is its owner's alone")
        elif mode & 0o022:
            yield bad(
                "store", f"{data / name} can be written by others (mode {mode:o})", f"chmod 600 {data / name}"
            )


def store(data: Path) -> Iterator[Finding]:
    place = data / "plainsail.db"
    if not place.exists():
        if any((data / "sites").glob("*/*/*")):
            yield bad(
                "store",
                f"{place} is gone, but instances or a router of it are here",
                "put it back from a backup, or plainsail down and begin anew",
            )
        return
    try:
        with sqlite3.connect(f"file:{quote(str(place))}?mode=ro", uri=True, timeout=5) as connection:
            said = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.Error as failure:
        said = str(failure)
    if said == "ok":
        yield ok("store", f"{place} is whole ({place.stat().st_size / 1e6:,.1f} MB)")
    else:
        yield bad(
            "store", f"{place} is damaged: {said}", "put it back from a backup; what runs goes on meanwhile"
        )


def spool(data: Path) -> Iterator[Finding]:
    """Parts of uploads that were cut off."""
    old = []
    for path in (data / "spool").glob("*"):
        try:
            status = path.stat()
        except OSError:
            continue
        if time.time() - status.st_mtime > LEFT_OVER_AFTER:
            old.append(status.st_size)
    if old:
        yield warn(
            "spool",
            f"{len(old)} cut-off uploads take {sum(old) / 1e6:,.1f} MB",
            f"rm -r {data / 'spool'}/*, when nobody uploads",
        )


def _mend_writing(failure: OSError, place: Path) -> str:
    if failure.errno == 28:
        return f"make room: du -xsh {place}/* shows what takes it"
    return f"sudo chown -R $USER {place}, or name another with --data"


def _mount(place: Path, mounts: str) -> str:
    """The type of the file system a path lies on: the longest mount point above it."""
    best, kind = "", "an unknown file system"
    for line in mounts.splitlines():
        words = line.split(" ")
        at = words[1].encode().decode("unicode_escape") if len(words) > 2 else ""
        under = str(place) == at or str(place).startswith(at.rstrip("/") + "/")
        if at and under and len(at) >= len(best):
            best, kind = at, words[2]
    return kind
