"""Argo Rollouts' rule. From argoproj/argo-rollouts: `utils/evaluate/evaluate.go` (one measurement),
`analysis/analysis.go` (`assessMetricFailureInconclusiveOrError`, `calculateNextReconcileTime`),
`utils/defaults/defaults.go`; samples from `docs/features/analysis.md`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from bench.blast.ended import Ended
from bench.blast.peers.scrapes import Scrapes
from bench.blast.traces import World

Measured = Literal["Successful", "Failed", "Inconclusive", "Error"]
Phase = Literal["Running", "Successful", "Failed", "Inconclusive", "Error"]

CONSECUTIVE_ERRORS = 4
"""`DefaultConsecutiveErrorLimit`; the fifth is too many."""
RETRY = 10.0
"""Seconds to the next measurement after an error, whatever the interval (`DefaultErrorRetryInterval`)."""
SCRAPED = 15.0
"""Seconds between two scrapes: what the sample configuration of Prometheus has."""
RECONCILE = 1.0
"""Seconds from a failed analysis to weight 0 at the router."""


class Setting(msgspec.Struct, frozen=True):
    """A metric of an AnalysisTemplate. Its query is the part of the candidate's answers that are not 5xx."""

    name: str
    success_from: float
    """successCondition: result[0] >= this."""
    interval: float | None = None
    """None: one measurement and no more."""
    initial_delay: float = 0.0
    failure_limit: int = 0
    window: float = 300.0
    irate: bool = False


DEFAULTS = Setting("defaults", 0.95, None, initial_delay=300.0, irate=True)
"""No interval, count or limit given, as in the documented inline sample: `setWeight`, `pause: 5m`, one measurement."""
SAMPLE = Setting("documented sample", 0.95, 300.0, failure_limit=3, irate=True)
"""The documented background sample: interval 5m, failureLimit 3, `irate(...[5m])`."""
TIGHT = Setting("interval 10 s, limit 0", 0.99, 10.0, window=60.0)
"""As quick as people set it: 99 %, over the last minute, each 10 s, the first failed measurement ends it."""
SETTINGS = (DEFAULTS, SAMPLE, TIGHT)


def measurement(value: float | None, success: bool | None = None, failure: bool | None = None) -> Measured:
    """One measurement, given what its conditions say (None: there is no such condition). No value: an error."""
    if value is None:
        return "Error"
    if failure or (failure is None and success is False):
        return "Failed"
    if success or (success is None and failure is False) or (success is None and failure is None):
        return "Successful"
    return "Inconclusive"


def assess(
    measured: Sequence[Measured], failure_limit: int = 0, count: int | None = None,
    consecutive_errors: int = CONSECUTIVE_ERRORS,
) -> Phase:  # fmt: skip
    """The metric's phase after these measurements. Failures add up, only errors must follow each other."""
    phase: Phase = "Running"
    if failure_limit >= 0 and measured.count("Failed") > failure_limit:
        phase = "Failed"
    if measured.count("Inconclusive") > 0:
        phase = "Inconclusive"
    errors = 0
    for one in measured:
        errors = errors + 1 if one == "Error" else 0
    if errors > consecutive_errors:
        phase = "Error"
    if phase == "Running" and count is not None and len(measured) - measured.count("Error") >= count:
        return "Successful"
    return phase


def watch(setting: Setting, world: World, until: float) -> Ended:
    """Until it aborts (failed or in error: weight 0), or so many seconds."""
    scrapes, measured, now = Scrapes(world, SCRAPED), list[Measured](), setting.initial_delay
    while now <= until:
        seen = (scrapes.irate if setting.irate else scrapes.rate)(now, setting.window)
        value = None if seen is None else 1.0 - seen.failures / seen.requests
        measured.append(measurement(value, None if value is None else value >= setting.success_from))
        phase = assess(measured, setting.failure_limit, 1 if setting.interval is None else None)
        if phase in ("Failed", "Error"):
            return Ended(now, now + RECONCILE)
        if phase == "Successful":
            return Ended(None, None, now)
        now += RETRY if measured[-1] == "Error" or setting.interval is None else setting.interval
    return Ended(None, None)
