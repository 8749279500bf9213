"""Which of the metrics that are only shown are worse: they decide nothing, but there may be many of them to look at.

Of twenty metrics one looks worse by chance soon enough. So their e-values are believed by e-BH (`stats/several.py`): of
the metrics it names, at most the part alpha is not worse, on average and whatever they have to do with each other. Each
metric's e-value is the mean of its tests', evidence over all the time so far, so it may be looked at at any time.
"""

from __future__ import annotations

import msgspec

from plainsail.domain import metering
from plainsail.domain.criteria import EvidenceCriteria
from plainsail.domain.evidence import Verdict
from plainsail.domain.stats import several
from plainsail.domain.units import percent_of, plural


class Aside(msgspec.Struct, frozen=True):
    """What is said of them."""

    worse: tuple[str, ...] = ()
    sentence: str = ""
    """With its full stop; empty: there are none, or nothing is known of them."""


def told(criteria: EvidenceCriteria, verdict: Verdict) -> Aside:
    """From the evidence that the verdict rests on."""
    logs = [
        (name, several.log_mean(its, {}))
        for name, metric in criteria.metrics.items()
        if (metric.dry_run or metric.role == "informative") and (its := _tests(name, verdict))
    ]
    if not logs:
        return Aside()
    worse = several.believed(logs, criteria.alpha)
    of = f"Of {plural(len(logs), 'metric')} that {'is' if len(logs) == 1 else 'are'} only shown"
    if not worse:
        return Aside((), f"{of}, none is worse than chance explains.")
    named = " and ".join([*([", ".join(worse[:-1])] if worse[1:] else []), worse[-1]])
    false = f"of such findings at most {percent_of(criteria.alpha)} are false on average"
    return Aside(worse, f"{of}, {named} {'is' if len(worse) == 1 else 'are'} worse; {false}.")


def _tests(name: str, verdict: Verdict) -> dict[str, float]:
    """Log e-values of harm by one metric."""
    tests = (name, f"max {name}", *(f"{name} {part}" for part in metering.PARTS))
    return {test: log for test in tests if (log := verdict.log_evidence.get(f"harm_{test}")) is not None}
