"""One turn for one target: observe, decide, record, act. Store first, then the outside world."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import msgspec

from plainsail.domain.actions import Action, Fleet, Send, Withdraw
from plainsail.domain.decide import Decision, decide
from plainsail.domain.events import Event, Kind
from plainsail.domain.evidence import Evidence
from plainsail.domain.observation import GroupSeen, Seen
from plainsail.domain.recent import Recent
from plainsail.domain.rollout import Target
from plainsail.engine.checking import Checking, Verifiers, nobody
from plainsail.engine.measuring import Lanes, Measuring
from plainsail.ports.errors import Failure, Fenced
from plainsail.ports.metrics import Metrics
from plainsail.ports.provider import Provider
from plainsail.ports.router import Router, RouterSeen
from plainsail.ports.store import Claimed, Key, Pending, Store

T = TypeVar("T")

log = logging.getLogger(__name__)

RECORD_EVERY = 1.0
"""Seconds between writes of running numbers: losing a second of evidence costs a second, not a verdict."""
LEASE = 30.0
"""Seconds a control plane may be silent before another takes its targets."""
IO_WITHIN = 10.0
"""Seconds a driver call may take before the turn goes on without it."""

Aside = Callable[..., Awaitable[Any]]
"""Makes a blocking call of the store where it holds up nobody else; a simulation, which has nobody else, makes it at once."""


class Site(msgspec.Struct, frozen=True):
    """The drivers of one environment."""

    router: Router
    provider: Provider
    metrics: Mapping[str, Metrics] = {}
    """Sources by name."""
    verifiers: Verifiers = nobody
    """Those who are asked by checks and hooks."""


class Holding:
    """A target this control plane holds: its state as last recorded, and what was last seen."""

    def __init__(
        self,
        key: Key,
        claimed: Claimed,
        site: Site,
        store: Store,
        now: float,
        aside: Aside = asyncio.to_thread,
        lanes: Lanes | None = None,
    ) -> None:
        self.key, self.epoch = key, claimed.epoch
        self.target: Target = claimed.target
        self.evidence: Evidence | None = claimed.evidence
        self.seen = Seen(at=now)
        self.recent = Recent()
        self.trouble: dict[str, str] = {}
        """By driver: what it last failed with; shown to people, and told once."""
        self.asked = True
        """An intent may wait. Who knows that none does says so before a turn, and a target at rest needs no store."""
        self.site, self._store, self._aside = site, store, aside
        lanes = lanes or Lanes()
        self._measuring = Measuring(key, site.metrics, lanes)
        self._checking = Checking(key, site.verifiers, lanes.checks)
        self._held_until = now
        self._recorded_at = 0.0
        self._troubles: dict[str, tuple[int, int]] = {}
        self._steady = False
        self._happened: list[Event] = []

    def exposed(self) -> bool:
        """Users are at the candidate of a rollout, as far as was last seen."""
        rollout = self.target.rollout
        return rollout is not None and self.seen.share(rollout.candidate) > 0

    def let_go(self) -> None:
        """No turn comes after this one: what is read for the next is dropped."""
        self._measuring.stop()
        self._checking.stop()

    async def turn(self, now: float) -> float:
        """Take one turn; returns the seconds until the next is due. Raises Fenced when the target is another's."""
        pending: tuple[Pending, ...] = ()
        if self.asked or self.target.rollout is not None:
            pending = await self._aside(self._store.pending, self.key)
        self.seen = await self._observe(now)
        self.recent.add(self.seen, self.target.rollout is not None)
        decision = decide(self.target, self.evidence, [one.intent for one in pending], self.seen, now)
        self._notice(decision, now)
        try:
            await self._record(decision, [one.id for one in pending], now)
        except Fenced:
            raise
        except Failure:
            await self._off_traffic(decision, now)
            self._remember(decision)
            raise
        self.trouble.pop("store", None)
        for action in decision.actions:
            await self._act(action, now)
        self._steady = not decision.actions and decision.target.rollout is None
        return decision.wake_in

    async def _observe(self, now: float) -> Seen:
        router, groups = await asyncio.gather(
            self._tried("router", self.site.router.observe(self.key.service), now),
            self._tried("provider", self.site.provider.observe(self.key.service), now),
        )
        known: RouterSeen = router or RouterSeen(None)
        if groups is None:  # Nothing is known of the instances: act on the last look rather than on none.
            found = self.seen.groups
        else:
            found = {one.group: one for one in groups}
        seen = Seen(
            at=now, groups=found, router_up=router is not None and groups is not None, traffic=known.traffic,
            sessions=known.sessions, counts=known.counts, latency=known.latency, instances=known.instances,
            mirrored=known.mirrored,
        )  # fmt: skip
        measured = self._measuring.look(self.target, self.evidence, seen, now)
        return msgspec.structs.replace(seen, measured=measured, told=self._checking.look(self.target, now))

    async def _record(self, decision: Decision, done: list[int], now: float) -> None:
        """Write what changed; running numbers once a second; the lease before it runs out."""
        rollout = decision.target.rollout
        numbers = rollout is not None and now - self._recorded_at >= RECORD_EVERY
        if decision.changed or done or self._happened or numbers or self._held_until - now < LEASE / 2:
            rollouts = {one.id: one for one in decision.rollouts}
            if rollout is not None:
                rollouts[rollout.id] = rollout
            await self._aside(
                self._store.save, decision.target, self.epoch, rollouts=tuple(rollouts.values()),
                events=(*self._happened, *decision.events), done=done, due_at=now + decision.wake_in,
                held_until=now + LEASE,
            )  # fmt: skip
            self._happened.clear()
            self._held_until = now + LEASE
        self.target, self.evidence = (
            decision.target,
            decision.evidence,
        )  # as is written now, whatever comes after
        if self.evidence is not None and (numbers or decision.changed):  # a decision keeps what it rests on
            await self._aside(
                self._store.save_evidence, self.evidence.rollout, self.key, self.epoch, self.evidence
            )
            self._recorded_at = now

    async def _off_traffic(self, decision: Decision, now: float) -> None:
        """The one thing done without a record (a full disk, say): take users off a release that is on its way back.
        The record still says otherwise, so every turn decides the same again until it can be written."""
        rollout = decision.target.rollout
        if rollout is not None and rollout.phase == "rolling_back":
            for action in decision.actions:
                if isinstance(action, Send):
                    await self._act(action, now)

    def _remember(self, decision: Decision) -> None:
        """What was seen is in the evidence even if it can't be written down: a judge who begins again at every turn
        never comes to a verdict."""
        before, after = self.target.rollout, decision.target.rollout
        if before is not None and after is not None and before.id == after.id:
            self.evidence = decision.evidence

    async def _act(self, action: Action, now: float) -> None:
        match action:
            case Send(traffic=traffic):
                await self._tried("router", self.site.router.apply(traffic, self.epoch), now)
            case Withdraw(service=service):
                await self._tried("router", self.site.router.remove(service, self.epoch), now)
            case Fleet():
                await self._tried("provider", self.site.provider.apply(action, self.epoch), now)

    async def _tried(self, driver: str, call: Awaitable[T], now: float) -> T | None:
        """None if the driver failed; the failure is remembered, and an event the first time."""
        try:
            async with asyncio.timeout(IO_WITHIN):
                answer = await call
        except Fenced:
            raise
        except (Failure, TimeoutError) as failure:
            message = str(failure) or f"no answer within {IO_WITHIN:g} s"
            code = failure.code if isinstance(failure, Failure) else "timed_out"
            if self.trouble.get(driver) != message:
                self.trouble[driver] = message
                log.warning("%s of %s in %s: %s", driver, self.key.service, self.key.environment, message)
                self._tell("driver_failed", now, f"{driver}: {message}", code)
            return None
        self.trouble.pop(driver, None)
        return answer

    def _notice(self, decision: Decision, now: float) -> None:
        """Events that are seen rather than decided: instances that failed, traffic that somebody else moved."""
        for group in self.seen.groups.values():
            before = self._troubles.get(group.group)
            count = (group.crashes, group.failed_starts)
            if before is not None and count > before:
                self._tell("instance_failed", now, _instance_failed(group), "instance_failed", group.group)
            self._troubles[group.group] = count
        moved = next((one for one in decision.actions if isinstance(one, Send)), None)
        found = self.seen.traffic
        if self._steady and moved is not None and found is not None and found.routes != moved.traffic.routes:
            self._tell("drift_corrected", now, "the router was changed by somebody else; put back", "drift")

    def _tell(self, kind: Kind, now: float, reason: str, code: str, group: str = "") -> None:
        rollout = self.target.rollout.id if self.target.rollout else ""
        event = Event(
            kind=kind, at=now, service=self.key.service, environment=self.key.environment,
            rollout=rollout, reason=reason, code=code, data={"group": group} if group else {},
        )  # fmt: skip
        self._happened.append(event)


def _instance_failed(group: GroupSeen) -> str:
    return (
        f"an instance of {group.group} {group.trouble}"
        if group.trouble
        else f"an instance of {group.group} failed"
    )
