"""Metrics of sources in the judge: what takes a candidate back, what only is shown, and what never passes."""

from __future__ import annotations

import math
import random

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import given, settings

from plainsail.domain.criteria import (
    Averaged,
    Counted,
    ErrorCriteria,
    EvidenceCriteria,
    LatencyCriteria,
    Metric,
)
from plainsail.domain.evidence import Evidence, Verdict
from plainsail.domain.judge import begin, judge
from plainsail.domain.measurement import Reading
from plainsail.domain.observation import Counts, Measured, Unmeasured
from plainsail.domain.trail import Point, Tally, longer

COUNTS = Metric("s", counts=Counted("n", "bad"), margin=0.01)
MEAN = Metric("s", mean=Averaged("n", "sum", "squares"), better="higher", relative=0.05)
VALUE = Metric("s", value="v", margin=0.0, relative=0.1)
SPREAD = Metric("s", histogram="h", relative=0.2)
replace = msgspec.structs.replace


class Trial:
    """A candidate whose requests all go well, beside live; what a source says of both is up to the test."""

    def __init__(self, **metrics: Metric) -> None:
        self.criteria = EvidenceCriteria(metrics=metrics)
        self.evidence: Evidence = begin(0.0)
        self.verdict = Verdict("unsure", "")
        self.now = 0.0
        self.requests = 0
        self.share = 5000
        self.look({})

    def window(self, name: str, ours: object, theirs: object = None) -> Verdict:
        """Ten seconds in which the source says this."""
        since, self.now = self.now, self.now + 10.0
        self.requests += 1000
        live = None if theirs is None else _reading(since, self.now, theirs)
        return self.look({name: Measured(_reading(since, self.now, ours), live)})

    def silence(self, name: str, why: str) -> Verdict:
        since, self.now = self.now, self.now + 10.0
        self.requests += 1000
        return self.look({name: Unmeasured(since, self.now, why)})

    def look(self, measured: dict[str, Measured | Unmeasured]) -> Verdict:
        counts = {"c": Counts(self.requests), "l": Counts(9 * self.requests)}
        self.evidence, self.verdict = judge(
            self.evidence, counts, {}, "c", "l", self.criteria, (5000, 10_000), 10_000, self.now, measured=measured,
            share=self.share,
        )  # fmt: skip
        return self.verdict


def _reading(since: float, until: float, said: object) -> Reading:
    if isinstance(said, dict):
        return Reading(since, until, said)
    if isinstance(said, tuple):
        return Reading(since, until, buckets=said)
    return Reading(since, until, missing=str(said))


def _counts(n: float, bad: float) -> dict[str, float]:
    return {"requests": n, "failures": bad}


def _moments(values: list[float]) -> dict[str, float]:
    return {"count": float(len(values)), "sum": sum(values), "squares": sum(one * one for one in values)}


def test_bad_counts_take_the_candidate_back() -> None:
    trial = Trial(carts=COUNTS)
    for _ in range(30):
        if trial.window("carts", _counts(100, 12), _counts(900, 9)).outcome == "fail":
            break
    assert (trial.verdict.outcome, trial.verdict.code) == ("fail", "carts")
    assert trial.verdict.sentence.startswith("carts: ")
    assert "with a margin of 1 point " in trial.verdict.sentence


def test_a_limit_takes_the_candidate_back_whatever_live_does() -> None:
    trial = Trial(carts=replace(COUNTS, margin=0.5, max=0.05))
    for _ in range(40):
        if trial.window("carts", _counts(100, 20), _counts(900, 0)).outcome == "fail":
            break
    assert trial.verdict.code == "carts"


