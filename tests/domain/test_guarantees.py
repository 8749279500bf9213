"""What is promised whatever happens: nothing counts twice, nobody is compared with somebody else's counts, silence is said."""

from __future__ import annotations

import random

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import given
from tests.domain.test_metering import COUNTS, MEAN, VALUE, Trial

from plainsail.domain import metering, sharing, tails
from plainsail.domain.criteria import EvidenceCriteria, LatencyCriteria, Metric, Threshold
from plainsail.domain.evidence import Evidence, Verdict
from plainsail.domain.judge import begin, judge
from plainsail.domain.observation import Counts, Latency
from plainsail.domain.stats import mismatch
from plainsail.domain.threshold import Place, measure

replace = msgspec.structs.replace
P50 = EvidenceCriteria(latency=LatencyCriteria(p50=0.1))


def _latency(buckets: dict[int, int]) -> Latency:
    return Latency(0.0, 0.0, 0.0, 1.0, buckets)


def _look(evidence: Evidence, live: str, ours: dict[int, int], theirs: dict[int, int], at: float) -> Evidence:
    counts = {"c": Counts(sum(ours.values())), live: Counts(sum(theirs.values()))}
    latency = {"c": _latency(ours), live: _latency(theirs)}
    return judge(evidence, counts, {}, "c", live, P50, (), None, at, latency=latency)[0]


@given(st.lists(st.tuples(*[st.integers(0, 80)] * 4), min_size=1, max_size=20))
def test_a_look_at_the_same_histograms_adds_no_evidence(blocks: list[tuple[int, int, int, int]]) -> None:
    """Live's median may move to a bucket beyond which there is nothing: then no block begins, and none is played again."""
    evidence, ours, theirs = begin(0.0), {10: 0, 20: 0}, {10: 0, 20: 0}
    for fast, slow, live_fast, live_slow in blocks:
        ours = {10: ours[10] + fast, 20: ours[20] + slow}
        theirs = {10: theirs[10] + live_fast, 20: theirs[20] + live_slow}
        sides = {"c": _latency(ours), "l": _latency(theirs)}
        evidence = tails.watch(evidence, sides, "c", "l", P50.latency)
        assert tails.watch(evidence, sides, "c", "l", P50.latency) == evidence


def test_quantiles_of_somebody_else_begin_anew() -> None:
    """A baseline that was given up: what live was like for a week is no block of this rollout's."""
    evidence = begin(0.0)
    for look in range(1, 40):
        evidence = _look(
            evidence, "b", {10: 5 * look, 20: 5 * look}, {10: 5 * look, 20: 5 * look}, float(look)
        )
    before = evidence.harm["p50"]
    evidence = _look(evidence, "l", {10: 200, 20: 200}, {10: 9_000_000, 20: 1_000}, 40.0)
    assert evidence.harm["p50"] == before
    assert evidence.tails == {} or evidence.tails["p50"].live == 9_001_000


def test_a_split_with_somebody_else_begins_anew() -> None:
    counts = {"c": Counts(300), "b": Counts(300)}
    evidence, _ = judge(begin(0.0), counts, {}, "c", "b", P50, (), None, 0.0, expected=0.5)
    counts = {"c": Counts(400), "l": Counts(9_000_000)}
    evidence, _ = judge(evidence, counts, {}, "c", "l", P50, (), None, 1.0, expected=0.5)
    assert evidence.split is not None
    assert (evidence.split.live, evidence.shares) == (9_000_000, ())


@pytest.mark.parametrize("bound", [1.0, 5.0, 20.0])
def test_a_side_that_begins_to_hang_is_slow_and_no_mismatch(bound: float) -> None:
    """Its requests are counted when they are past the bound; until then it seems to have none."""
    evidence, ours, theirs, now = begin(0.0), 0, 0, 0.0
    while now < 60.0 + bound:
        now += 0.1
        ours, theirs = ours + (500 if now < 60.0 else 0), theirs + 500
        counts = {"c": Counts(ours), "l": Counts(theirs)}
        evidence = sharing.watch(evidence, counts, "c", "l", 0.5, bound, now)
    assert not evidence.voided
    assert mismatch.log_money(evidence.shares) < mismatch.goal(0.01)


def test_a_mean_below_zero_that_is_like_lives_is_no_harm() -> None:
    """Costs of -50 with 10 % of live's own allowed: as good as live is within that."""
    dice = random.Random(1)
    for better in ("lower", "higher"):
        trial = Trial(cost=replace(MEAN, better=better, relative=0.1))
        for _ in range(20):
            ours, theirs = ([dice.gauss(-50.0, 5.0) for _ in range(500)] for _ in range(2))
            verdict = trial.window("cost", _moments(ours), _moments(theirs))
            assert verdict.outcome != "fail"
        worse = [one + (20.0 if better == "lower" else -20.0) for one in ours]
        for _ in range(20):
            verdict = trial.window("cost", _moments(worse), _moments(theirs))
        assert verdict.outcome == "fail"


