"""Means: the mixture is what it says it is, units and sides do not matter, and good releases are left alone."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.domain.stats.chance import allowed

from plainsail.domain.evidence import Sums
from plainsail.domain.stats import means

RANDOM = Callable[[random.Random], float]


def sums(values: list[float]) -> Sums:
    return Sums(float(len(values)), math.fsum(values), math.fsum(value * value for value in values))


def made(n: float, mean: float, spread: float) -> Sums:
    """Sums of n observations with this mean and standard deviation."""
    return Sums(n, n * mean, (n - 1) * spread * spread + n * mean * mean)


SIDES = st.builds(made, st.integers(100, 100_000).map(float), st.floats(-3, 3), st.floats(0.5, 2))
RATIOS = st.floats(0.5, 2)


@given(SIDES, SIDES, RATIOS, st.floats(-1, 1), st.sampled_from([1e-6, 0.01, 60.0, 1e6]))
def test_the_unit_does_not_matter(ours: Sums, theirs: Sums, ratio: float, margin: float, unit: float) -> None:
    mine, live = (Sums(side.n, side.sum * unit, side.squares * unit * unit) for side in (ours, theirs))
    for method in (means.log_worse, means.log_better):
        assert method(mine, live, ratio, margin * unit) == pytest.approx(
            method(ours, theirs, ratio, margin), rel=1e-6, abs=1e-6
        )
    low, high = means.interval(ours, theirs, 0.05, ratio) or (0.0, 0.0)
    scaled = means.interval(mine, live, 0.05, ratio) or (0.0, 0.0)
    assert scaled == pytest.approx((low * unit, high * unit), rel=1e-6, abs=1e-6 * unit)


@given(SIDES, SIDES, st.floats(-1, 1))
def test_sides_swapped_are_the_same_difference(ours: Sums, theirs: Sums, margin: float) -> None:
    """Proof takes the spread at the margin, if that is larger; so it is the slower of the two."""
    harm = means.log_worse(ours, theirs, 1.0, margin)
    assert means.log_better(theirs, ours, 1.0, -margin) <= max(0.0, harm) + 1e-9
    low, high = means.interval(ours, theirs, 0.05) or (0.0, 0.0)
    assert means.interval(theirs, ours, 0.05) == pytest.approx((-high, -low))


@given(st.integers(100, 10_000), st.integers(100, 10_000), st.floats(-0.4, 0.4), st.floats(0, 0.2))
def test_where_the_spread_does_not_move_proof_is_harm_with_sides_swapped(
    n: int, m: int, effect: float, margin: float
) -> None:
    ours, theirs = made(float(n), 10.0 + effect, 3.0), made(float(m), 10.0, 3.0)
    assert means.log_better(theirs, ours, 1.0, -margin) == pytest.approx(
        means.log_worse(ours, theirs, 1.0, margin), rel=0.2, abs=0.2
    )


@given(SIDES, SIDES, st.floats(0.01, 1))
def test_a_larger_margin_is_less_harm(ours: Sums, theirs: Sums, more: float) -> None:
    assert means.log_worse(ours, theirs, 1.0, more) <= means.log_worse(ours, theirs) + 1e-9


AMOUNTS = st.builds(made, st.integers(100, 100_000).map(float), st.floats(0, 3), st.floats(0.5, 2))


@given(AMOUNTS, AMOUNTS, st.floats(0, 1), st.floats(0.01, 1))
def test_a_larger_margin_is_more_proof(ours: Sums, theirs: Sums, margin: float, more: float) -> None:
    """Of amounts; of values of both signs the allowance for rare ones can be in the way."""
    wider = means.log_better(ours, theirs, 1.0, margin + more)
    assert wider >= means.log_better(ours, theirs, 1.0, margin) - 1e-9


@given(st.floats(0.001, 0.5), st.integers(100, 5_000))
def test_more_of_the_same_harm_is_more_evidence_in_the_end(effect: float, n: int) -> None:
    theirs = made(1e6, 1.0, 1.0)
    logs = [means.log_worse(made(float(n * k), 1.0 + effect, 1.0), theirs) for k in (1, 1000)]
    assert logs[1] > logs[0] or effect < 0.02


@given(SIDES, SIDES, st.sampled_from([0.2, 0.05, 0.001]))
def test_intervals_hold_the_estimate_and_widen_for_less_risk(ours: Sums, theirs: Sums, alpha: float) -> None:
    low, high = means.interval(ours, theirs, alpha) or (1.0, -1.0)
    assert low < ours.sum / ours.n - theirs.sum / theirs.n < high
    safer = means.interval(ours, theirs, alpha / 2) or (1.0, -1.0)
    assert safer[0] < low < high < safer[1]


@pytest.mark.parametrize("z", [-40.0, -8.0, -1.0, 0.0, 2.0, 6.0])
@pytest.mark.parametrize("n", [1e6, 1e8])
def test_the_e_value_is_the_mixture_over_positive_effects(z: float, n: float) -> None:
    """The closed form against a sum over the half-normal density of effects, in steps; so many that Student's correction is none."""
    theirs = made(1e14, 0.0, 1.0)
    ours = made(n, z / math.sqrt(n), 1.0)
    found = means.log_worse(ours, theirs)
    spread = math.sqrt(means.PRIOR)
    step = min(spread, 1 / math.sqrt(n)) / 400
    logs = []
    for k in range(int(min(12 * spread, (abs(z) + 12) / math.sqrt(n)) / step)):
        effect = (k + 0.5) * step
        density = math.log(2 / (spread * math.sqrt(2 * math.pi))) - 0.5 * (effect / spread) ** 2
        logs.append(density + math.sqrt(n) * z * effect - 0.5 * n * effect * effect + math.log(step))
    top = max(logs)
    summed = top + math.log(math.fsum(math.exp(log - top) for log in logs))
    assert found == pytest.approx(summed, abs=2e-2 if z == -40.0 else 2e-3)


