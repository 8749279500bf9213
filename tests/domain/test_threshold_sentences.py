"""What the judge by thresholds makes of one interval, to the limit itself, and what it says of it."""

from __future__ import annotations

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import assume, given

from plainsail.domain.criteria import (
    Averaged,
    ErrorCriteria,
    EvidenceCriteria,
    LatencyCriteria,
    Metric,
    Threshold,
)
from plainsail.domain.evidence import Evidence, Meter, Verdict
from plainsail.domain.judge import begin
from plainsail.domain.measurement import Reading
from plainsail.domain.observation import Counts, Measured, Unmeasured
from plainsail.domain.threshold import Place, measure

STRICT = EvidenceCriteria(
    ErrorCriteria(margin=0.01, max=0.25, relative=0.5), LatencyCriteria(margin=0.01, relative=0.5, bound=0.5),
    judge=Threshold(interval=10.0, failure_limit=0, consecutive_errors=1, successes=2),
)  # fmt: skip
AT_TEN = Place(step=1, exposure=5000, share_bp=1000)
replace = msgspec.structs.replace


class Service:
    """Live and a candidate, both cumulative, as the router counts."""

    def __init__(self, criteria: EvidenceCriteria = STRICT, place: Place = AT_TEN) -> None:
        self.criteria, self.place, self.now = criteria, place, 0.0
        self.evidence: Evidence = begin(0.0)
        self.counts = {"g1": Counts(10_000, 700, 0, 900), "g2": Counts()}
        self.crashes = {"g1": 5, "g2": 0}
        self.measured: dict[str, Measured | Unmeasured] = {}
        self.live: str | None = "g1"
        self.look()

    def look(self) -> Verdict:
        self.evidence, verdict = measure(
            self.evidence, self.counts, self.crashes, self.measured, "g2", self.live, self.criteria, self.place, self.now
        )  # fmt: skip
        return verdict

    def asked(self, ours: Counts, theirs: Counts, after: float = 10.0) -> Verdict:
        self.live = "g1" if theirs.requests else None  # beside a live that falls silent nothing is compared
        for group, new in (("g2", ours), ("g1", theirs)):
            had = self.counts[group]
            self.counts[group] = Counts(
                had.requests + new.requests, had.failures + new.failures, 0, had.slow + new.slow
            )
        self.now += after
        return self.look()

    def reads(self, metric: str, *values: float) -> Verdict:
        """One window of ten seconds each."""
        for value in values:
            window = Reading(self.now, self.now + 10.0, {"value": value})
            self.now += 10.0
            self.measured = {metric: Measured(window, None)}
            verdict = self.look()
        return verdict

    def meter(self, name: str) -> Meter:
        assert self.evidence.meters is not None
        return self.evidence.meters.of[name]


@pytest.mark.parametrize(
    ("ours", "theirs", "code", "said"),
    [
        # 4 % of live: 4 * 1.5 + 1 = 7 % is allowed.
        (
            Counts(100, 8), Counts(100, 4), "errors",
            "8 of 100 candidate requests failed (8 %) against 4 of 100 live (4 %), with a margin of 1 %",
        ),
        (Counts(100, 6), Counts(100, 4), "", "6 of 100 candidate requests failed (6 %) against 4 of 100 live (4 %)"),
        (Counts(100, 1), Counts(100), "", "1 of 100 candidate requests failed (1 %) against 0 of 100 live (0 %)"),
        (
            Counts(1200, 312), Counts(100, 24), "max_errors",
            "312 of 1,200 candidate requests failed (26 %) against 24 of 100 live (24 %), with a limit of 25 %",
        ),
        (Counts(100, 25), Counts(100, 24), "", "25 of 100 candidate requests failed (25 %) against 24 of 100 live (24 %)"),
        (Counts(100, 30), Counts(100, 30), "", "30 of 100 candidate requests failed (30 %) against 30 of 100 live (30 %)"),
        (
            Counts(100, 31), Counts(100, 30), "max_errors",
            "31 of 100 candidate requests failed (31 %) against 30 of 100 live (30 %), with a limit of 25 %",
        ),
        (
            Counts(100, 26), Counts(), "max_errors",
            "26 of 100 candidate requests failed (26 %), live had none to compare with, with a limit of 25 %",
        ),
        (Counts(100, 25), Counts(), "", "25 of 100 candidate requests failed (25 %), live had none to compare with"),
        (
            Counts(100, 0, 0, 8), Counts(100, 0, 0, 4), "latency",
            "8 of 100 candidate requests took longer than 500 ms (8 %) against 4 of 100 live (4 %), with a margin of 1 %",
        ),
    ],
)  # fmt: skip
def test_one_interval(ours: Counts, theirs: Counts, code: str, said: str) -> None:
    service = Service()
    verdict = service.asked(ours, theirs)
    if not code:
        assert verdict.outcome == "unsure", "the first of two good ones"
        assert (service.meter("errors").passed, service.meter("errors").said) == (1, said)
        return
    assert (verdict.outcome, verdict.code, verdict.harm) == ("fail", code, 1.0)
    assert verdict.sentence == f"{said}; 1 measurement failed by threshold, 0 forgiven"


