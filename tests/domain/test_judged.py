"""What the judge is told at a look: who is compared with whom, since when, and what for."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from tests.domain.onway import NOW, PACE, PLACE, as_wanted, course, found, on_way, paced, table, target

from plainsail.domain.criteria import Metric
from plainsail.domain.decide import Decision, decide
from plainsail.domain.evidence import Arm, Evidence, Verdict, Without
from plainsail.domain.judge import begin
from plainsail.domain.lifecycle import turn_back
from plainsail.domain.match import Match
from plainsail.domain.measurement import Reading
from plainsail.domain.mirroring import Shadow
from plainsail.domain.observation import Counts, Latency, Measured, Mirrored
from plainsail.domain.past import OWN, Past
from plainsail.domain.rollout import Rollout
from plainsail.domain.service import Sticky
from plainsail.domain.strategy import BlueGreen
from plainsail.domain.traffic import GroupShare, Route, Traffic
from plainsail.domain.trail import Point, Tally
from plainsail.domain.units import ALL

BEFORE = {"g1": Counts(9_000), "g2": Counts(1_000), "g3": Counts(1_000)}
SINCE = NOW - 9.0


def known(**changes: Any) -> Evidence:
    """Of the looks before: so much was counted by then."""
    seen_before = replace(begin(SINCE), rollout="r2", exposed_at=SINCE, last=BEFORE, live_counted=9_000)
    return replace(seen_before, **changes)


def look(one: Rollout, evidence: Evidence | None = None, past: Past | None = None, **seen: Any) -> Decision:
    """By default each side had a hundred more requests since then."""
    met = {group: Counts(counts.requests + 100) for group, counts in BEFORE.items()}
    world = replace(as_wanted(one), **({"counts": met} | seen))
    return decide(replace(target(one), past=past), evidence, (), world, NOW)


def after(one: Rollout, evidence: Evidence | None = None, **how: Any) -> Evidence:
    found = look(one, evidence or known(), **how).evidence
    assert found is not None
    return found


def verdict(one: Rollout, evidence: Evidence | None = None, **how: Any) -> Verdict:
    found = look(one, evidence or known(), **how).target.rollout
    assert found is not None
    assert found.verdict is not None
    return found.verdict


@pytest.mark.parametrize(
    ("share", "before", "then"),
    [
        (0, None, None),
        (1_000, None, NOW),
        (1_000, NOW - 5.0, NOW - 5.0),
        (1_000, NOW + 5.0, NOW),  # a clock was set back
        (0, NOW + 5.0, NOW + 5.0),
    ],
)
def test_users_have_it_since_that_was_first_seen(
    share: int, before: float | None, then: float | None
) -> None:
    evidence = known(exposed_at=before)
    assert after(on_way(), evidence, traffic=table(g2=share, g1=ALL - share)).exposed_at == then


@pytest.mark.parametrize(
    ("one", "shares", "requests"),
    [
        (on_way(), {"g2": 1_000, "g1": 9_000}, 100),
        (on_way(baseline="g3"), {"g2": 1_000, "g3": 1_000, "g1": 8_000}, 70),
        (on_way(baseline="g3"), {"g2": 1_000, "g1": 9_000}, 100),  # it is not there yet
        (on_way(baseline="g3"), {}, 70),
        (on_way(), {}, 100),
        (on_way("bake", course=course(pace=replace(PACE, bake=5.0))), {"g2": ALL}, 0),
        (on_way("100 %", live=None, course=course(live=None)), {"g2": ALL}, 0),
    ],
)
def test_it_is_compared_with_who_has_users_beside_it(
    one: Rollout, shares: dict[str, int], requests: int
) -> None:
    met = {"g1": Counts(9_100), "g2": Counts(1_090), "g3": Counts(1_070)}
    arms = after(one, counts=met, traffic=table(**shares) if shares else None)
    assert (arms.candidate.requests, arms.live.requests) == (90, requests)


STICKY = replace(table(g2=1_000, g1=9_000), sticky=Sticky(header="X-User"))
INSIDERS = replace(
    STICKY, sticky=None, routes=(Route(Match(hosts=("x",)), (GroupShare("g2", ALL),)), *STICKY.routes)
)


@pytest.mark.parametrize(
    ("traffic", "part"),
    [
        (table(g2=1_000, g1=9_000), 0.1),
        (table(g2=1_000, g3=6_000, g1=3_000), 0.25),
        (STICKY, None),
        (INSIDERS, None),
        (table(g2=ALL), None),
        (table(g1=ALL), None),
        (None, None),
    ],
)
def test_requests_are_held_against_the_split_where_chance_alone_divides_users(
    traffic: Traffic | None, part: float | None
) -> None:
    split = after(on_way(), traffic=traffic).split
    assert (None if split is None else split.expected) == part
    without = known(without=Without(NOW - 1.0, NOW, Counts()))
    assert after(on_way(retired=("g2-9",)), without, traffic=traffic).split is None


def test_without_anybody_beside_it_nothing_is_held_against_a_split() -> None:
    first = on_way("100 %", live=None, course=course(live=None))
    assert after(first, traffic=table(g2=ALL)).split is None


@pytest.mark.parametrize(("since", "cold"), [(NOW - 4.9, True), (NOW - 5.0, False), (None, False)])
def test_what_comes_while_it_warms_up_is_kept_apart(since: float | None, cold: bool) -> None:
    one = paced(place={"evidence": replace(PLACE.evidence, warm_up=5.0)})
    evidence = known(exposed_at=since)
    shares = table(g2=1_000, g1=9_000) if since else table(g1=ALL)
    latency = {group: Latency(0.01, 0.02, 0.03, 1.0, {100: 50}) for group in ("g1", "g2")}
    then = after(one, evidence, traffic=shares, latency=latency)
    assert (then.cold is not None) == cold
    assert (then.outset is not None) == (not cold and since is not None), "nor are answer times compared"


def test_while_a_replaced_instance_is_busy_answer_times_are_not_compared() -> None:
    latency = {group: Latency(0.01, 0.02, 0.03, 1.0, {100: 50}) for group in ("g1", "g2")}
    outset = after(on_way(), latency=latency).outset
    assert outset is not None
    assert (outset.groups, outset.at) == (("g2", "g1"), NOW)
    without = known(without=Without(NOW - 1.0, NOW, Counts()))
    assert after(on_way(retired=("g2-9",)), without, latency=latency).outset is None


def test_live_instances_are_held_against_each_other_all_the_while() -> None:
    """The candidate's own are another matter (`suspect`)."""
    each = {f"{group}-{number}": Counts(50) for group in ("g1", "g2") for number in range(4)}
    one = on_way("50 %")
    halves = after(one, instances=each).halves
    assert {id for half in halves for id in half.last} == {"g1-0", "g1-1", "g1-2", "g1-3"}