def test_a_worse_mean_takes_the_candidate_back_and_a_better_one_does_not() -> None:
    dice = random.Random(3)
    for good, outcome in ((0.20, "fail"), (0.62, "pass")):
        trial, ours, theirs = Trial(conversion=MEAN), [], []
        for _ in range(60):
            ours += [float(dice.random() < good) for _ in range(50)]
            theirs += [float(dice.random() < 0.6) for _ in range(50)]
            if trial.window("conversion", _moments(ours), _moments(theirs)).outcome == "fail":
                break
        assert trial.verdict.outcome == outcome, trial.verdict.sentence


def test_values_are_compared_window_by_window() -> None:
    dice = random.Random(4)
    worse, alike = Trial(memory=VALUE), Trial(memory=VALUE)
    for _ in range(120):
        level = 100 + 30 * math.sin(worse.now / 200)  # a tide that lifts both
        worse.window("memory", {"value": 140 + dice.random()}, {"value": 100 + dice.random()})
        alike.window("memory", {"value": level + dice.random()}, {"value": level + dice.random()})
    assert worse.verdict.code == "memory"
    assert alike.verdict.outcome == "pass", alike.verdict.sentence


def test_three_windows_beyond_a_limit() -> None:
    trial = Trial(queue=Metric("s", value="v", max=10.0))
    assert trial.window("queue", {"value": 11.0}).outcome != "fail"
    assert trial.window("queue", {"value": 9.0}).outcome != "fail"
    said = [trial.window("queue", {"value": 12.0}).outcome for _ in range(3)]
    assert said == ["pass", "pass", "fail"]
    assert "beyond its limit in 3 windows in a row, 12 in the last" in trial.verdict.sentence


def test_a_longer_tail_takes_the_candidate_back() -> None:
    dice = random.Random(5)

    def times(slower: float, n: int) -> tuple[tuple[float, float], ...]:
        edges = [0.01 * 1.3**k for k in range(30)]
        found = [0.0] * (len(edges) + 1)
        for _ in range(n):
            took = 0.05 * math.exp(dice.gauss(0, 0.5)) * (1 + slower)
            found[next((at for at, edge in enumerate(edges) if took <= edge), len(edges))] += 1
        return tuple(zip((*edges, math.inf), found, strict=True))

    slow, alike = Trial(render=SPREAD), Trial(render=SPREAD)
    for _ in range(60):
        slow.window("render", times(1.0, 60), times(0.0, 300))
        alike.window("render", times(0.0, 60), times(0.0, 300))
    assert slow.verdict.code == "render"
    assert alike.verdict.outcome == "pass", alike.verdict.sentence


@pytest.mark.parametrize(
    "bad", ["nothing was scraped", {}, _counts(math.nan, 0), _counts(-5, 0), {"requests": 10.0}]
)
def test_nothing_passes_without_data(bad: object) -> None:
    trial = Trial(carts=COUNTS)
    for _ in range(20):
        trial.window("carts", bad, _counts(900, 0))
    assert (trial.verdict.outcome, trial.verdict.code) == ("unsure", "no_data")
    trial.window("carts", _counts(100, 0), _counts(900, 0))
    assert trial.verdict.outcome == "pass"


def test_a_source_that_fails_is_no_pass() -> None:
    trial = Trial(carts=COUNTS)
    trial.window("carts", _counts(100, 0), _counts(900, 0))
    assert trial.verdict.outcome == "pass"
    trial.silence("carts", "no answer within 5 s")
    assert trial.verdict.code == "no_data"
    assert "carts is not known: no answer within 5 s" in trial.verdict.sentence


def test_a_source_that_is_not_heard_of_for_long_is_no_pass() -> None:
    trial = Trial(carts=COUNTS)
    trial.window("carts", _counts(100, 0), _counts(900, 0))
    trial.now += 100.0
    trial.requests += 1000
    assert trial.look({}).code == "no_data"
    assert "carts was last measured" in trial.verdict.sentence


