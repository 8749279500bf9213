"""The judge that counts failed measurements: what it forgives, what it never passes."""

from __future__ import annotations

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import given

from plainsail.domain.criteria import Counted, ErrorCriteria, EvidenceCriteria, Metric, Threshold
from plainsail.domain.evidence import Evidence, Verdict
from plainsail.domain.judge import begin
from plainsail.domain.measurement import Reading
from plainsail.domain.observation import Counts, Measured, Unmeasured
from plainsail.domain.threshold import Place, measure

CRITERIA = EvidenceCriteria(
    ErrorCriteria(margin=0.01, max=0.05),
    judge=Threshold(interval=10.0, failure_limit=1, consecutive_errors=2, successes=2),
)
PLACE = Place(step=1, exposure=5000, share_bp=1000)


class Watch:
    """A rollout under way; each interval is told by what both sides had in it."""

    def __init__(self, criteria: EvidenceCriteria = CRITERIA, place: Place = PLACE) -> None:
        self.criteria, self.place, self.now = criteria, place, 0.0
        self.evidence: Evidence = begin(0.0)
        self.ours, self.theirs = Counts(), Counts(1000, 1)
        self.measured: dict[str, Measured | Unmeasured] = {}
        self.crashes = 0
        self.look()

    def look(self) -> Verdict:
        counts = {"g2": self.ours, "g1": self.theirs}
        self.evidence, verdict = measure(
            self.evidence, counts, {"g2": self.crashes}, self.measured, "g2", "g1", self.criteria, self.place, self.now
        )  # fmt: skip
        return verdict

    def interval(self, failed: int = 0, requests: int = 100, live_failed: int = 0) -> Verdict:
        """In two looks, so that blocks are not intervals."""
        for part in (requests // 2, requests - requests // 2):
            self.now += 5.0
            bad = min(part, failed)
            failed -= bad
            self.ours = Counts(self.ours.requests + part, self.ours.failures + bad, 0, 0)
            self.theirs = Counts(self.theirs.requests + 900, self.theirs.failures + live_failed // 2)
            verdict = self.look()
        return verdict


def test_successes_in_a_row_are_a_pass() -> None:
    watch = Watch()
    assert watch.interval().outcome == "unsure"
    verdict = watch.interval()
    assert (verdict.outcome, verdict.proven_bp) == ("pass", 5000)
    assert "by threshold" in verdict.sentence
    watch.place = Place(step=2, exposure=10_000, share_bp=5000)
    assert watch.look().outcome == "unsure", "each step asks for its own"


def test_failures_are_forgiven_up_to_the_limit() -> None:
    watch = Watch()
    assert watch.interval(failed=40).outcome == "unsure"
    assert watch.interval().outcome == "unsure", "it is in a row that they count"
    verdict = watch.interval(failed=3)
    assert (verdict.outcome, verdict.code) == ("fail", "errors")
    assert "3 of 100 candidate requests failed (3 %)" in verdict.sentence
    assert "2 measurements failed by threshold, 1 forgiven" in verdict.sentence


def test_what_live_does_as_well_is_no_failure() -> None:
    watch = Watch()
    for _ in range(3):
        verdict = watch.interval(failed=10, live_failed=200)
    assert verdict.outcome == "pass"


def test_no_data_is_never_a_pass() -> None:
    watch = Watch()
    watch.interval()
    watch.interval()
    codes = [watch.interval(requests=0).code for _ in range(4)]
    assert codes[2:] == ["no_data"] * 2, "two in a row are forgiven"
    assert watch.look().outcome == "unsure"
    assert watch.look().proven_bp == 0


@given(st.lists(st.integers(0, 20), min_size=1, max_size=12))
def test_passed_and_failed_are_told_apart(failures: list[int]) -> None:
    watch = Watch()
    for number in range(len(failures)):
        verdict = watch.interval(failed=failures[number])
        bad = sum(one > 1 for one in failures[: number + 1])
        assert (verdict.outcome == "fail") == (bad > 1)
        if verdict.outcome == "pass":
            assert max(failures[number - 1 : number + 1]) <= 1


def test_crashes_take_it_back() -> None:
    watch = Watch()
    watch.interval()
    watch.crashes = 2
    assert watch.look().code == "crashes"


MEMORY = Metric("shop-metrics", value="memory", max=100.0, during=("start", "steps"))


def test_a_source_is_measured_window_by_window() -> None:
    criteria = EvidenceCriteria(judge=CRITERIA.judge, metrics={"memory": MEMORY})
    watch = Watch(criteria, Place(step=0, exposure=0, share_bp=0))
    for number, value in enumerate((80.0, 120.0, 130.0)):
        window = Reading(10.0 * number, 10.0 * number + 10.0, {"value": value})
        watch.measured = {"memory": Measured(window, None)}
        for _ in range(3):
            verdict = watch.look()
    assert (verdict.outcome, verdict.code) == ("fail", "metric")
    assert "memory was 130, with a limit of 100" in verdict.sentence
    track = watch.evidence.tracks["memory"]
    assert (track.until, track.failed, [one.candidate for one in track.told]) == (
        30.0,
        2,
        [80.0, 120.0, 130.0],
    )


def test_a_source_that_says_nothing_is_asked_again() -> None:
    criteria = EvidenceCriteria(judge=CRITERIA.judge, metrics={"memory": MEMORY})
    watch = Watch(criteria, Place(step=0, exposure=0, share_bp=0))
    for number in range(3):
        watch.measured = {"memory": Unmeasured(0.0, 10.0 * number + 10.0, "connection refused")}
        watch.look()
        verdict = watch.look()
    assert (verdict.outcome, verdict.code) == ("unsure", "no_data")
    assert "connection refused" in verdict.sentence
    assert watch.evidence.tracks["memory"].until == 0.0


@pytest.mark.parametrize(
    ("metric", "reading", "number"),
    [
        (Metric("s", counts=Counted("a", "b"), max=0.1), {"requests": 10.0, "failures": 2.0}, "0.2"),
        (Metric("s", counts=Counted("a", "b"), max=0.1), {"requests": 0.0, "failures": 0.0}, ""),
        (Metric("s", value="x", min=5.0), {"value": 4.0}, "4"),
        (Metric("s", value="x", min=5.0), {}, ""),
    ],
)
def test_kinds_of_metrics(metric: Metric, reading: dict[str, float], number: str) -> None:
    criteria = EvidenceCriteria(judge=Threshold(failure_limit=0, consecutive_errors=0), metrics={"m": metric})
    watch = Watch(criteria)
    watch.measured = {"m": Measured(Reading(0.0, 10.0, reading), None)}
    verdict = watch.look()
    assert (verdict.outcome == "fail") == bool(number)
    assert (f"m was {number}," if number else "m: the source has nothing of it") in verdict.sentence


def test_what_is_only_shown_is_measured_and_decides_nothing() -> None:
    dry = Metric("s", value="v", max=10.0, dry_run=True)
    watch = Watch(msgspec.structs.replace(CRITERIA, metrics={"queue": dry}))
    verdict = Verdict("unsure", "")
    for number in range(3):
        since, until = watch.now, watch.now + 10.0
        watch.measured["queue"] = Measured(Reading(since, until, {"value": 50.0 + number}), None)
        verdict = watch.interval()
    track = watch.evidence.tracks["queue"]
    assert (verdict.outcome, track.failed, [one.candidate for one in track.told]) == (
        "pass",
        3,
        [50.0, 51.0, 52.0],
    )