def test_every_exposure_that_is_to_come_is_asked_for_from_the_start() -> None:
    exposures = {"errors 5000", "latency 5000", "errors 10000", "latency 10000"}
    assert set(after(on_way()).proof) == exposures
    assert (verdict(on_way()).exposure, verdict(on_way("50 %")).exposure) == (5_000, ALL)
    starts = on_way("100 %", reached_bp=5_000)
    assert verdict(starts, traffic=table(g2=5_000, g1=5_000)).exposure is None


def test_of_copies_no_exposure_is_asked_for() -> None:
    one = paced("shadow", chain=(Shadow(), BlueGreen()), pace=PACE)
    assert one.current().copies is not None
    pairs = {"g2": Mirrored(50, 50, 0, 50)}
    then = after(one, mirrored=pairs)
    assert then.proof == {}


def test_quantiles_are_followed_where_they_are_asked_for() -> None:
    latency = {
        group: Latency(0.01, 0.02, 0.03, 1.0, dict.fromkeys(range(100, 200), 100)) for group in ("g1", "g2")
    }
    asked = replace(PLACE.evidence, latency=replace(PLACE.evidence.latency, p99=0.2))
    assert set(after(paced(place={"evidence": asked}), latency=latency).tails) == {"p99"}
    assert not after(on_way(), latency=latency).tails


