"""Intervals of rates: exact over every course of requests, right at none and at all; and the past as a limit."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.domain.stats.chance import binomial

from plainsail.domain.stats import differences, history


@st.composite
def arms(draw: st.DrawFn) -> tuple[int, int]:
    requests = draw(st.sampled_from([0, 1, 2, 10, 1000, 10**9]))
    return requests, draw(st.integers(0, requests))


ALPHAS = st.sampled_from([0.2, 0.01, 1e-6])


@given(arms(), ALPHAS)
def test_a_rate_is_in_its_interval(arm: tuple[int, int], alpha: float) -> None:
    requests, bad = arm
    low, high = differences.rate(requests, bad, alpha)
    assert 0.0 <= low <= high <= 1.0
    if requests:
        assert low <= bad / requests <= high
    safer = differences.rate(requests, bad, alpha / 2)
    assert safer[0] <= low
    assert high <= safer[1]


@given(arms(), ALPHAS)
def test_good_and_bad_swapped_are_mirrored(arm: tuple[int, int], alpha: float) -> None:
    requests, bad = arm
    low, high = differences.rate(requests, bad, alpha)
    assert differences.rate(requests, requests - bad, alpha) == pytest.approx((1 - high, 1 - low), abs=1e-9)


@given(arms(), arms(), ALPHAS)
def test_sides_swapped_are_the_other_sign(
    ours: tuple[int, int], theirs: tuple[int, int], alpha: float
) -> None:
    low, high = differences.interval(*ours, *theirs, alpha)
    assert -1.0 <= low <= high <= 1.0
    assert differences.interval(*theirs, *ours, alpha) == pytest.approx((-high, -low))


def test_nothing_is_known_without_requests_and_all_ends_are_right() -> None:
    assert differences.interval(0, 0, 0, 0, 0.05) == (-1.0, 1.0)
    assert differences.rate(1000, 0, 0.05)[0] == 0.0
    assert differences.rate(1000, 1000, 0.05)[1] == 1.0
    none, one = differences.rate(1000, 0, 0.05), differences.rate(1000, 1, 0.05)
    assert 0.0 < none[1] < one[1] < 0.02


@pytest.mark.parametrize("requests", [1, 7, 100])
@pytest.mark.parametrize("at", [0.01, 0.3, 0.99])
def test_at_one_look_the_interval_is_never_narrower_than_the_exact_one(requests: int, at: float) -> None:
    """Clopper & Pearson's, by the exact tails: what may be concluded at any time is less than at one."""
    alpha = 0.05
    chances = binomial(requests, at)
    for bad in range(requests + 1):
        low, high = differences.rate(requests, bad, alpha)
        if at < low:
            assert math.fsum(chances[bad:]) <= alpha / 2
        if at > high:
            assert math.fsum(chances[: bad + 1]) <= alpha / 2


@pytest.mark.slow
@pytest.mark.parametrize("true", [0.02, 0.1, 0.5, 0.97])
@pytest.mark.parametrize("alpha", [0.5, 0.1])
def test_watched_at_every_request_a_rate_is_lost_with_a_chance_of_alpha_at_most(
    true: float, alpha: float
) -> None:
    """Exact: every course of 120 requests."""
    alive, lost = {0: 1.0}, 0.0
    for requests in range(1, 121):
        after: dict[int, float] = {}
        for bad, chance in alive.items():
            after[bad] = after.get(bad, 0.0) + chance * (1 - true)
            after[bad + 1] = after.get(bad + 1, 0.0) + chance * true
        inside = {bad for bad in after if _in(true, differences.rate(requests, bad, alpha))}
        lost += math.fsum(chance for bad, chance in after.items() if bad not in inside)
        alive = {bad: chance for bad, chance in after.items() if bad in inside}
    assert 0.0 < lost <= alpha


def _in(value: float, interval: tuple[float, float]) -> bool:
    return interval[0] <= value <= interval[1]


@pytest.mark.parametrize(("requests", "bad"), [(10, 11), (10, -1), (-1, -1)])
def test_counts_that_cannot_be(requests: int, bad: int) -> None:
    with pytest.raises(ValueError, match="cannot be bad"):
        differences.rate(requests, bad, 0.05)


@pytest.mark.parametrize("alpha", [0.0, 1.0, math.nan])
def test_an_alpha_is_between_0_and_1(alpha: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        differences.rate(10, 1, alpha)


@given(arms(), ALPHAS, st.floats(0, 0.2), st.floats(0, 1))
def test_a_past_is_a_limit_above_its_own_rate(
    arm: tuple[int, int], alpha: float, margin: float, part: float
) -> None:
    requests, bad = arm
    limit = history.limit(requests, bad, margin, part, alpha)
    assert 0.0 < limit < 1.0
    assert limit >= min(0.99, history.at_most(requests, bad, alpha))
    assert limit >= history.limit(requests, bad, margin / 2, part / 2, alpha)


def test_a_longer_past_is_a_closer_limit() -> None:
    limits = [history.at_most(requests, requests // 1000, 0.005) for requests in (0, 1000, 10_000, 1_000_000)]
    assert limits == sorted(limits, reverse=True)
    assert limits[0] == 1.0
    assert limits[-1] < 0.0012
