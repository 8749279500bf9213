"""How a verdict's evidence weighs for one line: as parts of the lines where it decides, and as odds."""

from __future__ import annotations

import math
from typing import Literal

import msgspec

from plainsail.domain.criteria import EvidenceCriteria
from plainsail.domain.evidence import Verdict
from plainsail.domain.line import Difference, Side
from plainsail.domain.stats import differences

Interval = tuple[float, float]

MOST = 700.0
"""Natural log of the largest odds that are written as a number; a float has no room for more."""


class Weighing(msgspec.Struct, frozen=True):
    """A verdict, and what it was asked."""

    verdict: Verdict
    criteria: EvidenceCriteria
    exposure: int | None

    def harm(self, *tests: str) -> float | None:
        """The strongest of these tests as a part of the line at which the candidate is taken back; None: there is none."""
        log = self._strongest(tests)
        return None if log is None else _way(log, self.criteria.alpha)

    def odds(self, *tests: str) -> float | None:
        """Against chance, of the strongest."""
        log = self._strongest(tests)
        return None if log is None else math.exp(min(log, MOST))

    def good(self, name: str) -> float | None:
        """As a part of the line at which it is proven for the exposure; None: it need not be."""
        log = self.verdict.log_evidence.get(f"good_{name}_{self.exposure}")
        return None if log is None else _way(log, self.criteria.beta)

    def outcome(self, name: str, good: float | None) -> Literal["pass", "fail", "unsure"]:
        """What the line by this name says by itself."""
        if self.decided(name):
            return "fail"
        return "pass" if good is not None and good >= 1.0 else "unsure"

    def decided(self, name: str) -> bool:
        """It was this that took the candidate back. Of all metrics the sentence begins with the one that did."""
        if self.verdict.outcome != "fail":
            return False
        of_a_source = name in self.criteria.metrics and self.verdict.sentence.startswith(
            (f"{name}:", f"{name} ")
        )
        return self.verdict.code == name or (self.verdict.code == "metric" and of_a_source)

    def _strongest(self, tests: tuple[str, ...]) -> float | None:
        logs = [log for test in tests if (log := self.verdict.log_evidence.get(f"harm_{test}")) is not None]
        return max(logs, default=None)


def apart(ours: Side, theirs: Side, alpha: float, between: Interval | None = None) -> Difference | None:
    """Both rates' difference, with the interval that is right at all times but for alpha: `between` of means and values,
    else of counts. None where one of the rates is missing."""
    if ours.rate is None or theirs.rate is None:
        return None
    if between is None and ours.bad is not None and theirs.bad is not None and 0.0 < alpha < 1.0:
        between = differences.interval(
            round(ours.n), round(ours.bad), round(theirs.n), round(theirs.bad), alpha
        )
    estimate = ours.rate - theirs.rate
    if between is None:
        return Difference(estimate)
    low, high = between  # rounding must not put the estimate beside its interval
    return Difference(estimate, min(low, estimate), max(high, estimate), 1.0 - alpha)


def part(some: float, n: float) -> float | None:
    """`some` of `n`; None of nothing."""
    return some / n if n > 0 and math.isfinite(some / n) else None


def _way(log: float, level: float) -> float | None:
    """How far it is to the line at this level; None: at level 0 there is none to reach."""
    if level >= 1.0:
        return 1.0
    return log / -math.log(level) if level > 0.0 else None
