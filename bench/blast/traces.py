"""Traces: what both sides' users meet, second by second, from a seed. One world per case and seed, for all systems.

A world is cumulative counts at the ends of its bins; anybody may ask for any moment, between two ends it is a straight
line. Bins are as long as one look at first, then a second, then ten: who looks more often than that sees nothing new,
which is to our disadvantage alone, as the others look less often.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_left
from collections.abc import Callable, Iterator
from itertools import pairwise

import msgspec

from bench.blast.cases import MEDIAN, SIGMA, SLOW_AFTER, TAIL, Case
from bench.blast.draws import binomial, poisson

BAD = ((0.1, 180.0), (1.0, 1200.0), (10.0, 3600.0))
GOOD = ((0.1, 60.0), (1.0, 300.0), (10.0, 3600.0))
"""Lengths of bins in seconds, each until so many seconds of the candidate's traffic; a good release is watched to the end."""
LEAK = 1200.0
"""Seconds in which a leak grows to its full size, and stays there."""
OUTAGE = (20.0, 50.0)
"""Seconds; a dependency of both sides is away."""
CLUSTERS = (2, 20)
"""Sizes of clusters of failures, any as likely as another."""
TIDE = 1800.0
"""Seconds; period in which the base rate drifts up to twice what it is and down to nothing, for both alike."""
LIFE, DOWN = 20.0, 1.0
"""Seconds: how long an instance lives on average before it crashes, and how long its users notice before the router does."""
SESSION, PAUSE = 10, 2.0
"""Requests of one visit of a user at most, and seconds between two of them on average."""


class Side(msgspec.Struct):
    """One side's cumulative numbers at the ends of the bins; index 0 is the beginning."""

    requests: list[int]
    failures: list[int]
    slow: list[int]
    seconds: list[float]
    """That all its requests took."""
    caused: list[int]
    """Requests that the fault made fail, or made slower."""
    crashes: list[int]
    bad_one: list[int]
    """Requests of the instance that alone is bad, if there is one."""


class World(msgspec.Struct):
    """What happens. Time is since the candidate's first users."""

    case: Case
    seed: int
    ends: list[float]
    """Of the bins; the first is 0."""
    candidate: Side
    live: Side

    def at(self, values: list[int] | list[float], moment: float) -> float:
        """A cumulative number at any moment."""
        if moment <= 0.0:
            return 0.0
        index = bisect_left(self.ends, moment)
        if index >= len(self.ends):
            return float(values[-1])
        low, high = self.ends[index - 1], self.ends[index]
        return values[index - 1] + (values[index] - values[index - 1]) * (moment - low) / (high - low)


def world(case: Case, seed: int) -> World:
    """The same for the same case and seed."""
    dice = random.Random(f"{case.name}/{seed}")
    ends = [0.0, *_ends(GOOD if case.good else BAD, dice.random())]
    rates = _rates(case, dice)
    visits = _Visits(case, dice)
    dying = _Dying(case, dice)
    sides = (_side(), _side())
    for low, high in pairwise(ends):
        middle, long = (low + high) / 2, high - low
        base, excess, replica = rates(middle)
        fault = middle >= case.onset
        for side, part in zip(sides, (case.share, 1.0 - case.share), strict=True):
            ours = side is sides[0]
            n = poisson(dice, case.traffic * part * long)
            failures = _failures(dice, case, n, base)
            caused, crashes, bad_one = 0, 0, 0
            if ours and fault:
                crashes, down = dying.until(high, long)
                bad_one = binomial(dice, n, 1.0 / case.replicas) if case.fault == "replica" else 0
                caused = bad_one if replica else visits.failing(low, high, n)
                caused += binomial(dice, n - caused, excess + down)
            slow_part, mean, touched = _slowness(case, ours and fault)
            _add(side, n, min(n, failures + caused), binomial(dice, n, slow_part), _took(dice, n, mean),
                 caused + binomial(dice, n, touched), crashes, bad_one)  # fmt: skip
    return World(case, seed, ends, *sides)


def _ends(bins: tuple[tuple[float, float], ...], phase: float) -> Iterator[float]:
    """The first users come somewhere between two looks."""
    now, number = 0.0, 0
    for length, until in bins:
        while now < until - 1e-9:
            number += 1
            now = now + length * (1.0 - phase) if number == 1 else now + length
            yield round(now, 6)


Rates = Callable[[float], tuple[float, float, bool]]