def test_slowness_up_to_the_limit_is_good_and_without_live_there_is_none() -> None:
    service = Service()
    for ours, theirs in ((6, 4), (1, 0)):
        service.asked(Counts(100, 0, 0, ours), Counts(100, 0, 0, theirs))
        assert service.meter("latency").said == (
            f"{ours} of 100 candidate requests took longer than 500 ms ({ours} %) against {theirs} of 100 live ({theirs} %)"
        )
    verdict = service.asked(Counts(100, 0, 0, 100), Counts())
    assert service.meter("latency").said == (
        "100 of 100 candidate requests took longer than 500 ms (100 %), live had none to compare with"
    )
    assert (verdict.outcome, verdict.code, verdict.good) == ("pass", "", 1.0)
    assert verdict.sentence == (
        "3 measurements in a row good by threshold: 0 of 100 candidate requests failed (0 %), live had none to compare with"
    )
    verdict = service.asked(Counts(10), Counts())
    assert verdict.good == 1.0, "more than all is not asked for"


numbers = st.integers(0, 60)


@given(numbers, numbers, numbers, numbers)
def test_only_this_interval_counts(failed: int, slow: int, live_failed: int, live_slow: int) -> None:
    """What either side had before, however bad, is in neither rate."""
    assume(min(failed, live_failed) <= 15)
    fresh, old = Service(), Service()
    forgiving = replace(STRICT, judge=replace(STRICT.judge, failure_limit=3))
    fresh.criteria = old.criteria = forgiving
    old.asked(Counts(70, 40, 0, 50), Counts(90, 20, 0, 10))
    for service in (fresh, old):
        service.asked(Counts(60, failed, 0, slow), Counts(60, live_failed, 0, live_slow))
    for name in ("errors", "latency"):
        assert fresh.meter(name).said == old.meter(name).said


def test_nothing_is_measured_before_it_has_users_or_while_it_warms_up() -> None:
    """What is met then is in no later interval either, and the first interval has its full length."""
    for waits in (replace(AT_TEN, share_bp=0), replace(AT_TEN, warm=False)):
        service = Service(place=waits)
        for _ in range(3):
            assert service.asked(Counts(50, 50), Counts(50)).outcome == "unsure"
        service.place = AT_TEN
        assert service.asked(Counts(100), Counts(100), after=9.0).code == "few_requests"
        assert service.evidence.meters is not None
        assert not service.evidence.meters.of
        verdict = service.asked(Counts(100), Counts(100), after=1.0)
        assert verdict.sentence == "1 of 2 good measurements by threshold, one each 10 s"
        assert service.meter("errors").said.startswith("0 of 200 candidate requests failed (0 %)")


def test_a_clock_that_is_set_back_begins_an_interval_anew() -> None:
    service = Service()
    service.asked(Counts(100, 50), Counts(100), after=-500.0)
    assert service.asked(Counts(100), Counts(100)).outcome == "unsure"
    assert service.meter("errors").said.startswith("0 of 100 candidate requests failed")


def test_failures_are_kept_over_the_steps_and_good_ones_are_not() -> None:
    service = Service(replace(STRICT, judge=Threshold(interval=10.0, failure_limit=1, successes=2)))
    service.asked(Counts(100, 50), Counts(100))
    service.asked(Counts(100), Counts(100))
    service.place = Place(step=2, exposure=10_000, share_bp=5000)
    assert service.look().harm == 0.5
    verdict = service.asked(Counts(100), Counts(100))
    assert (verdict.outcome, verdict.good) == ("unsure", 0.5)
    verdict = service.asked(Counts(100, 50), Counts(100))
    assert (verdict.outcome, verdict.harm) == ("fail", 1.0)
    assert "2 measurements failed by threshold, 1 forgiven" in verdict.sentence


def test_silence_is_counted_in_a_row_and_ended_by_any_answer() -> None:
    silence, good = Counts(), Counts(100)
    service = Service(replace(STRICT, judge=Threshold(interval=10.0, failure_limit=5, consecutive_errors=1)))
    assert service.asked(silence, good).code == "no_requests"
    assert service.asked(good, good).outcome == "pass"
    assert service.asked(silence, good).code == "few_requests", "one is forgiven, and not good"
    assert service.asked(Counts(100, 90), good).code == "few_requests"
    assert service.asked(silence, good).code == "few_requests"
    verdict = service.asked(silence, good)
    assert (verdict.outcome, verdict.code, verdict.proven_bp) == ("unsure", "no_data", 0)
    assert verdict.sentence == "the candidate had no requests; 2 measurements in a row told nothing"
    assert {service.meter(name).said for name in ("errors", "latency")} == {"the candidate had no requests"}


