"""Plays one rollout: the production loop, planner and judge over a simulated world, in virtual time.

Nothing but the seed decides: no clock, no thread, no file, no socket. The control plane takes its turns with the very
code that runs in production (`engine.turn.Holding`); only what is around it is simulated.
"""

from __future__ import annotations

import asyncio
import logging
import math
from contextlib import suppress
from typing import Any

import msgspec

from plainsail.domain.decide import CALM, TESTED
from plainsail.domain.driver import Driver
from plainsail.domain.events import Event
from plainsail.domain.evidence import Evidence
from plainsail.domain.intents import Deploy
from plainsail.domain.observation import Counts
from plainsail.domain.rollout import SUSPECTED, Phase, Revision, Rollout
from plainsail.domain.service import Environment, Placement, Run, Service, config_digest
from plainsail.domain.strategy import Chain, Role
from plainsail.domain.trail import Point
from plainsail.domain.trial import test_in
from plainsail.engine.turn import LEASE, Holding, Site
from plainsail.local.simulate.answers import answer
from plainsail.local.simulate.behaviour import Release
from plainsail.local.simulate.desired import desired
from plainsail.local.simulate.faults import Fault
from plainsail.local.simulate.reasons import why
from plainsail.local.simulate.troubles import Killed, Troubles
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
MATCHED = 0.5
"""Part of users whose requests say that they have a variant, in a test by match; each variant has as many."""
REACTS = 0.02
"""Seconds from an instance's end, say, to the turn that sees it: what the process driver and the engine take."""
STEADY = 30.0
"""Seconds that live has users before the deploy: longer than any window that something is measured in."""


class Setting(msgspec.Struct, frozen=True):
    """What is to be played."""

    key: Key
    run: Run
    placement: Placement
    strategy: Chain
    release: Release
    rate: float
    """Requests per second."""
    first: bool = False
    """Nothing is live yet."""
    faults: tuple[Fault, ...] = ()
    """Of the world, in the order of time."""
    longest: float = 43_200.0
    """Simulated seconds after which nobody looks any more."""
    assumed: tuple[str, ...] = ()
    """What the strategy needs and the file does not have."""

    def latency(self) -> LogNormal:
        """How long live's requests take."""
        return LogNormal(MEDIAN * max(self.placement.evidence.latency.bound, 0.001), SPREAD)


class Moved(msgspec.Struct, frozen=True):
    """The rollout entered a step. `at`: seconds since the deploy, as everywhere here."""

    at: float
    step: str
    phase: Phase
    desired: dict[str, Any]
    """What the step asks for (`desired.py`)."""
    reason: str

    def share(self, role: Role) -> int:
        """Basis points asked for."""
        return int(self.desired["shares"].get(role, 0))


class Happened(msgspec.Struct, frozen=True):
    """An event, and when it really was: the control plane's clock may be wrong."""

    at: float
    event: Event


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
    failed: int
    """Those of them whose user saw a failure."""
    slowed: int
    """Those of them that were slow because of the candidate: it answered, and a sound release would have been in time."""
    unanswered: int
    """Those of them that came while nobody was in service."""
    insiders_hurt: int
    """Requests of those who look on purpose that failed, or were slow because of the candidate; none of the above."""
    candidate: Counts
    crashes: int
    moves: tuple[Moved, ...]
    events: tuple[Happened, ...]
    samples: tuple[Sample, ...]
    struck: tuple[Fault, ...] = ()
    """The faults that came before it was over."""

    @property
    def hurt(self) -> int:
        """Requests that failed for their users, or were slow because of the candidate."""
        return self.failed + self.slowed


logging.getLogger("plainsail.engine").addHandler(logging.NullHandler())
"""What the loop logs of drivers that fail is told among the events."""


def play(setting: Setting, seed: int) -> Played:
    """The same setting and seed give the same, in every process."""
    return asyncio.run(_Play(setting, seed).run())


def of_one(setting: Setting, seed: int) -> tuple[Rollout, Evidence | None]:
    """The same, and what the store keeps of it."""
    one = _Play(setting, seed)
    asyncio.run(one.run())
    found = one.store.rollout("r-candidate")
    assert found is not None
    return found, one.store.evidence(found.id)


