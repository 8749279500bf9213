"""Kayenta's Mann-Whitney interval. From spinnaker/kayenta: `kayenta-mannwhitney/src/main/scala/.../MannWhitney.scala` and
`java/.../BrentSolver.java`; the root finder is Brent's (1973) with the absolute tolerance found there, written anew."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import groupby

TOLERANCE = 1e-4
"""Absolute, whatever the unit of the metric: below it an interval's ends are where the search happened to stop."""
Z99 = 2.3263478740408408
"""Normal quantile of 0.99: confidence 0.98 on two sides."""


def interval(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float, float]:
    """Lower and upper end of the shift of ours against theirs, and its estimate."""
    low, high = min(ours) - max(theirs), max(ours) - min(theirs)

    def root(quantile: float, *, clip: bool) -> float:
        def value(shift: float) -> float:
            return statistic(shift, ours, theirs) - quantile

        at_low, at_high = value(low), value(high)
        if clip and at_low <= 0.0:
            return low
        if clip and at_high >= 0.0:
            return high
        return brent(value, low, high, at_low, at_high)

    return root(Z99, clip=True), root(-Z99, clip=True), root(0.0, clip=False)


def statistic(shift: float, ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Standardized rank sum of ours less the shift, with correction for continuity and ties. ValueError: all are tied."""
    pooled = sorted([(value - shift, True) for value in ours] + [(value, False) for value in theirs])
    rank_sum, ties, at = 0.0, 0.0, 0
    for _, group in groupby(pooled, key=lambda one: one[0]):
        tied = list(group)
        count = len(tied)
        rank_sum += (at + (count + 1) / 2) * sum(mine for _, mine in tied)
        ties += count**3 - count
        at += count
    n, m = len(ours), len(theirs)
    away = rank_sum - n * (n + 1) / 2 - n * m / 2
    spread = math.sqrt((n * m / 12) * ((n + m + 1) - ties / ((n + m) * (n + m - 1))))
    if spread == 0.0:
        raise ValueError("all are tied")
    return (away - math.copysign(0.5, away) * (away != 0.0)) / spread


def brent(value: Callable[[float], float], low: float, high: float, at_low: float, at_high: float) -> float:
    """Where it is zero, or where the search stops."""
    if at_low == 0.0:
        return low
    if at_high == 0.0:
        return high
    a, b, fa, fb = low, high, at_low, at_high
    c, fc = a, fa
    for _ in range(1000):
        before = b - a
        if abs(fc) < abs(fb):
            a, b, c = b, c, b
            fa, fb, fc = fb, fc, fb
        close = 2 * 2.220446049250313e-16 * abs(b) + TOLERANCE / 2
        step = (c - b) / 2
        if abs(step) <= close or fb == 0.0:
            return b
        if abs(before) >= close and abs(fa) > abs(fb):
            p, q = _interpolated(a, b, c, fa, fb, fc)
            if p < 0.75 * (c - b) * q - abs(close * q) / 2 and p < abs(before * q / 2):
                step = p / q
        if abs(step) < close:
            step = math.copysign(close, step)
        a, fa = b, fb
        b += step
        fb = value(b)
        if (fb > 0.0) == (fc > 0.0) and fb != 0.0:
            c, fc = a, fa
    return b


def _interpolated(a: float, b: float, c: float, fa: float, fb: float, fc: float) -> tuple[float, float]:
    """A step as numerator (positive) and denominator: by the secant, or by the inverse quadratic."""
    if a == c:
        ratio = fb / fa
        p, q = (c - b) * ratio, 1.0 - ratio
    else:
        q, ratio, other = fa / fc, fb / fc, fb / fa
        p = other * ((c - b) * q * (q - ratio) - (b - a) * (ratio - 1.0))
        q = (q - 1.0) * (ratio - 1.0) * (other - 1.0)
    return (p, -q) if p > 0.0 else (-p, q)
