"""The comparison itself: worlds from seeds, what must be taken back, what must stay, and the document it prints."""

from __future__ import annotations

import random
import statistics
from itertools import pairwise

import msgspec
import pytest
from bench.blast import day, goals, ours
from bench.blast.cases import CASES, Case
from bench.blast.draws import binomial, poisson
from bench.blast.ended import Ended
from bench.blast.rows import ALPHA, Row, System, bound, compared, row, systems
from bench.blast.told import rows_of
from bench.blast.traces import world

BY_NAME = {case.name: case for case in CASES}
ASKED = (
    "total-failure", "errors-5", "errors-1", "errors-0.3", "latency-p50", "latency-p99", "leak", "crash-loop",
    "one-bad-replica", "one-tenth-of-users", "good", "good-bursts", "good-drift", "dependency-outage",
)  # fmt: skip


@pytest.mark.parametrize("mean", [0.3, 5.0, 47.5, 9500.0])
def test_poisson_has_its_mean_and_variance(mean: float) -> None:
    dice = random.Random(1)
    drawn = [poisson(dice, mean) for _ in range(4000)]
    assert statistics.fmean(drawn) == pytest.approx(mean, abs=5 * (mean / 4000) ** 0.5)
    assert statistics.pvariance(drawn) == pytest.approx(mean, rel=0.2)


@pytest.mark.parametrize(("n", "p"), [(5, 0.2), (95, 0.001), (95, 0.97), (10_000, 0.3), (7, 1.0)])
def test_binomial_has_its_mean_and_bounds(n: int, p: float) -> None:
    dice = random.Random(2)
    drawn = [binomial(dice, n, p) for _ in range(4000)]
    assert statistics.fmean(drawn) == pytest.approx(n * p, abs=5 * (n * p * (1 - p) / 4000) ** 0.5 + 1e-9)
    assert 0 <= min(drawn) <= max(drawn) <= n


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_worlds_are_the_same_from_a_seed_and_make_sense(case: Case) -> None:
    one = world(case, 3)
    assert msgspec.json.encode(one) == msgspec.json.encode(world(case, 3))
    assert one.candidate.requests != world(case, 4).candidate.requests
    for side in (one.candidate, one.live):
        for values in (side.requests, side.failures, side.slow, side.caused, side.crashes):
            assert len(values) == len(one.ends)
            assert all(before <= after for before, after in pairwise(values))
        assert all(bad <= all_ for bad, all_ in zip(side.failures, side.requests, strict=True))
    share = one.candidate.requests[-1] / (one.candidate.requests[-1] + one.live.requests[-1])
    assert share == pytest.approx(case.share, rel=0.05)
    assert not any(one.live.caused)


def test_a_fault_begins_when_it_should() -> None:
    one = world(BY_NAME["total-failure-late"], 0)
    assert one.at(one.candidate.caused, 29.9) == 0
    assert one.at(one.candidate.caused, 40.0) == pytest.approx(500, rel=0.2)


def test_all_that_was_asked_is_there() -> None:
    assert set(ASKED) <= set(BY_NAME)
    assert {one.name for one in systems()} == {"plainsail", "argo-rollouts", "flagger", "kayenta"}


@pytest.mark.parametrize("name", ["total-failure", "errors-5", "one-bad-replica", "crash-loop"])
def test_what_must_be_taken_back(name: str) -> None:
    end = ours.watch(world(BY_NAME[name], 1), 120.0)
    assert end.decided is not None
    assert end.off is not None
    assert end.off > end.decided


@pytest.mark.parametrize("name", ["good", "good-bursts", "good-drift", "dependency-outage", "errors-0.3"])
def test_what_must_stay(name: str) -> None:
    assert ours.watch(world(BY_NAME[name], 1), 120.0).off is None


def test_a_fault_within_the_margin_passes() -> None:
    assert ours.watch(world(BY_NAME["errors-0.3"], 1), 3600.0).proven is not None


