"""Analyses before the first user: what the metrics that are asked then have not yet told."""

from __future__ import annotations

from typing import Literal

from plainsail.domain.criteria import EvidenceCriteria, Metric, Threshold
from plainsail.domain.evidence import Evidence, Track
from plainsail.domain.units import number, plural


def waiting(
    criteria: EvidenceCriteria, evidence: Evidence | None, during: Literal["start", "steps", "bake"]
) -> str:
    """What is still awaited of the metrics of this part of a rollout, in one clause; empty: nothing."""
    least = criteria.judge.successes if isinstance(criteria.judge, Threshold) else 0
    tracks = evidence.tracks if evidence else {}
    silent = {
        name: why
        for name, metric in criteria.decisive(during).items()
        if (why := _awaited(metric, tracks.get(name, Track()), least))
    }
    if not silent:
        return ""
    return "waiting for " + ", ".join(f"{name} ({why})" for name, why in sorted(silent.items()))


def _awaited(metric: Metric, track: Track, least: int) -> str:
    """A window that told something within its limits (`judge: threshold`: so many in a row): then it has said enough."""
    if track.missing:
        return track.missing
    if not track.told:
        return "no window yet"
    last = track.told[-1].candidate
    if last is None:
        return track.told[-1].note or "no number in the last window"
    if metric.max is not None and last > metric.max:
        return f"{number(last)}, with a limit of {number(metric.max)}"
    if metric.min is not None and last < metric.min:
        return f"{number(last)}, with {number(metric.min)} as the least"
    if track.passed < least:
        return f"good in {track.passed} of {plural(least, 'window')}"
    return ""
