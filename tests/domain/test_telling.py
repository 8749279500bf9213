"""What is told of a verdict fits what decided: one scale of odds, the limit that it was, what a dry run would have done."""

from __future__ import annotations

import math
from typing import Any

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import given, settings
from tests.cli.test_verdict import picture
from tests.domain.test_explain import Watched, criteria, line, rollout
from tests.domain.test_metering import COUNTS, MEAN, Trial, _counts, _moments

from plainsail.domain import aside, telling
from plainsail.domain.criteria import EvidenceCriteria, Metric, Threshold
from plainsail.domain.evidence import Arm, Band, Evidence, Meter, Meters, Spread, Sums, Told, Track, Verdict
from plainsail.domain.explain import Explanation, explain
from plainsail.domain.finding import at_success, past
from plainsail.domain.observation import Counts
from plainsail.domain.trail import Point, Tally

replace = msgspec.structs.replace
sides = st.tuples(st.integers(0, 10), st.integers(0, 10), st.integers(0, 3))


def explained(trial: Trial, **fields: Any) -> Explanation:
    """With the last point of a trail, as `decide` makes it."""
    point = Point(trial.now, trial.share, Tally(), Tally(), trial.verdict.harm, trial.verdict.good)
    noted = aside.noted(trial.evidence, trial.verdict, trial.criteria, trial.now)
    trial.evidence = replace(noted, trail=(*noted.trail, point))
    return explain(rollout(trial.verdict, trial.criteria, **fields), trial.evidence)


@settings(deadline=None, max_examples=60)
@given(st.lists(sides, max_size=14), criteria)
def test_what_the_lines_bring_is_the_purse_that_decides(
    blocks: list[tuple[int, int, int]], asked: EvidenceCriteria
) -> None:
    trial = Watched(asked)
    verdict = trial.look()
    for failed, slow, live in blocks:
        verdict = trial.block(Counts(10, failed, 0, slow), Counts(90, live))
    why = explain(rollout(verdict, asked), trial.evidence)
    brought = [one.odds for one in why.metrics if one.odds is not None]
    if not why.judged or not 0.0 < asked.alpha < 1.0 or not brought:
        return
    assert math.log(math.fsum(brought)) == pytest.approx(verdict.harm * -math.log(asked.alpha), abs=1e-6)
    assert {one.outcome for one in why.metrics if one.kind == "counts" and (one.harm or 0.0) >= 1.0} <= {
        "fail"
    }


def test_the_odds_of_the_block_are_those_of_the_sentence() -> None:
    trial = Watched()
    verdict = trial.look()
    while verdict.outcome != "fail":
        verdict = trial.block(Counts(10, 3), Counts(190))
    said = telling.evidence(line(explain(rollout(verdict), trial.evidence), "errors"))
    odds = said.partition("(odds ")[2].partition(" to 1")[0]
    assert int(odds.replace(",", "")) == pytest.approx(
        int(verdict.sentence.rpartition(" are ")[2].removesuffix(" to 1").replace(",", "")), rel=0.05
    )


def test_a_guardrail_that_nothing_speaks_against() -> None:
    trial = Trial(carts=COUNTS, basket=MEAN)
    for _ in range(5):
        trial.window("carts", _counts(100, 1), _counts(900, 9))
    trial.window("basket", _moments([1.0, 2.0] * 10), _moments([1.0, 2.0] * 10))
    why = explained(trial)
    assert telling.outcome(line(why, "carts")) == "no harm seen"
    assert telling.outcome(line(why, "basket")) == "not known yet"
    assert "has 20 of the 100 on each side" in line(why, "basket").note


