"""How long a rollout is held for a person, what is said of it, and at which step."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from tests.domain.onway import NOW, PACE, PLACE, at, course, on_way, target

from plainsail.domain.driver import Driver
from plainsail.domain.lifecycle import Changed, enter, event, turn_back
from plainsail.domain.patience import HELD_WITHIN, LAST_CALL, back_at, hold, lasts, waited, where_to_hold
from plainsail.domain.rollout import Against, Rollout

WEEK, HOUR = 7 * 86_400.0, 3600.0
HARM = Against(failed=True, harm=1.5, crashes=2)


def held(since: float | None = NOW - 1.0, **changes: Any) -> Rollout:
    """By its deadline."""
    why = "not proven after 1 min: needs 12 more requests; resume, advance or abort it within 7 d, or it goes back"
    given: dict[str, Any] = {"phase": "paused", "reason": why, "reason_code": "unsure", "held_at": since}
    return on_way(**(given | changes))


def held_for_harm(since: float | None = NOW - 1.0, **changes: Any) -> Rollout:
    why = "40 of 100 requests failed; advance or abort it within 1 min, or it goes back"
    given: dict[str, Any] = {"reason": why, "reason_code": "errors", "against": replace(HARM, held=True)}
    return held(since, **(given | changes))


def test_what_is_held_says_what_can_be_done_and_by_when() -> None:
    one = on_way(held_at=3.0, called_at=4.0, against=HARM)
    changed = hold(target(one), one, "not proven after 1 min", "unsure", NOW)
    now = replace(
        one, phase="paused", held_at=NOW, called_at=None, reason_code="unsure",
        reason="not proven after 1 min; resume, advance or abort it within 7 d, or it goes back",
    )  # fmt: skip
    assert changed == Changed(target(now), (now,), (event("rollout_paused", now, NOW),))


def test_what_is_held_for_harm_has_as_long_as_a_step_and_does_not_just_go_on() -> None:
    one = on_way()
    changed = hold(target(one), one, "40 of 100 requests failed", "errors", NOW, HARM)
    now = held_for_harm(NOW)
    assert changed == Changed(target(now), (now,), (event("rollout_paused", now, NOW),))


def test_where_users_have_what_is_watched_it_is_held() -> None:
    one = on_way("50 %", reached_bp=5000)
    assert where_to_hold(one, NOW) == one


@pytest.mark.parametrize(
    ("step", "reached", "where"),
    [
        ("100 %", 5000, "50 %"),  # instances start there
        ("50 %", 4999, "10 %"),  # users do not have the share yet
        ("50 %", 1000, "10 %"),
        ("50 %", 999, None),
        ("10 %", 999, None),
        ("start", 0, None),
    ],
)
def test_else_it_is_held_at_the_last_share_that_users_had(step: str, reached: int, where: str | None) -> None:
    one = on_way(step, reached_bp=reached)
    expected = None if where is None else enter(one, at(where, one.course), NOW)
    assert where_to_hold(one, NOW) == expected


def test_a_step_without_users_is_none_to_go_back_to() -> None:
    """A check asked before the first user is watched, too."""
    asked = course(checks={"start": (Driver("webhook", {}),)})
    one = on_way("10 %", course=asked, reached_bp=0)
    assert [step.name for step in asked.steps][:3] == ["start", "confirm", "10 %"]
    assert where_to_hold(one, NOW) is None
    assert where_to_hold(on_way("confirm", course=asked), NOW) == on_way("confirm", course=asked)


def test_the_first_step_of_a_way_may_be_the_one_it_is_held_at() -> None:
    way = replace(course(), steps=course().steps[1:])
    one = on_way("100 %", course=way, reached_bp=1000)
    assert where_to_hold(one, NOW) == enter(one, 0, NOW)


def test_who_went_on_in_spite_of_harm_is_not_taken_to_an_earlier_share() -> None:
    assert where_to_hold(on_way("100 %", against=HARM), NOW) is None
    still = on_way("50 %", against=HARM)
    assert where_to_hold(still, NOW) == still


def test_a_hold_without_a_beginning_begins_now() -> None:
    one = held(None)
    assert waited(target(one), one, NOW) == Changed(target(replace(one, held_at=NOW)))


@pytest.mark.parametrize(
    ("one", "until_call"),
    [(held(NOW), WEEK - HOUR), (held_for_harm(NOW), 30.0)],
)
def test_the_last_call_is_an_hour_before_the_end_or_half_of_a_shorter_hold(
    one: Rollout, until_call: float
) -> None:
    early, due = NOW + until_call - 1.0, NOW + until_call
    assert waited(target(one), one, early) == Changed(target(one))
    called = replace(one, called_at=due)
    left = {WEEK - HOUR: "1 h", 30.0: "30 s"}[until_call]
    why = {WEEK - HOUR: "not proven after 1 min: needed 12 more requests", 30.0: "40 of 100 requests failed"}
    told = f"nobody has decided yet, and it goes back in {left}: {why[until_call]}"
    assert waited(target(one), one, due) == Changed(
        target(called), (called,), (event("rollout_unanswered", replace(called, reason=told), due),)
    )


@pytest.mark.parametrize(
    ("one", "left", "ending", "why"),
    [
        (held(0.0, called_at=NOW), HOUR, "rolled_back",
         "nobody decided within 7 d: not proven after 1 min: needed 12 more requests"),
        (held_for_harm(0.0, called_at=NOW), 30.0, "rolled_back",
         "nobody decided within 1 min: 40 of 100 requests failed"),
        (held(0.0, called_at=NOW, reason="paused by bob", reason_code="paused"), HOUR, "aborted",
         "nobody decided within 7 d: paused by bob"),
    ],
)  # fmt: skip
def test_after_the_last_call_there_is_time_left_and_then_it_goes_back(
    one: Rollout, left: float, ending: Any, why: str
) -> None:
    before, due = NOW + left - 0.1, NOW + left
    assert back_at(one) == due
    assert waited(target(one), one, before) == Changed(target(one))
    back = turn_back(target(one), one, ending, why, "unanswered", "plainsail", due)
    assert waited(target(one), one, due) == back


def test_how_long_it_lasts_depends_on_what_it_is_held_for() -> None:
    assert lasts(held()) == HELD_WITHIN == WEEK
    assert lasts(on_way(against=HARM)) == WEEK, "somebody went on in spite of it"
    assert lasts(held_for_harm()) == PACE.deadline
    longer = replace(PLACE, pace=replace(PACE, deadline=4 * HOUR))
    one = held_for_harm(NOW, placement=longer)
    assert (back_at(one), LAST_CALL) == (NOW + 4 * HOUR, HOUR)
    early, due = NOW + 3 * HOUR - 1.0, NOW + 3 * HOUR
    assert (waited(target(one), one, early).events, len(waited(target(one), one, due).events)) == ((), 1)


def test_when_it_goes_back_is_known_from_its_beginning() -> None:
    assert back_at(held(NOW - 7.0)) == NOW - 7.0 + WEEK
    assert back_at(held(0.0)) == WEEK
    assert back_at(on_way(held_at=None)) == NOW - 10.0 + WEEK
    assert back_at(held_for_harm(NOW, called_at=NOW + 100.0)) == NOW + 130.0


def test_a_pause_names_no_time() -> None:
    one = on_way()
    changed = hold(target(one), one, "paused by bob", "paused", NOW)
    assert changed.rollouts[0].reason == "paused by bob"
