"""Prometheus as the peers' queries see it: counters are known at scrapes, a window has the scrapes within it."""

from __future__ import annotations

import math
import random

import msgspec

from bench.blast.traces import World


class Window(msgspec.Struct, frozen=True):
    """Increases of the candidate's counters between the first and the last scrape in a window."""

    requests: float
    failures: float
    slow: float
    seconds: float


class Scrapes:
    """A Prometheus that scrapes each so many seconds, beginning at random."""

    def __init__(self, world: World, every: float) -> None:
        self._world, self._every = world, every
        self._phase = random.Random(f"scrapes/{world.case.name}/{world.seed}").random() * every

    def rate(self, now: float, window: float) -> Window | None:
        """`rate(...[window])`. None: fewer than two scrapes, for which Prometheus answers nothing, or no request."""
        last = self._before(now)
        first = max(self._before(now - window) + self._every, self._phase)
        return self._between(first, last)

    def irate(self, now: float, window: float) -> Window | None:
        """`irate(...[window])`: the last two scrapes alone."""
        last = self._before(now)
        first = last - self._every
        return self._between(first, last) if first > now - window else None

    def _before(self, now: float) -> float:
        return self._phase + math.floor((now - self._phase) / self._every) * self._every

    def _between(self, first: float, last: float) -> Window | None:
        if first < 0.0 or last <= first:
            return None
        world, side = self._world, self._world.candidate
        requests, failures, slow, took = (
            world.at(values, last) - world.at(values, first)
            for values in (side.requests, side.failures, side.slow, side.seconds)
        )
        return Window(requests, failures, slow, took) if requests > 0.0 else None
