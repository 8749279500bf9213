"""One instance from its start, or its adoption, to its end: probed, watched, and ended when it is told to."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from msgspec.structs import replace

from plainsail.domain import observation
from plainsail.domain.service import Probe
from plainsail.domain.units import plural, seconds
from plainsail.drivers._kit import limits, proc
from plainsail.drivers._kit.journal import GroupRecord, InstanceRecord, Journal
from plainsail.drivers._kit.probe import HOST, ask, named
from plainsail.drivers._kit.replicas import Hand
from plainsail.drivers._kit.spawn import INSTANCE_MARK, NotStarted, resolve
from plainsail.ports.errors import Failure

log = logging.getLogger(__name__)

STARTING_EVERY = 0.1
"""Seconds between two probes of an instance that is not ready yet: a release is not to wait for its probe."""
SHORTEST_EVERY = 0.05
SETTLED = 1.0
"""Seconds after which a process without a readiness probe counts as ready; one that cannot start is gone by then."""


class Mishap(NamedTuple):
    """What went wrong with an instance, in the counts' terms and in one clause."""

    kind: Literal["crash", "failed_start", "timed_out"]
    trouble: str

    def counted(self, group: GroupRecord) -> GroupRecord:
        return replace(
            group,
            crashes=group.crashes + (self.kind == "crash"),
            failed_starts=group.failed_starts + (self.kind != "crash"),
            timed_out=group.timed_out + (self.kind == "timed_out"),
            trouble=self.trouble,
        )


class Owner(Protocol):
    """Whom an instance tells."""

    def turned(self, instance: Instance) -> None:
        """It is in another state now."""
        ...

    def failed(self, instance: Instance, mishap: Mishap) -> None: ...


