"""The metric source port over a simulated world: it knows what releases are like, evaluates no query, and may fail, hang or lie.

A release is as good as the metric asks for, and worse by `Behaviour.worse`. What users there are follows the router's
split; chance has a seed of its own, so that a world in which nobody measures is the same as one in which somebody does.
"""

from __future__ import annotations

import asyncio
import itertools
import math
from collections.abc import Mapping
from random import Random
from typing import TYPE_CHECKING

from plainsail.domain.criteria import Metric
from plainsail.domain.units import ALL
from plainsail.ports.errors import Failure, Rejected
from plainsail.ports.metrics import Ask, Metrics, Reading
from plainsail.testing.behaviour import Behaviour
from plainsail.testing.chance import binomial, poisson
from plainsail.testing.insiders import share

if TYPE_CHECKING:
    from plainsail.testing.world import World

BAD = 0.002
"""Part of what is counted that is bad with a good release, if the metric's limit leaves room for it."""
NOISE = 0.02
"""Standard deviation of a value from window to window, in parts of it."""
SPREAD = 1.0
"""Standard deviation of what one user brings, in parts of the mean: baskets and clicks are about as wide as they are high."""
BOUNDS = tuple(0.001 * 2 ** (step / 4) for step in range(64))
"""Upper bounds of a histogram's buckets in seconds, from a millisecond to a minute."""

Numbers = tuple[float, ...]


class SimMetrics:
    """One source, of all these metrics."""

    def __init__(
        self, world: World, metrics: Mapping[str, Metric], seed: int = 0, kpi: str | None = None
    ) -> None:
        self.fails: Failure | None = None
        """Raised by each read."""
        self.hangs: asyncio.Event | None = None
        """Waited for by each read."""
        self.says: float | None = None
        """Said instead of each number."""
        self.asked: list[Ask] = []
        self._world, self._metrics, self._kpi = world, metrics, kpi
        self._first: dict[str, str] = {}
        """By release: the first of its groups that was asked about."""
        self._dice = Random(seed)
        self._told: dict[tuple[str, str], list[tuple[float, Numbers]]] = {}
        """By metric and group: pieces of time by their ends, and what happened in each, so that a window that is asked
        about again says the same of what it had."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def check(self, queries: Mapping[str, str]) -> str | None:
        return None

    async def read(self, ask: Ask) -> Reading:
        self.asked.append(ask)
        if self.hangs is not None:
            await self.hangs.wait()
        if self.fails is not None:
            raise self.fails
        metric = self._metrics.get(ask.metric)
        if metric is None:
            raise Rejected("sim", f"there is no metric {ask.metric}")
        if metric.kind() == "histogram":
            return Reading(ask.since, ask.until, buckets=self._spread(ask))
        numbers = self._value(metric, ask) if metric.kind() == "value" else self._sums(metric, ask)
        if self.says is not None:
            numbers = (self.says,) * len(numbers)
        return Reading(ask.since, ask.until, dict(zip(ask.queries, numbers, strict=True)))

    def _value(self, metric: Metric, ask: Ask) -> Numbers:
        level = _level(metric, self._like(ask).worse)
        return (level + self._dice.gauss(0.0, NOISE) * abs(level),)

    def _sums(self, metric: Metric, ask: Ask) -> Numbers:
        """Of counts and means: what came since the last piece, and the pieces before that are in the window too."""
        pieces = self._told.setdefault((ask.metric, ask.group), [])
        since = max([ask.since, *(until for until, _ in pieces)])
        if ask.until > since:
            users = poisson(self._dice, self._rate(ask) * (ask.until - since))
            worse, gain = self._like(ask).worse, self._gain(ask)
            found = (
                self._count(metric, users, worse, gain)
                if metric.counts
                else self._mean(metric, users, worse - gain)
            )
            pieces.append((ask.until, found))
        pieces[:] = [piece for piece in pieces if piece[0] > ask.since]
        return tuple(map(sum, zip(*(numbers for _, numbers in pieces), strict=True)))

    def _gain(self, ask: Ask) -> float:
        """By how much the KPI is better with what is asked about."""
        first = self._first.setdefault(ask.release, ask.group)
        return self._like(ask).kpi if ask.metric == self._kpi and ask.group == first else 0.0

    def _count(self, metric: Metric, users: int, worse: float, gain: float) -> Numbers:
        usual = min(BAD, (1.0 if metric.max is None else metric.max) / 4)
        part = min(1.0, max(0.0, usual * (1.0 - gain)) + worse)
        return float(users), float(binomial(self._dice, users, part))

    def _mean(self, metric: Metric, users: int, worse: float) -> Numbers:
        """Sums of so many independent users, by the normal distribution."""
        mean = _level(metric, worse)
        wide = SPREAD * abs(mean)
        total = users * mean + self._dice.gauss(0.0, wide) * math.sqrt(users)
        return float(users), total, users * (mean * mean + wide * wide)

    def _spread(self, ask: Ask) -> tuple[tuple[float, float], ...]:
        users = self._rate(ask) * (ask.until - ask.since)
        takes = self._world.latency.times(1.0 + self._like(ask).slower)
        beyond = [1.0, *(takes.beyond(bound) for bound in BOUNDS), 0.0]
        parts = (above - below for above, below in itertools.pairwise(beyond))
        return tuple(
            (bound, float(poisson(self._dice, users * part)))
            for bound, part in zip((*BOUNDS, math.inf), parts, strict=True)
        )

    def _rate(self, ask: Ask) -> float:
        """Users of the group per second, as the split is now."""
        table = self._world.router.tables.get(ask.service)
        world = self._world
        return world.rate * (share(table, ask.group, world.insiders) if table else 0) / ALL

    def _like(self, ask: Ask) -> Behaviour:
        return self._world.behaviours.get(ask.release, Behaviour())


def _level(metric: Metric, worse: float) -> float:
    """Well within the limits, or 1; worse by a part of that."""
    low, high = metric.min, metric.max
    if low is not None and high is not None:
        level = (low + high) / 2
    elif high is not None:
        level = high / 2 if high > 0 else high - 1.0
    elif low is not None:
        level = low * 2 if low > 0 else low + 1.0
    else:
        level = 1.0
    step = worse * max(abs(level), 1e-9)
    return level + step if metric.better == "lower" else level - step


def _is_metrics(source: SimMetrics) -> Metrics:
    return source