class _Play:
    """One control plane, one world, and what happens between them."""

    def __init__(self, setting: Setting, seed: int) -> None:
        self.setting, self.seed = setting, seed
        self.world = World(seed, setting.rate, setting.latency(), READS)
        self.world.provider.changed = self._nudge
        self.world.zero = math.inf
        test = test_in(setting.strategy)
        if test is not None and test.by_match():
            self.world.insiders = MATCHED
        self.troubles = Troubles(setting.faults, self.world, seed)
        self.store = MemoryStore()
        self.ahead = 0.0
        self.site = self._site()
        self.holding = self._take_over()
        self.nudged = False
        self.began = 0.0
        self.crashes = 0
        self.moves: list[Moved] = []
        self.samples: list[Sample] = []
        self.events: list[Happened] = []
        self.told = 0

    async def run(self) -> Played:
        if not self.setting.first:
            await self._make_live()
        return await self._deploy()

    async def _make_live(self) -> None:
        """The release that users have, and had for a while."""
        self._ask("live", self.setting.release.live)
        until = self.world.now + STEADY
        while self.world.now < until:
            self._wait(await self._turn(), until)
        assert self.holding.target.rollout is None
        self.world.reseed(self.seed)

    async def _deploy(self) -> Played:
        """The rollout in question, until it is over or somebody else would have to decide."""
        world, self.began = self.world, self.world.now
        world.zero = world.now
        asked, failed, slowed, unanswered = world.asked, world.user_errors, world.slowed, world.unanswered
        self._ask("candidate", self.setting.release.like)
        self.told = max((one.id for one in self.store.events(after=-1, limit=1)), default=0)
        self.troubles.begin()
        rollout: Rollout | None = None
        while True:
            wake_in = await self._turn()
            before, rollout = rollout, self._rollout()
            self._answer(rollout)
            self._note(before, rollout)
            if rollout.ended() or rollout.phase == "paused" or world.now - self.began >= self.setting.longest:
                break
            self._wait(max(wake_in, CALM) if self._is_calm(rollout) else wake_in)
        return Played(
            setting=self.setting,
            seed=self.seed,
            rollout=rollout,
            seconds=world.now - self.began,
            asked=world.asked - asked,
            failed=world.user_errors - failed,
            slowed=world.slowed - slowed,
            unanswered=world.unanswered - unanswered,
            insiders_hurt=world.insiders_hurt,
            candidate=self.holding.seen.counts.get(rollout.candidate, Counts()),
            crashes=self.crashes,
            moves=tuple(self.moves),
            events=tuple(self.events),
            samples=tuple(self.samples),
            struck=tuple(self.troubles.struck),
        )

    def _site(self) -> Site:
        """What is around the control plane, and stays when it is killed."""
        key, placement = self.setting.key, self.setting.placement
        services = {key.service: Service(self.setting.run, {key.environment: placement})}
        self.store.put_spec({key.environment: Environment(Driver("simulated"))}, services, None, ())
        metrics = placement.evidence.metrics
        test = test_in(self.setting.strategy)
        source = SimMetrics(self.world, metrics, self.seed, test.kpi if test else None)
        sources = {one.source: source for one in metrics.values()}
        return Site(self.world.router, self.world.provider, sources, lambda driver: self.world.verifier)

    def _take_over(self) -> Holding:
        """All that a control plane knows when it begins is what the store holds."""
        self.ahead = self.troubles.skew
        key, now = self.setting.key, self._clock()
        claimed = self.store.claim(key, "simulation", now, LEASE)
        assert claimed is not None
        return Holding(key, claimed, self.site, self.store, now, self.troubles.call)

    def _clock(self) -> float:
        """The control plane's, which goes on steadily from what the machine's said when it began (`wiring.steady_clock`)."""
        return self.world.now + self.ahead

    def _ask(self, version: str, like: Behaviour) -> None:
        setting, digest = self.setting, f"sha256:{version.encode().hex():0>64}"
        starts_in = min(STARTS_IN, setting.run.ready.within / 2)
        self.world.behaviours[digest] = replace(like, starts_in=starts_in)
        revision = Revision(digest, version, setting.run, config_digest(setting.run))
        intent = Deploy(f"r-{version}", "simulate", revision, setting.placement, setting.strategy)
        self.store.ask(setting.key, intent, self.world.now)

    async def _turn(self) -> float:
        while self.troubles.killed is not None:
            await self._last_turn()
        self.nudged = False
        return await self.holding.turn(self._clock())

    async def _last_turn(self) -> None:
        """The control plane is killed in the middle of it; another one begins with nothing but the store."""
        fault = self.troubles.dies()
        with suppress(Killed):
            await self.holding.turn(self._clock())
        self.holding.let_go()
        self.troubles.lives()
        self._pass(self.world.now + fault.lasts)
        self.holding = self._take_over()

    def _is_calm(self, rollout: Rollout) -> bool:
        """Nothing is suspected of it, and nobody asks or it has been so for long: then fewer looks are played than are taken, or
        an hour would take a minute."""
        since, verdict = rollout.in_force_at, rollout.verdict
        quiet = verdict is None or (verdict.outcome != "fail" and verdict.harm < SUSPECTED)
        long = since is not None and (not self.setting.rate or self._clock() - since > TESTED)
        return rollout.phase == "progressing" and quiet and long

    def _answer(self, rollout: Rollout) -> None:
        """Who is asked says go at once."""
        said = answer(rollout)
        if said is not None and not self.store.pending(self.setting.key):
            self.store.ask(self.setting.key, said, self.world.now)

    def _wait(self, seconds: float, until: float = math.inf) -> None:
        """Until the next turn is due, or something happens that the provider tells of."""
        world = self.world
        due = min(world.now + max(0.01, seconds), until)
        while world.now < due and not self.nudged and self.troubles.killed is None:
            self._pass(min(due, max(world.next_at(), world.now), self.troubles.next_at()))
        if self.nudged:
            self._pass(world.now + REACTS)

    def _pass(self, moment: float) -> None:
        """Let the world live until then, with the faults that come on the way."""
        while True:
            # Also by no time at all: what is due at this very moment happens.
            self.world.advance(max(0.0, min(moment, self.troubles.next_at()) - self.world.now))
            self.troubles.strike()
            if self.world.now >= moment:
                return

    def _nudge(self, service: str) -> None:
        self.nudged = True

    def _rollout(self) -> Rollout:
        """As it is now, over or not."""
        found = self.holding.target.rollout or self.store.rollout("r-candidate")
        assert found is not None
        return found

    def _note(self, before: Rollout | None, now: Rollout) -> None:
        holding, at = self.holding, self.world.now - self.began
        if not now.ended() and (before is None or _place(before) != _place(now)):
            step, reason = now.current(), why(before, now, self._clock())
            self.moves.append(Moved(at, step.name, now.phase, desired(step), reason))
        self._listen(now, at)
        found = holding.seen.groups.get(now.candidate)
        self.crashes = max(self.crashes, found.crashes if found else 0)
        trail = holding.evidence.trail if holding.evidence else ()
        fresh = trail[-1] if trail and trail[-1].at >= self._clock() - 0.01 else None
        self.samples.append(Sample(at, holding.seen.share(now.candidate), fresh))

    def _listen(self, rollout: Rollout, at: float) -> None:
        """Take down what the control plane told since the last turn, in the world's time."""
        for one in self.store.events(after=self.told, limit=1_000):
            self.told = one.id
            if one.event.rollout in ("", rollout.id):
                last = self.events[-1].at if self.events else 0.0
                really = one.event.at - self.ahead - self.began
                self.events.append(Happened(min(at, max(last, really)), one.event))


def _place(rollout: Rollout) -> tuple[Phase, int, str]:
    """Where it stands; a gradual way back that turns into one at once is at the first step of another way."""
    return rollout.phase, rollout.step, rollout.current().name
