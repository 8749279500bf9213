"""What a window of a metric source holds: two sides as sums, or why that is nothing to go by. Pure.

A number that can't be is none: not a number, endless or as good as that, negative where it counts something, sums that belong to nothing.
"""

from __future__ import annotations

import math

import msgspec

from plainsail.domain.criteria import Metric
from plainsail.domain.evidence import Sums, Told
from plainsail.domain.measurement import Reading
from plainsail.domain.observation import Measured
from plainsail.domain.stats import means, quantiles

LARGEST = 1e150
"""Of a number: the square of a larger one has no room in a float."""


class Taken(msgspec.Struct, frozen=True):
    """A window's two sides, as far as they could be read."""

    candidate: Sums | None
    live: Sums | None
    missing: str


def compared(metric: Metric) -> bool:
    """A value that has limits and no margin is held to them alone."""
    limits = metric.max is not None or metric.min is not None
    return metric.kind() != "value" or bool(metric.margin or metric.relative) or not limits


def read(metric: Metric, found: Measured) -> Taken:
    ours, why = _sums(metric, found.candidate)
    theirs, live_why = _sums(metric, found.live) if found.live is not None else (None, "")
    if ours is None:
        return Taken(None, theirs, why)
    if found.live is not None and theirs is None and compared(metric):
        return Taken(ours, None, f"of live: {live_why}")
    return Taken(ours, theirs, "")


def _sums(metric: Metric, reading: Reading) -> tuple[Sums | None, str]:
    """What a window holds, or why that is nothing to go by: a number that can't be is none."""
    if reading.missing:
        return None, reading.missing
    kind, parts = metric.kind(), reading.parts
    if kind == "histogram":
        if huge := [count for _, count in reading.buckets if count > LARGEST]:
            return None, f"a bucket of the histogram has {huge[0]:g}"
        try:
            total = quantiles.total(quantiles.from_bounds(reading.buckets))
        except ValueError as wrong:
            return None, str(wrong)
        return (Sums(float(total)), "") if total else (None, "the histogram is empty")
    wanted = tuple(metric.queries())
    absent = [part for part in wanted if part not in parts]
    if absent:
        return None, f"there is no {absent[0]}"
    endless = [part for part in wanted if not abs(parts[part]) <= LARGEST]
    if endless:
        return None, f"{endless[0]} is {parts[endless[0]]}"
    if kind == "value":
        return Sums(1.0, parts["value"], parts["value"] ** 2), ""
    count, sum_, *squares = (parts[part] for part in wanted)
    if count < 0 or (kind == "counts" and sum_ < 0):
        return None, f"{wanted[0] if count < 0 else wanted[1]} is negative"
    if kind == "counts":  # what is extrapolated, as by PromQL's increase(), has fractions
        return Sums(float(round(count)), float(min(round(sum_), round(count)))), ""
    fault = means.fault(count, sum_, squares[0])
    return (None, fault) if fault else (Sums(count, sum_, squares[0]), "")


def told(metric: Metric, found: Measured, taken: Taken) -> Told:
    """What is kept of the window for people."""
    partial = found.candidate.partial or (found.live.partial if found.live else "")
    ours, theirs = (_figure(metric, side, sums) for side, sums in (
        (found.candidate, taken.candidate), (found.live, taken.live)))  # fmt: skip
    read = ((found.candidate, ours), (found.live, theirs))
    beyond = next((BEYOND for side, one in read if side and one is not None and _beyond(metric, side)), "")
    return Told(found.candidate.until, ours, theirs, taken.missing or beyond or partial)


def fault(metric: Metric, reading: Reading) -> str:
    """Which number of it can't be, in one clause; empty: all there are can be."""
    if metric.kind() == "histogram":
        odd = next((count for _, count in reading.buckets if not 0.0 <= count <= LARGEST), None)
        return "" if odd is None else f"a bucket of the histogram has {odd:g}"
    parts = {part: reading.parts[part] for part in metric.queries() if part in reading.parts}
    endless = next((part for part, given in parts.items() if not abs(given) <= LARGEST), "")
    if endless:
        return f"{endless} is {parts[endless]}"
    counts = ("count", "requests", "failures")
    negative = next((part for part in counts if parts.get(part, 0.0) < 0.0), "")
    return f"{negative} is negative" if negative else ""


def at_least(reading: Reading) -> float | None:
    """The largest bound that a histogram has: what lies beyond it is known to be longer, and no number; None: it has none."""
    return max((bound for bound, _ in reading.buckets if math.isfinite(bound)), default=None)


BEYOND = "the median is beyond the largest bound, which is shown"


def _beyond(metric: Metric, reading: Reading) -> bool:
    return metric.kind() == "histogram" and not math.isfinite(_median(reading))


def _median(reading: Reading) -> float:
    return quantiles.quantile(quantiles.from_bounds(reading.buckets), 0.5)


def _figure(metric: Metric, reading: Reading | None, sums: Sums | None) -> float | None:
    if sums is None or reading is None or not sums.n:
        return None
    if metric.kind() == "histogram":
        median = _median(reading)
        return median if math.isfinite(median) else at_least(reading)
    return sums.sum / sums.n
