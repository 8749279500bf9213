"""What no driver should say: the judge passes over it, and goes on with what is sound."""

from __future__ import annotations

import math

import hypothesis.strategies as st
import pytest
from hypothesis import given

from plainsail.domain.criteria import Averaged, Counted, EvidenceCriteria, Metric
from plainsail.domain.evidence import Sums
from plainsail.domain.judge import begin, judge
from plainsail.domain.measurement import Reading
from plainsail.domain.observation import Counts, Measured
from plainsail.domain.stats import means

KINDS = {
    "counts": Metric("s", counts=Counted("n", "bad"), margin=0.01, max=0.5, role="critical"),
    "mean": Metric("s", mean=Averaged("n", "sum", "squares"), relative=0.1, max=9.0, role="critical"),
    "value": Metric("s", value="v", margin=1.0, max=9.0, role="critical"),
    "histogram": Metric("s", histogram="h", relative=0.2),
}
NUMBERS = st.floats() | st.sampled_from([0.0, -1.0, 1e200, 1.7e308, math.inf, math.nan])
READINGS = st.builds(
    Reading,
    since=st.just(0.0),
    until=st.just(10.0),
    parts=st.dictionaries(
        st.sampled_from(["requests", "failures", "count", "sum", "squares", "value"]), NUMBERS
    ),
    buckets=st.lists(st.tuples(NUMBERS, NUMBERS), max_size=4).map(tuple),
    missing=st.sampled_from(["", "no data"]),
)


@given(st.sampled_from(sorted(KINDS)), st.lists(st.tuples(READINGS, READINGS | st.none()), max_size=4))
def test_whatever_a_source_says_has_an_answer(
    kind: str, windows: list[tuple[Reading, Reading | None]]
) -> None:
    criteria = EvidenceCriteria(metrics={"m": KINDS[kind]})
    evidence = begin(0.0)
    for index, (ours, theirs) in enumerate(windows, 1):
        measured = {"m": Measured(_at(ours, index), theirs and _at(theirs, index))}
        counts = {"c": Counts(100 * index), "l": Counts(100 * index)}
        evidence, verdict = judge(
            evidence, counts, {}, "c", "l", criteria, (10_000,), 10_000, 10.0 * index, measured=measured
        )
        assert all(math.isfinite(log) for log in verdict.log_evidence.values())


def _at(reading: Reading, window: int) -> Reading:
    return Reading(10.0 * window - 10, 10.0 * window, reading.parts, reading.buckets, "", reading.missing)


@given(st.lists(st.tuples(*[st.integers(-50, 500)] * 6), max_size=20))
def test_counts_below_zero_are_as_if_not_seen(looks: list[tuple[int, ...]]) -> None:
    evidence = begin(0.0)
    for index, (ours, bad, slow, theirs, live_bad, live_slow) in enumerate(looks):
        counts = {"c": Counts(ours, bad, 0, slow), "l": Counts(theirs, live_bad, 0, live_slow)}
        evidence, _ = judge(
            evidence, counts, {}, "c", "l", EvidenceCriteria(), (10_000,), 10_000, float(index)
        )
        for arm in (evidence.candidate, evidence.live):
            assert 0 <= arm.failures <= arm.requests
            assert 0 <= arm.slow <= arm.requests


def test_what_is_negative_for_a_look_is_not_counted_twice() -> None:
    evidence = begin(0.0)
    for now, (ours, theirs) in enumerate([(0, 0), (100, 900), (-1, -1), (200, 1800)]):
        counts = {"c": Counts(ours), "l": Counts(theirs)}
        evidence, _ = judge(evidence, counts, {}, "c", "l", EvidenceCriteria(), (), None, float(now))
    assert (evidence.candidate.requests, evidence.live.requests) == (200, 1800)


@pytest.mark.parametrize("value", [0.1, 0.3, 1e-9, 7e8])
def test_a_value_that_never_changes_is_no_fault_after_a_week(value: float) -> None:
    """Each addition rounds the same way, so that squares and sum of 60,000 equal values do not quite belong together."""
    total = squares = 0.0
    for _ in range(60_000):
        total, squares = total + value, squares + value * value
    assert means.log_paired(Sums(60_000.0, total, squares), 0.0, 0.0) == 0.0
