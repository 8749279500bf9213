"""Plays one rollout: the production loop, planner and judge over a simulated world, in virtual time.

Nothing but the seed decides: no clock, no thread, no file, no socket. The control plane takes its turns with the very
code that runs in production (`engine.turn.Holding`); only what is around it is simulated.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Any

import msgspec

from plainsail.domain.events import Event
from plainsail.domain.intents import Deploy
from plainsail.domain.observation import Counts
from plainsail.domain.rollout import Phase, Revision, Rollout
from plainsail.domain.service import Driver, Environment, Placement, Run, Service, config_digest
from plainsail.domain.strategy import Role, Strategy
from plainsail.domain.trail import Point
from plainsail.engine.turn import LEASE, Holding, Site
from plainsail.local.simulate.behaviour import Release
from plainsail.local.simulate.reasons import why
from plainsail.ports.store import Key
from plainsail.testing.behaviour import Behaviour
from plainsail.testing.chance import LogNormal
from plainsail.testing.metrics import SimMetrics
from plainsail.testing.store import MemoryStore
from plainsail.testing.world import World

replace = msgspec.structs.replace

READS = 0.9
"""Part of requests that are GET; the others are POST, which the shield never asks again. As in a web shop."""
MEDIAN, SPREAD = 0.25, 0.5
"""Live's median in parts of the latency bound, and the spread of its logarithm: 0.3 % of its requests are beyond the bound,
as it is when somebody chose the bound well."""
STARTS_IN = 1.0
"""Seconds until an instance is ready, or half of what its probe allows."""
REACTS = 0.02
"""Seconds from an instance's end, say, to the turn that sees it: what the process driver and the engine take."""
STEADY = 30.0
"""Seconds that live has users before the deploy: longer than any window that something is measured in."""


class Setting(msgspec.Struct, frozen=True):
    """What is to be played."""

    key: Key
    run: Run
    placement: Placement
    strategy: Strategy
    release: Release
    rate: float
    """Requests per second."""
    first: bool = False
    """Nothing is live yet."""
    longest: float = 43_200.0
    """Simulated seconds after which nobody looks any more."""

    def latency(self) -> LogNormal:
        """How long live's requests take."""
        return LogNormal(MEDIAN * max(self.placement.evidence.latency.bound, 0.001), SPREAD)


class Moved(msgspec.Struct, frozen=True):
    """The rollout entered a step. `at`: seconds since the deploy, as everywhere here."""

    at: float
    step: str
    phase: Phase
    shares: dict[Role, int]
    """Basis points asked for."""
    instances: dict[Role, int]
    """Asked for."""
    reason: str


class Sample(msgspec.Struct, frozen=True):
    """What a turn saw. `evidence`: None while the judge does not look."""

    at: float
    share_bp: int
    evidence: Point | None


class Played(msgspec.Struct, frozen=True):
    """What came of it."""

    setting: Setting
    seed: int
    rollout: Rollout
    seconds: float
    """To its end; or to where it waits for a person, or was looked at no longer."""
    asked: int
    """Requests of all users in that time."""
    hurt: int
    """Those of them whose user saw a failure."""
    unanswered: int
    """Those of them that came while nobody was in service."""
    candidate: Counts
    crashes: int
    moves: tuple[Moved, ...]
    events: tuple[Event, ...]
    samples: tuple[Sample, ...]


def play(setting: Setting, seed: int) -> Played:
    """The same setting and seed give the same, in every process."""
    return asyncio.run(_Play(setting, seed).run())


