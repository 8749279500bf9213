"""Metrics of sources: a window that was read becomes evidence, or the reason why it does not. Pure.

Counts are bet on window by window, as errors are block by block. The quantiles of a histogram are compared by what is
beyond live's own of the window before, so each is a count as well. A mean is taken over all the time since the candidate
has its users, a value as the difference of both sides in the same window; both are judged by tests that are valid from
a number of observations on (`stats/means.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from plainsail.domain.criteria import EvidenceCriteria, Metric
from plainsail.domain.evidence import LEAST_TOLD, TOLD, Evidence, Stake, Sums, Told, Track
from plainsail.domain.mishaps import remembered_of
from plainsail.domain.observation import Measured, Unmeasured
from plainsail.domain.reading import Taken, compared, read, told
from plainsail.domain.stats import betting, means, proof, quantiles, several
from plainsail.domain.units import ALL, seconds

replace = msgspec.structs.replace

BEYOND = 3
"""Windows beyond `max` or `min` of a value that take the candidate back: one may be chance, and for so few there is no test.
A rule of thumb outside of alpha, as with crashes."""
STALE = 3.0
"""Windows without an answer after which a metric counts as silent."""
PARTS = {"p50": 0.5, "p90": 0.9, "p99": 0.99}


def take(
    evidence: Evidence, criteria: EvidenceCriteria, measured: Mapping[str, Measured | Unmeasured]
) -> Evidence:
    """The evidence with the windows that are new. One that ends before the last one taken is passed over."""
    for name, metric in criteria.metrics.items():
        found = measured.get(name)
        if found is not None:
            evidence = _take(evidence, name, metric, found, len(criteria.metrics))
    return evidence


def _take(
    evidence: Evidence, name: str, metric: Metric, found: Measured | Unmeasured, metrics: int
) -> Evidence:
    track = evidence.tracks.get(name, Track())
    if isinstance(found, Unmeasured):
        if found.until <= track.tried:
            return evidence
        silent = replace(
            track,
            missing=found.why,
            errors=track.errors + 1,
            tried=found.until,
            told=_told(track, Told(found.until, None, None, found.why), metrics),
        )
        return _with(evidence, name, silent)
    if found.candidate.until <= max(track.until, evidence.since, evidence.anew_at):
        return evidence
    taken = read(metric, found)
    track = replace(
        track, until=found.candidate.until, tried=found.candidate.until, missing=taken.missing,
        errors=track.errors + 1 if taken.missing else 0,
        told=_told(track, told(metric, found, taken), metrics),
    )  # fmt: skip
    if taken.candidate is None:
        return _with(evidence, name, track)
    match metric.kind():
        case "counts":
            return _count(evidence, name, metric, track, taken)
        case "mean":
            # When all users are the candidate's, live's mean is the one that it last had beside it.
            return _with(
                evidence, name, replace(track, candidate=taken.candidate, live=taken.live or track.live)
            )
        case "value":
            return _with(evidence, name, _value(metric, track, taken))
        case _:
            return _spread(evidence, name, metric, track, found, taken)


def harm(evidence: Evidence, criteria: EvidenceCriteria) -> dict[str, float]:
    """Log e-values of harm, by test: the metric's name, its limit (`max NAME`) or its quantile (`NAME p99`). Also of those
    not measured yet: who shares the purse is settled from the start, or their mean would not be a fair game."""
    logs: dict[str, float] = {}
    for name, metric in criteria.metrics.items():
        track = evidence.tracks.get(name, Track())
        for test, bets in tests(name, metric).items():
            logs[test] = betting.log_money(bets, _stakes(evidence, test, bets))
        if metric.kind() in ("mean", "value") and compared(metric):
            logs[name] = _log_worse(metric, track, metric.margin)
        if metric.kind() == "mean" and (metric.max is not None or metric.min is not None):
            logs[f"max {name}"] = _log_beyond(metric, track)
    return logs


def good(evidence: Evidence, criteria: EvidenceCriteria, exposure: int, share: int) -> dict[str, float]:
    """Log e-values against "it is worse by the margin or more", of the critical metrics that are measured at this share."""
    return {
        name: log_good(evidence, name, metric, exposure)
        for name, metric in speaking(criteria, share).items()
        if metric.role == "critical" and metric.kind() != "histogram"
    }


def beyond(evidence: Evidence, criteria: EvidenceCriteria) -> str:
    """The first metric whose values were beyond their limits too often; empty: none."""
    for name, metric in criteria.metrics.items():
        decides = metric.kind() == "value" and metric.role != "informative" and not metric.dry_run
        if decides and name in evidence.tracks and evidence.tracks[name].failed >= BEYOND:
            return name
    return ""


def speaking(criteria: EvidenceCriteria, share: int) -> dict[str, Metric]:
    """The metrics that something depends on while the candidate has this share."""
    stage: Literal["steps", "bake"] = "bake" if share == ALL else "steps"
    asked = criteria.decisive(stage).items()
    return {name: metric for name, metric in asked if not metric.at or share in metric.at}


def silent(evidence: Evidence, criteria: EvidenceCriteria, share: int, now: float) -> str:
    """Which metric says nothing, and why, in one clause; empty: all that count at this share speak. Without it nothing passes."""
    for name, metric in speaking(criteria, share).items():
        track = evidence.tracks.get(name)
        if track is None:
            return f"{name} has not been measured yet"
        if track.missing:
            return f"{name} is not known: {track.missing}"
        if metric.kind() in ("counts", "mean") and not track.candidate.n:
            return f"{name} has counted nothing of the candidate yet"
        late = now - track.until - metric.delay
        if late < -metric.every - metric.delay:
            return (
                f"{name} was last measured {seconds(track.until - now)} from now, for the clock was set back"
            )
        if late > STALE * metric.every + 10.0:
            return f"{name} was last measured {seconds(late)} ago"
        if share != ALL and compared(metric) and (short := short_of(metric, track)):
            return f"{name} {short}"
    return ""


def short_of(metric: Metric, track: Track) -> str:
    """What a mean or a value lacks before its test says anything at all, in one clause: until then no harm could be seen."""
    if metric.kind() == "value" and track.differences.n < means.LEAST_PAIRS:
        return (
            f"has been compared in {track.differences.n:.0f} of the {means.LEAST_PAIRS} windows that it takes"
        )
    had = min(track.candidate.n, track.live.n)
    if metric.kind() == "mean" and had < means.LEAST:
        return f"has {had:.0f} of the {means.LEAST} on each side that it takes"
    return ""


def tests(name: str, metric: Metric) -> dict[str, tuple[betting.Bet, ...]]:
    """The tests of harm that are bet on window by window, with their bets."""
    match metric.kind():
        case "counts":
            found = {name: betting.margin_bets(metric.margin, metric.relative)}
            if metric.max is not None:
                found[f"max {name}"] = betting.limit_bets(metric.max)
            return {test: bets for test, bets in found.items() if bets}
        case "histogram":
            return {f"{name} {part}": betting.margin_bets(0.0, 0.0) for part in PARTS}
        case _:
            return {}


def _count(evidence: Evidence, name: str, metric: Metric, track: Track, taken: Taken) -> Evidence:
    ours, theirs = taken.candidate or Sums(), taken.live or Sums()
    bursts = evidence.bursts.get(name)
    block = betting.Block(
        int(ours.n),
        int(ours.sum),
        int(theirs.n),
        int(theirs.sum),
        bursts.usual() if bursts else 0.0,
        track.live.sum / track.live.n if track.live.n else 0.0,
    )
    played = {
        test: betting.play(bets, _stakes(evidence, test, bets), block)
        for test, bets in tests(name, metric).items()
    }
    proofs = dict(evidence.proof)
    for key, stakes in evidence.proof.items():
        if key.rpartition(" ")[0] == name:
            margin = proof.margin_at(int(key.rpartition(" ")[2]), metric.margin, _cap(metric))
            proofs[key] = proof.play(stakes, margin, metric.relative, block)
    evidence = replace(
        evidence,
        harm={**evidence.harm, **played},
        proof=proofs,
        bursts={**evidence.bursts, name: remembered_of(bursts, block)},
    )
    limit = metric.max is not None and ours.n > 0 and ours.sum / ours.n > metric.max
    return _with(evidence, name, replace(
        track, candidate=_sum(track.candidate, ours), live=_sum(track.live, theirs),
        failed=track.failed + 1 if limit else 0,
    ))  # fmt: skip


def _value(metric: Metric, track: Track, taken: Taken) -> Track:
    assert taken.candidate is not None
    value = taken.candidate.sum
    outside = (metric.max is not None and value > metric.max) or (
        metric.min is not None and value < metric.min
    )
    track = replace(
        track, candidate=_sum(track.candidate, taken.candidate), failed=track.failed + 1 if outside else 0
    )
    if taken.live is None:
        return track
    worse = _worse(metric, value, taken.live.sum)
    return replace(
        track, live=_sum(track.live, taken.live),
        differences=_sum(track.differences, Sums(1.0, worse, worse * worse)),
        steps=track.steps + (worse - track.last) ** 2 * (track.differences.n > 0), last=worse,
    )  # fmt: skip


def _spread(
    evidence: Evidence, name: str, metric: Metric, track: Track, found: Measured, taken: Taken
) -> Evidence:
    """Count what is beyond live's quantiles of the window before; the candidate's edge is farther by `relative`."""
    # What must not be overstated is how slow the candidate is: its requests are at the low ends of their buckets.
    ours = quantiles.from_bounds(found.candidate.buckets, "lower")
    theirs = quantiles.from_bounds(found.live.buckets) if found.live and taken.live else {}
    played = {}
    if len(track.edges) == len(PARTS) and ours and theirs:
        for (test, bets), edge in zip(tests(name, metric).items(), track.edges, strict=True):
            far = edge + quantiles.farther(metric.relative)
            block = betting.Block(
                quantiles.total(ours), quantiles.above(ours, far),
                quantiles.total(theirs), quantiles.above(theirs, edge),
            )  # fmt: skip
            played[test] = betting.play(bets, _stakes(evidence, test, bets), block)
    edges = tuple(quantiles.bucket_at(theirs, part) for part in PARTS.values()) if theirs else track.edges
    track = replace(
        track,
        candidate=_sum(track.candidate, Sums(float(quantiles.total(ours)))),
        live=_sum(track.live, Sums(float(quantiles.total(theirs)))),
        edges=edges,
    )
    return _with(replace(evidence, harm={**evidence.harm, **played}), name, track)


def _log_worse(metric: Metric, track: Track, margin: float) -> float:
    """Log e-value against "no worse than live by more than the margin"."""
    if metric.kind() == "value":
        return means.log_paired(track.differences, margin, track.steps)
    ours, theirs = _directed(metric, track)
    return means.log_worse(ours, theirs, _ratio(metric, theirs), margin)


def _log_beyond(metric: Metric, track: Track) -> float:
    """Log e-value against "the mean is within `max` and `min`": the mean of both tests, if there are two."""
    logs = {}
    if metric.max is not None:
        logs["max"] = means.log_paired(track.candidate, metric.max)
    if metric.min is not None:
        logs["min"] = means.log_paired(_negative(track.candidate), -metric.min)
    return several.log_mean(logs, {})


def log_good(evidence: Evidence, name: str, metric: Metric, exposure: int) -> float:
    """Log e-value against "worse than live by the margin or more"."""
    track = evidence.tracks.get(name, Track())
    match metric.kind():
        case "counts":
            margin = proof.margin_at(exposure, metric.margin, _cap(metric))
            stakes = evidence.proof.get(f"{name} {exposure}", proof.FRESH)
            return proof.log_proof(stakes, margin, int(track.candidate.n), int(track.candidate.sum))
        case "value":
            return means.log_paired(_negative(track.differences), -metric.margin, track.steps)
        case _:
            ours, theirs = _directed(metric, track)
            return means.log_better(ours, theirs, _ratio(metric, theirs), metric.margin)


def _directed(metric: Metric, track: Track) -> tuple[Sums, Sums]:
    """Both sides, turned so that more is worse."""
    if metric.better == "lower":
        return track.candidate, track.live
    return _negative(track.candidate), _negative(track.live)


def _ratio(metric: Metric, theirs: Sums) -> float:
    """What of live's mean, turned so that more is worse, is allowed: of one below zero (a gain) less, for that is worse."""
    return 1.0 + metric.relative if theirs.sum >= 0.0 else 1.0 - metric.relative


