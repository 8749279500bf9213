"""What is kept on disk: the services as last asked for, and the files that HAProxy starts from, always in step.

The state is written before HAProxy is told (store first, then the world), so that a HAProxy that dies and is started
again does from its first request what was last asked of it.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from plainsail.domain.observation import Counts
from plainsail.drivers._kit.proc import Identity
from plainsail.drivers._kit.records import Upgrade, decode
from plainsail.drivers.routers.haproxy import mirror
from plainsail.drivers.routers.haproxy.template import Kept, map_files
from plainsail.ports.errors import Broken

log = logging.getLogger(__name__)

VERSION = 1
"""Of the shape of `state.json`; a change that yesterday's file does not fit raises it, with a step in `UPGRADES`."""
UPGRADES: Mapping[int, Upgrade] = {}

CONFIG, STATE, PROCESS = "haproxy.cfg", "state.json", "process.json"


Tallies = dict[str, dict[str, Counts]]
"""By service and group."""


class Earlier(msgspec.Struct, frozen=True):
    """What was counted by other workers than the one that serves. See `ledger`."""

    born: str = ""
    """The worker that serves. If it is among `before`, a reload was about to happen."""
    before: dict[str, Tallies] = {}
    """By worker; those that ended long ago together."""


class State(msgspec.Struct, frozen=True):
    """Contents of `state.json`."""

    record: int = VERSION
    services: dict[str, Kept] = {}
    log_port: int = 0
    earlier: Earlier = Earlier()


replace = msgspec.structs.replace


class Shelf:
    """The driver's directory. Several control planes may use it in turn: the newer epoch of a service wins."""

    def __init__(self, directory: Path, render: Callable[[int, dict[str, Kept]], str]) -> None:
        self.directory = directory
        self.state = State()
        self._render = render
        self._read: tuple[int, int] | None = None

    def load(self) -> None:
        """Read the state if somebody else wrote it. Broken (`haproxy_state`, `record_newer`)."""
        place = self.directory / STATE
        try:
            found = place.stat()
            if self._read == (found.st_ino, found.st_mtime_ns):
                return
            there = decode(place.read_bytes(), State, place, VERSION, UPGRADES)
        except FileNotFoundError:
            return
        except msgspec.DecodeError as error:  # after a power cut; the control plane says again what it wants
            place.replace(place.with_suffix(".damaged"))
            log.error("%s was damaged and is written anew: %s", place, error)
            return
        except OSError as error:
            raise Broken(
                "haproxy_state", f"{place} cannot be read: {error.strerror}", "make it readable"
            ) from error
        mine, self._read = self.state, (found.st_ino, found.st_mtime_ns)
        newer = {
            name: kept
            for name, kept in mine.services.items()
            if name in there.services and kept.epoch > there.services[name].epoch
        }
        self.state = replace(
            there, services={**there.services, **newer}, log_port=there.log_port or mine.log_port
        )
        if newer:  # an older holder, stopped in the middle of an order, went on and wrote
            self.write(self.state)

    def keep(self, service: str, kept: Kept | None) -> None:
        """Write down what this service is to be from now on; None: it is gone."""
        services, earlier = {**self.state.services}, self.state.earlier
        if kept is None:
            services.pop(service, None)
            before = {born: _without(service, its) for born, its in earlier.before.items()}
            earlier = replace(earlier, before=before)
        else:
            services[service] = kept
        if services != self.state.services:
            self.write(replace(self.state, services=services, earlier=earlier))

    def note(self, earlier: Earlier) -> None:
        """What other workers counted. It stays in memory at least: on a full disk users are more important."""
        if earlier == self.state.earlier:
            return
        self.state = replace(self.state, earlier=earlier)
        place = self.directory / STATE
        try:
            self._write_state(self.state)
        except OSError as error:
            log.warning("%s cannot be written: %s; the counts go on", place, error.strerror)

    def write(self, state: State) -> None:
        """State first: the other files follow from it and are written again at every start. Broken (`disk_full`)."""
        try:
            self._write_state(state)
            files = map_files(state.services)
            for name, text in files.items():
                _replace(self.directory / name, text.encode())
            _replace(self.directory / mirror.FILE, mirror.script().encode())
            _replace(self.directory / CONFIG, self._render(state.log_port, state.services).encode())
            for old in self.directory.glob("*.map"):
                if old.name not in files:
                    old.unlink(missing_ok=True)
        except OSError as error:
            raise Broken(
                "disk_full", f"{self.directory} cannot be written: {error.strerror}", "make room"
            ) from error

    def _write_state(self, state: State) -> None:
        _replace(self.directory / STATE, msgspec.json.encode(state))
        found = (self.directory / STATE).stat()
        self.state, self._read = state, (found.st_ino, found.st_mtime_ns)

    def identity(self) -> str:
        """Of the configuration that is there, which may be older than the state; empty if there is none."""
        try:
            found = re.search(r"proc\.identity str\((\w+)\)", (self.directory / CONFIG).read_text())
        except OSError:
            return ""
        return found[1] if found else ""

    def process(self) -> Identity | None:
        """The HAProxy that was started from here."""
        try:
            return msgspec.json.decode((self.directory / PROCESS).read_bytes(), type=Identity)
        except (OSError, msgspec.DecodeError):
            return None

    def note_process(self, process: Identity | None) -> None:
        if process is None:
            (self.directory / PROCESS).unlink(missing_ok=True)
        else:
            try:
                _replace(self.directory / PROCESS, msgspec.json.encode(process))
            except OSError as error:  # it is found by its socket as well
                log.warning("%s cannot be written: %s", self.directory / PROCESS, error.strerror)


def _without(service: str, its: Tallies) -> Tallies:
    return {name: groups for name, groups in its.items() if name != service}


def _replace(place: Path, content: bytes) -> None:
    """Whole or not at all, for its owner only. Not forced to the disk: after a power cut no instance runs either."""
    fresh = place.with_name(f".{place.name}.{os.getpid()}")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
    fresh.rename(place)
