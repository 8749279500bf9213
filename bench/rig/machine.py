"""The machine: what it is (never its name), which core a process is on, what a process has used."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from pathlib import Path

import msgspec

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


class Machine(msgspec.Struct, frozen=True):
    """What numbers were measured on, as far as it matters for reading them."""

    cores: int
    memory_gb: int
    processor: str
    kernel: str
    python: str


def machine() -> Machine:
    pages = os.sysconf("SC_PHYS_PAGES")
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        memory_gb=round(pages * PAGE / 1e9),
        processor=_processor(),
        kernel=platform.release().partition("-")[0],
        python=platform.python_version(),
    )


def version(program: str, *arguments: str) -> str:
    """The first word with a dot in it that the program says about itself."""
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    for word in (done.stdout + done.stderr).replace("/", " ").split():
        digits = word.lstrip("v")
        if digits[:1].isdigit() and "." in digits:
            return digits.partition("-")[0]
    return "unknown"


def family(pid: int) -> list[int]:
    """The process and all below it, as far as they live."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            fields = _stat(int(entry.name))
            if fields:
                children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, todo = [], [pid]
    while todo:
        one = todo.pop()
        if _stat(one):
            found.append(one)
        todo += children.get(one, [])
    return found


def cpu(pid: int) -> float:
    """Seconds of CPU of one process with all its threads; 0: it is gone.

    From its CPU clock (clock_getcpuclockid(3)), which the scheduler keeps exactly; the times in /proc are, on many
    machines, sampled a few hundred times a second, and a process that works in short bursts slips through.
    """
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return 0.0


def cpu_with_ended(pid: int) -> float:
    """The same with that of its children that have ended and were waited for (that part from /proc)."""
    fields = _stat(pid)
    return cpu(pid) + sum(int(one) for one in fields[13:15]) / TICKS if fields else 0.0


def rss_mb(pid: int) -> float:
    """Resident memory in MB (10^6 bytes)."""
    fields = _stat(pid)
    return int(fields[21]) * PAGE / 1e6 if fields else 0.0


def pin(pid: int, core: int) -> None:
    """To one core, with all its threads and what it starts from now on. On a machine with one core, nothing."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        return
    for one in family(pid):
        for thread in Path(f"/proc/{one}/task").iterdir():
            os.sched_setaffinity(int(thread.name), {cores[core % len(cores)]})


def _stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat from the state on; empty: it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
    return [] if fields[0] in "ZX" else fields


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
