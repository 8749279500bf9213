"""Numbers that can't be, and medians beyond the largest bound of a histogram: no pass, no page that breaks, under either judge."""

from __future__ import annotations

import math

import msgspec
import pytest

from plainsail.domain import lines, telling
from plainsail.domain.criteria import Averaged, Counted, EvidenceCriteria, Metric, Threshold
from plainsail.domain.evidence import Evidence, Verdict
from plainsail.domain.judge import begin, judge
from plainsail.domain.line import Line
from plainsail.domain.measurement import Reading
from plainsail.domain.observation import Counts, Measured
from plainsail.domain.reading import BEYOND
from plainsail.domain.threshold import Place, measure
from plainsail.domain.trail import Point, Tally, longer

SPREAD = Metric("s", histogram="h", relative=0.1)
QUICK = ((0.1, 100.0), (1.0, 1.0), (math.inf, 1.0))
LATE = ((0.1, 1.0), (1.0, 1.0), (math.inf, 100.0))


def watched(metric: Metric, ours: object, theirs: object, *, threshold: bool) -> tuple[Line, Verdict]:
    """After four windows of a source that says this; the router's own numbers are good."""
    judging = {"judge": Threshold(interval=5.0)} if threshold else {}
    criteria = EvidenceCriteria(metrics={"it": metric}, **judging)  # type: ignore[arg-type]  # one key or none
    evidence: Evidence = begin(0.0)
    verdict = Verdict("unsure", "")
    for number in range(1, 5):
        now = 10.0 * number
        sides = [_reading(now, said) for said in (ours, theirs)]
        counts = {"c": Counts(1000 * number), "l": Counts(1000 * number)}
        measured = {"it": Measured(sides[0], sides[1])}
        if threshold:
            place = Place(1, 5000, 5000)
            evidence, verdict = measure(evidence, counts, {}, measured, "c", "l", criteria, place, now)
        else:
            evidence, verdict = judge(
                evidence, counts, {}, "c", "l", criteria, (5000,), 5000, now, measured=measured, share=5000
            )
        point = Point(now, 5000, Tally(), Tally(), verdict.harm, verdict.good)
        evidence = msgspec.structs.replace(evidence, trail=longer(evidence.trail, point))
    found = lines.of(evidence, verdict, criteria, 5000, False)
    return next(one for one in found if one.name == "it"), verdict


def _reading(now: float, said: object) -> Reading:
    if isinstance(said, dict):
        return Reading(now - 10.0, now, said)
    assert isinstance(said, tuple)
    return Reading(now - 10.0, now, buckets=said)


@pytest.mark.parametrize("threshold", [False, True])
@pytest.mark.parametrize(("ours", "theirs"), [(LATE, QUICK), (QUICK, LATE), (LATE, LATE)])
def test_a_median_beyond_the_largest_bound_is_shown_as_that(
    ours: object, theirs: object, threshold: bool
) -> None:
    line, _ = watched(SPREAD, ours, theirs, threshold=threshold)
    assert msgspec.json.decode(msgspec.json.encode(line), type=Line) == line
    late = [side.rate for side, said in ((line.candidate, ours), (line.live, theirs)) if said is LATE]
    assert late == [1.0] * len(late)
    assert line.measurements[-1].note == BEYOND
    assert telling.rows(line)[-1].name == "at the last look"
    assert telling.difference(line)


def test_a_median_beyond_all_bounds_is_beyond_the_limit() -> None:
    metric = msgspec.structs.replace(SPREAD, max=2.0)
    _, verdict = watched(metric, LATE, QUICK, threshold=True)
    assert verdict.outcome == "fail"
    assert verdict.sentence.startswith("it was beyond its largest bound, with a limit of 2")


@pytest.mark.parametrize("threshold", [False, True])
@pytest.mark.parametrize(
    ("metric", "said"),
    [
        (Metric("s", value="v", max=2.0), {"value": math.nan}),
        (Metric("s", value="v", max=2.0), {"value": -math.inf}),
        (Metric("s", counts=Counted("n", "bad")), {"requests": math.nan, "failures": 0.0}),
        (Metric("s", counts=Counted("n", "bad"), max=0.1), {"requests": 100.0, "failures": -5.0}),
        (Metric("s", counts=Counted("n", "bad"), max=0.1), {"requests": -100.0, "failures": 90.0}),
        (
            Metric("s", mean=Averaged("n", "x", "xx"), max=0.1),
            {"count": 9.0, "sum": math.nan, "squares": 9.0},
        ),
        (SPREAD, ((0.1, 5.0), (1.0, math.nan))),
        (SPREAD, ((0.1, 5.0), (1.0, -1.0))),
    ],
)
def test_a_number_that_cannot_be_is_no_data_and_never_a_pass(
    metric: Metric, said: object, threshold: bool
) -> None:
    line, verdict = watched(metric, said, said, threshold=threshold)
    assert verdict.outcome == "unsure"
    assert line.missing
    assert line.candidate.rate is None


def test_by_threshold_a_dry_run_is_measured_and_says_what_it_would_have_decided() -> None:
    line, verdict = watched(
        Metric("s", value="v", max=2.0, dry_run=True), {"value": 1.0}, {"value": 1.0}, threshold=True
    )
    assert verdict.outcome == "pass"
    assert line.would == "passed"
    assert telling.outcome(line) == "would have let it go on"
