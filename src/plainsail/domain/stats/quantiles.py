"""Histograms in buckets that grow by a fixed factor, their quantiles, and bands in which the true quantile stays.

Buckets are numbered as in `domain/histogram.py` (Masson, Rim, Lee: "DDSketch", VLDB 2019): number b holds what is above
growth^(b-1) and at most growth^b, so a quantile is known within 1 %. Numbers below 0 hold values below 1, so the unit does
not matter. Histograms of several instances or windows are added up.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import Literal

from plainsail.domain.histogram import ERROR

Buckets = Mapping[int, int]
"""How many there are, by number of the bucket."""

LOWEST, HIGHEST = -2000, 2000
"""Numbers for 0 and less, and for what is infinite: beyond 4e-18 and 2e17 of any unit."""
STRENGTH = 50.0
"""Observations that the mixture's prior is worth: the band is tightest at some 400 of them, and a quarter wider than it might
be at a million. The median has a band from 25 observations on, the 99th percentile an upper end from 500 on."""


def number(value: float) -> int:
    """Of the bucket that a value is in."""
    if value <= 0.0:
        return LOWEST
    if value == math.inf:
        return HIGHEST
    return min(HIGHEST - 1, max(LOWEST + 1, math.ceil(math.log(value) * _PER_LOG - _ROUNDING)))


def farther(relative: float) -> int:
    """How many buckets higher a value is that is longer by this part. Rounded up, so by up to 2 % too many."""
    return math.ceil(math.log1p(relative) * _PER_LOG - _ROUNDING)


def merge(*histograms: Buckets) -> dict[int, int]:
    """All of them as one."""
    merged: dict[int, int] = {}
    for histogram in histograms:
        for bucket, count in histogram.items():
            merged[bucket] = merged.get(bucket, 0) + count
    return merged


def since(last: Buckets, found: Buckets) -> dict[int, int]:
    """What is new in a cumulative histogram. A smaller number than before means that it began anew: then all of it is."""
    if any(found.get(bucket, 0) < count for bucket, count in last.items()):
        return {bucket: count for bucket, count in found.items() if count}
    new = {bucket: count - last.get(bucket, 0) for bucket, count in found.items()}
    return {bucket: count for bucket, count in new.items() if count}


def from_bounds(
    buckets: Sequence[tuple[float, float]], at: Literal["lower", "upper"] = "upper"
) -> dict[int, int]:
    """A histogram with bounds of its own: (upper bound, how many in this bucket alone), the last bound may be infinite.

    All that is known of a value is its bucket, so all of it is put at one end: `upper` for "at most this long", `lower` for
    "at least this long". Nothing is spread evenly, which would invent digits. What must not be overstated decides
    which: a candidate is slower beyond doubt only at its lower ends; a band is from the low end of one to the high end of
    the other. Parts of a request, as extrapolated by a source, are rounded so that the total is right. Durations begin at 0.

    ValueError: bounds that do not grow, counts that are negative or no numbers.
    """
    placed: dict[int, int] = {}
    below, seen, counted = 0.0, 0.0, 0
    for which, (bound, count) in enumerate(buckets):
        if math.isnan(bound) or (which and bound <= below):
            raise ValueError(
                f"bucket {which + 1} of the histogram: its bound {bound:g} is not above {below:g}"
            )
        if not 0.0 <= count < math.inf:
            raise ValueError(f"bucket {which + 1} of the histogram: its count is {count:g}")
        seen += count
        whole = round(seen) - counted
        if whole:
            end = number(bound) if at == "upper" else min(number(bound), number(below) + 1)
            placed[end] = placed.get(end, 0) + whole
        below, counted = bound, round(seen)
    return placed


def total(buckets: Buckets) -> int:
    """How many there are."""
    return sum(buckets.values())


def above(buckets: Buckets, edge: int) -> int:
    """How many are in buckets beyond this one: exactly those that are longer than its upper end."""
    return sum(count for bucket, count in buckets.items() if bucket > edge)


def bucket_at(buckets: Buckets, part: float) -> int:
    """The bucket of the value that `part` (0 to 1) of all are not above; 0 when there is none."""
    rank = max(1, math.ceil(part * total(buckets)))
    seen = 0
    for bucket in sorted(buckets):
        seen += buckets[bucket]
        if seen >= rank:
            return bucket
    return 0


def quantile(buckets: Buckets, part: float) -> float:
    """The value that `part` (0 to 1) of all are not above, within 1 %. 0 when there is none."""
    return _middle(bucket_at(buckets, part)) if total(buckets) else 0.0


def band(buckets: Buckets, part: float, alpha: float) -> tuple[float, float]:
    """A confidence sequence: the true quantile is outside of *any* of the bands, ever, with a chance of at most alpha.

    For independent observations of one distribution. The quantile is above the band only if the test of "at most `part` are
    below this threshold" errs at one threshold (the last bucket before the quantile: counts grow with the threshold, and
    so does the evidence), and below it only if the opposite test errs at another one; each has alpha / 2. Both tests are the
    beta-binomial mixture of P(X <= x) against `part`, a martingale that reaches 2 / alpha with a chance of alpha / 2 (Robbins,
    "Statistical methods related to the law of the iterated logarithm", 1970; Ville, 1939). Inverting over thresholds is
    due to Howard & Ramdas, "Sequential estimation of quantiles", Bernoulli 2022. From 0 to infinity when too little is known.

    ValueError: `part` or `alpha` is not between 0 and 1.
    """
    if not (0.0 < part < 1.0 and 0.0 < alpha < 1.0):
        raise ValueError(f"a band has a part and an alpha between 0 and 1, not {part:g} and {alpha:g}")
    numbers = sorted(bucket for bucket, count in buckets.items() if count)
    below = [0, *accumulate(buckets[bucket] for bucket in numbers)]
    count, goal = below[-1], math.log(2.0 / alpha)

    def sure(seen: int) -> bool:
        return log_mixture(count, seen, part, STRENGTH) >= goal

    low = _first(len(below), lambda at: not (below[at] < part * count and sure(below[at])))
    high = _first(len(below), lambda at: below[at] > part * count and sure(below[at]))
    return (
        _upper_end(numbers[low - 1] - 1) if 0 < low < len(below) else 0.0,
        _upper_end(numbers[high - 1]) if high < len(below) else math.inf,
    )


def log_mixture(count: int, bad: int, rate: float, strength: float, centre: float | None = None) -> float:
    """Log of the beta-binomial mixture's likelihood of `bad` in `count` over that of `rate` (0 < rate < 1).

    A martingale when each of them is bad with that rate, whatever came before. The mixture is a beta distribution around
    `centre` (itself the rate, if not given; then it has to be known beforehand) that is worth `strength` observations.
    """
    middle = rate if centre is None else centre
    a, b = strength * middle, strength * (1.0 - middle)
    mixed = _log_beta(bad + a, count - bad + b) - _log_beta(a, b)
    return mixed - bad * math.log(rate) - (count - bad) * math.log1p(-rate)


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _first(count: int, holds: Callable[[int], bool]) -> int:
    """The first of 0 .. count - 1 for which it holds, as it does from there on; `count` if there is none."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def _middle(bucket: int) -> float:
    """Within 1 % of all values in the bucket."""
    if bucket in (LOWEST, HIGHEST):
        return _upper_end(bucket)
    return 2 * _upper_end(bucket) / (1 + _GROWTH)


def _upper_end(bucket: int) -> float:
    if bucket <= LOWEST:
        return 0.0
    return math.inf if bucket >= HIGHEST else _GROWTH**bucket


_GROWTH = (1 + ERROR) / (1 - ERROR)
_PER_LOG = 1 / math.log(_GROWTH)
_ROUNDING = 1e-9
"""Of a bucket: what floating point adds to a value that is on its upper end."""
