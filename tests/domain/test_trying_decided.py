"""How a test of variants is decided, each end whole, with its sentence."""

from __future__ import annotations

from typing import Any

import pytest
from tests.domain.part_way import NOW, V2, part_way, target_of, told
from tests.domain.stage import replace
from tests.domain.trials import COLOURS
from tests.domain.under_test import (
    ALIKE,
    BETTER,
    PLACE,
    RED_AND_BLUE,
    SAID,
    TEST,
    UNEVEN,
    VARIANTS,
    WON,
    known_of,
    look,
    trial_of,
    under_way,
)

from plainsail.domain import trying
from plainsail.domain.evidence import Evidence, Track
from plainsail.domain.lifecycle import Changed, event
from plainsail.domain.rollout import Rollout
from plainsail.domain.strategy import AB, Variant
from plainsail.domain.trial import Decided, Trial

# How it is decided.


def _look_at(now: float, hits: dict[str, tuple[int, int]]) -> Rollout:
    rollout = look(under_way(), known_of(hits), now).target.rollout
    assert rollout is not None
    return rollout


def test_a_winner_is_said_with_its_numbers_and_live_stays() -> None:
    rollout = under_way()
    over = look(rollout, known_of(BETTER))
    back = over.target.rollout
    why = (
        f"{SAID}; live stays, as asked; with 'env: {{BUTTON: blue}}' in the file "
        "'plainsail deploy shop v2 --to production --strategy canary' gives it to all"
    )
    assert back is not None
    assert (back.phase, back.ending, back.reason, back.reason_code, back.decided_at) == (
        "rolling_back", "succeeded", why, "winner", NOW,
    )  # fmt: skip
    assert back.trial == trial_of(decided=Decided("winner", SAID, NOW, "g3"))
    assert told(over.events) == [("rollout_turned_back", "plainsail", why, "winner")]


def test_how_the_winner_is_given_to_all_can_be_copied_to_a_shell() -> None:
    spaced = replace(V2, version="v2 of may")
    plain = AB("conversion", lasts=600.0, variants={"red": Variant(), "blue": Variant()})
    over = look(under_way(trial_of(plain), revision=spaced), known_of(BETTER))
    assert over.target.rollout is not None
    assert over.target.rollout.reason.endswith(
        "; live stays, as asked; 'plainsail deploy shop 'v2 of may' --to production --strategy canary' gives it to all"
    )
    alone = Trial(AB("conversion", lasts=600.0), ("g2",), ("v2",))
    over = look(under_way(alone), known_of({"g2": (40_000, 2_800)}))
    assert over.target.rollout is not None
    assert over.target.rollout.reason.endswith(
        "live stays, as asked; 'plainsail deploy shop v2 --to production --strategy canary' gives it to all"
    )
    two = Variant({"BUTTON": "blue", "SIZE": "big"})
    over = look(under_way(trial_of(replace(TEST, variants={**COLOURS, "blue": two}))), known_of(BETTER))
    assert over.target.rollout is not None
    assert "with 'env: {BUTTON: blue, SIZE: big}' in the file" in over.target.rollout.reason


def test_a_winner_that_is_promoted_has_the_next_step() -> None:
    rollout = under_way(trial_of(replace(TEST, then="promote")))
    won = look(rollout, known_of(BETTER))
    going = won.target.rollout
    assert going == replace(
        rollout, candidate="g3", revision=VARIANTS[2].revision, step=1, entered_at=NOW, in_force_at=None,
        decided_at=NOW, trial=trial_of(replace(TEST, then="promote"), Decided("winner", SAID, NOW, "g3")),
    )  # fmt: skip
    assert won == Changed(target_of(going, groups=VARIANTS), (going,), won.events)
    assert told(won.events) == [("step_entered", "plainsail", SAID, "winner")]
    assert [(one.at, one.data["step"]) for one in won.events] == [(NOW, "100 %")]
    assert going is not None
    assert trying.outcome(going) == f"{SAID}; blue has all users"