def test_the_interval_is_that_of_the_paper() -> None:
    """Waudby-Smith et al., theorem 2.2, written out: mean +- s sqrt(2 (n r^2 + 1) / (n^2 r^2) log(sqrt(n r^2 + 1) / alpha))."""
    n, squared, alpha = 1e7, means.PRIOR_PAIRS, 0.05
    half = math.sqrt(2 * (n * squared + 1) / (n * n * squared) * math.log(math.sqrt(n * squared + 1) / alpha))
    low, high = means.interval_paired(made(n, 3.0, 2.0), alpha) or (0.0, 0.0)
    assert (low, high) == pytest.approx((3.0 - 2 * half, 3.0 + 2 * half), rel=1e-6)


def test_the_interval_excludes_0_about_when_the_e_value_says_so() -> None:
    theirs = made(1e6, 0.0, 1.0)
    for z in [k / 10 for k in range(20, 60)]:
        ours = made(5000.0, z / math.sqrt(5000), 1.0)
        interval = means.interval(ours, theirs, 0.02)
        assert interval is not None
        if interval[0] > 0:
            assert means.log_worse(ours, theirs) > math.log(1 / 0.02)


def test_with_few_or_without_spread_nothing_is_said() -> None:
    many, few, flat = made(1000.0, 1.0, 1.0), made(means.LEAST - 1.0, 9.0, 1.0), Sums(500.0, 500.0, 500.0)
    for ours, theirs in ((few, many), (many, few), (flat, flat), (Sums(), many), (Sums(), Sums())):
        assert means.log_worse(ours, theirs) == means.log_better(ours, theirs) == 0.0
        assert means.interval(ours, theirs, 0.05) is None
    assert means.log_paired(made(means.LEAST_PAIRS - 1.0, 9.0, 1.0)) == 0.0
    assert means.interval_paired(Sums(), 0.05) is None


@pytest.mark.parametrize(
    ("n", "total", "squares", "says"),
    [
        (math.nan, 1.0, 1.0, "the count is nan"),
        (10.0, math.inf, 1.0, "the sum is inf"),
        (10.0, 1.0, math.nan, "the sum of squares is nan"),
        (-1.0, 1.0, 1.0, "the count is -1"),
        (10.0, 1.0, -1.0, "the sum of squares is -1"),
        (0.0, 1.0, 1.0, "there are sums of nothing"),
        (10.0, 100.0, 999.0, "the sum of squares, 999, is too small for a sum of 100 over 10"),
    ],
)
def test_what_cannot_be_sums_is_said_of_which_side(n: float, total: float, squares: float, says: str) -> None:
    assert says in means.fault(n, total, squares)
    wrong, right = Sums(n, total, squares), made(500.0, 1.0, 1.0)
    for ours, theirs, side in ((wrong, right, "candidate"), (right, wrong, "live")):
        with pytest.raises(ValueError, match=f"{side}: "):
            means.log_worse(ours, theirs)
    with pytest.raises(ValueError, match="differences: "):
        means.log_paired(wrong)


@given(st.lists(st.floats(-1e6, 1e6), max_size=50))
def test_sums_of_numbers_have_no_fault(values: list[float]) -> None:
    found = sums(values)
    assert means.fault(found.n, found.sum, found.squares) == ""


