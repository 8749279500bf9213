"""A metric may be called almost anything: what it is called must not make it another test."""

from __future__ import annotations

import pytest

from plainsail.domain.criteria import Counted, EvidenceCriteria, Metric
from plainsail.domain.evidence import Verdict
from plainsail.domain.judge import begin, code_of, is_limit, judge
from plainsail.domain.measurement import Reading
from plainsail.domain.observation import Counts, Measured
from plainsail.domain.weighing import Weighing
from plainsail.spec.measures import name as complaints

COUNTS = Metric("s", counts=Counted("a", "b"), margin=0.01)
SLOWER = Metric("s", histogram="h", relative=0.1)
QUICK, LATE = ((0.1, 100.0),), ((0.1, 0.0), (1.0, 0.0), (5.0, 100.0))
NAMES = ("carts_past", "past", "max", "max_p99", "max-max", "p99_past")


def watched(**metrics: Metric) -> Verdict:
    """Of each metric, nearly all is bad or late on the candidate, and nothing on live."""
    evidence, criteria, verdict = begin(0.0), EvidenceCriteria(metrics=metrics), Verdict("unsure", "")
    for number in range(1, 60):
        now = number * 10.0
        sides = [
            Reading(now - 10.0, now, {"requests": 100.0, "failures": bad}, buckets=buckets)
            for bad, buckets in ((90.0, LATE), (0.0, QUICK))
        ]
        measured = dict.fromkeys(metrics, Measured(sides[0], sides[1]))
        counts = {"c": Counts(100 * number), "l": Counts(100 * number)}
        evidence, verdict = judge(
            evidence, counts, {}, "c", "l", criteria, (), None, now, measured=measured, share=5000
        )
        if verdict.outcome == "fail":
            break
    return verdict


@pytest.mark.parametrize("called", NAMES)
@pytest.mark.parametrize("metric", [COUNTS, SLOWER])
def test_harm_by_a_metric_is_told_by_its_name(called: str, metric: Metric) -> None:
    assert not list(complaints(called))
    verdict = watched(**{called: metric})
    assert (verdict.outcome, verdict.code) == ("fail", called)
    assert verdict.sentence.startswith((f"{called}:", f"{called} "))


@pytest.mark.parametrize("called", NAMES)
@pytest.mark.parametrize("metric", [COUNTS, SLOWER])
def test_a_dry_run_decides_nothing_whatever_it_is_called(called: str, metric: Metric) -> None:
    dry = Metric(
        "s", counts=metric.counts, histogram=metric.histogram, relative=metric.relative, dry_run=True
    )
    assert watched(**{called: dry}).outcome != "fail"


def test_names_of_the_judges_own_tests_are_refused() -> None:
    for own in ("errors", "max_errors", "latency", "errors_past", "latency_past", "p99", "crashes"):
        assert list(complaints(own)), own


def test_only_limits_outlive_a_void_comparison() -> None:
    limits = ("max_errors", "errors_past", "latency_past", "max carts", "max max")
    assert all(is_limit(test) for test in limits)
    compares = ("errors", "latency", "p99", "carts", "carts_past", "carts p99", "max", "max p99")
    assert not any(is_limit(test) for test in compares)
    assert [code_of(test) for test in (*limits, *compares)] == [
        "max_errors", "errors", "latency", "carts", "max",
        "errors", "latency", "p99", "carts", "carts_past", "carts", "max", "max",
    ]  # fmt: skip
    verdict = Verdict("unsure", "", log_evidence={"harm_carts_past": 3.0, "harm_errors": 0.0})
    criteria = EvidenceCriteria(metrics={"carts_past": COUNTS})
    assert Weighing(verdict, criteria, None, voided=True).harm("carts_past") is None
    assert Weighing(verdict, criteria, None).harm("carts_past") is not None
