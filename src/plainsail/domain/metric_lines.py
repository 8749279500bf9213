"""The lines of metrics of sources, and of the quantiles that the router's log tells."""

from __future__ import annotations

import math

import msgspec

from plainsail.domain import aside, changes, metering
from plainsail.domain.criteria import LatencyCriteria, Metric
from plainsail.domain.evidence import Band, Evidence, Spread, Sums, Track
from plainsail.domain.line import Difference, Kind, Line, Side
from plainsail.domain.reading import compared
from plainsail.domain.stats import means, quantiles
from plainsail.domain.units import percent_of
from plainsail.domain.weighing import Interval, Weighing, apart, part

KINDS: dict[str, Kind] = {"counts": "counts", "mean": "mean", "value": "value", "histogram": "quantile"}
QUANTILES = ("p50", "p90", "p99")


def of_source(name: str, metric: Metric, evidence: Evidence, weighing: Weighing) -> Line:
    """Of a metric that may have told nothing yet."""
    track = evidence.tracks.get(name, Track())
    kind = KINDS[metric.kind()]
    tests = (name, f"max {name}", *(f"{name} {quantile}" for quantile in QUANTILES))
    ours, theirs = (
        _side(sums, kind, track, which) for which, sums in enumerate((track.candidate, track.live))
    )
    measured = ours.n or ours.rate is not None or any(one.candidate is not None for one in track.told)
    missing = track.missing or ("" if measured else "nothing was measured yet")
    short = metering.short_of(metric, track) if compared(metric) and not missing else ""
    if short:  # its test says nothing before
        tests = tests[1:]
    good, harm = weighing.good(name), weighing.harm(*tests)
    would = aside.would(name, metric, evidence, weighing) if metric.dry_run else ""
    limited = metric.kind() == "value" and (metric.max is not None or metric.min is not None)
    note = track.told[-1].note if track.told and not track.missing else ""
    return Line(
        name=name, kind=kind, role=metric.role, dry_run=metric.dry_run, better=metric.better,
        unit="part" if kind == "counts" else "seconds" if kind == "quantile" else "",
        outcome=weighing.outcome(name, good, harm), candidate=ours, live=theirs, difference=apart(ours, theirs, weighing.criteria.alpha, _between(kind, metric, track, weighing.criteria.alpha)),
        margin=None if kind == "quantile" else metric.margin, relative=metric.relative, max=metric.max, min=metric.min,
        harm=harm, good=good, odds=weighing.odds(*tests), measurements=track.told,
        beyond=track.failed if limited else None, most=metering.BEYOND if limited else None, would=would,
        missing=missing, note=note or (f"it {short} to be compared" if short else ""),
        change=changes.measured(name, metric, missing, evidence, weighing.verdict, weighing.criteria),
    )  # fmt: skip


def _between(kind: Kind, metric: Metric, track: Track, alpha: float) -> Interval | None:
    """Of a mean, and of the differences of a value window by window (without their relative margin, or they are others)."""
    if not 0.0 < alpha < 1.0:
        return None
    if kind == "mean":
        sides = (track.candidate, track.live)
        sound = not any(means.fault(one.n, one.sum, one.squares) for one in sides)
        return means.interval(*sides, alpha) if sound else None
    one = track.differences
    if kind != "value" or metric.relative or means.fault(one.n, one.sum, one.squares):
        return None
    found = means.interval_paired(one, alpha)
    return (-found[1], -found[0]) if found and metric.better == "higher" else found


def of_router(latency: LatencyCriteria, evidence: Evidence, weighing: Weighing) -> tuple[Line, ...]:
    """Of the quantiles that are judged, and of all that there are bands of."""
    return tuple(
        _quantile(name, slower, evidence, weighing)
        for name in QUANTILES
        if (slower := getattr(latency, name)) is not None or name in evidence.bands
    )


def _quantile(name: str, slower: float | None, evidence: Evidence, weighing: Weighing) -> Line:
    """A quantile is judged, if at all, by how many requests of each side are beyond live's; shown is the band it is in."""
    whom = weighing.criteria.whom()
    tail, band = evidence.tails.get(name), evidence.bands.get(name)
    line = Line(
        name=name, kind="quantile", role="informative" if slower is None else "critical", unit="seconds",
        outcome=weighing.outcome(name, None, weighing.harm(name)), candidate=Side(), live=Side(), relative=slower,
        harm=weighing.harm(name), odds=weighing.odds(name), change="" if slower is None else changes.slower(whom),
        note="" if slower is None else f"of the candidate, requests that took {percent_of(slower)} longer than {whom}'s are counted",
    )  # fmt: skip
    if band is not None:
        ours, theirs = (_banded(spread) for spread in (band.candidate, band.live))
        apart = _bands_apart(band, 1.0 - weighing.criteria.alpha)
        return msgspec.structs.replace(line, candidate=ours, live=theirs, difference=apart)
    if tail is None:
        return msgspec.structs.replace(line, missing=f"too few requests of {whom} are beyond it", note="")
    return msgspec.structs.replace(
        line,
        candidate=Side(tail.candidate, tail.candidate_beyond),
        live=Side(tail.live, tail.live_beyond, _seconds(tail.edge)),
    )


def _banded(spread: Spread) -> Side:
    return Side(
        spread.requests, rate=spread.estimate, low=spread.low, high=spread.high, coverage=spread.coverage
    )


def _bands_apart(band: Band, level: float) -> Difference:
    """The bands of both sides hold together at this level, so what is between their ends does."""
    ours, theirs = band.candidate, band.live
    estimate = ours.estimate - theirs.estimate
    if ours.high is None or theirs.high is None:
        return Difference(estimate)
    return Difference(estimate, ours.low - theirs.high, ours.high - theirs.low, level)


def _side(sums: Sums, kind: Kind, track: Track, which: int) -> Side:
    if kind == "quantile":  # a median is no sum: the last one read stands for all
        read = [value for one in track.told if (value := (one.candidate, one.live)[which]) is not None]
        return Side(sums.n or len(read), None, read[-1] if read else None)
    return Side(sums.n, sums.sum if kind == "counts" else None, part(sums.sum, sums.n))


def _seconds(bucket: int) -> float | None:
    """Of a bucket of the router's log, whose values are microseconds."""
    found = quantiles.quantile({bucket: 1}, 0.5) / 1e6
    return found if math.isfinite(found) else None