def _rates(case: Case, dice: random.Random) -> Rates:
    """At a moment: part that fails on both sides, part that fails on the candidate alone, whether it is one replica."""
    turn = dice.random()

    def rates(at: float) -> tuple[float, float, bool]:
        base = case.base
        match case.fault:
            case "drift":
                return base * (1.0 + math.sin((at / TIDE + turn) * 2 * math.pi)), 0.0, False
            case "outage":
                return (case.size if OUTAGE[0] <= at < OUTAGE[1] else base), 0.0, False
            case "errors":
                return base, case.size, False
            case "leak":
                return base, case.size * min(1.0, at / LEAK), False
            case "replica":
                return base, 0.0, True
            case _:
                return base, 0.0, False

    return rates


def _failures(dice: random.Random, case: Case, n: int, rate: float) -> int:
    if case.fault != "bursts":
        return binomial(dice, n, rate)
    low, high = CLUSTERS
    clusters = binomial(dice, n, rate / ((low + high) / 2))
    return min(n, sum(dice.randint(low, high) for _ in range(clusters)))


def _slowness(case: Case, fault: bool) -> tuple[float, float, float]:
    """Part of the requests over the bound, seconds a request takes on average, part that the fault touches."""
    slow, mean = beyond(SLOW_AFTER), MEDIAN * math.exp(SIGMA**2 / 2)
    if not fault or case.fault not in ("median", "tail"):
        return slow, mean, 0.0
    longer = 1.0 + case.size
    if case.fault == "median":
        return beyond(SLOW_AFTER / longer), mean * longer, 1.0
    tail = _mean_of_tail(mean)
    return max(slow, min(TAIL, beyond(SLOW_AFTER / longer))), mean + tail * case.size, TAIL


def slow_part(case: Case) -> float:
    """Part of the candidate's requests over the bound, with the fault."""
    return _slowness(case, True)[0]


def beyond(bound: float) -> float:
    """Part of the requests that take longer, when all is well."""
    return 0.5 * math.erfc(math.log(bound / MEDIAN) / SIGMA / math.sqrt(2.0))


def _mean_of_tail(mean: float) -> float:
    """What the slowest `TAIL` contribute to the mean; 2.0537 is the normal quantile of 0.98."""
    return mean * 0.5 * math.erfc((2.0537 - SIGMA) / math.sqrt(2.0))


def _took(dice: random.Random, n: int, mean: float) -> float:
    """The sum of so many times, as a normal."""
    if not n:
        return 0.0
    return max(0.0, dice.gauss(n * mean, mean * math.sqrt(n * math.expm1(SIGMA**2))))


class _Visits:
    """Users for whom all fails. A visit is up to `SESSION` requests, so failures hang together for longer than a look."""

    def __init__(self, case: Case, dice: random.Random) -> None:
        requests = case.traffic * case.share * case.size if case.fault == "users" else 0.0
        self._per_second, self._dice, self._due = requests / ((1 + SESSION) / 2), dice, list[float]()

    def failing(self, low: float, high: float, requests: int) -> int:
        """Failures of theirs in a bin that has so many requests."""
        if not self._per_second:
            return 0
        for _ in range(poisson(self._dice, self._per_second * (high - low))):
            at = self._dice.uniform(low, high)
            for _ in range(self._dice.randint(1, SESSION)):
                self._due.append(at)
                at += self._dice.expovariate(1.0 / PAUSE)
        now = sum(at < high for at in self._due)
        self._due = [at for at in self._due if at >= high]
        return min(requests, now)


class _Dying:
    """Instances that crash again and again; while one is down and the router does not know, its requests fail."""

    def __init__(self, case: Case, dice: random.Random) -> None:
        count = case.replicas if case.fault == "crashes" else 0
        self._dice, self._count = dice, count
        self._next = [dice.expovariate(1.0 / LIFE) for _ in range(count)]

    def until(self, end: float, long: float) -> tuple[int, float]:
        """Crashes until then that are new, and the part of the bin's requests that they fail."""
        crashes, down = 0, 0.0
        for number, at in enumerate(self._next):
            if at < end:
                down += max(0.0, min(at + DOWN, end) - max(at, end - long)) / long / self._count
                crashes += at >= end - long
                if at + DOWN < end:
                    self._next[number] = end + self._dice.expovariate(1.0 / LIFE)
        return crashes, min(1.0, down)


def _side() -> Side:
    return Side([0], [0], [0], [0.0], [0], [0], [0])


def _add(
    side: Side, requests: int, failures: int, slow: int, took: float, caused: int, crashes: int, bad_one: int
) -> None:
    side.requests.append(side.requests[-1] + requests)
    side.failures.append(side.failures[-1] + failures)
    side.slow.append(side.slow[-1] + slow)
    side.seconds.append(side.seconds[-1] + took)
    side.caused.append(side.caused[-1] + min(requests, caused))
    side.crashes.append(side.crashes[-1] + crashes)
    side.bad_one.append(side.bad_one[-1] + bad_one)
