"""Random counts from seeds, quick enough for millions of bins without a library: Poisson, binomial, normal."""

from __future__ import annotations

import math
import random
from bisect import bisect_left
from functools import lru_cache
from itertools import accumulate

LARGE = 30.0
"""Variance from which on a binomial is drawn as a rounded normal; smaller ones are drawn exactly."""


MANY = 1000.0
"""Mean from which on a Poisson number is drawn as a rounded normal."""


def poisson(dice: random.Random, mean: float) -> int:
    """By the inverse of its distribution function, from a table per mean (three digits of it)."""
    if mean <= 0.0:
        return 0
    if mean > MANY:
        return max(0, round(dice.gauss(mean, math.sqrt(mean))))
    first, table = _table(float(f"{mean:.3g}"))
    return first + bisect_left(table, dice.random())


def binomial(dice: random.Random, n: int, p: float) -> int:
    """How many of n happen, each with p."""
    if n <= 0 or p <= 0.0:
        return 0
    if p >= 1.0:
        return n
    if n * p * (1.0 - p) > LARGE:
        return min(n, max(0, round(dice.gauss(n * p, math.sqrt(n * p * (1.0 - p))))))
    if p > 0.5:
        return n - binomial(dice, n, 1.0 - p)
    found, at, scale = 0, -1, 1.0 / math.log1p(-p)
    while True:
        at += 1 + int(math.log(1.0 - dice.random()) * scale)
        if at >= n:
            return found
        found += 1


@lru_cache(maxsize=8192)
def _table(mean: float) -> tuple[int, list[float]]:
    """The least count that is worth a line, and the distribution function from there."""
    width = 9.0 * math.sqrt(mean) + 12.0
    first, last = max(0, int(mean - width)), int(mean + width)
    sums = list(
        accumulate(math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(first, last))
    )
    return first, sums
