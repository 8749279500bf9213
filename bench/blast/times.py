"""Histograms of how long requests took, as the router's log gives them: drawn as far as a world is watched, no farther.

They are drawn beside the counts of slow requests and not from them: the same distribution, another sample.
"""

from __future__ import annotations

import math
import random
from itertools import accumulate

from bench.blast.cases import MEDIAN, SIGMA, TAIL
from bench.blast.traces import Side, World
from plainsail.domain.histogram import number
from plainsail.domain.observation import Latency

STEPS = 400
"""Buckets from the fastest to the slowest request that is ever drawn; 400 of 2 % each go from 1/50 of the median to 60 of it."""


class Times:
    """Both sides' cumulative histograms in a world, look by look."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._dice = random.Random(f"times/{world.case.name}/{world.seed}")
        middle = number(MEDIAN * 1e6)
        self._numbers = [middle + step for step in range(-STEPS // 2, STEPS // 2)]
        width = math.log(MEDIAN * 1e6) / middle
        parts = [_below((step + 1) * width) - _below(step * width) for step in range(-STEPS // 2, STEPS // 2)]
        self._sums = list(accumulate(parts))
        self._tail = next(
            at for at, below in zip(self._numbers, self._sums, strict=True) if below > 1.0 - TAIL
        )
        self._longer = round(math.log(1.0 + world.case.size) / width)
        self._seen = {"candidate": dict[int, int](), "live": dict[int, int]()}

    def at(self, index: int) -> dict[str, Latency]:
        """At the end of a bin; ask for one after the other."""
        fault = self._world.ends[index] > self._world.case.onset
        self._more(self._seen["candidate"], self._world.candidate, index, fault)
        self._more(self._seen["live"], self._world.live, index, False)
        return {name: Latency(0.0, 0.0, 0.0, 1.0, buckets) for name, buckets in self._seen.items()}

    def _more(self, seen: dict[int, int], side: Side, index: int, fault: bool) -> None:
        new = side.requests[index] - side.requests[index - 1]
        kind = self._world.case.fault if fault else "none"
        for drawn in self._dice.choices(self._numbers, cum_weights=self._sums, k=new):
            slower = kind == "median" or (kind == "tail" and drawn >= self._tail)
            bucket = drawn + self._longer if slower else drawn
            seen[bucket] = seen.get(bucket, 0) + 1


def _below(logs: float) -> float:
    """Part of the requests that take less than this many times the median, in natural logs."""
    return 0.5 * math.erfc(-logs / SIGMA / math.sqrt(2.0))
