"""Bands hold both sides' quantiles since the comparison began, whatever live did before, and stay small and seldom."""

from __future__ import annotations

import math
import random

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import given, settings
from tests.domain.stats.chance import allowed

from plainsail.domain import bands, histogram
from plainsail.domain.evidence import Evidence
from plainsail.domain.judge import begin
from plainsail.domain.observation import Counts, Latency, Seen
from plainsail.domain.stats import quantiles

DAY = 86_400.0


class Watched:
    """Two sides whose answers take what the test says, in seconds; the log loses what it says."""

    def __init__(self, alpha: float = 0.01) -> None:
        self.alpha = alpha
        self.now = 0.0
        self.evidence: Evidence = begin(0.0)
        self.buckets: dict[str, dict[int, int]] = {}
        self.asked: dict[str, int] = {}

    def takes(self, group: str, *durations: float, lost: int = 0) -> None:
        found = self.buckets.setdefault(group, {})
        for duration in durations:
            bucket = histogram.number(duration * 1e6)
            found[bucket] = found.get(bucket, 0) + 1
        self.asked[group] = self.asked.get(group, 0) + len(durations) + lost

    def look(self, after: float = 5.0, live: str | None = "l") -> Evidence:
        self.now += after
        latency = {group: Latency(0.0, 0.0, 0.0, 1.0, dict(found)) for group, found in self.buckets.items()}
        counts = {group: Counts(asked) for group, asked in self.asked.items()}
        seen = Seen(self.now, counts=counts, latency=latency)
        self.evidence = bands.watch(self.evidence, seen, "c", live, self.alpha, self.now)
        return self.evidence


durations = st.lists(st.floats(1e-4, 100.0), min_size=30, max_size=60)


@given(durations, durations, durations)
def test_only_what_came_since_counts(before: list[float], ours: list[float], theirs: list[float]) -> None:
    told = []
    for past in ([], before):
        trial = Watched()
        trial.takes("l", *past, *([] if past else [0.5]))
        trial.look()
        trial.takes("l", *theirs)
        trial.takes("c", *ours)
        told.append(trial.look().bands)
    fresh, aged = told
    for name, part in bands.PARTS.items():
        assert (aged[name].candidate.requests, aged[name].live.requests) == (len(ours), len(theirs))
        for side, durations in ((fresh[name].candidate, ours), (aged[name].live, theirs)):
            truth = sorted(durations)[max(1, math.ceil(part * len(durations))) - 1]
            step = 1.0 + 0.01 * max(1, trial.evidence.outset.cells[1].step if trial.evidence.outset else 1)
            assert truth / step / 1.01 <= side.estimate <= truth * step * 1.01
            assert side.low <= side.estimate <= (math.inf if side.high is None else side.high)


def test_other_buckets_than_the_router_has_are_no_narrower() -> None:
    """A history that is spread wide is kept in cells of several buckets: the bands hold what finer ones hold."""
    dice = random.Random(3)
    wide, narrow = Watched(), Watched()
    wide.takes("l", *(10 ** dice.uniform(-5.9, 3.0) for _ in range(4000)))
    narrow.takes("l", 0.1)
    for trial in (wide, narrow):
        trial.look()
    theirs = [0.08 * math.exp(dice.gauss(0.0, 0.4)) for _ in range(3000)]
    for trial in (wide, narrow):
        trial.takes("l", *theirs)
        trial.takes("c", *theirs)
        trial.look()
    assert wide.evidence.outset is not None
    assert 3 <= wide.evidence.outset.cells[1].step <= 5
    for name in bands.PARTS:
        coarse, fine = wide.evidence.bands[name].live, narrow.evidence.bands[name].live
        assert coarse.low <= fine.low
        assert coarse.estimate == pytest.approx(fine.estimate, rel=0.06)
        assert (coarse.high or math.inf) >= (fine.high or math.inf)


