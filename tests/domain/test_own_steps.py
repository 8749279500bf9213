"""What a strategy's steps ask, whole: whom they show the new release to, how long they last, and what follows lateness."""

from __future__ import annotations

from typing import Any

import pytest
from tests.domain.part_way import SMOKE
from tests.domain.stage import replace
from tests.domain.trials import COLOURS

from plainsail.domain.courses import course, rollback_course
from plainsail.domain.criteria import EvidenceCriteria, Metric
from plainsail.domain.match import Match
from plainsail.domain.mirroring import Differs, Shadow
from plainsail.domain.steps import JUST_CANDIDATE, JUST_LIVE
from plainsail.domain.strategy import (
    AB,
    BlueGreen,
    Canary,
    Copies,
    Course,
    Custom,
    CustomStep,
    Dark,
    Exposed,
    Incremental,
    Inside,
    Judged,
    Pace,
    Part,
    Ready,
    Recreate,
    RedBlack,
    Role,
    Rolling,
    RollingRedBlack,
    Settled,
    Step,
    Strategy,
)

PACE = Pace(until="proven", dwell=10.0, deadline=60.0, on_unsure="rollback", requests=7)
LAST_HOPE = replace(PACE, on_unsure="advance")
WEEK, FORTNIGHT = 604_800.0, 1_209_600.0
PATIENT = replace(PACE, deadline=FORTNIGHT)
INSIDERS = Match(header="Insider: yes")
SEEN = (Inside(INSIDERS, "candidate"),)
BESIDE = EvidenceCriteria(compare="baseline")
EARLY = EvidenceCriteria(metrics={"memory": Metric("shop", value="memory", during=("start",))})


def _way(strategy: Strategy | tuple[Strategy, ...], pace: Pace = PACE, **settings: Any) -> Course:
    """From four instances of live to four of the candidate."""
    return course(strategy, pace, 4, settings.pop("live", 4), **settings)


def _own(step: CustomStep, pace: Pace = PACE) -> Step:
    return _way(Custom((step,)), pace).steps[1]


# Steps of one's own.


def test_a_step_of_ones_own_is_as_the_pace_says_where_it_says_nothing() -> None:
    leave = Judged("proven", 10_000, 10.0, 60.0, "rollback", 7)
    split = (Part("candidate", 2500), Part("live", 7500))
    assert _own(CustomStep(share=2500)) == Step("25 %", {"live": 4, "candidate": 1}, split, leave)


def test_a_step_of_ones_own_says_all_that_can_be_said() -> None:
    step = CustomStep(
        share=5000, instances=3, match=INSIDERS, until="dwell", dwell=0.0, deadline=0.0, on_unsure="hold", requests=0,
        approval=True, checks=(SMOKE,), notify="half of them",
    )  # fmt: skip
    leave = Judged("dwell", 10_000, 0.0, 0.0, "hold", 0)
    split = (Part("candidate", 5000), Part("live", 5000))
    assert _own(step) == Step(
        "50 %", {"live": 4, "candidate": 3}, split, leave, inside=SEEN, checks=(SMOKE,), approve_within=0.0,
        notify="half of them",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("step", "name", "inside"),
    [(CustomStep(), "nobody", ()), (CustomStep(match=INSIDERS), "insiders", SEEN)],
)
def test_a_step_without_a_share_leaves_users_with_live(
    step: CustomStep, name: str, inside: tuple[Inside, ...]
) -> None:
    own = _own(step)
    assert (own.name, own.split, own.sizes, own.inside) == (
        name, JUST_LIVE, {"live": 4, "candidate": 1}, inside,
    )  # fmt: skip
    assert (own.checks, own.approve_within, own.notify) == ((), None, "")


@pytest.mark.parametrize(
    ("pace", "step", "deadline", "late"),
    [
        (PACE, CustomStep(until="advanced"), WEEK, "rollback"),
        (LAST_HOPE, CustomStep(until="advanced"), WEEK, "rollback"),
        (replace(PACE, on_unsure="hold"), CustomStep(until="advanced"), WEEK, "hold"),
        (PATIENT, CustomStep(until="advanced"), FORTNIGHT, "rollback"),
        (PACE, CustomStep(until="advanced", deadline=30.0, on_unsure="hold"), 30.0, "hold"),
    ],
)  # fmt: skip
def test_a_step_that_is_left_by_hand_has_a_week_and_never_goes_on_by_itself(
    pace: Pace, step: CustomStep, deadline: float, late: Any
) -> None:
    assert _own(step, pace).leave == Judged("advanced", 10_000, 10.0, deadline, late, 7)


