"""Histograms add up, say no more than they know, and their bands hold the true quantile, whenever one looks."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.domain.stats.chance import allowed, binomial

from plainsail.domain import histogram
from plainsail.domain.histogram import ERROR
from plainsail.domain.stats import quantiles

VALUES = st.lists(st.floats(1e-9, 1e9), min_size=1, max_size=60)
HISTOGRAMS = st.dictionaries(st.integers(-50, 50), st.integers(0, 40), max_size=12)
PARTS = st.sampled_from([0.1, 0.5, 0.9, 0.99])


def of(values: list[float]) -> dict[int, int]:
    return quantiles.merge(*({quantiles.number(value): 1} for value in values))


@given(VALUES, PARTS)
def test_a_quantile_is_within_the_error_of_the_sorted_truth(values: list[float], part: float) -> None:
    truth = sorted(values)[max(1, math.ceil(part * len(values))) - 1]
    assert quantiles.quantile(of(values), part) == pytest.approx(truth, rel=ERROR * 1.0001)


@given(st.integers(2, 3_600_000_000))
def test_numbers_are_those_of_the_router(value: int) -> None:
    assert quantiles.number(value) == histogram.number(value)


@given(VALUES, PARTS, st.integers(-300, 300))
def test_the_unit_does_not_matter(values: list[float], part: float, shift: int) -> None:
    """A unit that is a whole number of buckets larger moves everything by as many."""
    counts = of(values)
    moved = {bucket + shift: count for bucket, count in counts.items()}
    factor = ((1 + ERROR) / (1 - ERROR)) ** shift
    assert quantiles.quantile(moved, part) == pytest.approx(quantiles.quantile(counts, part) * factor)
    low, high = quantiles.band(counts, part, 0.2)
    assert quantiles.band(moved, part, 0.2) == pytest.approx((low * factor, high * factor))


def test_ends_of_the_scale() -> None:
    assert [quantiles.number(value) for value in (0.0, -1.0, math.inf)] == [
        quantiles.LOWEST,
        quantiles.LOWEST,
        quantiles.HIGHEST,
    ]
    assert quantiles.quantile({quantiles.LOWEST: 1}, 0.5) == 0.0
    assert quantiles.quantile({quantiles.HIGHEST: 1}, 0.5) == math.inf
    assert quantiles.LOWEST < quantiles.number(1e-300) < quantiles.number(1e300) < quantiles.HIGHEST
    assert quantiles.quantile({}, 0.5) == 0.0
    assert quantiles.bucket_at({}, 0.5) == 0


@given(HISTOGRAMS, HISTOGRAMS)
def test_what_is_new_and_what_was_there_add_up(one: dict[int, int], other: dict[int, int]) -> None:
    both = quantiles.merge(one, other)
    assert quantiles.total(both) == quantiles.total(one) + quantiles.total(other)
    assert quantiles.merge(other, one) == both
    new = quantiles.since(one, both)
    assert new == {bucket: count for bucket, count in other.items() if count}


def test_a_histogram_that_began_anew_is_all_new() -> None:
    assert quantiles.since({1: 5, 2: 1}, {1: 3, 2: 1}) == {1: 3, 2: 1}
    assert quantiles.since({1: 5}, {2: 9}) == {2: 9}


@given(HISTOGRAMS, st.integers(-60, 60), st.floats(0, 3))
def test_what_is_beyond_an_edge(counts: dict[int, int], edge: int, longer: float) -> None:
    assert quantiles.above(counts, edge) == quantiles.total(counts) - sum(
        count for bucket, count in counts.items() if bucket <= edge
    )
    factor = ((1 + ERROR) / (1 - ERROR)) ** quantiles.farther(longer)
    assert (1 + longer) * (1 - 1e-9) <= factor <= (1 + longer) * 1.021


def test_no_farther_is_the_same_bucket() -> None:
    assert quantiles.farther(0.0) == 0


@given(
    st.lists(st.tuples(st.floats(0.001, 10), st.integers(0, 50)), min_size=1, max_size=10, unique_by=lambda b: b[0])
)  # fmt: skip
def test_other_bounds_never_overstate(found: list[tuple[float, int]]) -> None:
    """At lower ends nothing is longer than it was, at upper ends nothing is shorter; and none is lost."""
    bounds = sorted(found)
    low, high = quantiles.from_bounds(bounds, at="lower"), quantiles.from_bounds(bounds)
    count = sum(count for _, count in bounds)
    assert quantiles.total(low) == quantiles.total(high) == count
    for bound, _ in bounds:
        edge = quantiles.number(bound)
        longer = sum(count for upper, count in bounds if quantiles.number(upper) > edge)
        assert quantiles.above(high, edge) == longer, "at a bound the counts are exact"
        assert quantiles.above(low, edge) == longer
        assert quantiles.above(low, edge + 1) <= quantiles.above(high, edge + 1)


def test_parts_of_requests_are_rounded_and_the_total_is_right() -> None:
    placed = quantiles.from_bounds([(0.1, 0.4), (0.2, 0.4), (0.5, 0.4), (math.inf, 0.4)])
    assert quantiles.total(placed) == 2
    assert quantiles.quantile(quantiles.from_bounds([(0.1, 1), (math.inf, 9)]), 0.5) == math.inf


@pytest.mark.parametrize(
    ("buckets", "says"),
    [
        ([(0.1, 1.0), (0.1, 1.0)], "bucket 2 of the histogram: its bound 0.1 is not above 0.1"),
        ([(math.nan, 1.0)], "bucket 1 of the histogram: its bound nan"),
        ([(0.1, -1.0)], "bucket 1 of the histogram: its count is -1"),
        ([(0.1, 1.0), (0.2, math.nan)], "bucket 2 of the histogram: its count is nan"),
        ([(0.1, math.inf)], "its count is inf"),
    ],
)
def test_what_is_no_histogram_is_said_where(buckets: list[tuple[float, float]], says: str) -> None:
    with pytest.raises(ValueError) as error:
        quantiles.from_bounds(buckets)
    assert says in str(error.value)


@pytest.mark.parametrize("rate", [0.01, 0.5, 0.9])
@pytest.mark.parametrize("strength", [1.0, 50.0])
def test_the_mixture_is_fair(rate: float, strength: float) -> None:
    for n in (1, 5, 40):
        money = math.fsum(
            chance * math.exp(quantiles.log_mixture(n, bad, rate, strength))
            for bad, chance in enumerate(binomial(n, rate))
        )
        assert money == pytest.approx(1.0)


@given(HISTOGRAMS, PARTS)
def test_a_band_is_around_the_quantile_and_wider_for_less_risk(counts: dict[int, int], part: float) -> None:
    low, high = quantiles.band(counts, part, 0.2)
    safer = quantiles.band(counts, part, 0.01)
    assert safer[0] <= low <= high <= safer[1]
    if quantiles.total(counts):
        assert low <= quantiles.quantile(counts, part) <= high
    else:
        assert (low, high) == (0.0, math.inf)


@given(HISTOGRAMS, PARTS)
def test_a_band_is_what_trying_every_threshold_finds(counts: dict[int, int], part: float) -> None:
    assume(quantiles.total(counts))
    goal, n = math.log(2 / 0.2), quantiles.total(counts)
    growth = (1 + ERROR) / (1 - ERROR)
    low, high = 0.0, math.inf
    for edge in range(-60, 61):
        seen = n - quantiles.above(counts, edge)
        if quantiles.log_mixture(n, seen, part, quantiles.STRENGTH) < goal or seen == part * n:
            continue
        if seen < part * n:
            low = growth**edge
        else:
            high = min(high, growth**edge)
    found = quantiles.band(counts, part, 0.2)
    below_all = min(bucket for bucket, count in counts.items() if count) > -60
    assert found[1] == pytest.approx(high)
    assert found[0] == pytest.approx(low) or not below_all


@pytest.mark.slow
@pytest.mark.parametrize("part", [0.5, 0.9])
def test_bands_never_leave_the_quantile_behind_by_more_than_alpha(part: float) -> None:
    """Exact: every course of 40 observations of three values, the quantile being the middle one."""
    alpha = 0.5
    chances = {-20: part * 0.9, 0: 0.1 * part + 0.02, 20: 1 - part - 0.02}
    alive = {(0, 0, 0): 1.0}
    for _ in range(40):
        after: dict[tuple[int, int, int], float] = {}
        for (a, b, c), chance in alive.items():
            for state, likely in zip(
                ((a + 1, b, c), (a, b + 1, c), (a, b, c + 1)), chances.values(), strict=True
            ):
                after[state] = after.get(state, 0.0) + chance * likely
        alive = {
            state: chance for state, chance in after.items()
            if _holds(dict(zip(chances, state, strict=True)), part, alpha)
        }  # fmt: skip
    assert 1 - alpha <= math.fsum(alive.values()) < 1.0


def _holds(counts: dict[int, int], part: float, alpha: float) -> bool:
    low, high = quantiles.band(counts, part, alpha)
    return low < 1.0 <= high * (1 + 1e-12)


@pytest.mark.slow
def test_bands_of_a_long_watch_hold_the_quantile() -> None:
    runs, alpha = 200, 0.05
    truth = {0.5: 1.0, 0.99: math.exp(2.3263478740408408)}
    lost = dict.fromkeys(truth, 0)
    for seed in range(runs):
        chance, counts = random.Random(seed), dict[int, int]()
        gone: set[float] = set()
        for look in range(40):
            values = [chance.lognormvariate(0.0, 1.0) for _ in range(10 + 2 * look)]
            counts = quantiles.merge(counts, of(values))
            for part, quantile in truth.items():
                low, high = quantiles.band(counts, part, alpha)
                if not low <= quantile <= high:
                    gone.add(part)
        for part in sorted(gone):
            lost[part] += 1
    assert max(lost.values()) <= allowed(runs, alpha), lost


def test_a_band_needs_a_part_and_an_alpha() -> None:
    for part, alpha in ((0.0, 0.1), (1.0, 0.1), (0.5, 0.0), (0.5, 1.0)):
        with pytest.raises(ValueError, match="between 0 and 1"):
            quantiles.band({1: 1}, part, alpha)
