"""Chance: draws from one seeded source, the same for the same seed on every machine and in every process."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random
from statistics import NormalDist

import msgspec

EXACT = 30.0
"""Expected successes up to which a draw is exact; above, the normal distribution is as good and takes no longer for more."""
_NORMAL = NormalDist()


class LogNormal(msgspec.Struct, frozen=True):
    """Durations whose logarithms are normal: what response times of web services look like, a long tail included."""

    median: float
    """Seconds."""
    spread: float
    """Standard deviation of the natural logarithm."""

    def beyond(self, bound: float) -> float:
        """The part of all that takes longer."""
        return 1.0 - _NORMAL.cdf(math.log(bound / self.median) / self.spread) if bound > 0 else 1.0

    def mean(self) -> float:
        return self.median * math.exp(self.spread**2 / 2)

    def quantile(self, part: float) -> float:
        return self.median * math.exp(self.spread * _NORMAL.inv_cdf(part))

    def draw(self, dice: Random) -> float:
        return self.median * math.exp(dice.gauss(0.0, self.spread))

    def times(self, factor: float) -> LogNormal:
        return LogNormal(self.median * factor, self.spread)


def poisson(dice: Random, mean: float) -> int:
    """How many independent things happen when so many are expected."""
    if mean > EXACT:
        return max(0, round(dice.gauss(mean, math.sqrt(mean))))
    count, left = 0, mean - dice.expovariate(1.0)
    while left > 0.0:
        count, left = count + 1, left - dice.expovariate(1.0)
    return count


def scattered(dice: Random, number: int, rooms: Sequence[int]) -> list[int]:
    """Where so many things fall that are equally likely in each place, if no more fit anywhere than there are places in
    its room. A close likeness of the multivariate hypergeometric distribution, in one draw for each room."""
    left, places, found = min(number, sum(rooms)), sum(rooms), []
    for room in rooms:
        here = binomial(dice, left, room / places) if places else 0
        here = min(room, max(here, left - (places - room)))
        found.append(here)
        left, places = left - here, places - room
    return found


def binomial(dice: Random, n: int, p: float) -> int:
    """How many of n succeed, each with probability p."""
    if p <= 0.0 or n <= 0:
        return 0
    if p >= 1.0:
        return n
    if p > 0.5:
        return n - binomial(dice, n, 1.0 - p)
    if n * p > EXACT:
        return min(n, max(0, round(dice.gauss(n * p, math.sqrt(n * p * (1.0 - p))))))
    count, left, log_miss = 0, float(n), math.log1p(-p)
    while (left := left - 1 - math.log(1.0 - dice.random()) // min(log_miss, -1e-300)) >= 0:
        count += 1
    return count
