"""Which of the metrics that are only shown are worse: they decide nothing, but there may be many of them to look at.

Of twenty metrics one looks worse by chance soon enough. So their e-values are believed by e-BH (`stats/several.py`): of
the metrics it names, at most the part alpha is not worse, on average and whatever they have to do with each other. Each
metric's e-value is the mean of its tests', evidence over all the time so far, so it may be looked at at any time. When a dry
run would have taken the candidate back is remembered: had it decided, nothing after that would have been.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from plainsail.domain import metering
from plainsail.domain.criteria import EvidenceCriteria, Metric, Threshold
from plainsail.domain.evidence import Evidence, Track, Verdict
from plainsail.domain.stats import several
from plainsail.domain.units import percent_of, plural
from plainsail.domain.weighing import Weighing, brought, harm_logs, way

replace = msgspec.structs.replace


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


def noted(evidence: Evidence, verdict: Verdict, criteria: EvidenceCriteria, now: float) -> Evidence:
    """With the moment at which a dry run would first have taken the candidate back."""
    tracks = dict(evidence.tracks)
    for name, metric in criteria.metrics.items():
        track = tracks.get(name)
        if not metric.dry_run or track is None or track.would_at or evidence.voided:
            continue
        if _would(name, metric, track, verdict, criteria):
            tracks[name] = replace(track, would_at=now)
    return replace(evidence, tracks=tracks) if tracks != evidence.tracks else evidence


def _would(name: str, metric: Metric, track: Track, verdict: Verdict, criteria: EvidenceCriteria) -> bool:
    """By itself, with its own part of the purse; of a value also by its limits."""
    if metric.role == "informative":
        return False
    if metric.kind() == "value" and track.failed >= metering.BEYOND:
        return True
    its = _tests(name, verdict)
    far = way(brought(harm_logs(verdict), criteria, its), criteria.alpha) if its else None
    return far is not None and far >= 1.0


def would(
    name: str, metric: Metric, evidence: Evidence, weighing: Weighing
) -> Literal["taken_back", "held", "passed", ""]:
    """What a dry run would have decided, had it been meant; empty: nothing yet."""
    track = evidence.tracks.get(name, Track())
    if metric.role == "informative" or not evidence.trail:
        return ""
    judge = weighing.criteria.judge
    if isinstance(judge, Threshold):
        return "" if not track.told else "taken_back" if track.failed > judge.failure_limit else "passed"
    if track.would_at:
        return "taken_back"
    last, meant = evidence.trail[-1], replace(metric, dry_run=False)
    criteria = replace(weighing.criteria, metrics={name: meant})
    if metering.silent(evidence, criteria, last.share_bp, last.at):
        return "held"
    if metric.role != "critical" or weighing.exposure is None:
        return "passed"
    if name not in metering.speaking(criteria, last.share_bp) or metric.kind() == "histogram":
        return "passed"
    good = way(metering.log_good(evidence, name, metric, weighing.exposure), criteria.beta)
    return "passed" if good is not None and good >= 1.0 else "held"


def _tests(name: str, verdict: Verdict) -> dict[str, float]:
    """Log e-values of harm by one metric."""
    tests = (name, f"max {name}", *(f"{name} {part}" for part in metering.PARTS))
    return {test: log for test in tests if (log := verdict.log_evidence.get(f"harm_{test}")) is not None}