class Instance:
    """The record is the truth; this keeps it, and the process, in step."""

    def __init__(
        self, record: InstanceRecord, journal: Journal, tree: Callable[[str], Path], owner: Owner
    ) -> None:
        self.record = record
        self.output = journal.output(record)
        self._journal, self._tree, self._owner = journal, tree, owner
        self._care: asyncio.Task[None] | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._unsaved = False
        self._over = False

    def hand(self) -> Hand:
        record = self.record
        was_ready, ending = record.ready_at is not None, record.ending_at is not None
        return Hand(
            record.id, record.well, was_ready, record.began_at, record.stop.drain, record.leaving_at, ending
        )

    def seen(self) -> observation.Instance:
        record = self.record
        state: observation.InstanceState
        if record.leaving_at is not None:
            state = "leaving"
        elif record.well:
            state = "ready"
        else:
            state = "starting" if record.ready_at is None else "unready"
        return observation.Instance(record.id, record.group, state, f"{HOST}:{record.port}", record.since)

    def leave(self) -> None:
        self._become(replace(self.record, leaving_at=proc.uptime()))

    def stay(self) -> None:
        self._become(replace(self.record, leaving_at=None))

    def end(self) -> None:
        """SIGTERM to all its processes now, SIGKILL when its grace is over."""
        if self.record.ending_at is not None:
            return
        now = proc.uptime()
        self._become(replace(self.record, leaving_at=self.record.leaving_at or now, ending_at=now))
        if self.record.process is not None:
            self._signal(signal.SIGTERM)
            self._finish()

    def launched(self, process: proc.Identity, cgroups: tuple[str, ...]) -> None:
        """It has a process now. What was decided meanwhile is made up for."""
        self._become(replace(self.record, process=process, cgroups=cgroups))
        if self.record.ending_at is not None:
            self._signal(signal.SIGTERM)

    async def watch(self) -> None:
        """Returns when the process, and whatever is left of its group, is gone and forgotten."""
        process = self.record.process
        assert process is not None
        if self.record.ending_at is None:
            self._care = asyncio.create_task(self._look_after())
        else:
            self._finish()
        try:
            await proc.ended(process)
        finally:
            if self._care is not None:
                self._care.cancel()
            if self._deadline is not None:
                self._deadline.cancel()
        self._over, ended_at = True, proc.uptime()
        status, starved = await asyncio.to_thread(self._bury, process)
        if self.record.ending_at is None:
            self._owner.failed(self, self._mishap(status, starved, ended_at))

    async def _look_after(self) -> None:
        """The readiness probe until it succeeds, then both probes for good."""
        try:
            if self.record.ready_at is None and not await self._becomes_ready():
                return
            async with asyncio.TaskGroup() as probing:
                if _asks(self.record.ready):
                    probing.create_task(self._stays_ready(self.record.ready))
                if self.record.live is not None and _asks(self.record.live):
                    probing.create_task(self._stays_alive(self.record.live))
        except Exception:  # a defect here must not end an instance, nor go unseen
            log.exception("probing %s failed", self.record.id)

    async def _becomes_ready(self) -> bool:
        probe, why = self.record.ready, ""
        left = self.record.began_at + probe.within - proc.uptime()
        try:
            async with asyncio.timeout(left if left > 0 else probe.timeout):  # an adopted one is asked once
                while why := await self._ask(probe):  # noqa: ASYNC110  (another process has no event)
                    await asyncio.sleep(STARTING_EVERY)
        except TimeoutError:
            because = f"{named(probe)}: {why or 'no answer'}"
            self._give_up(Mishap("timed_out", f"not ready within {seconds(probe.within)} ({because})"))
            return False
        self._become(replace(self.record, well=True, ready_at=proc.uptime()))
        return True

    async def _stays_ready(self, probe: Probe) -> None:
        failures = 0
        while True:
            await asyncio.sleep(max(probe.every, SHORTEST_EVERY))
            failures = failures + 1 if await self._ask(probe) else 0
            well = failures < probe.failures if self.record.well else failures == 0
            if well != self.record.well:
                self._become(replace(self.record, well=well))

    async def _stays_alive(self, probe: Probe) -> None:
        failures = 0
        while True:
            await asyncio.sleep(max(probe.every, SHORTEST_EVERY))
            why = await self._ask(probe)
            failures = failures + 1 if why else 0
            if failures >= probe.failures:
                trouble = f"failed {plural(failures, 'liveness probe')} in a row ({named(probe)}: {why})"
                self._give_up(Mishap("crash", trouble))
                return

    async def _ask(self, probe: Probe) -> str:
        if not _asks(probe):
            await asyncio.sleep(self.record.began_at + SETTLED - proc.uptime())
            return ""
        command: Sequence[str] = ()
        tree, env = Path("/"), dict[str, str]()
        if probe.command:
            assert self.record.process is not None
            env = proc.environment(self.record.process)
            if INSTANCE_MARK not in env:  # for a moment after exec(2) there is none, or we may not look
                return "its environment cannot be read"
            try:
                tree = self._tree(self.record.release)
                command = resolve(probe.command, self.record.port, tree, env.get("PATH", ""))
            except (NotStarted, Failure) as failure:
                return str(failure)
        return await ask(probe, self.record.port, command, tree, env)

    def _give_up(self, mishap: Mishap) -> None:
        self.end()
        self._owner.failed(self, mishap)

    def _finish(self) -> None:
        """From SIGTERM on: no more probes, and a deadline."""
        if self._care is not None:
            self._care.cancel()
        assert self.record.ending_at is not None
        left = self.record.ending_at + self.record.stop.grace - proc.uptime()
        self._deadline = asyncio.get_running_loop().call_later(max(left, 0), self._signal, signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        assert self.record.process is not None
        proc.signal_group(self.record.process, number, (INSTANCE_MARK, self.record.id))

    def _bury(self, process: proc.Identity) -> tuple[int | None, bool]:
        """What it left behind goes too. Its exit code, and whether memory was what it died of. Blocks."""
        proc.signal_group(process, signal.SIGKILL, (INSTANCE_MARK, self.record.id))
        status = proc.reap(process)
        starved = limits.ran_out_of_memory(self.record.cgroups)
        limits.give_back(self.record.cgroups)
        self._journal.forget_instance(self.record)
        return status, starved

    def _mishap(self, status: int | None, starved: bool, ended_at: float) -> Mishap:
        lived = f"after {seconds(ended_at - self.record.began_at)}"
        if starved:
            how = f"killed for using more memory than its limit {lived}"
        elif status is None:
            how = f"ended {lived}"
        elif status < 0:
            how = f"killed by signal {-status} {lived}"
        else:
            how = f"exited with status {status} {lived}"
        if self.record.ready_at is None:
            return Mishap("failed_start", f"{how} before it was ready")
        return Mishap("crash", how)

    def _become(self, record: InstanceRecord) -> None:
        self.record = record
        if record.process is not None and not self._over:
            try:
                self._journal.save(record)
                self._unsaved = False
            except OSError as error:  # it serves all the same; only an adoption would see an older state
                if not self._unsaved:
                    log.error("the state of %s cannot be written down: %s", record.id, error.strerror)
                self._unsaved = True
        self._owner.turned(self)


def _asks(probe: Probe) -> bool:
    return probe.http is not None or probe.tcp or bool(probe.command)