def test_a_winner_that_waits_for_a_person_is_told_once() -> None:
    rollout = under_way(trial_of(replace(TEST, then="ask")))
    won = look(rollout, known_of(BETTER))
    waiting = won.target.rollout
    question = f"{SAID}; waiting for a person: 'plainsail advance shop' gives blue to all, 'plainsail abort shop' keeps live"
    assert waiting == replace(
        rollout, reason=question, reason_code="winner", decided_at=NOW,
        trial=trial_of(replace(TEST, then="ask"), Decided("winner", SAID, NOW, "g3")),
    )  # fmt: skip
    assert won == Changed(target_of(waiting, groups=VARIANTS), (waiting,), won.events)
    assert told(won.events) == [("rollout_paused", "plainsail", question, "winner")]
    assert [one.at for one in won.events] == [NOW]


@pytest.mark.parametrize(
    ("deadline", "patience", "said"), [(60.0, 604_800.0, "7 d"), (864_000.0, 864_000.0, "10 d")]
)
def test_a_person_has_a_week_for_the_winner_or_the_longest_step(
    deadline: float, patience: float, said: str
) -> None:
    trial = trial_of(replace(TEST, then="ask"), WON)
    place = replace(PLACE, pace=replace(PLACE.pace, deadline=deadline))
    rollout = under_way(trial, placement=place, reason="something else")
    before = Changed(target_of(rollout), (part_way(id="r1"),), (event("step_entered", rollout, NOW),))
    waits = trying.tried(before, rollout, None, 900.0 + patience)
    question = f"{SAID}; waiting for a person: 'plainsail advance shop' gives blue to all, 'plainsail abort shop' keeps live"
    fresh = replace(rollout, reason=question, reason_code="winner")
    assert waits == Changed(target_of(fresh), before.rollouts, before.events)
    late = trying.tried(before, rollout, None, 900.1 + patience)
    why = f"{SAID}; nobody said in {said} what it gets, so live stays"
    assert late.target.rollout is not None
    assert (late.target.rollout.ending, late.target.rollout.reason) == ("succeeded", why)
    assert late.target.rollout.decided_at == 900.1 + patience
    assert told(late.events)[1:] == [("rollout_turned_back", "plainsail", why, "winner")]


def test_what_is_still_open_is_said_and_is_no_event() -> None:
    rollout = under_way(reason="something else", reason_code="else")
    before = Changed(target_of(rollout), (part_way(id="r1"),), (event("step_entered", rollout, NOW),))
    said = {
        "not decided by conversion yet: " + RED_AND_BLUE: known_of(ALIKE),
        "conversion is not known yet": known_of({"g2": (0, 0), "g3": (0, 0)}, live=(0, 0)),
    }
    for why, evidence in said.items():
        fresh = replace(rollout, reason=why, reason_code="")
        assert trying.tried(before, rollout, evidence, NOW) == Changed(
            target_of(fresh), before.rollouts, before.events
        )


def test_why_its_source_says_nothing_is_said() -> None:
    silent = Evidence(850.0, "r2", 860.0, tracks={"conversion": Track(missing="no connection")})
    found = trying.compared(under_way(), silent)
    assert found is not None
    assert trying.standing(found) == "conversion is not known yet: no connection"
    nothing = trying.compared(under_way(), None)
    assert nothing is not None
    assert trying.standing(nothing) == "conversion is not known yet"
    some = trying.compared(under_way(), known_of({"g2": (0, 0), "g3": (0, 0)}, live=(100, 5)))
    assert some is not None
    assert trying.standing(some) == (
        "not decided by conversion yet: red nothing against live's 5 %, and blue nothing against live's 5 %"
    )
    assert [one.group for one in some.arms] == ["g1", "g2", "g3"]
    assert trying.compared(part_way(), silent) is None


@pytest.mark.parametrize(
    ("now", "dwell", "lasts", "decided"),
    [
        (909.9, 50.0, 600.0, False), (910.0, 50.0, 600.0, True),
        (879.9, 50.0, 20.0, False), (880.0, 50.0, 20.0, True),
    ],
)  # fmt: skip
def test_nothing_is_decided_before_its_shortest_time(
    now: float, dwell: float, lasts: float, decided: bool
) -> None:
    """`dwell`, or all of a test that is shorter; users are divided since 860 s."""
    place = replace(PLACE, pace=replace(PLACE.pace, dwell=dwell))
    over = look(under_way(trial_of(replace(TEST, lasts=lasts)), placement=place), known_of(BETTER), now)
    assert bool(over.events) == decided
    if not decided:
        assert over.target.rollout is not None
        assert over.target.rollout.reason.startswith("not decided by conversion yet: red 5 %")