def test_crashes_are_forgiven_as_many_as_are_asked_for_and_more_if_live_crashes_too() -> None:
    service = Service(place=replace(AT_TEN, trouble="exited with status 9"))
    service.crashes["g2"] = 1
    assert service.look().outcome == "unsure"
    service.crashes["g2"] = 2
    verdict = service.look()
    assert (verdict.outcome, verdict.code) == ("fail", "crashes")
    assert verdict.sentence == "the candidate crashed 2 times (exited with status 9), 1 forgiven"
    assert (verdict.candidate.crashes, verdict.live.crashes) == (2, 0), "live's are those since it began"
    service.crashes["g1"] += 1
    assert service.look().outcome == "unsure"
    service.crashes["g2"], service.place = 5, AT_TEN
    assert service.look().sentence == "the candidate crashed 5 times, 4 forgiven"


def test_where_nothing_is_asked_for_what_was_seen_last_is_said() -> None:
    service = Service(place=replace(AT_TEN, exposure=0))
    assert service.look().sentence == "0 of 2 good measurements by threshold, one each 10 s"
    verdict = service.asked(Counts(100, 1), Counts())
    assert (verdict.outcome, verdict.proven_bp) == ("unsure", 0)
    assert verdict.sentence == (
        "1 of 100 candidate requests failed (1 %), live had none to compare with by threshold"
    )
    assert verdict.candidate.requests == 100


SIZE = Metric("s", value="memory", max=100.0, min=10.0)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (100.0, ""),
        (100.5, "memory was 100.5, with a limit of 100"),
        (10.0, ""),
        (9.5, "memory was 9.5, with 10 as the least"),
    ],
)
def test_a_source_within_its_limits(value: float, said: str) -> None:
    service = Service(replace(STRICT, metrics={"memory": SIZE}))
    verdict = service.reads("memory", value)
    if said:
        assert (verdict.outcome, verdict.code) == ("fail", "metric")
        assert verdict.sentence == f"{said}; 1 measurement failed by threshold, 0 forgiven"
    else:
        assert verdict.outcome == "unsure"
        assert service.meter("memory").said == f"memory was {value:g}"
        assert service.meter("memory").passed == 1


@pytest.mark.parametrize(
    ("metric", "share", "asked"),
    [
        (replace(SIZE, during=("bake",)), 10_000, True),
        (replace(SIZE, during=("bake",)), 1000, False),
        (replace(SIZE, during=("steps",)), 10_000, False),
        (replace(SIZE, during=("steps",)), 1000, True),
        (replace(SIZE, at=(1000,)), 1000, True),
        (replace(SIZE, at=(1000,)), 5000, False),
    ],
)
def test_a_source_is_measured_only_where_it_is_asked(metric: Metric, share: int, asked: bool) -> None:
    service = Service(replace(STRICT, metrics={"memory": metric}), replace(AT_TEN, share_bp=share))
    assert (service.reads("memory", 500.0).outcome == "fail") == asked


def test_without_anything_to_measure_nothing_passes() -> None:
    verdict = Service(STRICT, Place(step=0, exposure=1000, share_bp=0)).look()
    assert (verdict.outcome, verdict.good, verdict.harm) == ("unsure", 0.0, 0.0)
    assert verdict.sentence == "0 of 2 good measurements by threshold, one each 10 s"


buckets = st.lists(st.integers(0, 9), min_size=1, max_size=6)


@given(buckets)
def test_the_median_of_a_histogram_is_its_buckets_bound(sizes: list[int]) -> None:
    metric = Metric("s", histogram="h", max=1000.0)
    service = Service(replace(STRICT, metrics={"m": metric}))
    bounds = [float(10 * number) for number in range(1, len(sizes) + 1)]
    reading = Reading(0.0, 10.0, buckets=tuple(zip(bounds, map(float, sizes), strict=True)))
    service.measured = {"m": Measured(reading, None)}
    service.look()
    each = [bound for bound, size in zip(bounds, sizes, strict=True) for _ in range(size)]
    median = each[(len(each) - 1) // 2] if each else None
    (told,) = service.evidence.tracks["m"].told
    assert told.candidate == median
    assert (told.note == "") == bool(each)


def test_a_mean_and_both_sides_of_it_are_kept_to_be_shown() -> None:
    metric = Metric("s", mean=Averaged("n", "sum", "squares"), max=5.0)
    service = Service(replace(STRICT, metrics={"basket": metric}))
    ours, theirs = ({"count": 4.0, "sum": 14.0}, {"count": 2.0, "sum": 3.0})
    service.measured = {
        "basket": Measured(Reading(0.0, 10.0, ours, partial="two of three"), Reading(0.0, 10.0, theirs))
    }
    service.look()
    service.measured = {"basket": Measured(Reading(10.0, 20.0, missing="no such series"), None)}
    service.look()
    track = service.evidence.tracks["basket"]
    assert [(one.until, one.candidate, one.live, one.note) for one in track.told] == [
        (10.0, 3.5, 1.5, "two of three"),
        (20.0, None, None, "basket: no such series"),
    ]
    assert (track.errors, track.passed, track.missing) == (1, 0, "basket: no such series")
