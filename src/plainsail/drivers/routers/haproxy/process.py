"""The HAProxy process: a master that reloads and a worker that serves. It outlives the control plane.

Master and worker live and die together, so the master's identity is HAProxy's. A reload makes a new worker that takes
the listening sockets over; the old one ends its open streams, and the master still passes commands on to it. It takes
no order about its servers any more, so it is told to hand on to the new worker what still comes on its connections.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

from plainsail.drivers._kit import proc
from plainsail.drivers.routers.haproxy import binary
from plainsail.drivers.routers.haproxy.cli import MASTER, Line, Relay, session
from plainsail.drivers.routers.haproxy.config import Config
from plainsail.drivers.routers.haproxy.shelf import CONFIG, Shelf
from plainsail.drivers.routers.haproxy.template import HAND_ON, HOSTS
from plainsail.ports.errors import Broken, Rejected, Transient

log = logging.getLogger(__name__)

WITHIN = 6.0
"""Seconds for HAProxy to start, to reload or to end."""
DYING = 1.0
"""Seconds that a port may still be in use by a HAProxy that was killed."""
POLL = 0.02
OUTPUT = "haproxy.log"
LARGEST_OUTPUT = 1 << 20
BACK_OFF = (1.0, 30.0)
"""Seconds before a HAProxy that died is started again: the first time, and at most."""


class Process:
    """The one HAProxy of a directory."""

    def __init__(self, config: Config, shelf: Shelf) -> None:
        self._config, self._shelf = config, shelf
        self._identity: proc.Identity | None = None
        self._not_before, self._delay = 0.0, BACK_OFF[0]
        self._older = True
        """There may be older workers."""
        self._handing_on: set[int] = set()

    def alive(self) -> bool:
        return self._identity is not None and proc.lives(self._identity)

    async def ended(self) -> None:
        """Returns when it is dead, at once if it is."""
        if self._identity is not None:
            await proc.ended(self._identity)

    async def adopt(self) -> bool:
        """Take over the one that runs here already. Raises Transient if it runs and does not answer."""
        recorded, until = self._shelf.process(), time.monotonic() + WITHIN
        while True:
            try:
                master = next((pid for pid, kind in await self._listed() if kind == "master"), None)
                break
            except Transient:
                if recorded is None or not proc.lives(recorded):
                    return False
                if time.monotonic() > until:  # neither dying nor starting
                    raise
                await asyncio.sleep(POLL)
        self._identity = proc.identify(master) if master else None
        if self._identity is not None:
            self._shelf.note_process(self._identity)
            self._older = True
        return self._identity is not None

    async def ensure(self, identity: str) -> None:
        """Start it if it is dead. Raises Transient while it is backing off, Broken (`haproxy_failed`, `port_in_use`)."""
        if self.alive():
            return
        died, self._identity = self._identity, None
        if died is not None:
            proc.reap(died)
            log.warning("HAProxy (process %d) has died; starting it again", died.pid)
        if await self.adopt():  # another control plane was faster
            return
        wait = self._not_before - time.monotonic()
        if wait > 0:
            raise Transient("haproxy_down", f"HAProxy died; it is started again in {wait:.0f} s")
        self._not_before = time.monotonic() + self._delay
        self._delay = min(self._delay * 2, BACK_OFF[1])
        await self._start(identity)

    async def identity(self) -> str:
        """Which configuration it runs with. Raises Transient."""
        async with session(self._shelf.directory) as line:
            return (await running(line))[0]

    async def reload(self, identity: str) -> None:
        """A new worker with the configuration on disk. Broken (`haproxy_failed`): the old one goes on."""
        assert self._identity is not None
        self._older = True
        os.kill(self._identity.pid, signal.SIGUSR2)
        if not await self._comes(identity):
            raise Broken(
                "haproxy_failed", f"HAProxy did not reload: {self._last_words()}", "look into its output"
            )
        for worker in await self.older_workers():
            await _listens_no_more(worker)

    async def older_workers(self) -> list[Relay]:
        """Those that still end their streams after a reload."""
        if not self._older:
            return []
        found = {
            pid: Relay(self._shelf.directory, pid) for pid, kind in await self._listed() if kind == "old"
        }
        for pid in found.keys() - self._handing_on:
            with contextlib.suppress(Transient):  # it has just ended
                await found[pid].ask(f"add map {HOSTS} {HAND_ON} yes")
        self._handing_on, self._older = set(found), bool(found)
        return list(found.values())

    async def end(self) -> None:
        """Stop it; connections are closed. Broken (`haproxy_failed`) if it does not go."""
        with contextlib.suppress(Transient):
            if not self.alive():
                await self.adopt()
        target = self._identity or self._shelf.process()
        if target is not None and proc.lives(target):
            os.kill(target.pid, signal.SIGTERM)
            try:
                async with asyncio.timeout(WITHIN):
                    await proc.ended(target)
            except TimeoutError:
                proc.kill(target)
                await proc.ended(target)
        if target is not None:
            proc.reap(target)
        self._identity = None
        self._shelf.note_process(None)

    async def _start(self, identity: str) -> None:
        program = await self.check()
        await self._wait_for_port()
        child = self._launch(program)
        child.returncode = 0  # it is known by its identity; the object would complain of being dropped
        self._identity = proc.identify(child.pid)
        self._shelf.note_process(self._identity)
        if not await self._comes(identity):
            words = self._last_words()
            await self._end_late()
            raise Broken(
                "haproxy_failed",
                f"HAProxy did not start: {words}",
                f"look into {self._shelf.directory / OUTPUT}",
            )
        self._delay = BACK_OFF[0]

    async def _end_late(self) -> None:
        """One that did not come in its time is not left behind: it would count as alive and never be started again."""
        late, self._identity = self._identity, None
        if late is None:
            return
        if proc.lives(late):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(late.pid, signal.SIGKILL)  # master and workers, which have a session of their own
            await proc.ended(late)
        proc.reap(late)
        self._shelf.note_process(None)

    async def _wait_for_port(self) -> None:
        """A worker whose master was killed needs a moment to go. Then Rejected (`port_in_use`)."""
        until = time.monotonic() + DYING
        while True:
            try:
                return refuse_taken(*self._config.address())
            except Rejected:
                if time.monotonic() > until:
                    raise
            await asyncio.sleep(POLL)

    def _launch(self, program: str) -> subprocess.Popen[bytes]:
        """In a session of its own, with its output in a file: nothing of ours ends it when we end."""
        output = self._shelf.directory / OUTPUT
        with contextlib.suppress(FileNotFoundError):
            if output.stat().st_size > LARGEST_OUTPUT:
                os.truncate(output, 0)
        with open(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as sink:
            return subprocess.Popen(
                [program, "-W", "-S", f"unix@{MASTER},mode,600", "-f", CONFIG],
                cwd=self._shelf.directory, env={"PATH": os.defpath}, stdin=subprocess.DEVNULL, stdout=sink,
                stderr=sink, start_new_session=True,
            )  # fmt: skip

    async def check(self) -> str:
        """The program, which can start from what is on disk. Broken (`haproxy_config`, `haproxy_missing`)."""
        program = await asyncio.to_thread(binary.find, self._config.binary)
        checking = await asyncio.create_subprocess_exec(
            program, "-c", "-f", CONFIG, cwd=self._shelf.directory, env={"PATH": os.defpath},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        words, _ = await checking.communicate()
        if checking.returncode:
            alert = re.search(r"\[ALERT\][^:]*: (.*)", words.decode(errors="replace"))
            raise Broken(
                "haproxy_config", f"HAProxy refuses its configuration: {alert[1] if alert else 'no reason given'}",
                f"run {program} -c -f {CONFIG} in {self._shelf.directory}",
            )  # fmt: skip
        return program

    async def _comes(self, identity: str) -> bool:
        """Wait until it serves this configuration; False if it does not, or died."""
        until = time.monotonic() + WITHIN
        while time.monotonic() < until and self.alive():
            with contextlib.suppress(Transient):
                if (
                    await self.identity() == identity and await self._listed()
                ):  # the master is back a little later
                    return True
            await asyncio.sleep(POLL)
        return False

    async def _listed(self) -> list[tuple[int, str]]:
        """Processes as the master sees them: `master`, `worker`, `old`."""
        found, old = [], False
        for row in (await Relay(self._shelf.directory).ask("show proc")).splitlines():
            old = old or row.startswith("# old")
            fields = row.split()
            if len(fields) > 2 and fields[0].isdigit() and fields[1] in ("master", "worker"):
                found.append((int(fields[0]), "old" if old and fields[1] == "worker" else fields[1]))
        return found

    def _last_words(self) -> str:
        try:
            lines = (self._shelf.directory / OUTPUT).read_text(errors="replace").splitlines()
        except OSError:
            lines = []
        alerts = [line.partition(" : ")[2] for line in lines[-20:] if line.startswith("[ALERT]")]
        return alerts[0] if alerts else "it said nothing"


RUNNING = ("get var proc.identity", "get var proc.born")
"""What `running` asks."""


async def running(line: Line) -> tuple[str, str]:
    """Which configuration this worker runs with, and which worker it is."""
    found = [re.search(r"<(\w*)>", await line.ask(question)) for question in RUNNING]
    identity, born = (one[1] if one else "" for one in found)
    return identity, born


async def _listens_no_more(older: Line) -> None:
    """For a moment after a reload both workers accept connections, ours too: what it says then must not be taken for what
    the new one says."""
    until = time.monotonic() + WITHIN
    with contextlib.suppress(Transient):  # it has ended
        while not re.search(r"^Stopping: 1", await older.ask("show info"), re.MULTILINE):
            if time.monotonic() > until:
                log.warning("the HAProxy worker before the reload still accepts connections")
                return
            await asyncio.sleep(POLL)


def refuse_taken(host: str, port: int) -> None:
    """Rejected (`port_in_use`) if somebody listens there. HAProxy alone would not always notice."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((host, port))
        except OSError as error:
            owner = _listener(port)
            by = f" by process {owner}" if owner else ""
            raise Rejected(
                "port_in_use", f"{host or '*'}:{port} cannot be listened on, it is in use{by} ({error.strerror})",
                "stop that, or give the router another `listen`",
            ) from error  # fmt: skip


def _listener(port: int) -> int | None:
    """The process that listens on this port, if we may know."""
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for row in Path(table).read_text().splitlines()[1:]:
                fields = row.split()
                if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                    inodes.add(f"socket:[{fields[9]}]")
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if any(os.readlink(handle) in inodes for handle in (entry / "fd").iterdir()):
                    return int(entry.name)
    return None