@pytest.mark.parametrize(
    ("baseline", "shares", "whom"),
    [
        ("g3", {"g2": 1_000, "g3": 1_000, "g1": 8_000}, "baseline"),
        ("g3", {"g2": 1_000, "g1": 9_000}, "live"),
        (None, {"g2": 1_000, "g1": 9_000}, "live"),
        ("g3", {"g2": ALL}, "the baseline"),
    ],
)
def test_with_whom_it_was_compared_is_told(baseline: str | None, shares: dict[str, int], whom: str) -> None:
    """A baseline was asked for, and it may not be there."""
    criteria = replace(PLACE.evidence, compare="baseline")
    one = on_way(baseline=baseline, placement=replace(PLACE, evidence=criteria))
    evidence = known()
    for number in range(1, 60):
        counts = {
            "g1": Counts(9_000 + 40 * number), "g3": Counts(1_000 + 40 * number),
            "g2": Counts(1_000 + 40 * number, 20 * number),
        }  # fmt: skip
        evidence = after(one, evidence, counts=counts, traffic=table(**shares))
        told = verdict(one, evidence, counts=counts, traffic=table(**shares))
        if told.outcome == "fail":
            break
    assert told.outcome == "fail"
    assert f" {whom} (0 %)" in told.sentence or f", {whom} had none to compare with" in told.sentence


def test_a_crash_is_told_with_what_was_its_trouble() -> None:
    groups = {"g1": found("g1"), "g2": found("g2", crashes=9, trouble="exited with status 7 after 3 s")}
    told = verdict(on_way("50 %"), known(crashes={"g1": 0, "g2": 0}), groups=groups)
    assert (told.outcome, told.code, told.candidate.crashes) == ("fail", "crashes", 9)
    assert "exited with status 7 after 3 s" in told.sentence
    assert verdict(on_way("50 %"), groups={"g1": found("g1")}).outcome == "unsure"


# Live's past, where all users are the candidate's.

BAKES = course((BlueGreen(30.0),))
MET = Past("g1", 1.0, SINCE, Counts(), Arm(4_000, 4), Arm(1_000, 2))


def told_against(past: Past | None, evidence: Evidence | None, live: int = 0, **seen: Any) -> Verdict:
    """It fails every second request, look by look, until that is harm; live has so many meanwhile."""
    baking = on_way("100 %", course=BAKES)
    for number in range(1, 40):
        counts = {"g1": Counts(9_000 + live * number), "g2": Counts(1_000 + 40 * number, 20 * number)}
        evidence = look(baking, evidence, past, counts=counts, **seen).evidence
        told = verdict(baking, evidence, past=past, counts=counts, **seen)
        if told.outcome == "fail":
            return told
    raise AssertionError(told.sentence)


@pytest.mark.parametrize(
    ("past", "window", "against"),
    [
        (MET, Arm(), "6 of 5,000"),
        (MET, Arm(OWN - 1, 7), "6 of 5,000"),
        (MET, Arm(OWN, 7), "7 of 1,000"),
        (replace(MET, slow_after=2.0), Arm(OWN, 7), "7 of 1,000"),
    ],
)
def test_alone_it_is_held_against_its_own_window_or_what_live_met_before(
    past: Past | None, window: Arm, against: str
) -> None:
    told = told_against(past, known(live=window))
    assert (told.outcome, told.code) == ("fail", "errors")
    assert against in told.sentence


@pytest.mark.parametrize("past", [None, replace(MET, slow_after=2.0)])
def test_what_is_not_known_or_was_counted_by_another_bound_is_no_past(past: Past | None) -> None:
    told = told_against(past, known())
    assert (told.outcome, told.code) == ("fail", "max_errors")


def test_beside_live_the_past_waits() -> None:
    told = told_against(MET, known(live=Arm(OWN, 7)), 40, traffic=table(g2=5_000, g1=5_000))
    assert "60 of 120 candidate requests failed (50 %) against 7 of 1,120 live (0.625 %)" in told.sentence


