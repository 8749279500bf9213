"""A histogram of durations in buckets that grow by a fixed factor: quantiles with a bounded relative error.

The buckets are those of DDSketch (Masson, Rim, Lee: "DDSketch", VLDB 2019). Time from a microsecond to an hour takes
about 1,100 of them.
"""

from __future__ import annotations

import math

ERROR = 0.01
"""Largest relative error of a quantile."""
_GROWTH = (1 + ERROR) / (1 - ERROR)
_PER_LOG = 1 / math.log(_GROWTH)


def number(value: float) -> int:
    """Of the bucket that a value is in. Durations are in microseconds, so that the first bucket is as good as none."""
    return math.ceil(math.log(value) * _PER_LOG) if value > 1 else 0


class Histogram:
    """Counts of positive values; only ever grows."""

    __slots__ = ("_buckets", "total")

    def __init__(self) -> None:
        self._buckets: dict[int, int] = {}
        self.total = 0

    def add(self, value: float) -> None:
        """Values of 0 and below count as 1."""
        bucket = number(value)
        self._buckets[bucket] = self._buckets.get(bucket, 0) + 1
        self.total += 1

    def buckets(self) -> dict[int, int]:
        """How many there are, by number of the bucket."""
        return dict(self._buckets)

    def quantile(self, part: float) -> float:
        """The value that `part` (0 to 1) of all are not above, within 1 %. 0 when there is none."""
        rank = max(1, math.ceil(part * self.total))
        seen = 0
        for bucket in sorted(self._buckets):
            seen += self._buckets[bucket]
            if seen >= rank:
                return 2 * _GROWTH**bucket / (1 + _GROWTH)
        return 0.0
