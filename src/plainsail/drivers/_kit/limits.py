"""What one instance may use: memory and processor time by control groups where we may write them, else by rlimits.

They are imposed right after the start, a millisecond or so into the instance's life. What cannot be had is said, and
stops nobody: a missing limit is no reason not to serve.
"""

from __future__ import annotations

import contextlib
import os
import resource
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from plainsail.domain.service import Limits

CGROUPS = Path("/sys/fs/cgroup")
PERIOD = 100_000
"""Microseconds over which processor time is shared out; the kernel's own default."""


class Imposed(NamedTuple):
    """The control groups made, to be given back when the instance is gone, and in words what could not be had."""

    groups: tuple[str, ...]
    missing: tuple[str, ...]


def impose(limits: Limits, name: str, pid: int, cgroups: Path = CGROUPS) -> Imposed:
    """Hold a running process, and whatever it starts, to its limits. `name` is unique on this machine."""
    groups: list[str] = []
    missing: list[str] = []
    if limits.memory is not None:
        settings = {"memory.max": f"{limits.memory}"}, {"memory.limit_in_bytes": f"{limits.memory}"}
        if not _join("memory", *settings, name, pid, cgroups, groups):
            missing += _rlimit(pid, resource.RLIMIT_DATA, limits.memory, "memory")
    if limits.cpu is not None:
        quota = max(1000, int(limits.cpu * PERIOD))  # the kernel takes no less than a millisecond
        settings = (
            {"cpu.max": f"{quota} {PERIOD}"},
            {"cpu.cfs_period_us": f"{PERIOD}", "cpu.cfs_quota_us": f"{quota}"},
        )
        if not _join("cpu", *settings, name, pid, cgroups, groups):
            missing.append("processor time is not limited: no control group may be written here")
    if limits.files is not None:
        missing += _rlimit(pid, resource.RLIMIT_NOFILE, limits.files, "open files")
    return Imposed(tuple(dict.fromkeys(groups)), tuple(missing))


def give_back(groups: Sequence[str]) -> None:
    """Remove the control groups of an instance that is gone. Blocks; meant for a thread."""
    for group in groups:
        for wait in (0.0, 0.01, 0.1, 1.0):  # what was just killed there may still be dying
            time.sleep(wait)
            with contextlib.suppress(OSError):
                os.rmdir(group)
            if not os.path.exists(group):
                break


def ran_out_of_memory(groups: Sequence[str]) -> bool:
    """Whether the kernel ended a process there for want of memory. Asked before the groups are given back."""
    for group in groups:
        for report in ("memory.events", "memory.oom_control"):
            with contextlib.suppress(OSError):
                fields = dict(line.split(None, 1) for line in Path(group, report).read_text().splitlines())
                if int(fields.get("oom_kill", "0")):
                    return True
    return False


def _join(
    controller: str,
    unified: dict[str, str],
    legacy: dict[str, str],
    name: str,
    pid: int,
    cgroups: Path,
    made: list[str],
) -> bool:
    """Make a group below our own, so that whatever holds us holds the instance too, and put the process in."""
    for parent, settings in _parents(controller, unified, legacy, cgroups):
        group = parent / f"plainsail-{name}"
        try:
            group.mkdir(exist_ok=True)
            for file, value in settings.items():
                (group / file).write_text(value)
            (group / "cgroup.procs").write_text(str(pid))
        except OSError:
            give_back([str(group)])
            continue
        made.append(str(group))
        return True
    return False


def _parents(
    controller: str, unified: dict[str, str], legacy: dict[str, str], cgroups: Path
) -> list[tuple[Path, dict[str, str]]]:
    """Where a group with this controller might be made, and what is written in it there."""
    found: list[tuple[Path, dict[str, str]]] = []
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return found
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            own = cgroups / path.lstrip("/")
            # Version 2 keeps processes out of groups that divide a controller among others. So either ours divides it
            # already, or a service manager gave us the one above (systemd: Delegate= with DelegateSubgroup=).
            for parent in (own, own.parent) if _delegated(own.parent) else (own,):
                if _divides(parent, controller):
                    found.append((parent, unified))
        elif controller in controllers.split(","):
            found.append((cgroups / controllers / path.lstrip("/"), legacy))
            found.append((cgroups / controller / path.lstrip("/"), legacy))
    return [(parent, settings) for parent, settings in found if parent.is_dir()]


def _delegated(group: Path) -> bool:
    with contextlib.suppress(OSError):
        return os.getxattr(group, "user.delegate") == b"1"
    return False


def _divides(group: Path, controller: str) -> bool:
    control = group / "cgroup.subtree_control"
    try:
        if controller not in control.read_text().split():
            control.write_text(f"+{controller}")
        return controller in control.read_text().split()
    except OSError:
        return False


def _rlimit(pid: int, kind: int, wanted: int, what: str) -> list[str]:
    """What could not be had. RLIMIT_DATA counts what a process may write to, not what it merely reserves."""
    try:
        _, most = resource.prlimit(pid, kind)
        had = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
        resource.prlimit(pid, kind, (had, had))
    except ProcessLookupError:  # it has ended already
        return []
    except OSError as error:
        return [f"{what} not limited to {wanted:,}: {error.strerror}"]
    return [f"{what} limited to {had:,}, not {wanted:,}: the machine allows no more"] if had < wanted else []