def _worse(metric: Metric, ours: float, theirs: float) -> float:
    """By how much a value is worse than live's, less the relative margin."""
    allowed = abs(theirs) * metric.relative
    return (ours - theirs if metric.better == "lower" else theirs - ours) - allowed


def _negative(sums: Sums) -> Sums:
    return Sums(sums.n, -sums.sum, sums.squares)


def _cap(metric: Metric) -> float:
    return 1.0 if metric.max is None else metric.max


def _stakes(evidence: Evidence, test: str, bets: tuple[betting.Bet, ...]) -> tuple[Stake, ...]:
    stakes = evidence.harm.get(test, ())
    return stakes if len(stakes) == len(bets) else (betting.FRESH,) * len(bets)


def _told(track: Track, told: Told, metrics: int) -> tuple[Told, ...]:
    return (*track.told, told)[-max(LEAST_TOLD, TOLD // metrics) :]


def _sum(one: Sums, other: Sums) -> Sums:
    return Sums(one.n + other.n, one.sum + other.sum, one.squares + other.squares)


def _with(evidence: Evidence, name: str, track: Track) -> Evidence:
    return replace(evidence, tracks={**evidence.tracks, name: track})


def proofs(evidence: Evidence, criteria: EvidenceCriteria, exposures: Sequence[int]) -> Evidence:
    """With a fresh proof for each critical count and exposure that has none yet."""
    fresh = {
        f"{name} {exposure}": proof.FRESH
        for name, metric in criteria.metrics.items()
        if metric.role == "critical" and metric.kind() == "counts"
        for exposure in exposures
        if f"{name} {exposure}" not in evidence.proof
    }
    return replace(evidence, proof={**evidence.proof, **fresh}) if fresh else evidence