def _watched(ours: RANDOM, theirs: RANDOM, ratio: float, margin: float, seed: int) -> tuple[float, float]:
    """The most there ever was of both logs while 6,000 users come, a twentieth to the candidate, then a third."""
    chance, sides, worse, better = random.Random(seed), [Sums(), Sums()], -99.0, -99.0
    for user in range(6000):
        which = int(chance.random() > (0.05 if user < 3000 else 0.33))
        value, side = (ours, theirs)[which](chance), sides[which]
        sides[which] = Sums(side.n + 1, side.sum + value, side.squares + value * value)
        if user % 50 == 49:
            worse = max(worse, means.log_worse(sides[0], sides[1], ratio, margin))
            better = max(better, means.log_better(sides[0], sides[1], ratio, margin))
    return worse, better


def ones(rate: float) -> RANDOM:
    return lambda chance: float(chance.random() < rate)


def basket(chance: random.Random) -> float:
    return chance.lognormvariate(3.0, 1.0) if chance.random() < 0.2 else 0.0


EDGES: dict[str, tuple[RANDOM, RANDOM, float, float]] = {
    "bell": (lambda chance: chance.gauss(5.0, 1.0), lambda chance: chance.gauss(5.0, 1.0), 1.0, 0.0),
    "one in ten": (ones(0.1), ones(0.1), 1.0, 0.0),
    "one in a hundred": (ones(0.01), ones(0.01), 1.0, 0.0),
    "twice as many, as is allowed": (ones(0.04), ones(0.02), 2.0, 0.0),
    "two points more, as is allowed": (ones(0.03), ones(0.01), 1.0, 0.02),
    "half a point more of rare ones, as is allowed": (ones(0.006), ones(0.001), 1.0, 0.005),
    "baskets": (basket, basket, 1.0, 0.0),
    "baskets a tenth larger, as is allowed": (lambda chance: 1.1 * basket(chance), basket, 1.1, 0.0),
}


@pytest.mark.slow
@pytest.mark.parametrize("edge", EDGES)
def test_at_the_edge_neither_harm_nor_proof_is_found(edge: str) -> None:
    runs = 100
    found = [_watched(*EDGES[edge], seed) for seed in range(runs)]
    for logs in zip(*found, strict=True):
        assert sum(log >= math.log(20) for log in logs) <= allowed(runs, 0.05)
        assert sum(log >= math.log(100) for log in logs) <= allowed(runs, 0.01)


def _series(seed: int, kept: float, effect: float = 0.0) -> float:
    """The most there ever was of the log for 300 differences of which each keeps a part of the last."""
    chance, found, most, steps = random.Random(seed), Sums(), 0.0, 0.0
    last, value = None, chance.gauss(0.0, 1.0)
    for _ in range(300):
        value = kept * value + math.sqrt(1 - kept * kept) * chance.gauss(0.0, 1.0)
        here = value + effect
        steps += 0.0 if last is None else (here - last) ** 2
        found, last = Sums(found.n + 1, found.sum + here, found.squares + here * here), here
        most = max(most, means.log_paired(found, 0.0, steps))
    return most


@pytest.mark.slow
@pytest.mark.parametrize("kept", [0.0, 0.5, 0.8])
def test_what_a_series_keeps_is_no_evidence(kept: float) -> None:
    runs = 200
    assert sum(_series(seed, kept) >= math.log(20) for seed in range(runs)) <= allowed(runs, 0.05)


def test_a_series_that_is_worse_is_found() -> None:
    assert sum(_series(seed, 0.5, 1.0) >= math.log(100) for seed in range(11)) >= 9


@given(st.floats(-1e4, 1e4))
@settings(max_examples=50, deadline=None)
def test_where_the_level_is_does_not_matter(level: float) -> None:
    chance = random.Random(7)
    here = [chance.gauss(0.5, 1.0) for _ in range(60)]
    logs = []
    for values in (here, [one + level for one in here]):
        sums = Sums(60.0, sum(values), sum(one * one for one in values))
        steps = sum((one - other) ** 2 for one, other in itertools.pairwise(values))
        logs.append(means.log_paired(sums, 0.0 if values is here else level, steps))
    assert logs[0] == pytest.approx(logs[1], rel=1e-4, abs=1e-4)


def test_steps_are_numbers() -> None:
    with pytest.raises(ValueError, match="squared steps"):
        means.log_paired(made(50.0, 1.0, 1.0), 0.0, math.nan)
