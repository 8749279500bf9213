"""What a router is asked for in a bench, whoever it is: a table of groups, their instances and their shares."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Protocol

import msgspec

STARTS_WITHIN = 15.0
"""Seconds."""


class Table(msgspec.Struct, frozen=True):
    """Who stands behind each group (instance -> port), and basis points by group."""

    members: dict[str, dict[str, int]]
    split: dict[str, int]


class Way(Protocol):
    """One router, and how it is changed."""

    name: str
    note: str
    """What it is and how it is set, in a clause."""
    port: int

    async def start(self, table: Table) -> None: ...

    async def apply(self, table: Table) -> None:
        """Returns when it is done, or, where nothing tells that, when it is ordered."""
        ...

    async def left(self, instance: str, port: int) -> bool:
        """Whether an instance that is no longer in the table may be ended."""
        ...

    def pids(self) -> list[int]: ...

    async def end(self) -> None: ...


def await_port(port: int) -> None:
    """Returns when somebody listens there."""
    until = time.monotonic() + STARTS_WITHIN
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)


def connected(port: int) -> bool:
    """Whether anybody has a connection to this port on this machine."""
    wanted = f":{port:04X}"
    rows = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return any(fields[2].endswith(wanted) and fields[3] == "01" for fields in (row.split() for row in rows))