def test_a_way_without_a_watch_over_all_users_knows_no_past() -> None:
    assert "errors_past" not in after(on_way(), past=MET).harm
    assert "errors_past" in after(on_way(course=course(pace=replace(PACE, bake=5.0))), past=MET).harm


# What is kept for people.


def test_a_look_is_a_point_of_the_trail() -> None:
    met = {"g1": Counts(9_100, 1, 0, 2), "g2": Counts(1_100, 3, 0, 4)}
    evidence = look(on_way(), known(tests=("old",)), counts=met).evidence
    assert evidence is not None
    assert evidence.tests == ("old", "errors", "latency", "max_errors")
    (point,) = evidence.trail
    said = verdict(on_way(), counts=met)
    assert point == Point(
        NOW, 1_000, Tally(100, 3, 4), Tally(100, 1, 2), round(said.harm, 4), round(said.good, 4), point.each
    )
    assert point.each[0] == 0.0, "a test that is no more has brought nothing"
    assert [part for part in point.each if part], point.each
    assert all(part == round(part, 2) for part in point.each)


def test_where_there_is_no_line_no_test_brings_anything_on_the_way_to_it() -> None:
    one = paced(place={"evidence": replace(PLACE.evidence, alpha=0.0)})
    assert after(one).trail[-1].each == (0.0, 0.0, 0.0)


def test_a_look_that_brings_nothing_new_says_the_same_again() -> None:
    met = {"g1": Counts(9_100), "g2": Counts(1_100)}
    before = look(on_way(), known(), counts=met)
    assert before.target.rollout is not None
    assert before.target.rollout.verdict is not None
    said_so = replace(before.target.rollout.verdict, sentence="as before")
    again = look(on_way(verdict=said_so), before.evidence, counts=met)
    assert again.target.rollout is not None
    assert again.target.rollout.verdict == said_so
    assert again.evidence is not None
    assert len(again.evidence.trail) == 2


@pytest.mark.parametrize(("share", "silent"), [(1_000, True), (2_000, False)])
def test_a_metric_that_is_asked_at_a_share_has_to_speak_there(share: int, silent: bool) -> None:
    metric = Metric(source="s", value="q", max=1.0, role="critical", at=(1_000,))
    one = paced(place={"evidence": replace(PLACE.evidence, metrics={"carts": metric})})
    told = verdict(one, traffic=table(g2=share, g1=ALL - share))
    assert ("carts" in told.sentence) == silent


def test_what_a_dry_run_would_have_done_is_noted_with_its_moment() -> None:
    metric = Metric(source="s", value="q", max=1.0, dry_run=True)
    one = paced(place={"evidence": replace(PLACE.evidence, metrics={"carts": metric})})
    evidence = known()
    for later in range(1, 400):
        window = Measured(Reading(NOW + later - 1.0, NOW + later, {"value": 5.0}), None)
        seen = replace(as_wanted(one), at=NOW + later, counts=BEFORE, measured={"carts": window})
        found_now = decide(target(one), evidence, (), seen, NOW + later).evidence
        assert found_now is not None
        evidence = found_now
        if evidence.tracks["carts"].would_at:
            break
    assert evidence.tracks["carts"].would_at == NOW + later


def test_moments_are_kept_to_the_hundredth() -> None:
    one = on_way()
    world = replace(as_wanted(one), at=NOW + 0.12345)
    evidence = decide(target(one), known(), (), world, NOW + 0.12345).evidence
    assert evidence is not None
    assert evidence.trail[-1].at == NOW + 0.12


@pytest.mark.parametrize(
    "one",
    [
        on_way(),
        on_way(phase="paused", held_at=NOW),
        replace(
            turn_back(
                target(on_way("50 %")), on_way("50 %"), "aborted", "", "", "bob", NOW, gradual=True
            ).rollouts[0],
            in_force_at=NOW,
        ),
    ],
)
def test_the_judge_looks_while_it_may_still_go_either_way(one: Rollout) -> None:
    assert verdict(one).candidate.requests == 100
