"""A step at which users are watched: what it still lacks, how long it waits for that, and what follows then."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from tests.domain.onway import (
    NOW,
    PACE,
    PLACE,
    as_wanted,
    course,
    found,
    goes_on,
    late,
    look,
    on_way,
    paced,
    said,
    table,
    target,
    why,
)

from plainsail.domain.checks import Word
from plainsail.domain.criteria import Averaged, EvidenceCriteria, Metric
from plainsail.domain.evidence import Arm, Shadowed, Told, Track, Without
from plainsail.domain.judge import begin
from plainsail.domain.lifecycle import turn_back
from plainsail.domain.mirroring import Shadow
from plainsail.domain.observation import Counts, Mirrored
from plainsail.domain.patience import hold
from plainsail.domain.strategy import AB, BlueGreen, Pace, Rolling
from plainsail.domain.trial import Trial
from plainsail.domain.units import ALL

PASSED = said("pass", "proven for 50 % of users", proven_bp=5000)
UNSURE = said("unsure", "needs 12 more requests")
WATCHING = "watching until 5 s are over"


# What it lacks.


@pytest.mark.parametrize(("since", "goes"), [(4.9, False), (5.0, True)])
def test_what_is_proven_is_left_when_its_time_is_over(since: float, goes: bool) -> None:
    one = on_way(in_force_at=NOW - since)
    if goes:
        assert look(one, PASSED) == goes_on(one, verdict=PASSED)
    else:
        assert why(one, PASSED) == WATCHING


@pytest.mark.parametrize(("proven", "goes"), [(4_999, False), (5_000, True)])
def test_it_is_the_next_exposure_that_is_to_be_proven(proven: int, goes: bool) -> None:
    verdict = replace(UNSURE, proven_bp=proven)
    if goes:
        assert look(on_way(), verdict) == goes_on(on_way(), verdict=verdict)
    else:
        assert why(on_way(), verdict) == UNSURE.sentence


def test_nothing_is_proven_before_the_judge_has_looked() -> None:
    assert why(on_way()) == "the judge has not looked yet"
    by_time = paced(pace=replace(PACE, until="dwell"))
    assert look(by_time) == goes_on(by_time)


@pytest.mark.parametrize(
    ("step", "code", "goes"),
    [
        ("10 %", "few_requests", True),
        ("10 %", "no_data", False),
        ("10 %", "mismatch", False),
        ("bake", "no_data", False),
        ("bake", "mismatch", True),
    ],
)
def test_what_is_not_measured_or_not_alike_has_not_gone_well(step: str, code: str, goes: bool) -> None:
    one = paced(step, replace(PACE, until="dwell", bake=5.0))
    verdict = replace(UNSURE, code=code)
    if goes:
        baked = 9.0 if step == "bake" else 0.0
        assert look(one, verdict) == goes_on(one, verdict=verdict, baked=baked)
    else:
        assert why(one, verdict) == UNSURE.sentence


@pytest.mark.parametrize(
    ("requests", "lacks"),
    [(1_311, "1,211 of 1,212 requests of the candidate at this step"), (1_312, "")],
)
def test_so_many_requests_are_waited_for_at_each_step(requests: int, lacks: str) -> None:
    one = paced(pace=replace(PACE, requests=1_212), had=100)
    verdict = replace(PASSED, candidate=Arm(requests))
    if lacks:
        assert why(one, verdict) == lacks
    else:
        assert look(one, verdict) == goes_on(one, verdict=verdict)
    fewest = paced(pace=replace(PACE, until="dwell", requests=1))
    assert why(fewest, said(candidate=Arm(0))) == "0 of 1 request of the candidate at this step"


def test_a_person_is_waited_for_by_name_of_what_to_say() -> None:
    one = on_way("preview", course=course((BlueGreen(switch="manual"),)))
    wants = "waiting for a person: 'plainsail advance shop' goes on, 'plainsail abort shop' goes back"
    assert why(one) == wants
    by_hand = replace(one, words={f"{one.step}/approval": Word("go", NOW, by="bob")})
    assert look(by_hand) == goes_on(by_hand)


def test_metrics_before_the_first_user_are_waited_for() -> None:
    metric = Metric(source="s", value="q", max=1.0, during=("start",))
    one = paced("analysis", place={"evidence": EvidenceCriteria(metrics={"smoke": metric})})
    assert why(one) == "waiting for smoke (no window yet)"
    told = Track(told=(Told(NOW, 0.5, None),))
    assert look(one, evidence=replace(begin(NOW), tracks={"smoke": told})) == goes_on(one)
    other = paced("analysis", place={"evidence": EvidenceCriteria(metrics={"smoke": metric})})
    bare = replace(other, placement=PLACE)
    assert look(bare) == goes_on(bare)


def test_the_others_of_a_replaced_instance_are_not_known_yet() -> None:
    one = on_way(retired=("g2-7", "g2-9", "g2-8"))
    evidence = replace(begin(NOW - 9.0), without=Without(NOW - 1.0, NOW, Counts()))
    wants = "waiting until g2-8, which is replaced, has answered what it was asked"
    assert why(one, PASSED, evidence=evidence) == wants


@pytest.mark.parametrize(
    ("exposed", "lacks"), [(5.1, ""), (5.0, ""), (4.75, "250 ms"), (0.0, "5 s"), (None, "")]
)
def test_nothing_is_left_while_the_candidate_warms_up(exposed: float | None, lacks: str) -> None:
    one = paced(place={"evidence": EvidenceCriteria(warm_up=5.0)})
    evidence = replace(begin(NOW - 9.0), exposed_at=None if exposed is None else NOW - exposed)
    if lacks:
        expected = f"the candidate warms up for another {lacks}, and nothing is compared before"
        assert why(one, PASSED, evidence=evidence) == expected
    else:
        assert look(one, PASSED, evidence=evidence) == goes_on(one, verdict=PASSED)
    assert look(one, PASSED) == goes_on(one, verdict=PASSED)


def test_copies_are_waited_for_and_told() -> None:
    one = paced("shadow", chain=(Shadow(), BlueGreen()))
    total = Mirrored(50, 50, 0, 50, compared=50)
    evidence = replace(begin(NOW), shadow=Shadowed(total, total, open=True))
    told = "watching until 10 min are over; 50 copies: none answered otherwise"
    assert why(one, PASSED, evidence=evidence) == told
    over = replace(one, in_force_at=NOW - 600.0)
    assert look(over, PASSED, evidence=evidence) == goes_on(over, verdict=PASSED)
    assert why(over, PASSED) != ""


def test_a_test_of_variants_is_decided_by_its_kpi_and_not_by_proof() -> None:
    asked = AB("conversion")
    way = course((asked,))
    number = next(number for number, step in enumerate(way.steps) if step.tests())
    criteria = EvidenceCriteria(metrics={"conversion": Metric("s", mean=Averaged("n", "s", "q"))})
    one = on_way(
        number, course=way, trial=Trial(asked, ("g2",), ("v2",)), placement=replace(PLACE, evidence=criteria)
    )
    assert why(one, PASSED).startswith("conversion is not known yet")
    long = replace(one, entered_at=NOW - 900.0)
    assert why(long, PASSED, evidence=replace(begin(NOW), exposed_at=NOW)).startswith(
        "conversion is not known yet"
    )


def test_what_is_not_in_force_is_not_watched() -> None:
    one = on_way(in_force_at=None)
    seen = replace(as_wanted(one), traffic=table(g1=ALL))
    nothing = "the traffic of this step is not in force: no instance is ready, or the router does not answer"
    assert why(one, PASSED, seen=seen) == nothing
    held = on_way()
    assert why(held, PASSED, seen=replace(seen, router_up=False, traffic=None)) == nothing


def test_the_next_step_takes_instances_away_so_these_have_to_be_there() -> None:
    one = on_way("2 of 4", course=course((Rolling(),)))
    seen = as_wanted(one)
    seen = replace(seen, groups={**seen.groups, "g2": found("g2", number=1)})
    verdict = replace(PASSED, proven_bp=ALL)
    assert why(one, verdict, seen=seen) == "1 of 2 instances ready"
    over = late(one)
    expected = "not proven after 1 min: 1 of 2 instances ready"
    held = replace(over, verdict=verdict)
    assert look(over, verdict, seen) == hold(target(held), held, expected, "unsure", NOW)


# Its deadline.


@pytest.mark.parametrize(
    ("by", "over"),
    [(-0.1, False), (0.0, True), (5.0, True)],
)
def test_at_the_deadline_policy_says_what_follows(by: float, over: bool) -> None:
    for does in ("hold", "rollback", "advance"):
        one = late(paced(pace=replace(PACE, on_unsure=does)), by)
        known = replace(one, verdict=UNSURE)
        if not over:
            assert why(one, UNSURE) == UNSURE.sentence
        elif does == "advance":
            assert look(one, UNSURE) == goes_on(known)
        elif does == "hold":
            told = "not proven after 1 min: needs 12 more requests"
            assert look(one, UNSURE) == hold(target(known), known, told, "unsure", NOW)
        else:
            told = "not proven after 1 min: needed 12 more requests"
            back = turn_back(target(known), known, "rolled_back", told, "unsure", "plainsail", NOW)
            assert look(one, UNSURE) == back


@pytest.mark.parametrize(("in_force", "over"), [(NOW - 59.9, False), (NOW - 60.0, True), (None, True)])
def test_what_is_watched_as_long_as_its_deadline_is_watched_from_when_it_was_in_force(
    in_force: float | None, over: bool
) -> None:
    one = paced(pace=replace(PACE, dwell=60.0), entered_at=NOW - 61.0, in_force_at=in_force)
    seen = as_wanted(one) if in_force else replace(as_wanted(one), router_up=False, traffic=None)
    after = look(one, UNSURE, seen).target.rollout
    assert after is not None
    assert (after.phase == "paused") == over


def test_a_longer_time_than_the_deadline_is_the_one_that_is_named() -> None:
    one = paced(pace=replace(PACE, dwell=90.0), entered_at=NOW - 120.0, in_force_at=NOW - 90.0)
    after = look(one, UNSURE).target.rollout
    assert after is not None
    assert after.reason.startswith("not proven after 1 min 30 s: needs 12 more requests; resume")


def test_who_goes_on_unsure_gives_up_a_baseline_that_never_came() -> None:
    one = paced(
        pace=replace(PACE, on_unsure="advance"), baseline="g3", entered_at=NOW - 60.0, in_force_at=None
    )
    seen = replace(as_wanted(one), router_up=False, traffic=None)
    assert look(one, UNSURE, seen) == goes_on(one, verdict=UNSURE, baseline=None)
    there = late(replace(one, in_force_at=NOW))
    assert look(there, UNSURE) == goes_on(there, verdict=UNSURE)


def test_how_long_all_users_had_it_is_known_then() -> None:
    unsure = late(paced("bake", Pace("dwell", 5.0, 60.0, "advance", bake=5.0)))
    silent = replace(UNSURE, code="no_data")
    assert look(unsure, silent) == goes_on(unsure, verdict=silent, baked=59.0)
    one = paced("bake", replace(PACE, bake=5.0), in_force_at=NOW - 8.0)
    assert look(one, UNSURE) == goes_on(one, verdict=UNSURE, baked=8.0)