@pytest.mark.parametrize(
    ("pace", "deadline", "within"), [(PACE, None, WEEK), (PATIENT, None, FORTNIGHT), (PACE, 30.0, 30.0)]
)
def test_who_approves_has_a_week_or_the_steps_own_time(
    pace: Pace, deadline: float | None, within: float
) -> None:
    assert _own(CustomStep(share=1000, approval=True, deadline=deadline), pace).approve_within == within


@pytest.mark.parametrize(
    ("chain", "exposures"),
    [
        ((Custom((CustomStep(), CustomStep(share=1000), CustomStep(share=1000), CustomStep(share=9000))),),
         [1000, 1000, 9000, 10_000]),
        ((Custom((CustomStep(share=5000),)), Dark(INSIDERS)), [5000, 10_000]),
    ],
)  # fmt: skip
def test_each_step_is_left_for_what_the_next_one_exposes_and_for_no_less_than_it_has(
    chain: tuple[Strategy, ...], exposures: list[int]
) -> None:
    asked = [one.leave.exposure for one in _way(chain).steps if isinstance(one.leave, Judged)]
    assert asked == exposures


# Seen by insiders alone, or by nobody.


@pytest.mark.parametrize(
    ("dark", "pace", "leave"),
    [
        (Dark(INSIDERS), PACE, Judged("advanced", 10_000, 0.0, WEEK, "rollback")),
        (Dark(INSIDERS), LAST_HOPE, Judged("advanced", 10_000, 0.0, WEEK, "rollback")),
        (Dark(INSIDERS), PATIENT, Judged("advanced", 10_000, 0.0, FORTNIGHT, "rollback")),
        (Dark(INSIDERS, lasts=5.0), PACE, Judged("dwell", 10_000, 5.0, 60.0, "rollback")),
        (Dark(INSIDERS, lasts=90.0), LAST_HOPE, Judged("dwell", 10_000, 90.0, 90.0, "advance")),
    ],
)  # fmt: skip
def test_in_the_dark_insiders_have_it_for_so_long_or_until_a_person_says_so(
    dark: Dark, pace: Pace, leave: Judged
) -> None:
    start, step, *_ = _way(replace(dark, instances=2), pace).steps
    assert step == Step("dark", {"live": 4, "candidate": 2}, JUST_LIVE, leave, inside=SEEN)
    assert start == Step("start", step.sizes, JUST_LIVE, Ready("candidate", 600.0), gradual=True)


@pytest.mark.parametrize(
    ("strategy", "leave", "inside"),
    [
        (BlueGreen(preview=INSIDERS), Judged("dwell", 10_000, 10.0, 60.0, "rollback"), SEEN),
        (BlueGreen(switch="manual"), Judged("advanced", 10_000, 0.0, WEEK, "rollback"), ()),
        (BlueGreen(preview=INSIDERS, switch="manual"), Judged("advanced", 10_000, 0.0, WEEK, "rollback"), SEEN),
    ],
)  # fmt: skip
def test_a_preview_is_there_in_full(strategy: BlueGreen, leave: Judged, inside: tuple[Inside, ...]) -> None:
    preview = _way(strategy).steps[1]
    assert preview == Step("preview", {"live": 4, "candidate": 4}, JUST_LIVE, leave, inside=inside)


@pytest.mark.parametrize(
    ("shadow", "pace", "instances", "leave"),
    [
        (Shadow(lasts=30.0), PACE, 4, Judged("dwell", 0, 30.0, 60.0, "rollback")),
        (Shadow(share=2500, lasts=90.0), LAST_HOPE, 1, Judged("dwell", 0, 90.0, 90.0, "rollback")),
        (Shadow(share=2500, instances=3, lasts=30.0), replace(PACE, on_unsure="hold"), 3,
         Judged("dwell", 0, 30.0, 60.0, "hold")),
    ],
)  # fmt: skip
def test_copies_go_to_as_many_as_carry_them_and_are_never_gone_on_without(
    shadow: Shadow, pace: Pace, instances: int, leave: Judged
) -> None:
    told = replace(shadow, methods=("GET", "POST"), differs=Differs(0.1))
    step = _way(told, pace).steps[1]
    copies = Copies("candidate", shadow.share, ("GET", "POST"), 0.1)
    sizes: dict[Role, int] = {"live": 4, "candidate": instances}
    assert step == Step("shadow", sizes, JUST_LIVE, leave, copies=copies)