class _Play:
    """One control plane, one world, and what happens between them."""

    def __init__(self, setting: Setting, seed: int) -> None:
        self.setting, self.seed = setting, seed
        self.world = World(seed, setting.rate, setting.latency(), READS)
        self.world.provider.changed = self._nudge
        self.store = MemoryStore()
        self.holding = self._take_over()
        self.nudged = False
        self.began = 0.0
        self.crashes = 0
        self.moves: list[Moved] = []
        self.samples: list[Sample] = []

    async def run(self) -> Played:
        if not self.setting.first:
            await self._make_live()
        return await self._deploy()

    async def _make_live(self) -> None:
        """The release that users have, and had for a while."""
        self._ask("live", Behaviour())
        until = self.world.now + STEADY
        while self.world.now < until:
            self._wait(await self._turn(), until)
        assert self.holding.target.rollout is None
        self.world.reseed(self.seed)

    async def _deploy(self) -> Played:
        """The rollout in question, until it is over or somebody else would have to decide."""
        world, self.began = self.world, self.world.now
        asked, hurt, unanswered = world.asked, world.user_errors, world.unanswered
        self._ask("candidate", self.setting.release.like)
        rollout: Rollout | None = None
        while True:
            wake_in = await self._turn()
            before, rollout = rollout, self._rollout()
            self._note(before, rollout)
            if rollout.ended() or rollout.phase == "paused" or world.now - self.began >= self.setting.longest:
                break
            self._wait(wake_in)
        return Played(
            setting=self.setting,
            seed=self.seed,
            rollout=rollout,
            seconds=world.now - self.began,
            asked=world.asked - asked,
            hurt=world.user_errors - hurt,
            unanswered=world.unanswered - unanswered,
            candidate=self.holding.seen.counts.get(rollout.candidate, Counts()),
            crashes=self.crashes,
            moves=tuple(self.moves),
            events=tuple(one.event for one in self.store.events(rollout=rollout.id, limit=1_000_000)),
            samples=tuple(self.samples),
        )

    def _take_over(self) -> Holding:
        key, now = self.setting.key, self.world.now
        services = {key.service: Service(self.setting.run, {key.environment: self.setting.placement})}
        self.store.put_spec({key.environment: Environment(Driver("simulated"))}, services, None, ())
        claimed = self.store.claim(key, "simulation", now, LEASE)
        assert claimed is not None
        metrics = self.setting.placement.evidence.metrics
        source = SimMetrics(self.world, metrics, self.seed)
        sources = {metric.source: source for metric in metrics.values()}
        site = Site(self.world.router, self.world.provider, sources)
        return Holding(key, claimed, site, self.store, now, at_once)

    def _ask(self, version: str, like: Behaviour) -> None:
        setting, digest = self.setting, f"sha256:{version.encode().hex():0>64}"
        starts_in = min(STARTS_IN, setting.run.ready.within / 2)
        self.world.behaviours[digest] = replace(like, starts_in=starts_in)
        revision = Revision(digest, version, setting.run, config_digest(setting.run))
        intent = Deploy(f"r-{version}", "simulate", revision, setting.placement, setting.strategy)
        self.store.ask(setting.key, intent, self.world.now)

    async def _turn(self) -> float:
        self.nudged = False
        return await self.holding.turn(self.world.now)

    def _wait(self, seconds: float, until: float = math.inf) -> None:
        """Until the next turn is due, or something happens that the provider tells of."""
        world = self.world
        due = min(world.now + max(0.01, seconds), until)
        while world.now < due and not self.nudged:
            world.advance(min(due, world.next_at()) - world.now)
        if self.nudged:
            world.advance(REACTS)

    def _nudge(self, service: str) -> None:
        self.nudged = True

    def _rollout(self) -> Rollout:
        """As it is now, over or not."""
        found = self.holding.target.rollout or self.store.rollout("r-candidate")
        assert found is not None
        return found

    def _note(self, before: Rollout | None, now: Rollout) -> None:
        holding, at = self.holding, self.world.now - self.began
        if not now.ended() and (before is None or (before.phase, before.step) != (now.phase, now.step)):
            step = now.current()
            shares = {part.role: part.share_bp for part in step.split}
            sizes = {role: size for role, size in step.sizes.items() if now.group(role) is not None}
            reason = why(before, now, self.world.now)
            self.moves.append(Moved(at, step.name, now.phase, shares, sizes, reason))
        found = holding.seen.groups.get(now.candidate)
        self.crashes = max(self.crashes, found.crashes if found else 0)
        trail = holding.evidence.trail if holding.evidence else ()
        fresh = trail[-1] if trail and trail[-1].at >= self.world.now - 0.01 else None
        self.samples.append(Sample(at, holding.seen.share(now.candidate), fresh))


async def at_once(call: Callable[..., Any], *given: Any, **named: Any) -> Any:
    """Make a call of the store here and now: there is nobody else to wait."""
    return call(*given, **named)
