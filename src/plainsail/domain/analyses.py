"""Analyses before the first user: what the metrics that are asked then have not yet told."""

from __future__ import annotations

from typing import Literal

from plainsail.domain.criteria import EvidenceCriteria
from plainsail.domain.evidence import Evidence, Track


def waiting(
    criteria: EvidenceCriteria, evidence: Evidence | None, during: Literal["start", "steps", "bake"]
) -> str:
    """What is still awaited of the metrics of this part of a rollout, in one clause; empty: nothing."""
    tracks = evidence.tracks if evidence else {}
    silent = {name: why for name in criteria.decisive(during) if (why := _awaited(tracks.get(name, Track())))}
    if not silent:
        return ""
    return "waiting for " + ", ".join(f"{name} ({why})" for name, why in sorted(silent.items()))


def _awaited(track: Track) -> str:
    """A window that told something, none beyond a limit: then it has said enough."""
    if track.missing:
        return track.missing
    if not track.until:
        return "no window yet"
    if track.failed:
        return f"beyond its limit in {track.failed} window{'s' * (track.failed != 1)}"
    return ""
