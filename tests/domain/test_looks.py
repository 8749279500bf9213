"""When the next look is due, what counts as a change, and what of a decision is written down."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from tests.domain.onway import (
    CANARY,
    NOW,
    PLACE,
    V1,
    V2,
    V3,
    as_wanted,
    course,
    found,
    on_way,
    said,
    table,
    target,
)

from plainsail.domain.checks import Errand, Question, Told
from plainsail.domain.decide import AT_REST, BRISK, CALM, FAST, IDLE, TESTED, Decision, decide
from plainsail.domain.driver import Driver
from plainsail.domain.evidence import Arm, Evidence
from plainsail.domain.intents import Deploy, Intent, Pause
from plainsail.domain.judge import begin
from plainsail.domain.observation import Counts, Seen
from plainsail.domain.past import Past, remembered
from plainsail.domain.plan import plan
from plainsail.domain.rollout import SUSPECTED, Group, Rollout, Target
from plainsail.domain.strategy import AB
from plainsail.domain.trial import Trial

ASKED = Question(
    "r1/after/0",
    "after",
    "shop",
    "production",
    "r1",
    "canary",
    "finish",
    10_000,
    "d",
    "v1",
    None,
    None,
    "ada",
)
ERRAND = Errand(ASKED, Driver("webhook", {"every": 5.0}), NOW - 1.0)


def look(it: Target, seen: Seen, *intents: Intent, evidence: Evidence | None = None) -> Decision:
    return decide(it, evidence, intents, seen, seen.at)


def settled(it: Target, seen: Seen) -> Seen:
    """The router has what is wanted of it."""
    for action in plan(it, seen):
        seen = replace(seen, traffic=getattr(action, "traffic", seen.traffic))
    assert not plan(it, seen)
    return seen


LIVE = settled(target(), Seen(NOW, {"g1": found("g1")}))
NOBODY = Target("shop", "production")


def test_nothing_under_way_is_looked_at_now_and_then() -> None:
    nothing = Decision(target(), None, (), (), (), changed=False, wake_in=IDLE)
    assert look(target(), LIVE) == nothing


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ({}, True),
        ({"router_up": False}, False),
        ({"traffic": table(g1=9_999, g2=1)}, False),
        ({"counts": {}}, False),
    ],
)
def test_what_users_meet_is_remembered_while_live_has_all_of_them(
    changes: dict[str, Any], kept: bool
) -> None:
    seen = replace(LIVE, **({"counts": {"g1": Counts(70, 1, 0, 2)}} | changes))
    after = look(target(), seen).target
    assert after == replace(
        target(), past=remembered(None, "g1", Counts(70, 1, 0, 2), 1.0, NOW) if kept else None
    )


def test_what_is_remembered_grows_and_waits_while_a_rollout_is_under_way() -> None:
    before = Past("g1", 1.0, NOW - 60.0, Counts(50), Arm(50))
    seen = replace(LIVE, counts={"g1": Counts(70)})
    after = look(target(past=before), seen).target
    assert after.past == remembered(before, "g1", Counts(70), 1.0, NOW)
    assert after.past is not None
    assert after.past.arm().requests == 70
    one = on_way("start")
    under_way = replace(as_wanted(one), counts=seen.counts, groups={"g1": found("g1")})
    assert look(replace(target(one), past=before), under_way).target.past == before
    nobody = target(past=before, live=None, groups=())
    assert look(nobody, Seen(NOW, traffic=table(g1=10_000), counts=seen.counts)).target.past == before


def test_what_is_being_put_right_is_looked_at_soon() -> None:
    decision = look(target(), replace(LIVE, traffic=None))
    assert (decision.wake_in, len(decision.actions), decision.changed) == (BRISK, 1, False)


def test_a_hook_that_has_not_answered_is_looked_at_soon() -> None:
    assert look(target(errands=(ERRAND,)), LIVE).wake_in == BRISK


@pytest.mark.parametrize(
    ("it", "seen", "wake_in"),
    [
        (NOBODY, Seen(NOW), AT_REST),
        (NOBODY, Seen(NOW, {"g7": found("g7", number=0)}), IDLE),
        (NOBODY, Seen(NOW, router_up=False), IDLE),
        (replace(NOBODY, groups=(Group("g1", "warm", V1, 4),)), Seen(NOW, router_up=False), IDLE),
    ],
)
def test_where_nothing_was_ever_deployed_there_is_nothing_to_look_at(
    it: Target, seen: Seen, wake_in: float
) -> None:
    assert look(it, seen).wake_in == wake_in


@pytest.mark.parametrize(
    ("one", "shares", "wake_in"),
    [
        (on_way("start"), {"g1": 10_000}, BRISK),
        (on_way("10 %"), {"g1": 10_000}, FAST),  # it will have users at any moment
        (on_way("start"), {"g2": 1, "g1": 9_999}, FAST),  # it still has some
        (on_way(0, phase="rolling_back"), {"g1": 10_000}, FAST),
    ],
)
def test_a_candidate_with_users_is_looked_at_all_the_time(
    one: Rollout, shares: dict[str, int], wake_in: float
) -> None:
    groups = {"g1": found("g1"), "g2": found("g2", "starting")}
    decision = look(target(one), Seen(NOW, groups, traffic=table(**shares)))
    assert decision.target.rollout is not None
    assert (decision.target.rollout.step, decision.wake_in) == (one.step, wake_in)


@pytest.mark.parametrize(
    ("lasts", "changes", "wake_in"),
    [
        (TESTED + 1.0, {}, CALM),
        (TESTED, {}, FAST),
        (TESTED + 1.0, {"harm": SUSPECTED}, FAST),
        (TESTED + 1.0, {"harm": SUSPECTED - 0.01}, CALM),
        (TESTED + 1.0, {"outcome": "fail"}, FAST),
        (TESTED + 1.0, None, FAST),
    ],
)
def test_a_test_that_goes_well_is_looked_at_once_a_second(
    lasts: float, changes: dict[str, Any] | None, wake_in: float
) -> None:
    """While the judge is on duty he says so anew at each look; here it is the end of the look that counts."""
    verdict = None if changes is None else said(**changes)
    one = replace(a_test(), in_force_at=NOW - lasts, verdict=verdict, phase="finishing")
    assert look(target(one), as_wanted(one)).wake_in == wake_in


def test_what_is_no_test_is_looked_at_all_the_time_however_long_it_lasts() -> None:
    one = on_way("10 %", in_force_at=NOW - 9_000.0, entered_at=NOW - 9_000.0, phase="paused", held_at=NOW)
    assert look(target(one), as_wanted(one)).wake_in == FAST


def test_a_test_that_is_not_in_force_is_looked_at_all_the_time() -> None:
    one = replace(a_test(), in_force_at=None, verdict=said(), phase="finishing")
    assert look(target(one), replace(as_wanted(one), router_up=False)).wake_in == FAST


def test_running_numbers_are_no_change() -> None:
    one = on_way()
    assert not look(target(one), as_wanted(one)).changed
    assert look(target(one), as_wanted(one), Pause("r9", "bob")).changed, "somebody asked for something"
    fresh = replace(one, in_force_at=None)
    assert look(target(fresh), as_wanted(fresh)).changed, "there is an event"
    gone = (*target().groups, Group("g0", "warm", V3, 4))
    assert look(target(groups=gone), LIVE).changed, "a group is gone"
    told = replace(LIVE, told={"r1/after/0": Told(NOW, "not_yet", "busy")})
    assert look(target(errands=(ERRAND,)), told).changed, "a hook has said something"
    assert not look(target(errands=(ERRAND,)), LIVE).changed


def test_of_each_rollout_the_latest_is_written_down() -> None:
    one = on_way()
    decision = look(target(one), as_wanted(one), Deploy("r3", "ada", V3, PLACE, CANARY), Pause("r3", "bob"))
    assert [(one.id, one.phase) for one in decision.rollouts] == [("r2", "superseded"), ("r3", "paused")]
    kinds = [event.kind for event in decision.events]
    assert kinds == ["rollout_ended", "rollout_started", "rollout_paused", "traffic_moved"]


# What the judge looks at.


def test_without_a_rollout_no_evidence_is_kept() -> None:
    assert look(target(), LIVE, evidence=begin(NOW - 9.0)).evidence is None


def test_evidence_begins_anew_with_each_rollout() -> None:
    one = on_way("start")
    seen = as_wanted(one)
    fresh = look(target(one), seen, evidence=replace(begin(NOW - 9.0), rollout="r1")).evidence
    assert fresh is not None
    assert (fresh.rollout, fresh.since, fresh.exposed_at) == ("r2", NOW, None)
    kept = look(target(one), seen, evidence=replace(begin(NOW - 9.0), rollout="r2")).evidence
    assert kept is not None
    assert (kept.rollout, kept.since) == ("r2", NOW - 9.0)


@pytest.mark.parametrize(
    "one",
    [
        on_way("finish", phase="finishing"),
        on_way(0, phase="rolling_back"),
        on_way("10 %", kind="rollback"),
        on_way("10 %", kind="restart"),
    ],
)
def test_the_judge_does_not_look_at_what_is_decided_or_no_new_release(one: Rollout) -> None:
    evidence = replace(begin(NOW - 9.0), rollout="r2")
    decision = look(target(one), replace(as_wanted(one), counts={"g2": Counts(50)}), evidence=evidence)
    after = decision.target.rollout
    assert after is None or after.verdict is None
    assert decision.evidence == evidence


def a_test() -> Rollout:
    asked = AB("conversion")
    way = course((asked,))
    number = next(number for number, step in enumerate(way.steps) if step.tests())
    return on_way(number, course=way, trial=Trial(asked, ("g2",), ("v2",)), revision=V2)