@pytest.mark.parametrize(("metric", "ours", "said"), [
    (replace(COUNTS, margin=0.5, max=0.05), _counts(100, 20), "with a limit of 5 % "),
    (replace(MEAN, relative=0.9, better="lower", max=2.0), _moments([2.0, 4.0] * 200), "with a limit of 2 "),
    (replace(MEAN, relative=0.9, min=9.0), _moments([2.0, 4.0] * 200), "with 9 as the least "),
])  # fmt: skip
def test_the_limit_that_decided_is_named(metric: Metric, ours: dict[str, float], said: str) -> None:
    trial = Trial(carts=metric)
    theirs = _counts(900, 90) if metric.kind() == "counts" else _moments([1.9, 4.1] * 300)
    for _ in range(40):
        if trial.window("carts", ours, theirs).outcome == "fail":
            break
    assert said in trial.verdict.sentence
    assert "margin" not in trial.verdict.sentence
    assert telling.outcome(line(explained(trial), "carts")) == "worse"


def test_windows_beyond_a_limit_are_counted() -> None:
    trial = Trial(queue=Metric("s", value="v", max=10.0))
    told = []
    for value in (9.0, 12.0, 12.0, 12.0):
        trial.window("queue", {"value": value})
        one = line(explained(trial), "queue")
        told.append((telling.outcome(one), telling.evidence(one)))
    assert told == [
        ("within", "0 of 3 windows beyond"),
        ("not sure", "1 of 3 windows beyond"),
        ("not sure", "2 of 3 windows beyond"),
        ("worse", "3 of 3 windows beyond"),
    ]


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_mean_is_compared_with_lives_last_when_all_users_are_the_candidates(dry_run: bool) -> None:
    trial = Trial(basket=replace(MEAN, dry_run=dry_run))
    trial.window("basket", _moments([9.0, 11.0] * 60), _moments([9.0, 11.0] * 600))
    trial.share = 10_000
    trial.window("basket", _moments([5.0, 7.0] * 600))
    one = line(explained(trial), "basket")
    assert (one.candidate.n, one.live.n, one.live.rate) == (1200, 1200, 10.0)
    assert (one.harm or 0.0) > 1.0
    assert trial.verdict.outcome == ("pass" if dry_run else "fail")


def test_a_dry_run_says_what_it_would_have_done_also_when_that_is_long_ago() -> None:
    trial = Trial(carts=replace(COUNTS, dry_run=True), queue=Metric("s", value="v", max=10.0, dry_run=True))
    for _ in range(9):
        trial.window("carts", _counts(100, 30), _counts(900, 9))
        explained(trial)
    for _ in range(200):
        trial.window("carts", _counts(100, 0), _counts(900, 9))
    why = explained(trial, phase="succeeded", decided_at=trial.now)
    assert trial.verdict.outcome == "pass"
    assert telling.outcome(line(why, "carts")) == "would have taken it back"
    assert telling.outcome(line(why, "queue")) == "no data, would have held it"


def test_a_dry_run_that_is_critical_would_hold_what_is_not_proven() -> None:
    trial = Trial(carts=replace(COUNTS, dry_run=True, role="critical"))
    told = []
    for _ in range(60):
        trial.window("carts", _counts(20, 0), _counts(180, 0))
        told.append(telling.outcome(line(explained(trial), "carts")))
    assert told[0] == "would have held it"
    assert told[-1] == "would have let it go on"


def test_what_keeps_it_from_passing_is_named() -> None:
    trial = Trial(orders=replace(COUNTS, role="critical", margin=0.4))
    trial.requests = -700  # so that errors and slow answers are not proven either
    trial.window("orders", _counts(268, 98), _counts(900, 0))
    assert trial.verdict.outcome == "unsure"
    assert trial.verdict.sentence.startswith(
        "orders is not proven to be good yet: 98 of 268 are bad (36.6 %) against 0 of 900 live (0 %); with a margin of 40 points"
    )
    assert "; it needs " in trial.verdict.sentence
    why = explained(trial)
    assert why.change.startswith("Orders: ")
    assert "more without a bad one prove it for 100 % of users" in why.change


def test_what_is_over_is_told_as_past() -> None:
    assert past("needs 5,235 more requests without a failure to be sure of 50 % of users, has had 7") == (
        "needed 5,235 more requests without a failure to be sure of 50 % of users, had had 7"
    )
    late = (
        "not proven after 30 s: orders is not proven to be good yet: 3 of 9 are bad; it needs 4 more requests"
    )
    assert past(late) == (
        "not proven after 30 s: orders was not proven to be good: 3 of 9 are bad; it needed 4 more requests"
    )
    assert past("0 of 9 candidate requests failed") == "0 of 9 candidate requests failed"


