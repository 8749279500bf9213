"""The shield's budget, as the HAProxy driver keeps it: a part of the service's requests of the last ten seconds."""

from __future__ import annotations

import math
from collections import deque

WINDOW = 10.0
"""Seconds; `RATES` of the HAProxy driver."""


class Budget:
    """What was asked, and what was asked again."""

    def __init__(self) -> None:
        self._moments: deque[tuple[float, int, int]] = deque()
        self._asked = self._again = 0

    def asked(self, now: float, requests: int) -> None:
        self._add(now, requests, 0)

    def spent(self, now: float, requests: int) -> None:
        self._add(now, 0, requests)

    def left(self, now: float, part: float) -> int:
        """How many more may be asked again: one more as long as it is not used up."""
        self._add(now, 0, 0)
        return max(0, math.ceil(part * self._asked - self._again))

    def _add(self, now: float, asked: int, again: int) -> None:
        self._asked, self._again = self._asked + asked, self._again + again
        self._moments.append((now, asked, again))
        while self._moments[0][0] < now - WINDOW:
            _, asked, again = self._moments.popleft()
            self._asked, self._again = self._asked - asked, self._again - again