def test_rows_are_the_document_that_was_asked_for() -> None:
    rows = compared((BY_NAME["total-failure"],), 2, systems())
    document = msgspec.json.encode({"rows": rows})
    assert rows_of(document) == tuple(rows)
    keys = list(Row.__struct_fields__)
    assert keys[:5] == ["case", "system", "setting", "runs", "detected"]
    assert keys[5:] == ["detection_s", "bad_requests", "false_alarms", "bound_ratio"]
    assert all(list(one) == keys for one in msgspec.json.decode(document)["rows"])
    floor = _of(rows, "flagger", "interval 10 s, threshold 1").bad_requests
    mine = _of(rows, "plainsail", "defaults").bad_requests
    assert floor
    assert mine
    assert floor / mine > 30


def test_a_good_release_that_was_taken_back_is_a_false_alarm_and_not_found() -> None:
    case = BY_NAME["good"]
    nervous = System("nervous", "always", lambda _world, _until: Ended(5.0, 6.0))
    one = world(case, 0)
    found = row(case, nervous, [(one, nervous.watch(one, 60.0))])
    assert (found.detected, found.false_alarms, found.bad_requests, found.bound_ratio) == (0, 1, None, None)


def test_too_early_is_a_false_alarm_too() -> None:
    case = BY_NAME["total-failure-late"]
    nervous = System("nervous", "always", lambda _world, _until: Ended(5.0, 6.0))
    one = world(case, 0)
    assert row(case, nervous, [(one, nervous.watch(one, 60.0))]).false_alarms == 1


def test_bounds_grow_as_faults_shrink() -> None:
    bounds = [bound(BY_NAME[name]) for name in ("total-failure", "one-bad-replica", "errors-5", "errors-1")]
    assert bounds == sorted(bounds)
    assert bound(BY_NAME["errors-0.3"]) == bound(BY_NAME["leak"]) == float("inf")
    assert 0 < ALPHA < 1


@pytest.mark.parametrize("kind", [*day.GOOD, *day.BAD], ids=lambda kind: kind.name)
def test_days_are_what_they_say(kind: day.Kind) -> None:
    *_, (_, candidate, live) = day.looks(kind, random.Random(5), 10 * day.DAY)
    assert candidate.requests == pytest.approx(kind.ours * 10 * day.DAY, rel=0.1)
    assert live.requests == pytest.approx(kind.theirs * 10 * day.DAY, rel=0.1)
    expected = candidate.requests * (kind.rate + kind.excess)
    assert candidate.failures == pytest.approx(expected, abs=6 * (expected * kind.clusters[1]) ** 0.5 + 5)


def test_good_days_stay_good() -> None:
    ends = [day.day(kind, 0, 7200.0) for kind in day.GOOD]
    assert not any(end.failed for end in ends)
    assert not any(day.day(kind, 0, 7200.0).proven for kind in day.BAD)


def _row(
    case: str, one: tuple[str, str], spoiled: float | None, ratio: float | None = None, alarms: int = 0
) -> Row:
    return Row(case, *one, 3, 3, 1.0, spoiled, alarms, ratio)


def test_goals_are_met_or_missed_by_what_was_measured() -> None:
    sample = goals.SAMPLES["Flagger"]
    rows = [
        _row("total-failure", goals.OURS, 15.0, 1.5), _row("total-failure", goals.FLOOR, 600.0),
        _row("total-failure", sample, 14_999.0), _row("total-failure-late", goals.OURS, 15.1, 1.6),
        _row("errors-1", goals.OURS, 60.0, 1.4), _row("errors-1", goals.FLOOR, 15.0), _row("errors-1", sample, 450.0),
        _row("good", goals.OURS, None, alarms=0), _row("good", goals.FLOOR, None, alarms=2),
    ]  # fmt: skip
    measured = [(goal.measured, goal.met) for goal in goals.of_rows(rows)]
    assert measured == [
        ("15", True),
        ("15", False),
        ("40", True),
        ("1,000", False),
        ("0.2", False),
        ("1.50", True),
    ]
    small = next(goal for goal in goals.of_rows(rows) if goal.measured == "0.2")
    assert "2 of 3 good releases, ours 0 of 3" in small.why
    assert "7.5 times as many" in small.why
    assert goals.table([small]).rows[0][-1] == "**no**"


def test_what_was_not_measured_is_no_goal() -> None:
    assert goals.of_rows([]) == []
    assert goals.of_rows([_row("total-failure", goals.FLOOR, 600.0)]) == []


def _of(rows: list[Row], system: str, setting: str) -> Row:
    return next(one for one in rows if (one.system, one.setting) == (system, setting))
