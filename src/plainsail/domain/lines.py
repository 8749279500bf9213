"""The lines of an explanation: each thing that a candidate is judged by, with both sides' numbers and what they say."""

from __future__ import annotations

import math
from typing import Literal

import msgspec

from plainsail.domain import changes
from plainsail.domain.criteria import EvidenceCriteria, Metric, Threshold
from plainsail.domain.evidence import Evidence, Sums, Told, Track, Verdict
from plainsail.domain.judge import LIVE_CRASHES

replace = msgspec.structs.replace

Kind = Literal["counts", "quantile", "mean", "value", "crashes"]
Role = Literal["critical", "guardrail", "informative"]


class Side(msgspec.Struct, frozen=True):
    """What one side had."""

    n: float = 0.0
    """Requests; of a mean, units; of a value, windows in which it was read."""
    bad: float | None = None
    """Of counts: the bad ones among them. Crashes: how many."""
    rate: float | None = None
    """Of counts a part of 1, of a mean the mean, of a value its mean over the windows, of a quantile seconds; null: there
    is nothing to take it from."""
    shielded: int = 0
    """Of errors: those of the bad that live answered instead."""


class Difference(msgspec.Struct, frozen=True):
    """Candidate less live, in the unit of the rates."""

    estimate: float
    low: float | None = None
    high: float | None = None
    """Ends of an interval that holds the true difference however often one looks; null: there is none."""
    level: float | None = None
    """With which probability it holds it at all times at once."""


class Line(msgspec.Struct, frozen=True):
    """One thing to judge by."""

    name: str
    kind: Kind
    role: Role
    outcome: Literal["pass", "fail", "unsure"]
    candidate: Side
    live: Side
    unit: Literal["part", "seconds", ""] = "part"
    """Of the rates and of what is allowed: parts of 1, seconds, or whatever the metric is in."""
    better: Literal["lower", "higher"] = "lower"
    dry_run: bool = False
    bound: float | None = None
    """Of latency: seconds from which on a request is slow."""
    difference: Difference | None = None
    margin: float | None = None
    """This much worse than live is allowed, ..."""
    relative: float | None = None
    """... and on top this part of live's own."""
    max: float | None = None
    min: float | None = None
    harm: float | None = None
    """Evidence of harm by this alone, as a part of the line (1.0 is on it); null: it is not judged that way."""
    good: float | None = None
    """Evidence that it is within the margin for the exposure asked for, as a part of the line."""
    odds: float | None = None
    """Against chance, of the harm: so many to 1."""
    measurements: tuple[Told, ...] = ()
    """The last windows of a metric source, as (until, candidate, live, note)."""
    missing: str = ""
    """Why there is nothing to judge by."""
    note: str = ""
    change: str = ""
    """What would change it, without a full stop."""


def of(
    evidence: Evidence, verdict: Verdict, criteria: EvidenceCriteria, exposure: int | None, over: bool
) -> tuple[Line, ...]:
    """All of a rollout, the router's first. `over`: what is still to come changes nothing, so nothing is said of it."""
    metrics = tuple(
        _metric(name, metric, evidence, verdict, criteria, exposure)
        for name, metric in criteria.metrics.items()
    )
    found = (*_router(evidence, verdict, criteria, exposure, over), _crashes(verdict, criteria), *metrics)
    return tuple(replace(line, change="") for line in found) if over else found


def _router(
    evidence: Evidence, verdict: Verdict, criteria: EvidenceCriteria, exposure: int | None, over: bool
) -> tuple[Line, ...]:
    errors, latency = criteria.errors, criteria.latency
    failed = [
        Side(arm.requests, arm.failures, _part(arm.failures, arm.requests), arm.shielded)
        for arm in (verdict.candidate, verdict.live)
    ]
    slow = [
        Side(arm.requests, arm.slow, _part(arm.slow, arm.requests))
        for arm in (verdict.candidate, verdict.live)
    ]

    def line(name: str, sides: list[Side], judged_as: str) -> Line:
        good = _good(judged_as, verdict, criteria.beta, exposure)
        return Line(
            name=name, kind="counts", role="critical", candidate=sides[0], live=sides[1], good=good,
            harm=_harm(name, verdict, criteria.alpha), outcome=_outcome(name, verdict, good),
            odds=_odds(name, verdict),
            change="" if over else changes.counted(name, evidence, verdict, criteria, exposure),
        )  # fmt: skip

    return (
        replace(
            line("errors", failed, "errors"), difference=_apart(*failed), margin=errors.margin,
            relative=errors.relative,
        ),
        replace(line("max_errors", failed, "errors"), max=errors.max),
        replace(
            line("latency", slow, "latency"), difference=_apart(*slow), margin=latency.margin,
            relative=latency.relative, bound=latency.bound,
        ),
    )  # fmt: skip


