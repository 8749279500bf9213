"""What is written down about instances, so that the next control plane finds those that run.

    site                                    a name of this directory's own; every instance carries it
    services/SERVICE/epoch                  the newest epoch that gave orders
    services/SERVICE/GROUP/group.json       counts; gone when the group is
    services/SERVICE/GROUP/INSTANCE.json    one instance; gone when it is
    services/SERVICE/GROUP/INSTANCE.log*    its output; kept for a while
    scratch/INSTANCE/                       its TMPDIR
    compiled/RELEASE/                       Python's compiled caches, which must not land in the release

A file is replaced whole, without fsync: after a power cut no process is left that a record could speak of.

Records say which version of their shape they have; those of a newer plainsail are refused, since an instance without a
record that can be read would be taken for a stray and ended.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from plainsail.domain.release import short
from plainsail.domain.service import Probe, Stop
from plainsail.drivers._kit.output import Output
from plainsail.drivers._kit.proc import Identity
from plainsail.drivers._kit.records import Upgrade, decode
from plainsail.drivers._kit.replicas import Backoff
from plainsail.ports.errors import Rejected

T = TypeVar("T")
VERSION = 1
"""Of the records' shapes; a change that yesterday's files do not fit raises it, with a step in `UPGRADES`."""
UPGRADES: Mapping[int, Upgrade] = {}
"""By the version they start from; each is given a record of either kind."""
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
"""Services and groups become names of directories."""
ENDED_OUTPUTS = 10
"""Outputs of ended instances kept in a group: a crash loop writes the same again and again."""


class InstanceRecord(msgspec.Struct, frozen=True):
    """One instance. Times are seconds since boot, which every process sees alike; `since` is for people."""

    id: str
    service: str
    group: str
    release: str
    version: str
    port: int
    since: float
    began_at: float
    ready: Probe
    live: Probe | None
    stop: Stop
    process: Identity | None = None
    """None: written before the start, and perhaps never started."""
    cgroups: tuple[str, ...] = ()
    well: bool = False
    """Its readiness probe succeeds."""
    ready_at: float | None = None
    """When it was ready for the first time."""
    leaving_at: float | None = None
    ending_at: float | None = None
    """When it was sent SIGTERM."""
    record: int = VERSION


class GroupRecord(msgspec.Struct, frozen=True):
    """A group's counts, kept as long as the group."""

    service: str
    group: str
    release: str
    asked: int = 0
    crashes: int = 0
    failed_starts: int = 0
    timed_out: int = 0
    trouble: str = ""
    backoff: Backoff = Backoff()
    boot: str = ""
    """The boot that `backoff` counts from."""
    record: int = VERSION


class Journal:
    """The directory above. Raises OSError as it comes; Broken (`record_newer`)."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._services = directory / "services"
        for path in (self._services, directory / "scratch", directory / "compiled"):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.site = self._site()

    def epoch(self, service: str) -> int:
        with contextlib.suppress(FileNotFoundError, ValueError):
            return int((self._services / _name(service) / "epoch").read_text())
        return 0

    def save_epoch(self, service: str, epoch: int) -> None:
        place = self._services / _name(service)
        place.mkdir(mode=0o700, exist_ok=True)
        _replace(place / "epoch", str(epoch).encode())

    def save(self, record: InstanceRecord | GroupRecord) -> None:
        place = self._group(record.service, record.group)
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = record.id if isinstance(record, InstanceRecord) else "group"
        _replace(place / f"{name}.json", msgspec.json.encode(record))

    def instances(self) -> Iterator[InstanceRecord]:
        for path in sorted(self._services.glob("*/*/*.json")):
            if path.name != "group.json" and (record := _read(path, InstanceRecord)):
                yield record

    def groups(self) -> Iterator[GroupRecord]:
        for path in sorted(self._services.glob("*/*/group.json")):
            if record := _read(path, GroupRecord):
                yield record

    def output(self, record: InstanceRecord) -> Output:
        return Output(self._group(record.service, record.group) / f"{record.id}.log")

    def outputs(self, service: str, group: str | None) -> Iterator[tuple[str, str, Output]]:
        """Group, instance and output of all there is, oldest first."""
        place = self._services / _name(service)
        for path in _by_age(place.glob(f"{_name(group) if group else '*'}/*.log")):
            yield path.parent.name, path.stem, Output(path)

    def scratch(self, instance: str) -> Path:
        return self._directory / "scratch" / instance

    def compiled(self, release: str) -> Path:
        return self._directory / "compiled" / short(release)

    def forget_instance(self, record: InstanceRecord) -> None:
        """Its output stays, with that of the last few that ended in its group."""
        place = self._group(record.service, record.group)
        (place / f"{record.id}.json").unlink(missing_ok=True)
        shutil.rmtree(self.scratch(record.id), ignore_errors=True)
        ended = [path for path in _by_age(place.glob("*.log")) if not path.with_suffix(".json").exists()]
        for path in ended[:-ENDED_OUTPUTS]:
            Output(path).delete()

    def forget_group(self, record: GroupRecord, keep: int) -> None:
        """Its instances' output stays as long as it is among the last `keep` groups of the service that ended."""
        place = self._group(record.service, record.group)
        (place / "group.json").unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError):
            os.utime(place)
        groups = [path for path in place.parent.glob("*/") if path.is_dir()]
        ended = _by_age(path for path in groups if not any(path.glob("*.json")))
        for path in ended[: max(0, len(ended) - keep)]:
            shutil.rmtree(path, ignore_errors=True)

    def tidy(self, releases: set[str], instances: set[str]) -> None:
        """Remove caches and scratch directories that nobody uses, and files that were being written in a crash."""
        for left in (*self._services.glob("*/*/.writing*"), *self._services.glob("*/*/.rotating*")):
            left.unlink(missing_ok=True)
        for kind, used in ("compiled", {short(release) for release in releases}), ("scratch", instances):
            for path in (self._directory / kind).iterdir():
                if path.name not in used:
                    shutil.rmtree(path, ignore_errors=True)

    def _group(self, service: str, group: str) -> Path:
        return self._services / _name(service) / _name(group)

    def _site(self) -> str:
        path = self._directory / "site"
        with contextlib.suppress(FileNotFoundError):
            if re.fullmatch(r"[0-9a-f]{16}", name := path.read_text()):
                return name
        name = secrets.token_hex(8)
        _replace(path, name.encode())
        return name


def _name(text: str) -> str:
    if not NAME.fullmatch(text):
        raise Rejected("bad_name", f"{text!r} cannot name a directory", "use letters, digits, - and _")
    return text


def _by_age(paths: Iterator[Path]) -> list[Path]:
    aged = []
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            aged.append((path.stat().st_mtime_ns, path))
    return [path for _, path in sorted(aged)]


def _read(path: Path, kind: type[T]) -> T | None:
    """None if it is gone or damaged. Raises Broken (`record_newer`)."""
    with contextlib.suppress(FileNotFoundError, msgspec.MsgspecError):
        return decode(path.read_bytes(), kind, path, VERSION, UPGRADES)
    return None


def _replace(path: Path, content: bytes) -> None:
    handle, scratch = tempfile.mkstemp(dir=path.parent, prefix=".writing")
    try:
        with open(handle, "wb") as file:
            file.write(content)
        os.replace(scratch, path)
    except OSError:
        os.unlink(scratch)
        raise
