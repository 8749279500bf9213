"""How a rollout begins, goes from step to step, turns back and ends: the whole of what is written down each time."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from tests.domain.onway import (
    CANARY,
    NOW,
    PACE,
    PLACE,
    V1,
    V2,
    V3,
    at,
    course,
    on_way,
    said,
    target,
)

from plainsail.domain.courses import rollback_course
from plainsail.domain.events import Event
from plainsail.domain.intents import Deploy, Remove, Restart, Rollback, Scale
from plainsail.domain.lifecycle import (
    Changed,
    begin,
    enter,
    event,
    never_began,
    refused,
    still,
    timely,
    turn_back,
)
from plainsail.domain.rollout import (
    Against,
    Group,
    Rollout,
    Target,
    Undertaking,
)
from plainsail.domain.strategy import Course, Elapsed, Recreate

DEPLOY = Deploy("r2", "ada", V2, PLACE, CANARY)
HARM = Against(failed=True, harm=1.5, crashes=2, held=True)


def begun(before: Target, **changes: Any) -> Changed:
    given: dict[str, Any] = {
        "revision": V2, "kind": "deploy", "strategy": "canary", "group": None, "way": course(), "placement": PLACE,
    }  # fmt: skip
    return begin(before, DEPLOY, now=NOW, **(given | changes))


def test_a_rollout_begins_with_a_group_of_its_own() -> None:
    wide = replace(PLACE, hosts=("shop.example",))
    changed = begun(target(), placement=wide, why="asked for")
    one = Rollout(
        "r2", "shop", "production", "deploy", "ada", "canary", V2, "g2", "g1", 4, wide, course(), NOW, NOW,
        phase="progressing", reason="asked for",
    )  # fmt: skip
    groups = (Group("g1", "live", V1, 4), Group("g2", "candidate", V2, 4))
    after = replace(target(), serial=2, groups=groups, rollout=one)
    assert changed == Changed(after, (one,), (event("rollout_started", one, NOW, by="ada"),))
    assert changed.target.placement == PLACE, "live keeps its own until then"
    assert begun(target()).rollouts[0].reason == ""


def test_it_is_as_large_as_its_largest_step() -> None:
    recreated = course((Recreate(),))
    assert [step.sizes.get("candidate") for step in recreated.steps] == [None, 4, 4, 4]
    assert begun(target(), way=recreated).rollouts[0].replicas == 4
    none = Course(tuple(replace(step, sizes={"live": 4}) for step in recreated.steps), ())
    assert begun(target(), way=none).rollouts[0].replicas == 0


def test_the_first_release_brings_its_placement_at_once() -> None:
    wide = replace(PLACE, hosts=("shop.example",))
    empty = Target("shop", "production")
    changed = begun(empty, placement=wide, way=course(live=None))
    assert changed.target == Target(
        "shop", "production", wide, 1, (Group("g1", "candidate", V2, 4),), rollout=changed.rollouts[0]
    )
    assert (changed.rollouts[0].live, changed.rollouts[0].candidate) == (None, "g1")


def test_a_baseline_is_a_second_group_of_what_is_live() -> None:
    twins = course(evidence=replace(PLACE.evidence, compare="baseline"))
    changed = begun(replace(target(), serial=6), way=twins)
    one = changed.rollouts[0]
    most = max(step.sizes.get("baseline", 0) for step in twins.steps)
    assert (one.candidate, one.baseline, changed.target.serial, most) == ("g7", "g8", 8, 2)
    assert changed.target.groups[1:] == (
        Group("g7", "candidate", V2, 4),
        Group("g8", "baseline", V1, most),
    )
    alone = begun(Target("shop", "production"), way=twins)
    assert (alone.rollouts[0].baseline, len(alone.target.groups)) == (None, 1), "nobody to be a twin of"


def test_what_changes_the_live_group_itself_makes_none_that_is_used() -> None:
    changed = begun(target(), group="g1")
    assert changed.rollouts[0].candidate == "g1"


def test_an_event_says_where_the_rollout_is() -> None:
    one = on_way("50 %", reason="why", reason_code="because", reached_bp=1234)
    assert event("traffic_moved", one, NOW) == Event(
        "traffic_moved", NOW, "shop", "production", "r2", "plainsail", "why", "because",
        {"phase": "progressing", "kind": "deploy", "version": "v2", "release": V2.release, "step": "50 %", "reached_bp": 1234},
    )  # fmt: skip
    assert event("traffic_moved", one, NOW, by="bob").by == "bob"


@pytest.mark.parametrize(
    ("kind", "words", "told"),
    [("step_entered", "half", "half"), ("step_entered", "", None), ("traffic_moved", "half", None)],
)
def test_who_is_to_be_notified_of_a_step_is_when_it_is_entered(
    kind: Any, words: str, told: str | None
) -> None:
    way = course()
    steps = tuple(replace(step, notify=words) for step in way.steps)
    data = event(kind, on_way(course=replace(way, steps=steps)), NOW).data
    assert (data.get("notify"), "notify" in data) == (told, told is not None)


def test_a_step_begins_with_nothing_of_the_one_before() -> None:
    one = on_way("10 %", reason="why", reason_code="because", held_at=1.0, called_at=2.0, phase="paused")
    assert enter(one, 2, NOW) == on_way(
        "50 %", entered_at=NOW, in_force_at=None, reached_bp=one.reached_bp, phase="progressing"
    )


def test_the_last_step_is_for_clearing_up() -> None:
    last = at("finish", course())
    assert [enter(on_way(), number, NOW).phase for number in (last - 1, last)] == ["progressing", "finishing"]


def test_on_a_way_back_it_keeps_why() -> None:
    one = back(reason="worse", reason_code="errors")
    for number in range(len(one.course.back)):
        entered = enter(one, number, NOW)
        assert (entered.phase, entered.reason, entered.reason_code) == ("rolling_back", "worse", "errors")


def test_what_is_known_against_it_is_known_until_it_goes_back_at_once() -> None:
    known = replace(HARM, held=False)
    assert enter(on_way(against=HARM), 2, NOW).against == known
    assert enter(on_way(), 2, NOW).against is None
    one = back(against=HARM)
    kept = [enter(one, number, NOW).against for number in range(len(one.course.back))]
    assert [isinstance(step.leave, Elapsed) for step in one.course.back] == [True, False]
    assert kept == [known, None]


def test_no_moment_is_later_than_now() -> None:
    past: dict[str, Any] = {
        "entered_at": 1.0,
        "in_force_at": 2.0,
        "held_at": 3.0,
        "called_at": 4.0,
        "worse_at": 5.0,
    }
    assert timely(on_way(**past), NOW) == on_way(**past)
    for name in past:
        ahead = on_way(**(past | {name: NOW + 50.0}))
        assert timely(ahead, NOW) == on_way(**(past | {name: NOW}))
    none: dict[str, Any] = {"in_force_at": None, "held_at": None, "called_at": None}
    assert timely(on_way(**none), NOW) == on_way(**none)


@pytest.mark.parametrize("gradual", [False, True])
def test_a_way_back_begins_anew_and_keeps_the_way_there(gradual: bool) -> None:
    fails = said("fail", "worse", harm=1.5, code="errors")
    one = on_way("50 %", held_at=1.0, called_at=2.0, verdict=fails, against=replace(HARM, crashes=9))
    changed = turn_back(target(one), one, "aborted", "enough", "aborted", "bob", NOW, gradual=gradual)
    shares = (1000, 0) if gradual else (0,)
    turned = changed.rollouts[0]
    assert tuple(step.share("candidate") for step in turned.course.back) == shares
    assert turned == replace(
        one, phase="rolling_back", ending="aborted", reason="enough", reason_code="aborted", step=0, entered_at=NOW,
        in_force_at=None, decided_at=NOW, held_at=None, called_at=None,
        course=replace(one.course, back=turned.course.back),
        against=Against(failed=True, harm=1.5, crashes=0) if gradual else None,
    )  # fmt: skip
    happened = event("rollout_turned_back", turned, NOW, by="bob")
    assert changed == Changed(target(turned), (turned,), (happened,))
    assert (
        turn_back(target(one), one, "aborted", "enough", "aborted", "bob", NOW).rollouts[0]
        == (
            turn_back(target(one), one, "aborted", "enough", "aborted", "bob", NOW, gradual=False).rollouts[0]
        )
    )


@pytest.mark.parametrize(("intent", "kind"), [(DEPLOY, "deploy"), (Rollback("r2", "ada"), "rollback")])
def test_what_never_began_is_on_record_and_changes_nothing(
    intent: Deploy | Rollback, kind: Undertaking
) -> None:
    before = target(good=(V3,))
    changed = never_began(before, intent, V2, "it was taken back before", "quarantined", NOW)
    began = begin(before, intent, V2, kind, kind, "g1", still(PLACE), PLACE, NOW)
    over = replace(
        began.rollouts[0], phase="failed", reason="it was taken back before", reason_code="quarantined",
        ended_at=NOW, decided_at=NOW,
    )  # fmt: skip
    assert changed == Changed(before, (over,), (*began.events, event("rollout_ended", over, NOW)))
    nobody = Target("shop", "production")
    assert never_began(nobody, intent, V2, "", "", NOW).rollouts[0].candidate == "none"


def test_a_course_that_changes_nothing_has_live_as_it_is() -> None:
    assert still(PLACE) == rollback_course(4, 4)


@pytest.mark.parametrize(
    ("intent", "data"),
    [
        (Rollback("x1", "bob"), {}),
        (Scale("x1", "bob", 2, 4), {"kind": "scale"}),
        (Restart("x1", "bob"), {"kind": "restart"}),
        (Remove("x1", "bob"), {"kind": "remove"}),
    ],
)
def test_a_refusal_is_an_event_and_nothing_else(intent: Any, data: dict[str, Any]) -> None:
    told = Event("intent_refused", NOW, "shop", "production", "x1", "bob", "not now", "refused", data)
    assert refused(target(), intent, NOW, "not now") == Changed(target(), (), (told,))


def test_changes_add_up() -> None:
    one, other = on_way(), on_way("50 %")
    first = Changed(target(one), (one,), (event("traffic_moved", one, NOW),))
    then = Changed(target(other), (other,), (event("step_entered", other, NOW),))
    assert first.then(then) == Changed(target(other), (one, other), (*first.events, *then.events))


def back(**changes: Any) -> Rollout:
    """From 50 % over 10 %."""
    one = on_way("50 %", placement=replace(PLACE, pace=PACE))
    turned = turn_back(target(one), one, "aborted", "", "", "bob", NOW, gradual=True).rollouts[0]
    return replace(turned, **changes)