def _crashes(verdict: Verdict, criteria: EvidenceCriteria) -> Line:
    """A rule of thumb outside of alpha: so many are forgiven, and live's excuse more."""
    ours, theirs = verdict.candidate.crashes, verdict.live.crashes
    forgiven = criteria.crashes + LIVE_CRASHES * theirs
    more = forgiven - ours + 1
    return Line(
        name="crashes", kind="crashes", role="critical", unit="", outcome="fail" if more <= 0 else "pass",
        candidate=Side(verdict.candidate.requests, ours), live=Side(verdict.live.requests, theirs),
        max=forgiven, harm=ours / (forgiven + 1),
        change=changes.crashed(more),
    )  # fmt: skip


def _metric(
    name: str, metric: Metric, evidence: Evidence, verdict: Verdict, criteria: EvidenceCriteria,
    exposure: int | None,
) -> Line:  # fmt: skip
    track = evidence.tracks.get(name, Track())
    kind: Kind = {"counts": "counts", "mean": "mean", "value": "value", "histogram": "quantile"}[  # type: ignore[assignment]
        metric.kind()
    ]
    harm, good = _harm(name, verdict, criteria.alpha), _good(name, verdict, criteria.beta, exposure)
    if isinstance(criteria.judge, Threshold):
        harm = track.failed / (criteria.judge.failure_limit + 1)
        good = track.passed / criteria.judge.successes if criteria.judge.successes else 1.0
    ours, theirs = (
        _side(sums, kind, track, which) for which, sums in enumerate((track.candidate, track.live))
    )
    missing = track.missing or ("" if ours.n or ours.rate is not None else "nothing was measured yet")
    return Line(
        name=name, kind=kind, role=metric.role, dry_run=metric.dry_run, better=metric.better,
        unit="part" if kind == "counts" else "seconds" if kind == "quantile" else "",
        outcome=_outcome(name, verdict, good), candidate=ours, live=theirs, difference=_apart(ours, theirs),
        margin=metric.margin, relative=metric.relative, max=metric.max, min=metric.min,
        harm=harm, good=good, odds=_odds(name, verdict), measurements=track.told, missing=missing,
        note=track.told[-1].note if track.told and not track.missing else "",
        change=changes.measured(name, metric, track, missing, criteria),
    )  # fmt: skip


def _side(sums: Sums, kind: Kind, track: Track, which: int) -> Side:
    if kind == "quantile":  # a median is no sum: the last one read stands for all
        read = [value for one in track.told if (value := (one.candidate, one.live)[which]) is not None]
        return Side(sums.n or len(read), None, read[-1] if read else None)
    return Side(sums.n, sums.sum if kind == "counts" else None, _part(sums.sum, sums.n))


def _apart(ours: Side, theirs: Side) -> Difference | None:
    if ours.rate is None or theirs.rate is None:
        return None
    return Difference(ours.rate - theirs.rate)


def _part(some: float, n: float) -> float | None:
    return some / n if n > 0 and math.isfinite(some / n) else None


def _harm(name: str, verdict: Verdict, alpha: float) -> float | None:
    found = verdict.log_evidence.get(f"harm_{name}")
    return None if found is None else _way(found, alpha)


def _good(name: str, verdict: Verdict, beta: float, exposure: int | None) -> float | None:
    found = verdict.log_evidence.get(f"good_{name}_{exposure}")
    return None if found is None else _way(found, beta)


def _way(log: float, level: float) -> float | None:
    """How far it is to the line at this level; None: at level 0 there is none to reach."""
    if level >= 1.0:
        return 1.0
    return log / -math.log(level) if level > 0.0 else None


def _odds(name: str, verdict: Verdict) -> float | None:
    found = verdict.log_evidence.get(f"harm_{name}")
    return None if found is None else math.exp(min(found, 700.0))


def _outcome(name: str, verdict: Verdict, good: float | None) -> Literal["pass", "fail", "unsure"]:
    if verdict.outcome == "fail" and verdict.code == name:
        return "fail"
    return "pass" if good is not None and good >= 1.0 else "unsure"
