"""The other judge (`judge: threshold`) is told where the rollout is: the step, its exposure, who is asked, and why it crashed."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from tests.domain.onway import NOW, PLACE, as_wanted, found, paced, table, target
from tests.domain.test_judged import known

from plainsail.domain.criteria import Metric, Threshold
from plainsail.domain.decide import decide
from plainsail.domain.evidence import Arm, Evidence, Meters, Verdict
from plainsail.domain.measurement import Reading
from plainsail.domain.mirroring import Shadow
from plainsail.domain.observation import Counts, Measured, Mirrored, Seen
from plainsail.domain.rollout import Rollout
from plainsail.domain.strategy import BlueGreen, Pace
from plainsail.domain.threshold import Place, measure
from plainsail.domain.trail import Point, Tally
from plainsail.domain.units import ALL

CRITERIA = replace(
    PLACE.evidence, judge=Threshold(interval=5.0), warm_up=6.0,
    metrics={"carts": Metric(source="s", value="q", max=1.0)},
)  # fmt: skip
PACE = Pace(dwell=1.0, deadline=60.0)
SOME = {"g1": Counts(9_200, 2), "g2": Counts(1_100, 1)}
CARTS = {"carts": Measured(Reading(NOW - 8.0, NOW - 1.0, {"value": 0.5}), None)}


def measured(step: str, chain: Any = None) -> Rollout:
    more = {"chain": chain} if chain else {}
    return paced(step, PACE, place={"evidence": CRITERIA}, **more)


def look(one: Rollout, evidence: Evidence, seen: Seen) -> tuple[Evidence, Verdict]:
    decision = decide(target(one), evidence, (), seen, NOW)
    after = decision.target.rollout
    assert decision.evidence is not None
    assert after is not None
    assert after.verdict is not None
    return decision.evidence, after.verdict


@pytest.mark.parametrize(
    ("step", "shares", "place"),
    [
        ("10 %", {"g2": 1_000, "g1": 9_000}, Place(1, 5_000, 1_000)),
        ("50 %", {"g2": 1_000, "g1": 9_000}, Place(2, ALL, 1_000)),
        ("100 %", {"g2": 5_000, "g1": 5_000}, Place(3, 0, 5_000)),
        ("start", {"g1": ALL}, Place(0, 0, 0)),
    ],
)
@pytest.mark.parametrize("warm", [True, False])
@pytest.mark.parametrize("crashes", [0, 5])
def test_where_it_is_is_told_in_full(
    step: str, shares: dict[str, int], place: Place, warm: bool, crashes: int
) -> None:
    one = measured(step)
    assert (one.step, one.current().name) == (place.step, step)
    meters = Meters(place.step, NOW - 7.0, Arm(), Arm())
    before = known(exposed_at=NOW - (6.0 if warm else 5.9), crashes={"g1": 0, "g2": 0}, meters=meters)
    groups = {"g1": found("g1"), "g2": found("g2", number=1, crashes=crashes, trouble="out of memory")}
    seen = replace(as_wanted(one), groups=groups, traffic=table(**shares), counts=SOME, measured=CARTS)
    evidence, verdict = look(one, before, seen)
    there = replace(place, trouble="out of memory", warm=warm)
    expected, said = measure(before, SOME, {"g1": 0, "g2": crashes}, CARTS, "g2", "g1", CRITERIA, there, NOW)
    assert (replace(evidence, trail=()), verdict) == (expected, said)
    ours, theirs = (Tally(arm.requests, arm.failures) for arm in (said.candidate, said.live))
    harm, good = round(said.harm, 4), round(said.good, 4)
    assert evidence.trail == (Point(NOW, place.share_bp, ours, theirs, harm, good),)


def test_copies_are_measured_though_no_user_has_it() -> None:
    one = measured("shadow", (Shadow(), BlueGreen()))
    evidence = None
    for later, pairs in ((0.0, 50), (6.0, 150)):
        copies = {"g2": Mirrored(pairs, pairs, 0, pairs)}
        seen = replace(as_wanted(one), at=NOW + later, counts=SOME, mirrored=copies)
        evidence = decide(target(one), evidence, (), seen, NOW + later).evidence
    assert evidence is not None
    assert evidence.meters is not None
    assert [point.at for point in evidence.trail] == [NOW, NOW + 6.0]
    assert evidence.meters.of["errors"].said.startswith("0 of 100 candidate requests failed")