@pytest.mark.parametrize(
    ("metric", "share", "code"),
    [
        (replace(COUNTS, at=(1000,)), 5000, ""),
        (replace(COUNTS, at=(1000,)), 1000, "no_data"),
        (replace(COUNTS, during=("bake",)), 5000, ""),
        (replace(COUNTS, during=("bake",)), 10_000, "no_data"),
        (replace(COUNTS, during=("steps",)), 10_000, ""),
    ],
)
def test_a_metric_has_to_speak_where_it_is_asked(metric: Metric, share: int, code: str) -> None:
    trial = Trial(carts=metric)
    trial.share = share
    trial.requests, trial.now = 2000, 10.0
    assert trial.look({}).code == code


@pytest.mark.parametrize("harmless", [{"role": "informative"}, {"dry_run": True}])
def test_what_is_only_shown_decides_nothing(harmless: dict[str, object]) -> None:
    trial = Trial(carts=replace(COUNTS, **harmless))
    for _ in range(60):
        trial.window("carts", _counts(100, 100), _counts(900, 0))
    assert trial.verdict.outcome == "pass"
    assert trial.verdict.log_evidence["harm_carts"] > 10.0
    trial.silence("carts", "gone")
    assert trial.verdict.outcome == "pass"


def test_a_critical_metric_must_be_proven_too() -> None:
    guardrail, critical = Trial(carts=COUNTS), Trial(carts=replace(COUNTS, role="critical"))
    for trial in (guardrail, critical):
        trial.window("carts", _counts(20, 0), _counts(180, 0))
    assert guardrail.verdict.outcome == "pass"
    assert critical.verdict.outcome == "unsure"
    said = [critical.window("carts", _counts(20, 0), _counts(180, 0)).outcome for _ in range(100)]
    assert said[-1] == "pass"


@given(st.permutations(range(1, 6)), st.integers(0, 4))
@settings(max_examples=30, deadline=None)
def test_windows_out_of_order_or_twice_count_once(order: list[int], again: int) -> None:
    trial = Trial(carts=COUNTS)
    newest, taken = 0, 0
    for number in (*order, order[again]):
        since, until = 10.0 * (number - 1), 10.0 * number
        reading = Reading(since, until, _counts(100, 1))
        trial.look({"carts": Measured(reading, reading)})
        if number > newest:
            newest, taken = number, taken + 1
    assert trial.evidence.tracks["carts"].candidate.n == 100 * taken