def _moments(values: list[float]) -> dict[str, float]:
    return {"count": float(len(values)), "sum": sum(values), "squares": sum(one * one for one in values)}


def test_a_critical_metric_that_cannot_be_proven_is_named() -> None:
    trial = Trial(memory=replace(VALUE, role="critical"))
    for _ in range(60):
        verdict = trial.window("memory", {"value": 100.0}, {"value": 100.0})
    assert (verdict.outcome, verdict.proven_bp) == ("unsure", 0)
    assert verdict.sentence.startswith("memory is not proven to be good yet: 100 over 60 windows")


def test_a_critical_metric_of_other_shares_keeps_nobody_waiting() -> None:
    trial = Trial(
        carts=replace(COUNTS, role="critical", at=(100,)),
        orders=replace(COUNTS, role="critical", during=("bake",)),
    )
    trial.share = 5000
    for _ in range(3):
        verdict = trial.window("none", {})
    assert (verdict.outcome, verdict.proven_bp) == ("pass", 10_000)


def test_nothing_counted_is_no_data() -> None:
    trial = Trial(carts=COUNTS)
    for _ in range(5):
        verdict = trial.window(
            "carts", {"requests": 0.0, "failures": 0.0}, {"requests": 900.0, "failures": 1.0}
        )
    assert (verdict.outcome, verdict.code) == ("unsure", "no_data")
    assert "carts has counted nothing of the candidate yet" in verdict.sentence


def test_a_window_from_the_future_is_no_window_of_now() -> None:
    trial = Trial(carts=COUNTS)
    trial.window("carts", {"requests": 100.0, "failures": 0.0}, {"requests": 900.0, "failures": 1.0})
    assert metering.silent(trial.evidence, trial.criteria, 5000, 12.0) == ""
    assert "the clock was set back" in metering.silent(trial.evidence, trial.criteria, 5000, -3600.0)


def test_who_shares_the_purse_is_settled_from_the_start() -> None:
    trial = Trial(carts=COUNTS, memory=VALUE, basket=MEAN)
    names = {name for name in trial.verdict.log_evidence if name.startswith("harm_")}
    verdict = trial.window(
        "carts", {"requests": 100.0, "failures": 50.0}, {"requests": 900.0, "failures": 1.0}
    )
    assert {name for name in verdict.log_evidence if name.startswith("harm_")} == names


def test_an_outage_of_both_while_the_candidate_warms_up_is_not_its_fault() -> None:
    evidence = begin(0.0)
    for look in range(1, 100):
        counts = {"c": Counts(10 * look, 10 * look), "l": Counts(900 * look, 900 * look)}
        evidence, verdict = judge(
            evidence, counts, {}, "c", "l", EvidenceCriteria(), (), 10_000, look / 10, warm=False
        )
        assert verdict.outcome != "fail"


def test_a_cold_candidate_that_fails_everything_is_told_with_its_numbers() -> None:
    evidence = begin(0.0)
    for look in range(1, 100):
        counts = {"c": Counts(10 * look, 10 * look), "l": Counts(900 * look)}
        evidence, verdict = judge(
            evidence, counts, {}, "c", "l", EvidenceCriteria(), (), 10_000, look / 10, warm=False
        )
        if verdict.outcome == "fail":
            break
    assert verdict.sentence.startswith(
        f"{10 * look} of {10 * look} candidate requests failed (100 %) against 0 of"
    )
    assert (evidence.candidate.requests, evidence.proof) == (0, {})


def _threshold(judging: Threshold, place: Place, metrics: dict[str, Metric]) -> Verdict:
    evidence, verdict = begin(0.0), Verdict("unsure", "")
    for look in range(1, 20):
        counts = {"c": Counts(100 * look, 100 * look if not place.warm else 0), "l": Counts(900 * look)}
        criteria = EvidenceCriteria(judge=judging, metrics=metrics)
        evidence, verdict = measure(evidence, counts, {}, {}, "c", "l", criteria, place, float(look))
    return verdict


def test_a_threshold_metric_of_other_shares_keeps_nobody_waiting() -> None:
    metrics = {"memory": Metric("s", value="v", max=2.0, at=(100,))}
    assert _threshold(Threshold(interval=1.0), Place(1, 5000, 1000), metrics).outcome == "pass"
    assert _threshold(Threshold(interval=1.0), Place(1, 1000, 100), metrics).outcome == "unsure"


def test_thresholds_measure_nothing_while_the_candidate_warms_up() -> None:
    found = _threshold(Threshold(interval=1.0), Place(1, 5000, 1000, warm=False), {})
    assert (found.outcome, found.harm, found.good) == ("unsure", 0.0, 0.0)
