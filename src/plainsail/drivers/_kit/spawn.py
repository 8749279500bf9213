"""Starting one instance: its directory, command, environment and secrets, and its record before and after."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from plainsail.domain.service import Run
from plainsail.drivers._kit import limits, proc
from plainsail.drivers._kit.journal import InstanceRecord, Journal

SITE_MARK, INSTANCE_MARK = "PLAINSAIL_SITE", "PLAINSAIL_INSTANCE"
"""Variables by which a process is known as ours, even if nobody wrote it down."""
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PASSED_ON = ("HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ")
"""All that an instance gets of the control plane's own environment, besides PATH."""
LARGEST_SECRET = 1 << 16


class NotStarted(Exception):
    """Why there is no process, in one clause."""


class NoSpace(NotStarted):
    """The disk is full: not the release's fault."""


def launch(
    record: InstanceRecord, run: Run, environment: str, tree: Path, journal: Journal
) -> tuple[InstanceRecord, tuple[str, ...]]:
    """Start the process: its record, and in words the limits that could not be had. Blocks; meant for a thread.

    Raises NotStarted. Between the record before and the record after, the process is known by its marks alone.
    """
    env = variables(record, run, environment, journal)
    argv = resolve(run.command, record.port, tree, env["PATH"])
    try:
        journal.save(record)
        for place in (journal.scratch(record.id), journal.compiled(record.release)):
            place.mkdir(mode=0o700, exist_ok=True)
        output = journal.output(record).open()
        try:
            child = _spawn(argv, tree, env, output)
        finally:
            os.close(output)
    except OSError as error:
        raise _not_started(run.command[0], error) from error
    process = proc.stat(child)  # a zombie, perhaps: it is nobody else's number before it is reaped
    assert process is not None
    imposed = limits.impose(run.limits, record.id, child)
    identity = proc.Identity(child, process.started, proc.boot_id())
    record = msgspec.structs.replace(record, process=identity, cgroups=imposed.groups)
    try:
        journal.save(record)
    except OSError as error:  # nobody could adopt it
        proc.end_now(identity, (INSTANCE_MARK, record.id))
        limits.give_back(imposed.groups)
        raise _not_started(run.command[0], error) from error
    return record, imposed.missing


def variables(record: InstanceRecord, run: Run, environment: str, journal: Journal) -> dict[str, str]:
    """The whole environment: a small base, what the user wrote, the secrets, and what we promise."""
    return {
        "HOME": "/",
        "LANG": "C.UTF-8",
        **{name: os.environ[name] for name in PASSED_ON if name in os.environ},
        "PATH": _path(os.environ.get("PATH", PATH)),
        "PYTHONUNBUFFERED": "1",
        "PYTHONPYCACHEPREFIX": str(journal.compiled(record.release)),
        "TMPDIR": str(journal.scratch(record.id)),
        **run.env,
        **{name: _secret(name, Path(path)) for name, path in run.secrets.items()},
        "PORT": str(record.port),
        "PLAINSAIL_SERVICE": record.service,
        "PLAINSAIL_ENVIRONMENT": environment,
        "PLAINSAIL_GROUP": record.group,
        "PLAINSAIL_VERSION": record.version,
        INSTANCE_MARK: record.id,
        SITE_MARK: journal.site,
    }


def resolve(command: Sequence[str], port: int, tree: Path, path: str) -> list[str]:
    """The argument vector: `{port}` filled in, and the program found in the release or on the path."""
    program, *arguments = (part.replace("{port}", str(port)) for part in command)
    if "/" in program:
        found = str(tree / program)
        if not os.path.exists(found):
            raise NotStarted(f"command not found: {program}")
        if os.path.isdir(found) or not os.access(found, os.X_OK):
            raise NotStarted(f"command is not executable: {program}")
        return [found, *arguments]
    where = shutil.which(program, path=path)
    if where is None:
        raise NotStarted(f"command not found: {program}")
    return [where, *arguments]


def _spawn(argv: Sequence[str], tree: Path, env: dict[str, str], output: int) -> int:
    """A process that leads a session and group of its own, and that nothing of ours ends when we end."""
    child = subprocess.Popen(
        argv,
        cwd=tree,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
    )
    child.returncode = 0  # it is reaped by its number; the object would complain of being dropped
    return child.pid


def _secret(name: str, path: Path) -> str:
    try:
        with open(path, "rb") as file:
            value = file.read(LARGEST_SECRET + 1)
    except OSError as error:
        raise NotStarted(f"secret_missing: {name} cannot be read from {path}: {_why(error)}") from error
    if len(value) > LARGEST_SECRET or b"\0" in value:
        raise NotStarted(f"secret_missing: {path} holds no value for {name}: it is too long or not text")
    return os.fsdecode(value.removesuffix(b"\n").removesuffix(b"\r"))


def _not_started(program: str, error: OSError) -> NotStarted:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NoSpace("no space left on the disk")
    if error.errno == errno.ENOENT:  # the program itself is there
        return NotStarted(f"cannot run {program}: its interpreter (first line) is not found")
    return NotStarted(f"cannot run {program}: {_why(error)}")


def _why(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _path(ours: str) -> str:
    """PATH without the virtual environment that plainsail runs in, if it does: the `python3` in there has plainsail's
    packages, and none of the application's."""
    own = f"{sys.prefix}/bin" if sys.prefix != sys.base_prefix else ""
    return ":".join(part for part in ours.split(":") if part.rstrip("/") != own)
