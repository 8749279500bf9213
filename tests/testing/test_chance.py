"""Draws of the simulated world: right on average and in spread, possible in every single case, the same for a seed."""

from __future__ import annotations

import math
import statistics
from random import Random

import hypothesis.strategies as st
import pytest
from hypothesis import given

from plainsail.testing.chance import LogNormal, binomial, poisson

DRAWS = 4000


@pytest.mark.parametrize("mean", [0.1, 1.0, 10.0, 29.0, 31.0, 500.0])
def test_poisson_has_its_mean_as_variance(mean: float) -> None:
    dice = Random(1)
    found = [poisson(dice, mean) for _ in range(DRAWS)]
    assert statistics.fmean(found) == pytest.approx(mean, abs=4 * math.sqrt(mean / DRAWS))
    assert statistics.variance(found) == pytest.approx(mean, rel=0.15)


@pytest.mark.parametrize(
    ("n", "p"), [(5, 0.2), (10, 0.9), (100, 0.02), (1000, 0.01), (5000, 0.0005), (400, 0.5), (10_000, 0.3)]
)
def test_binomial_has_its_mean_and_variance(n: int, p: float) -> None:
    dice = Random(1)
    found = [binomial(dice, n, p) for _ in range(DRAWS)]
    assert statistics.fmean(found) == pytest.approx(n * p, abs=4 * math.sqrt(n * p * (1 - p) / DRAWS))
    assert statistics.variance(found) == pytest.approx(n * p * (1 - p), rel=0.15)


@given(st.integers(0, 100_000), st.floats(0, 1), st.integers(0, 10))
def test_no_more_succeed_than_there_are(n: int, p: float, seed: int) -> None:
    found = binomial(Random(seed), n, p)
    assert 0 <= found <= n
    assert p not in (0.0, 1.0) or found == n * p


@given(st.floats(0, 1e6), st.integers(0, 10))
def test_counts_are_never_negative(mean: float, seed: int) -> None:
    assert poisson(Random(seed), mean) >= 0


@given(st.floats(0.001, 10), st.floats(0.05, 2), st.floats(0.01, 0.99))
def test_a_quantile_is_where_that_part_ends(median: float, spread: float, part: float) -> None:
    takes = LogNormal(median, spread)
    assert takes.beyond(takes.quantile(part)) == pytest.approx(1 - part, abs=1e-6)
    assert takes.times(1.5).quantile(part) == pytest.approx(1.5 * takes.quantile(part))
    assert takes.quantile(0.5) == pytest.approx(median)