# What all ways begin and end with.


def test_metrics_that_are_asked_first_are_asked_before_the_first_user() -> None:
    start, analysis, first, *_ = _way(Canary((1000,)), criteria=EARLY).steps
    leave = Judged("analysed", 0, 0.0, 60.0, "rollback")
    assert analysis == replace(start, name="analysis", leave=leave)
    assert first.name == "10 %"


def test_a_baseline_has_what_the_candidate_has_and_ends_with_it() -> None:
    way = _way(Canary((2500, 7500)), criteria=BESIDE)
    quarter, most = way.steps[1:3]
    assert quarter.sizes == {"live": 4, "candidate": 1, "baseline": 1}
    assert quarter.split == (Part("candidate", 2500), Part("baseline", 2500), Part("live", 5000))
    assert most.sizes == {"live": 4, "candidate": 3, "baseline": 1}
    assert way.steps[-1].sizes == {"live": 0, "candidate": 4, "baseline": 0}
    assert way.back[-1].sizes == {"live": 4, "candidate": 0, "baseline": 0}
    plain = _way(Canary((2500, 7500)))
    assert not any("baseline" in one.sizes for one in (*plain.steps, *plain.back))
    assert plain == course((Canary((2500, 7500)),), PACE, 4, 4, EvidenceCriteria())


@pytest.mark.parametrize(
    ("strategy", "bake", "name", "keeps", "deadline"),
    [
        (Canary((1000,)), 20.0, "bake", 20.0, 60.0), (Canary((1000,)), 90.0, "bake", 90.0, 90.0),
        (BlueGreen(keep=5.0), 0.0, "100 %", 5.0, 60.0), (BlueGreen(keep=5.0), 20.0, "100 %", 20.0, 60.0),
        (RedBlack(keep=90.0), 20.0, "100 %", 90.0, 90.0),
    ],
)  # fmt: skip
def test_live_stays_warm_while_all_users_are_watched(
    strategy: Strategy, bake: float, name: str, keeps: float, deadline: float
) -> None:
    watched = _way(strategy, replace(PACE, bake=bake)).steps[-2]
    leave = Judged("dwell", 10_000, keeps, deadline, "rollback")
    assert watched == Step(name, {"live": 4, "candidate": 4}, JUST_CANDIDATE, leave)
    assert "bake" not in [one.name for one in _way(Canary((1000,))).steps]


def test_a_test_that_keeps_live_has_no_end_but_the_way_back() -> None:
    keep, promote = (
        AB("conversion", share=3000, variants=COLOURS, then=then) for then in ("keep", "promote")
    )
    assert [one.name for one in _way(keep).steps] == ["start", "start blue", "test"]
    way = _way(promote)
    assert [one.name for one in way.steps] == ["start", "start blue", "test", "100 %", "finish"]
    test = way.steps[2]
    assert test.sizes == {"live": 4, "candidate": 1, "variant-2": 1}
    assert test.split == (Part("candidate", 1500), Part("variant-2", 1500), Part("live", 7000))
    assert test.leave == Judged("compared", 0, 0.0, FORTNIGHT, "rollback")
    assert way.steps[1].leave == Ready("variant-2", 600.0)
    assert way.back[-1].sizes == {"live": 4, "candidate": 0, "variant-2": 0}


def test_recreate_stops_the_old_before_it_starts_the_new() -> None:
    way = _way(Recreate())
    assert way.steps == (
        Step("stop old", {"live": 0}, (), Settled(900.0)),
        Step("start", {"live": 0, "candidate": 4}, (), Ready("candidate", 600.0)),
        Step("100 %", {"live": 0, "candidate": 4}, JUST_CANDIDATE, Ready("candidate", 600.0)),
        Step("finish", {"live": 0, "candidate": 4}, JUST_CANDIDATE, Settled(900.0), finishing=True),
    )
    assert way.back == (
        Step("stop new", {"live": 0, "candidate": 0}, (), Settled(900.0)),
        Step("start old", {"live": 4, "candidate": 0}, (), Ready("live", 600.0)),
        Step("back", {"live": 4, "candidate": 0}, JUST_LIVE, Settled(900.0), finishing=True),
    )