def test_a_success_that_is_not_proven_is_told_as_one() -> None:
    needs = "needs 629 more requests without a failure to be sure of 100 % of users, has had 38"
    verdict = Verdict("unsure", needs, "few_requests", Arm(38), needs=629)
    assert at_success(verdict) == "no harm seen in 38 requests (629 too few to be sure)"
    mishap = replace(verdict, sentence=f"{needs}, of which 2 failed")
    assert at_success(mishap) == "no proof of harm in 38 requests, of which 2 failed (629 too few to be sure)"
    proven = "proven for 100 % of users: 0 of 400 requests failed, 0 took longer than 1 s"
    assert at_success(Verdict("pass", proven, candidate=Arm(400))) == proven


def test_by_threshold_measurements_are_told_and_no_bets() -> None:
    judged = EvidenceCriteria(
        judge=Threshold(failure_limit=2), metrics={"memory": Metric("prom", value="x", max=9.0)}
    )
    said = "0 of 90 candidate requests failed (0 %)"
    meters = Meters(1, 0.0, Arm(), Arm(), {
        "errors": Meter(good=4, passed=1, said=said), "latency": Meter(good=3, failed=1, said="1 slow"),
        "memory": Meter(good=4, passed=1),
    })  # fmt: skip
    track = Track(candidate=Sums(4, 32), told=(Told(1.0, 8.0, 7.0, ""),))
    verdict = Verdict("unsure", f"{said} by threshold", candidate=Arm(90), live=Arm(90), code="few_requests")
    evidence = replace(
        Evidence(0.0),
        meters=meters,
        tracks={"memory": track},
        trail=(Point(0.0, 10, Tally(), Tally(), 0.0, 0.0),),
    )
    why = explain(rollout(verdict, judged, phase="succeeded", decided_at=120.0), evidence)
    assert why.sentence == f"Good by threshold after 2 min: 11 of 12 measurements; {said}."
    told = {one.name: (telling.outcome(one), telling.evidence(one)) for one in why.metrics}
    assert told == {
        "errors": ("good by threshold", "4 of 4 measurements good"),
        "max_errors": ("good by threshold", "4 of 4 measurements good"),
        "latency": ("good by threshold", "3 of 4 measurements good, 1 failed (2 forgiven)"),
        "crashes": ("within", "0 of 2 crashes that take it back"),
        "memory": ("good by threshold", "4 of 4 measurements good"),
    }
    shown = picture(why)
    assert "harm " not in shown.partition("Evidence, as")[0]
    assert "proven" not in shown.lower()


@given(st.floats(0.0, 100.0), st.floats(0.0, 100.0))
def test_a_difference_of_times_is_never_told_as_none(ours: float, theirs: float) -> None:
    band = Band(Spread(120, ours, ours, ours, 1.0), Spread(120, theirs, theirs, theirs, 1.0))
    verdict = Verdict("unsure", "x", candidate=Arm(120), live=Arm(120))
    why = explain(rollout(verdict), replace(Evidence(0.0), bands={"p50": band}))
    said = telling.difference(line(why, "p50"))
    assert "-0 ms" not in said
    assert "+0 ms" not in said
    assert said.startswith("no more than live") == (ours == theirs)
    assert not said.startswith("0 ")


def test_no_line_of_the_picture_ends_in_spaces(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.console import Console

    from plainsail.cli.verdict import show

    trial = Watched()
    verdict = trial.look()
    for _ in range(30):
        verdict = trial.block(Counts(10), Counts(90))
    document: dict[str, Any] = {
        "kind": "deploy", "version": "2.0", "phase": "progressing", "ended_at": None, "started_at": None,
        "strategy": "canary", "by": "ada", "id": "r1", "reason": "",
    }  # fmt: skip
    show(Console(width=100), explain(rollout(verdict), trial.evidence), document)
    shown = capsys.readouterr().out
    assert [one for one in shown.splitlines() if one != one.rstrip()] == []
    assert "candidate" in shown
