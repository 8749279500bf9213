"""Shadow steps in the simulated world: what copies show decides, users never notice, and nothing passes without a copy."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from plainsail.domain.courses import course
from plainsail.domain.criteria import EvidenceCriteria, Threshold
from plainsail.domain.evidence import Evidence
from plainsail.domain.intents import Abort, Advance, Deploy, Pause
from plainsail.domain.judge import begin
from plainsail.domain.mirroring import Differs, Shadow
from plainsail.domain.observation import Mirrored, Seen
from plainsail.domain.rollout import Revision
from plainsail.domain.service import Placement, Probe, Run, Stop, config_digest
from plainsail.domain.shadows import judged_by, mirrored, summed_up
from plainsail.domain.strategy import Canary, Chain, Pace
from plainsail.testing.control import Control
from plainsail.testing.world import Behaviour, World

RUN = Run(command=("serve",), ready=Probe(tcp=True, within=5.0), stop=Stop(drain=2.0, grace=1.0))
QUICK = Pace(until="dwell", dwell=1.0, deadline=30.0, on_unsure="hold")
EASY = EvidenceCriteria()
SHADOW = Shadow(lasts=10.0)
CHAIN: Chain = (SHADOW, Canary((1000,)))


class Plays:
    """One service, of which 1.0 is live, and then a release like this."""

    def __init__(
        self,
        like: Behaviour,
        chain: Chain = CHAIN,
        *,
        rate: float = 200.0,
        reads: float = 1.0,
        seed: int = 1,
        pace: Pace = QUICK,
        criteria: EvidenceCriteria = EASY,
    ) -> None:
        self.criteria = criteria
        self.world = World(seed, rate=rate, reads=reads)
        self.world.behaviours = {"good": Behaviour(), "new": like}
        self.control = Control(self.world)
        self._deploy("r1", "good", "1.0", (Canary((5000,)),), pace)
        self.control.until_ended(120.0)
        self.before = (self.world.user_errors, self.world.slowed)
        self._deploy("r2", "new", "2.0", chain, pace)

    def _deploy(self, id: str, release: str, version: str, chain: Chain, pace: Pace) -> None:
        place = Placement(replicas=3, pace=pace, evidence=self.criteria)
        revision = Revision(release, version, RUN, config_digest(RUN))
        self.control.ask(Deploy(id, "ada", revision, place, chain, False))

    def turn(self) -> Seen:
        decision = self.control.turn()
        self.world.advance(decision.wake_in)
        return self.control.look()

    def hurt(self) -> tuple[int, int]:
        return self.world.user_errors - self.before[0], self.world.slowed - self.before[1]

    def step(self) -> str:
        rollout = self.control.target.rollout
        return rollout.current().name if rollout else ""

    def phase(self) -> str:
        rollout = self.control.target.rollout
        return rollout.phase if rollout else ""

    def until(self, step: str) -> None:
        for _ in range(2000):
            if self.step() == step:
                return
            self.turn()
        raise AssertionError(f"it never came to {step}")


WRONG = {
    "fails": (Behaviour(errors=0.2), "errors"),
    "always fails": (Behaviour(errors=1.0), "max_errors"),
    "hangs": (Behaviour(lies=True), "latency"),
    "slow": (Behaviour(slow=0.3), "latency"),
    "crashes": (Behaviour(crash_after=2.0), "crashes"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_bad_release_is_taken_back_before_a_user_saw_it(name: str) -> None:
    like, _ = WRONG[name]
    plays = Plays(like)
    over = plays.control.until_ended(300.0)
    assert (over.phase, over.reached_bp, plays.hurt()) == ("failed", 0, (0, 0))
    assert over.reason_code in ("errors", "max_errors", "latency", "crashes")
    assert over.live == plays.control.target.live, "live has stayed live"
    assert plays.control.target.quarantine == ("new",), "it is not deployed again by accident"


def test_what_never_became_ready_may_be_tried_again() -> None:
    """Nothing was found out about it: perhaps a port was taken, or a machine was full."""
    plays = Plays(Behaviour(never_ready=True))
    assert plays.control.until_ended(300.0).phase == "failed"
    assert not plays.control.target.quarantine


def test_thresholds_hold_for_copies_too() -> None:
    judge = EvidenceCriteria(judge=Threshold(interval=2.0))
    over = Plays(Behaviour(errors=0.2), criteria=judge).control.until_ended(300.0)
    assert (over.phase, over.reached_bp, over.reason_code) == ("failed", 0, "max_errors")
    assert Plays(Behaviour(), criteria=judge).control.until_ended(300.0).phase == "succeeded"


def test_a_good_release_goes_on_with_evidence_of_users_alone() -> None:
    plays = Plays(Behaviour(), pace=Pace(dwell=1.0, deadline=600.0))
    plays.until("shadow")
    while plays.step() == "shadow":
        plays.turn()
        rollout = plays.control.target.rollout
        verdict = rollout.verdict if rollout else None
        assert verdict is None or verdict.proven_bp == 0, "a copy proves nothing about users"
    evidence = plays.control.evidence
    assert evidence is not None
    assert evidence.shadow is not None
    assert evidence.shadow.total.pairs > 1000
    plays.turn()
    evidence = plays.control.evidence
    assert evidence is not None
    assert evidence.candidate.requests < 100, "users' evidence begins from zero"
    over = plays.control.until_ended(900.0)
    assert (over.phase, plays.hurt()) == ("succeeded", (0, 0))


def test_alone_all_users_follow() -> None:
    plays = Plays(Behaviour(), (SHADOW,))
    over = plays.control.until_ended(120.0)
    assert over.phase == "succeeded"
    assert [step.name for step in over.course.steps] == ["start", "shadow", "100 %", "finish"]


def test_without_a_copy_it_never_passes() -> None:
    plays = Plays(Behaviour(), (Shadow(lasts=5.0, methods=("POST",)), Canary((1000,))))
    plays.until("shadow")
    for _ in range(400):
        plays.turn()
    rollout = plays.control.target.rollout
    assert rollout is not None
    assert (rollout.phase, rollout.current().name) == ("paused", "shadow")
    assert "no request has been copied" in rollout.reason


@pytest.mark.parametrize(
    ("limit", "phase"), [(0.01, "failed"), (0.2, "succeeded"), (None, "succeeded"), (0.0, "failed")]
)
def test_other_answers_are_held_to_the_limit(limit: float | None, phase: str) -> None:
    plays = Plays(Behaviour(differs=0.05), (Shadow(lasts=20.0, differs=Differs(limit)), Canary((1000,))))
    over = plays.control.until_ended(300.0)
    assert over.phase == phase
    if phase == "failed":
        assert over.reason_code == "differs"
        assert "answered otherwise" in over.reason
        assert "with a limit of" in over.reason
    assert plays.hurt() == (0, 0)


@pytest.mark.slow
def test_a_limit_is_rarely_broken_by_chance() -> None:
    """A release that differs in just as many answers as may be is taken back at the odds that alpha says."""
    taken = 0
    for seed in range(40):
        shadow = Shadow(lasts=20.0, differs=Differs(0.05))
        plays = Plays(Behaviour(differs=0.045), (shadow, Canary((1000,))), seed=seed, rate=100.0)
        plays.until("shadow")
        while plays.step() == "shadow" and plays.phase() == "progressing":
            plays.turn()
        taken += plays.step() == "back"
    assert taken <= 2


behaviours = st.one_of(
    st.builds(Behaviour, errors=st.sampled_from([0.0, 0.3, 1.0]), differs=st.sampled_from([0.0, 0.1])),
    st.just(Behaviour(lies=True)),
    st.just(Behaviour(never_ready=True)),
    st.builds(Behaviour, crash_after=st.sampled_from([0.5, 3.0])),
    st.builds(Behaviour, slow=st.just(0.5)),
)
doings = st.sampled_from(["pause", "abort", "advance", "kill", "router", ""])


@pytest.mark.slow
@given(behaviours, st.integers(0, 100), st.lists(doings, max_size=4), st.sampled_from([0.0, 0.5, 1.0]))
@settings(max_examples=40, deadline=None)
def test_a_shadow_never_answers_a_user(like: Behaviour, seed: int, does: list[str], reads: float) -> None:
    """Whatever it does, and whatever people do. Copies are ordered with ready instances only, and end with the step."""
    plays = Plays(like, seed=seed, reads=reads)
    rollout = None
    for turn in range(300):
        if does and turn % 40 == 39:
            _do(plays, does.pop())
        seen = plays.turn()
        rollout = plays.control.target.rollout
        if rollout is None:
            break
        if rollout.current().name not in ("start", "shadow", "back"):
            break
        assert seen.share(rollout.candidate) == 0
        assert seen.counts.get(rollout.candidate) is None, "no user has asked it"
    decision = plays.control.decide(plays.control.look())
    mirrors = [action.traffic.mirror for action in decision.actions if hasattr(action, "traffic")]
    shadowing = rollout is not None and rollout.current().copies is not None
    assert shadowing or not any(mirrors)
    assert (
        plays.hurt() == (0, 0)
        or rollout is None
        or rollout.reached_bp
        or plays.step() not in ("start", "shadow", "back")
    )


def test_copies_are_ordered_with_ready_instances_only() -> None:
    plays = Plays(Behaviour(crash_after=1.0, starts_in=0.5))
    mirrored_at_all = False
    for _ in range(200):
        seen = plays.control.look()
        decision = plays.control.decide(seen)
        for action in decision.actions:
            mirror = getattr(getattr(action, "traffic", None), "mirror", None)
            if mirror is not None:
                mirrored_at_all = True
                assert seen.ready(mirror.group), "nobody is sent copies who can't take them"
        plays.turn()
    assert mirrored_at_all
    assert plays.control.target.rollout is None, "it is taken back"
    table = plays.world.router.tables["shop"]
    assert table.mirror is None


@given(st.lists(st.integers(0, 50), min_size=2, max_size=8), st.integers(0, 8))
def test_a_router_that_begins_anew_loses_nothing_that_was_seen(steps: list[int], reset: int) -> None:
    """Totals are over all routers there were; a smaller number is all new."""
    plays = Plays(Behaviour())
    plays.until("shadow")
    rollout = plays.control.target.rollout
    assert rollout is not None
    evidence: Evidence = begin(0.0)
    counted, total = 0, 0
    for place, more in enumerate(steps):
        anew = place == reset and more + 1 < counted
        new = more + 1 if anew else more
        counted = new if anew else counted + new
        total += new
        seen = Seen(1.0 + place, mirrored={rollout.candidate: Mirrored(asked=counted, pairs=counted)})
        evidence = mirrored(evidence, rollout, seen, 1.0 + place)
        assert evidence.shadow is not None
        counts = judged_by(evidence, rollout, seen).counts
        assert counts[rollout.candidate].requests == evidence.shadow.total.pairs == total


def test_what_is_said_of_copies() -> None:
    assert summed_up(Mirrored()) == "nothing is compared yet: no request has been copied"
    assert (
        summed_up(Mirrored(asked=3)) == "nothing is compared yet: of 3 copies none has met an answer of live"
    )
    assert summed_up(Mirrored(dropped=1)) == "nothing is compared yet: 1 request could not be copied"
    assert summed_up(Mirrored(pairs=412, differing=3)) == "412 copies: 3 answered otherwise (0.728 %)"
    assert summed_up(Mirrored(pairs=1)) == "1 copy: none answered otherwise"
    whole = Mirrored(pairs=100, differing=4, failures=4, live_failures=1, slow=2, dropped=7)
    assert summed_up(whole) == (
        "100 copies: 4 answered otherwise (4 %), 4 failed (live: 1), 2 slow (live: 0), 7 more not sent, there were too many at a time"
    )


def test_a_shadow_has_as_many_instances_as_carry_its_share() -> None:
    def sizes(shadow: Shadow) -> dict[Any, int]:
        return next(step.sizes for step in course((shadow, Canary()), Pace(), 8, 8).steps if step.copies)

    assert sizes(Shadow()) == {"live": 8, "candidate": 8}
    assert sizes(Shadow(share=2500)) == {"live": 8, "candidate": 2}
    assert sizes(Shadow(instances=1)) == {"live": 8, "candidate": 1}


def _do(plays: Plays, what: str) -> None:
    rollout = plays.control.target.rollout
    if rollout is None:
        return
    match what:
        case "pause":
            plays.control.ask(Pause(rollout.id, "ada"))
        case "abort":
            plays.control.ask(Abort(rollout.id, "ada"))
        case "advance":
            plays.control.ask(Advance(rollout.id, "ada"))
        case "kill":
            group = plays.control.look().groups.get(rollout.candidate)
            for one in group.instances if group else ():
                plays.world.provider.kill(one.id)
        case "router":
            plays.world.router.away_until = plays.world.now + 2.0
        case _:
            pass