def test_users_who_fall_unevenly_end_it_at_once() -> None:
    over = look(under_way(), known_of(UNEVEN), 860.0)
    said = "the comparison is void: red had 38.5 % of the 65,000 users of it and of live, and should have had 33.3 %"
    assert over.target.rollout is not None
    assert (over.target.rollout.ending, over.target.rollout.trial) == (
        "failed", trial_of(decided=Decided("mismatch", said, 860.0)),
    )  # fmt: skip
    assert over.target.rollout.decided_at == 860.0
    assert told(over.events) == [("rollout_turned_back", "plainsail", f"{said}; live stays", "mismatch")]


@pytest.mark.parametrize("then", ["keep", "promote", "ask"])
def test_at_its_end_live_stays_if_no_difference_is_shown(then: Any) -> None:
    test = replace(TEST, then=then)
    assert not look(under_way(trial_of(test)), known_of(ALIKE), 1459.9).events
    over = look(under_way(trial_of(test)), known_of(ALIKE), 1460.0)
    said = f"no difference in conversion is shown after 10 min: {RED_AND_BLUE}"
    assert over.target.rollout is not None
    assert (over.target.rollout.ending, over.target.rollout.trial) == (
        "succeeded", trial_of(test, Decided("no_difference", said, 1460.0)),
    )  # fmt: skip
    assert told(over.events) == [("rollout_turned_back", "plainsail", f"{said}; live stays", "no_difference")]


def test_of_two_that_are_better_than_live_and_alike_the_better_one_wins_at_the_end() -> None:
    hits = {"g2": (20_000, 1_401), "g3": (20_000, 1_400)}
    waits = _look_at(1459.9, hits)
    assert waits.reason.startswith("not decided by conversion yet: red 7 %")
    over = _look_at(1460.0, hits)
    assert over.trial is not None
    assert over.trial.decided is not None
    assert (over.trial.decided.code, over.trial.decided.winner) == ("winner", "g2")
    assert over.reason.startswith("red is better by conversion: 7 % against live's 4.8 %, by 2.2")
    assert "; against blue no difference is shown; live stays" in over.reason


def test_it_ends_as_soon_as_no_variant_can_be_better() -> None:
    worse = {"g2": (20_000, 500), "g3": (20_000, 500)}
    plain = look(under_way(), known_of(worse)).target.rollout
    assert plain is not None
    assert plain.trial is not None
    assert plain.trial.decided is not None
    assert (plain.trial.decided.code, plain.trial.decided.at) == ("no_difference", NOW)
    assert plain.trial.decided.sentence.startswith(
        "no variant is better by conversion: red 2.5 % against live's"
    )
    margin = look(under_way(trial_of(replace(TEST, margin=0.01))), known_of(ALIKE)).target.rollout
    assert margin is not None
    assert margin.reason == (
        f"no variant is better by conversion by more than 1 point: {RED_AND_BLUE}; live stays"
    )


@pytest.mark.parametrize(
    ("deadline", "patience", "said"), [(60.0, 600.0, "10 min"), (900.0, 900.0, "15 min")]
)
@pytest.mark.parametrize("evidence", [None, Evidence(850.0)])
def test_users_who_are_never_divided_are_not_waited_for_for_ever(
    deadline: float, patience: float, said: str, evidence: Evidence | None
) -> None:
    rollout = under_way(placement=replace(PLACE, pace=replace(PLACE.pace, deadline=deadline)))
    waits = look(rollout, evidence, 850.0 + patience)
    assert waits.target.rollout == replace(rollout, reason="conversion is not known yet")
    late = look(rollout, evidence, 850.1 + patience)
    why = f"users were not divided within {said}: an instance is not ready, or the router does not answer"
    assert late.target.rollout is not None
    assert (late.target.rollout.ending, late.target.rollout.decided_at) == ("failed", 850.1 + patience)
    assert told(late.events) == [("rollout_turned_back", "plainsail", why, "deadline")]
    divided = look(under_way(trial_of(replace(TEST, lasts=9e9))), known_of(ALIKE, 1450.0), 1451.0)
    assert not divided.events, "that is over once they are"
