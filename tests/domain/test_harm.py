"""What is done about harm: at once, by the shares in reverse, or not before a person says so."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from tests.domain.onway import NOW, PACE, PLACE, as_wanted, course, found, on_way, said, target

from plainsail.domain.evidence import Arm, Verdict
from plainsail.domain.lifecycle import Changed, event, turn_back
from plainsail.domain.observation import Counts, Seen
from plainsail.domain.patience import hold, where_to_hold
from plainsail.domain.progress import progress
from plainsail.domain.rollout import Against, Phase, Rollout
from plainsail.domain.service import Placement
from plainsail.domain.strategy import AB, Variant
from plainsail.domain.trial import Trial
from plainsail.domain.wayback import against

FAILS = said("fail", "40 of 100 requests failed", code="errors", harm=1.5)
KNOWN = Against(failed=True, harm=1.5)


def on_failure(does: Any) -> Placement:
    return replace(PLACE, pace=replace(PACE, on_failure=does))


def look(one: Rollout, verdict: Verdict | None = FAILS, seen: Seen | None = None) -> Changed:
    return progress(target(one), as_wanted(one) if seen is None else seen, verdict, NOW)


def back(
    one: Rollout, ending: Phase = "rolled_back", why: str = FAILS.sentence, code: str = "errors", **how: Any
) -> Changed:
    return turn_back(target(one), one, ending, why, code, "plainsail", NOW, **how)


@pytest.mark.parametrize("phase", ["progressing", "paused"])
@pytest.mark.parametrize(("does", "gradual"), [("rollback", False), ("gradual", True)])
def test_what_is_proven_to_be_worse_goes_back(does: str, gradual: bool, phase: Phase) -> None:
    one = on_way("50 %", placement=on_failure(does), phase=phase, held_at=NOW)
    expected = back(replace(one, verdict=FAILS), gradual=gradual)
    assert look(one) == expected
    assert len(expected.rollouts[0].course.back) == (2 if gradual else 1)


@pytest.mark.parametrize(("step", "where"), [("50 %", "50 %"), ("100 %", "50 %"), ("start", None)])
def test_or_it_is_held_where_users_had_it(step: str, where: str | None) -> None:
    one = on_way(step, placement=on_failure("hold"), reached_bp=5000)
    seen = as_wanted(on_way(where or "start"))
    known = replace(one, verdict=FAILS)
    if where is None:
        assert look(one, seen=seen) == back(known), "there is no such step, so it goes back"
        return
    held = where_to_hold(known, NOW)
    assert held is not None
    assert held.current().name == where
    assert look(one, seen=seen) == hold(target(held), held, FAILS.sentence, "errors", NOW, against(FAILS))


@pytest.mark.parametrize("does", ["gradual", "hold"])
def test_what_no_user_had_or_what_answers_nobody_goes_back_at_once(does: str) -> None:
    one = on_way("start", placement=on_failure(does))
    assert look(one) == back(replace(one, verdict=FAILS), "failed")
    dead = on_way("50 %", placement=on_failure(does))
    seen = replace(
        as_wanted(dead), groups={"g1": found("g1"), "g2": found("g2", number=0, timed_out=1, trouble="died")}
    )
    expected = back(dead, "rolled_back", "v2 does not start again: died", "never_ready")
    assert look(dead, None, seen) == expected


def test_harm_before_the_first_user_at_a_step_with_users_is_taken_back_as_harm() -> None:
    one = on_way("10 %", reached_bp=0)
    seen = replace(as_wanted(one), traffic=None)
    assert look(one, seen=seen) == back(replace(one, verdict=FAILS), "rolled_back")


@pytest.mark.parametrize(
    ("changes", "ready", "dead"),
    [
        ({"failed_starts": 3}, 0, True),
        ({"failed_starts": 4}, 0, True),
        ({"failed_starts": 2}, 0, False),
        ({"failed_starts": 1, "timed_out": 1}, 0, True),
        ({"crashes": 9}, 0, False),
        ({"failed_starts": 3}, 1, False),
    ],
)
def test_three_failed_starts_or_one_that_took_too_long_are_one_that_never_starts(
    changes: dict[str, Any], ready: int, dead: bool
) -> None:
    one = on_way("start")
    group = found("g2", number=ready, trouble="exited with status 2", **changes)
    seen = replace(as_wanted(one), groups={"g1": found("g1"), "g2": group})
    changed = look(one, None, seen)
    expected = back(one, "failed", "v2 never became ready: exited with status 2", "never_ready")
    assert (changed == expected) == dead
    assert (changed.target.rollout or one).phase == ("rolling_back" if dead else "progressing")


def test_upkeep_of_live_is_not_taken_back_for_harm() -> None:
    one = on_way("start", kind="scale", candidate="g1")
    seen = Seen(NOW, {"g1": found("g1", number=0, failed_starts=9)}, traffic=as_wanted(one).traffic)
    assert (
        progress(replace(target(), rollout=one), seen, FAILS, NOW).target.rollout or one
    ).phase == "progressing"


def test_what_is_decided_is_not_asked_once_more() -> None:
    one = on_way("finish", phase="finishing")
    busy = replace(as_wanted(one), groups={"g1": found("g1", "leaving", 1), "g2": found("g2")})
    assert (look(one, seen=busy).target.rollout or one).phase == "finishing"


def test_the_last_verdict_is_kept_while_there_is_no_other() -> None:
    one = on_way(verdict=said("unsure", "before"))
    assert (look(one, None).target.rollout or one).verdict == said("unsure", "before")
    assert (look(one, said("unsure", "after")).target.rollout or one).verdict == said("unsure", "after")


# Once it is known.


def test_what_is_held_for_harm_waits_whatever_comes() -> None:
    one = on_way(
        "50 %", phase="paused", held_at=NOW, against=replace(KNOWN, held=True), placement=on_failure("hold"),
        reason="why", reason_code="errors",
    )  # fmt: skip
    worse = replace(FAILS, harm=9.0)
    assert look(one, worse) == Changed(target(replace(one, verdict=worse)))


@pytest.mark.parametrize(
    ("verdict", "more"),
    [
        (FAILS, False),
        (replace(FAILS, harm=2.49), False),
        (replace(FAILS, harm=2.5), True),
        (replace(FAILS, candidate=Arm(100, crashes=1)), True),
    ],
)
def test_who_goes_on_in_spite_of_it_is_stopped_by_more_of_it_alone(verdict: Verdict, more: bool) -> None:
    one = on_way("50 %", against=KNOWN, placement=on_failure("hold"), in_force_at=NOW)
    changed = look(one, verdict)
    assert (changed.target.rollout or one).phase == ("paused" if more else "progressing")
    if more:
        known = replace(one, verdict=verdict)
        assert changed == hold(target(known), known, FAILS.sentence, "errors", NOW, against(verdict))


def test_where_instances_start_who_goes_on_in_spite_of_more_harm_is_not_sent_back() -> None:
    one = on_way("100 %", against=KNOWN, placement=on_failure("hold"), reached_bp=5000)
    worse = replace(FAILS, harm=9.0)
    seen = as_wanted(on_way("50 %"))
    after = look(one, worse, seen).target.rollout
    assert after is not None
    assert (after.phase, after.current().name) == ("progressing", "100 %")


@pytest.mark.parametrize(("harm", "once_more"), [(2.4, False), (2.5, True)])
def test_a_gradual_way_back_is_one_at_once_when_more_harm_comes(harm: float, once_more: bool) -> None:
    there = on_way("50 %", placement=on_failure("gradual"), verdict=FAILS)
    one = replace(back(there, gradual=True).rollouts[0], in_force_at=NOW)
    worse = replace(FAILS, sentence="much worse", harm=harm)
    now = replace(one, verdict=worse)
    changed = look(one, worse)
    assert changed == (back(now, why="much worse") if once_more else Changed(target(now)))


# One bad instance.


def test_one_bad_instance_is_replaced_and_the_rollout_goes_on() -> None:
    one = on_way("50 %", had=7)
    groups = {"g1": found("g1"), "g2": found("g2", number=2)}
    told = {"g2-0": Counts(100, 60), "g2-1": Counts(400, 0)}
    bad = replace(FAILS, candidate=Arm(500, 60), live=Arm(9000, 1))
    changed = look(one, bad, replace(as_wanted(one), groups=groups, instances=told))
    renewed = replace(one, verdict=bad, retired=("g2-0",), had=0)
    (happened,) = changed.events
    assert changed == Changed(target(renewed), (renewed,), (happened,))
    plain = event(
        "instance_replaced", replace(renewed, reason=happened.reason, reason_code="one_instance"), NOW
    )
    assert happened == replace(plain, data={**plain.data, "instance": "g2-0"})
    assert happened.reason.startswith("g2-0")
    again = replace(one, retired=("g2-7",))
    taken = look(again, bad, replace(as_wanted(one), groups=groups, instances=told))
    assert (taken.target.rollout or one).phase == "rolling_back", "one is all that may be replaced"


def test_a_replaced_instance_is_not_one_of_those_that_are_ready() -> None:
    one = on_way("start", course=course(replicas=20), retired=("g2-0",))
    assert one.current().sizes["candidate"] == 2
    seen = replace(as_wanted(one), groups={"g1": found("g1"), "g2": found("g2", number=2)})
    changed = look(one, None, seen)
    assert changed == Changed(target(replace(one, reason="1 of 2 instances ready")))


def test_what_speaks_for_one_bad_instance_is_said_where_it_is_too_little() -> None:
    one = on_way("50 %")
    told = {"g2-0": Counts(10, 3), "g2-1": Counts(10, 0)}
    bad = replace(FAILS, candidate=Arm(20, 3))
    changed = look(one, bad, replace(as_wanted(one), instances=told))
    few = "g2-0 had 3 of the 3 failures, too few with 2 instances to tell one that is bad from a bad release"
    assert changed == back(replace(one, verdict=bad), why=f"{FAILS.sentence}; {few}")


@pytest.mark.parametrize(("starts", "over"), [(2, False), (3, True)])
def test_a_variant_that_never_starts_ends_the_test(starts: int, over: bool) -> None:
    variants = {"red": Variant({"BUTTON": "red"}), "blue": Variant({"BUTTON": "blue"})}
    test = AB("conversion", variants=variants)
    one = on_way("start", course=course((test,)), trial=Trial(test, ("g2", "g3"), ("red", "blue")))
    dead = found("g3", number=0, failed_starts=starts, trouble="exited with status 2")
    groups = {"g1": found("g1"), "g2": found("g2", number=0), "g3": dead}
    changed = look(one, None, replace(as_wanted(on_way("start")), groups=groups))
    expected = back(one, "failed", "blue never became ready: exited with status 2", "never_ready")
    assert (changed == expected) == over
    assert (changed.target.rollout or one).phase == ("rolling_back" if over else "progressing")
