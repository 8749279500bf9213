"""Quantiles within 1 % of the sorted truth, whatever is added."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from plainsail.domain.buckets import bucket
from plainsail.domain.histogram import ERROR, Histogram


@given(st.lists(st.integers(2, 3_600_000_000), min_size=1), st.sampled_from([0.01, 0.5, 0.9, 0.99, 1.0]))
def test_quantiles_are_within_the_error(values: list[int], part: float) -> None:
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    truth = sorted(values)[max(1, math.ceil(part * len(values))) - 1]
    assert abs(histogram.quantile(part) - truth) <= ERROR * truth * 1.000001
    assert histogram.total == len(values)


def test_of_nothing_the_quantiles_are_0() -> None:
    assert Histogram().quantile(0.5) == 0.0


@given(st.text())
def test_buckets_are_basis_points(user: str) -> None:
    assert 0 <= bucket("shop", user) < 10_000


def test_the_same_user_is_elsewhere_in_another_service() -> None:
    users = [f"user-{number}" for number in range(1000)]
    same = sum((bucket("shop", user) < 5000) == (bucket("blog", user) < 5000) for user in users)
    assert 400 < same < 600