def test_not_before_the_median_has_a_band_and_not_with_every_look() -> None:
    trial = Watched()
    trial.takes("l", 0.1)
    trial.look()
    trial.takes("l", *[0.1] * 40)
    trial.takes("c", *[0.1] * 29)
    assert trial.look().bands == {}
    trial.takes("c", 0.1)
    first = trial.look(0.1).bands
    assert first["p50"].candidate.requests == 30
    assert first["p50"].live.high is not None
    assert first["p99"].candidate.high is None
    trial.takes("c", *[0.1] * 400)
    assert trial.look(4.9).bands is first
    assert trial.look(0.2).bands["p50"].candidate.requests == 430
    trial.look(DAY)
    told = trial.look(DAY / 100).bands
    trial.takes("c", *[0.1] * 400)
    assert trial.look(60.0).bands is told, "what is old is told of more seldom"
    assert trial.look(DAY / 20).bands is not told


def test_a_log_that_begins_anew_and_others_to_compare_with() -> None:
    trial = Watched()
    trial.takes("l", *[0.1] * 1000)
    trial.look()
    trial.takes("l", *[0.1] * 100, lost=100)
    trial.takes("c", *[0.2] * 100)
    told = trial.look().bands["p50"]
    assert (told.live.coverage, told.candidate.coverage) == (0.5, 1.0)
    trial.buckets = {"l": {}, "c": {}}
    trial.takes("l", *[0.1] * 50)
    trial.takes("c", *[0.2] * 50)
    assert trial.look().bands == {}
    trial.takes("l", *[0.1] * 30)
    trial.takes("c", *[0.2] * 30)
    assert trial.look().bands["p50"].live.requests == 30
    kept = trial.evidence
    assert trial.look(live=None) is kept, "nobody to compare with: what was known stays"
    trial.takes("b", 0.1)
    assert trial.look(live="b").bands == {}


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.floats(1e-6, 3600.0), st.integers(1, 10**8)), min_size=1, max_size=700),
    st.lists(st.tuples(st.floats(1e-6, 3600.0), st.integers(1, 10**8)), max_size=700),
)
def test_what_is_kept_is_small(before: list[tuple[float, int]], ours: list[tuple[float, int]]) -> None:
    trial = Watched()
    for group, found in (("l", before), ("c", ours)):
        trial.takes(group)
        for duration, many in found:
            bucket = histogram.number(duration * 1e6)
            trial.buckets[group][bucket] = trial.buckets[group].get(bucket, 0) + many
    empty = len(msgspec.json.encode(trial.evidence))
    trial.look()
    trial.takes("l", *[0.1] * 30)
    trial.takes("c", *[0.1] * 30)
    evidence = trial.look()
    assert evidence.bands.keys() == bands.PARTS.keys()
    assert len(msgspec.json.encode(evidence)) - empty <= 2 * 9 * bands.CELLS + 600
    assert msgspec.json.decode(msgspec.json.encode(evidence), type=Evidence) == evidence


@pytest.mark.slow
def test_both_bands_hold_whenever_one_looks_but_for_alpha() -> None:
    """Of 200 pairs of equal sides, how often is the true median, or p90, outside of a side's band at any of 25 looks?"""
    alpha, wrong = 0.1, dict.fromkeys(("p50", "p90"), 0)
    truth = {name: 0.08 * math.exp(0.5 * z) for name, z in (("p50", 0.0), ("p90", 1.2815515655446004))}
    for seed in range(200):
        dice, trial, missed = random.Random(seed), Watched(alpha), set()
        trial.takes("l", *(9.0 for _ in range(50)))
        trial.look()
        for _ in range(25):
            for group, many in (("c", 10), ("l", 40)):
                trial.takes(group, *(0.08 * math.exp(dice.gauss(0.0, 0.5)) for _ in range(many)))
            for name, band in trial.look(30.0).bands.items():
                for side in (band.candidate, band.live):
                    if name in truth and not side.low <= truth[name] <= (side.high or math.inf):
                        missed.add(name)
        for name in missed:
            wrong[name] += 1
    assert max(wrong.values()) <= allowed(200, alpha)


def test_the_unit_is_the_routers() -> None:
    """Microseconds in, seconds out."""
    assert quantiles.quantile({histogram.number(250_000.0): 1}, 0.5) / bands.MICROSECONDS == pytest.approx(
        0.25, rel=0.01
    )