def test_a_rollback_moves_everybody_at_once() -> None:
    way = rollback_course(3, 5)
    assert [(one.name, one.sizes, one.split) for one in (*way.steps, *way.back)] == [
        ("start", {"live": 5, "candidate": 3}, JUST_LIVE), ("100 %", {"live": 5, "candidate": 3}, JUST_CANDIDATE),
        ("finish", {"live": 0, "candidate": 3}, JUST_CANDIDATE), ("back", {"live": 5, "candidate": 0}, JUST_LIVE),
    ]  # fmt: skip


def test_the_old_follow_the_shares_down() -> None:
    way = _way(RollingRedBlack((1000, 2500, 5000)))
    sizes = [(one.name, one.sizes["live"], one.sizes["candidate"]) for one in way.steps]
    assert sizes == [
        ("start", 4, 1), ("10 %", 4, 1), ("25 %", 4, 1), ("50 %", 3, 2), ("100 %", 2, 4), ("finish", 0, 4),
    ]  # fmt: skip
    assert way.back[-1].gradual, "users come back as fast as live's instances do"
    assert not _way(Canary((1000,))).back[-1].gradual


# What is superseded on its way.


def test_a_canary_goes_on_from_the_share_of_what_it_supersedes() -> None:
    way = _way(Canary((1000, 5000)), exposed=Exposed(2000, 2))
    assert [(one.name, one.share("candidate"), one.share("warm")) for one in way.steps] == [
        ("start", 0, 2000), ("20 %", 2000, 0), ("50 %", 5000, 0), ("100 %", 10_000, 0), ("finish", 10_000, 0),
    ]  # fmt: skip
    assert way.steps[0].sizes == {"live": 4, "candidate": 1, "warm": 2}
    assert not way.steps[0].gradual
    assert way == _way(Incremental((1000, 5000)), exposed=Exposed(2000, 2))
    even = _way(Canary((1000, 2000)), exposed=Exposed(2000, 2))
    assert [one.name for one in even.steps] == ["start", "20 %", "100 %", "finish"]


def test_users_come_back_gradually_where_live_has_fewer_already() -> None:
    for live, gradual in ((None, False), (4, False), (3, True)):
        way = _way(BlueGreen(keep=5.0), exposed=Exposed(2000, 2, live))
        assert way.back[-1].gradual == gradual
        assert [(one.share("warm"), one.share("candidate")) for one in way.steps[:2]] == [
            (2000, 0),
            (0, 10_000),
        ]


def test_where_instances_are_counted_the_superseded_ones_are_too() -> None:
    way = _way(Rolling(), exposed=Exposed(5000, 2, 2))
    assert [(one.name, one.sizes, one.share("warm")) for one in way.steps] == [
        ("start", {"live": 2, "candidate": 1, "warm": 2}, 5000),
        ("1 of 4", {"live": 2, "candidate": 1, "warm": 2}, 2500),
        ("2 of 4", {"live": 2, "candidate": 2, "warm": 1}, 0),
        ("3 of 4", {"live": 2, "candidate": 3}, 0),
        ("100 %", {"live": 1, "candidate": 4}, 0),
        ("finish", {"live": 0, "candidate": 4}, 0),
    ]
    most = _way(Rolling(2), exposed=Exposed(9000, 3, 1))
    assert [(one.name, one.sizes, one.share("warm")) for one in most.steps] == [
        ("start", {"live": 1, "candidate": 2, "warm": 3}, 9000),
        ("2 of 4", {"live": 1, "candidate": 2, "warm": 3}, 4000),
        ("100 %", {"live": 1, "candidate": 4, "warm": 2}, 0),
        ("finish", {"live": 0, "candidate": 4}, 0),
    ]
    after_a_canary = _way((Canary((1000,)), Rolling()), exposed=Exposed(5000, 2, 2))
    assert [(one.name, one.sizes, one.share("warm")) for one in after_a_canary.steps[:3]] == [
        ("start", {"live": 4, "candidate": 2, "warm": 2}, 5000),
        ("50 %", {"live": 4, "candidate": 2}, 0),
        ("3 of 4", {"live": 2, "candidate": 3}, 0),
    ]
