"""How a verdict's evidence weighs for one line: as parts of the lines where it decides, and as odds.

All tests of harm share one purse, and the purse decides. So what a line shows is not its tests' own money but what that
brings to the purse: the money times its part of the purse. Where one test decides, its odds are those of the sentence.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal

import msgspec

from plainsail.domain.criteria import EvidenceCriteria
from plainsail.domain.evidence import Verdict
from plainsail.domain.judge import WEIGHTS, code_of, is_limit
from plainsail.domain.line import Difference, Side
from plainsail.domain.stats import betting, differences

Interval = tuple[float, float]

MOST = 700.0
"""Natural log of the largest odds that are written as a number; a float has no room for more."""


class Weighing(msgspec.Struct, frozen=True):
    """A verdict, and what it was asked."""

    verdict: Verdict
    criteria: EvidenceCriteria
    exposure: int | None
    voided: bool = False
    """The comparison with live counts for nothing; the limits do."""

    def harm(self, *tests: str) -> float | None:
        """What these tests bring to the purse, as a part of the line at which the candidate is taken back; None: there is none."""
        log = self._brought(tests)
        return None if log is None else way(log, self.criteria.alpha)

    def odds(self, *tests: str) -> float | None:
        """Against chance, by these tests alone."""
        log = self._brought(tests)
        return None if log is None else math.exp(min(log, MOST))

    def good(self, name: str) -> float | None:
        """As a part of the line at which it is proven for the exposure; None: it need not be."""
        log = self.verdict.log_evidence.get(f"good_{name}_{self.exposure}")
        return None if log is None else way(log, self.criteria.beta)

    def outcome(self, name: str, good: float | None, harm: float | None) -> Literal["pass", "fail", "unsure"]:
        """What the line by this name says by itself. Nothing passes once the comparison is void."""
        over = self.verdict.outcome == "fail" and harm is not None and harm >= 1.0
        if self.decided(name) or (over and name not in self._shown()):
            return "fail"
        return "pass" if good is not None and good >= 1.0 and not self.voided else "unsure"

    def decided(self, name: str) -> bool:
        """It was this that took the candidate back. Of all metrics the sentence begins with the one that did."""
        if self.verdict.outcome != "fail":
            return False
        of_a_source = name in self.criteria.metrics and self.verdict.sentence.startswith(
            (f"{name}:", f"{name} ")
        )
        return self.verdict.code == name or (self.verdict.code == "metric" and of_a_source)

    def _shown(self) -> frozenset[str]:
        return frozenset(shown(self.criteria))

    def _brought(self, tests: tuple[str, ...]) -> float | None:
        logs = harm_logs(self.verdict)
        asked = [test for test in tests if test in logs and (is_limit(test) or not self.voided)]
        return brought(logs, self.criteria, asked) if asked else None


def harm_logs(verdict: Verdict) -> dict[str, float]:
    """Log of each harm test's own money."""
    return {
        key.removeprefix("harm_"): log for key, log in verdict.log_evidence.items() if key.startswith("harm_")
    }


def brought(logs: dict[str, float], criteria: EvidenceCriteria, tests: Iterable[str]) -> float:
    """Log of what these tests bring to the purse of all."""
    parts = shares(logs, criteria)
    return betting.log_sum([logs[test] + math.log(parts[test]) for test in tests])


def shares(tests: Iterable[str], criteria: EvidenceCriteria) -> dict[str, float]:
    """Each test's part of the purse; of a metric that is only shown, the part that it would have if it decided."""
    aside, codes = shown(criteria), {test: code_of(test) for test in tests}
    weights = {test: WEIGHTS.get(test, 1.0) for test in codes}
    total = math.fsum(weights[test] for test, code in codes.items() if code not in aside)
    own: dict[str, float] = {}
    for test, code in codes.items():
        own[code] = own.get(code, 0.0) + weights[test]
    return {
        test: weights[test] / (total + own[code] if code in aside else total) for test, code in codes.items()
    }


def shown(criteria: EvidenceCriteria) -> set[str]:
    """The metrics that are only shown; their tests have no part of the purse."""
    return {name for name, one in criteria.metrics.items() if one.dry_run or one.role == "informative"}


def way(log: float, level: float) -> float | None:
    """How far it is to the line at this level; None: at level 0 there is none to reach."""
    if level >= 1.0:
        return 1.0
    return log / -math.log(level) if level > 0.0 else None


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