def test_a_split_that_is_not_kept_voids_the_comparison() -> None:
    evidence, requests = begin(0.0), 0
    verdict = Verdict("unsure", "")
    for number in range(1, 400):
        requests += 10
        counts = {"c": Counts(requests // 2), "l": Counts(9 * requests)}  # asked for: 10 %; got: half of that
        evidence, verdict = judge(
            evidence,
            counts,
            {},
            "c",
            "l",
            EvidenceCriteria(),
            (5000, 10_000),
            10_000,
            number / 10,
            expected=0.1,
        )
    assert (verdict.outcome, verdict.code, verdict.proven_bp) == ("unsure", "mismatch", 0)
    assert "should have had 10 %" in verdict.sentence


@pytest.mark.slow
def test_a_split_that_is_kept_does_not() -> None:
    dice, evidence = random.Random(6), begin(0.0)
    ours = theirs = 0
    for number in range(1, 3000):
        mine = sum(dice.random() < 0.1 for _ in range(20))
        ours, theirs = ours + mine, theirs + 20 - mine
        counts = {"c": Counts(ours), "l": Counts(theirs)}
        evidence, _ = judge(
            evidence, counts, {}, "c", "l", EvidenceCriteria(), (10_000,), 10_000, number / 10, expected=0.1
        )
    assert not evidence.voided


def test_a_void_comparison_still_holds_the_limit() -> None:
    evidence = replace(begin(0.0), voided="the split was not kept")
    verdict = Verdict("unsure", "")
    for number in range(1, 60):
        counts = {"c": Counts(10 * number, 10 * number), "l": Counts(90 * number)}
        evidence, verdict = judge(
            evidence, counts, {}, "c", "l", EvidenceCriteria(), (10_000,), 10_000, number / 10
        )
        if verdict.outcome == "fail":
            break
    assert verdict.code == "max_errors"


def test_a_void_comparison_is_no_second_chance_for_the_limits() -> None:
    """What the void tests' parts of the purse were worth is lost: a limit is to win as much as it would beside them."""

    def failures(voided: str) -> int:
        evidence = replace(begin(0.0), voided=voided)
        criteria = EvidenceCriteria(errors=ErrorCriteria(margin=1.0), latency=LatencyCriteria(margin=1.0))
        for number in range(1, 60):
            counts = {"c": Counts(number, number), "l": Counts(9 * number)}
            evidence, verdict = judge(evidence, counts, {}, "c", "l", criteria, (), None, number / 10)
            if verdict.outcome == "fail":
                return number
        return 0

    assert failures("the split was not kept") >= failures("") > 0


def test_a_clock_that_was_set_back_does_not_leave_a_release_unwatched() -> None:
    evidence, day, verdict = begin(86_400.0), 86_400.0, Verdict("unsure", "")
    for number in range(100):
        counts = {"c": Counts(number), "l": Counts(90 * number)}
        evidence, _ = judge(evidence, counts, {}, "c", "l", EvidenceCriteria(), (), None, day + number / 10)
    for number in range(100):  # live has no traffic any more, and it is a day earlier
        counts = {"c": Counts(100 + number, number), "l": Counts(8910)}
        evidence, verdict = judge(evidence, counts, {}, "c", "l", EvidenceCriteria(), (), None, number / 10)
    assert verdict.outcome == "fail"


@pytest.mark.slow
@pytest.mark.parametrize(("number", "kibibytes"), [(0, 10), (5, 16), (20, 32)])
def test_evidence_stays_small_however_many_metrics_there_are(number: int, kibibytes: int) -> None:
    metrics = {f"carts-{n}": replace(COUNTS, role="critical", max=0.5) for n in range(number)}
    trial = Trial(**metrics)
    trail: tuple[Point, ...] = ()
    for window in range(200):
        trial.now, trial.requests = trial.now + 10.0, trial.requests + 1000
        reading = Reading(trial.now - 10.0, trial.now, _counts(1000.0 + window, 1.0 + window % 3))
        trial.look({name: Measured(reading, reading) for name in metrics})
        each = tuple(-12.34 for _ in range(3 + 2 * number))
        trail = longer(
            trail, Point(trial.now, 5000, Tally(9_999_999), Tally(9_999_999), -0.1234, 0.1234, each)
        )
    assert len(msgspec.json.encode(replace(trial.evidence, trail=trail))) <= 1024 * kibibytes


def test_a_window_of_before_the_evidence_began_anew_counts_for_nothing() -> None:
    """One that was under way when an instance was replaced is told until it is taken, also of a metric that had none yet."""
    trial = Trial(carts=COUNTS)
    trial.evidence = replace(trial.evidence, anew_at=25.0)
    trial.window("carts", _counts(100.0, 100.0), _counts(100.0, 0.0))
    trial.window("carts", _counts(100.0, 100.0), _counts(100.0, 0.0))
    assert "carts" not in trial.evidence.tracks
    trial.window("carts", _counts(100.0, 1.0), _counts(100.0, 1.0))
    assert trial.evidence.tracks["carts"].candidate.n == 100.0


def test_what_could_not_have_shown_harm_yet_is_no_pass() -> None:
    trial = Trial(memory=VALUE)
    said = [trial.window("memory", {"value": 100.0 + n % 2}, {"value": 100.0 + n % 3}) for n in range(31)]
    assert [verdict.code for verdict in said[:29]] == ["no_data"] * 29
    assert "memory has been compared in 29 of the 30 windows that it takes" in said[28].sentence
    assert said[30].outcome == "pass"
