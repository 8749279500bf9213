"""Processes of this machine: which one it is, beyond its number; when it ends; ending it and what it started.

A process's number is given again after its end, so its identity is (number, start time, boot). Where PID 1 does not
reap, a dead orphan stays as a zombie: a zombie is dead.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

PROC = Path("/proc")
POLL = 0.1
"""Seconds between two looks at a process where the kernel has no pidfd (before 5.3)."""


class Identity(msgspec.Struct, frozen=True):
    """One process among all that ever ran here."""

    pid: int
    started: int
    """Clock ticks after boot, field 22 of /proc/PID/stat."""
    boot: str


class Stat(NamedTuple):
    state: str
    group: int
    started: int


@functools.cache
def boot_id() -> str:
    return (PROC / "sys/kernel/random/boot_id").read_text().strip()


def uptime() -> float:
    """Seconds since boot, sleep included: a clock that all processes of one boot share and nobody sets."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def stat(pid: int) -> Stat | None:
    """None: there is no such process. Zombies are there."""
    try:
        text = (PROC / str(pid) / "stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()  # the name before it may hold spaces and parentheses
    return Stat(fields[0], int(fields[2]), int(fields[19]))


def identify(pid: int) -> Identity | None:
    """None: there is no such process, or it is dead."""
    found = stat(pid)
    if found is None or found.state in "ZX":
        return None
    return Identity(pid, found.started, boot_id())


def lives(process: Identity) -> bool:
    return identify(process.pid) == process


async def ended(process: Identity) -> None:
    """Returns when it has ended, at once if it has already. Works for children and for others' processes."""
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return
    except (AttributeError, OSError):  # an old kernel, a sandbox without it, no descriptor left
        while lives(process):  # noqa: ASYNC110  (the kernel has no event for it)
            await asyncio.sleep(POLL)
        return
    loop = asyncio.get_running_loop()
    try:
        if not lives(process):  # asked after opening: from here on the number cannot become another's
            return
        over = asyncio.Event()
        loop.add_reader(handle, over.set)
        await over.wait()
    finally:
        loop.remove_reader(handle)
        os.close(handle)


def reap(process: Identity) -> int | None:
    """Take a dead child off the table: its exit code, negative for a signal. None if it is not ours to reap."""
    try:
        pid, status = os.waitpid(process.pid, os.WNOHANG)
    except ChildProcessError:
        return None
    return os.waitstatus_to_exitcode(status) if pid else None


def signal_group(process: Identity, number: signal.Signals, mark: tuple[str, str]) -> None:
    """Signal the process group it leads, also after its own death. `mark`: a variable that its members carry."""
    leader = stat(process.pid)
    ours = leader is not None and leader.started == process.started  # a zombie keeps its number
    if ours or any(True for pid, _ in marked(*mark) if _group_of(pid) == process.pid):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)


def kill(process: Identity) -> None:
    """This one alone, at once."""
    with contextlib.suppress(OSError):
        handle = os.pidfd_open(process.pid)
        try:
            if lives(process):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
        finally:
            os.close(handle)


def end_now(process: Identity, mark: tuple[str, str]) -> int | None:
    """Kill it with its whole group, and reap it if it is a child of ours."""
    signal_group(process, signal.SIGKILL, mark)
    with contextlib.suppress(ChildProcessError):
        return os.waitstatus_to_exitcode(os.waitpid(process.pid, 0)[1])
    return None


def marked(variable: str, value: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Living processes that were started with this variable, and all their variables."""
    needle = f"{variable}={value}".encode()
    for path in PROC.iterdir():
        if path.name.isdigit():
            with contextlib.suppress(OSError):
                content = (path / "environ").read_bytes()  # empty for zombies
                if needle in content.split(b"\0"):
                    yield int(path.name), _variables(content)


def environment(process: Identity) -> dict[str, str]:
    """The variables it was started with. Empty where we may not look."""
    try:
        content = (PROC / str(process.pid) / "environ").read_bytes()
    except OSError:
        return {}
    return _variables(content) if lives(process) else {}


def _variables(content: bytes) -> dict[str, str]:
    pairs = (os.fsdecode(pair).partition("=") for pair in content.split(b"\0") if b"=" in pair)
    return {name: value for name, _, value in pairs}


def _group_of(pid: int) -> int | None:
    found = stat(pid)
    return found.group if found else None
