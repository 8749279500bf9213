"""Windows of metric sources: which stretch of time is to be asked about now. Pure; what was taken so far is the evidence's.

Windows of a metric follow each other without overlap or gap. They lie on a grid that begins where the last one taken ended,
so a look that comes late asks about whole windows, and one that failed is asked again together with what came since.
"""

from __future__ import annotations

import math
from typing import Literal

import msgspec

from plainsail.domain.criteria import EvidenceCriteria, Metric
from plainsail.domain.observation import Seen
from plainsail.domain.rollout import Rollout
from plainsail.domain.units import ALL

Stage = Literal["start", "steps", "bake"]

ASKED_AGAIN = 10.0
"""Seconds, about, after which a source that said nothing is asked again, of however long windows: as often as a metric is
read that says nothing else (`every`), so no source is asked more than it is used to."""


class Standing(msgspec.Struct, frozen=True):
    """Where a rollout stands, as far as metrics go."""

    stage: Stage
    share_bp: int
    """Of the candidate, in force."""
    began: float
    """When the candidate was first ready (`start`), or first had users and its warming up was over; later if its evidence
    began anew."""
    stepped: float
    """When the present step came into force."""


def standing(
    rollout: Rollout, criteria: EvidenceCriteria, seen: Seen, exposed_at: float | None, anew_at: float = 0.0
) -> Standing | None:
    """None while nothing is measured: it is on its way back, its instances start, its traffic moves, or is not known.

    `exposed_at` is when the candidate first had users, `anew_at` when its evidence last began anew (`renewal.py`): what was
    before is in no window, or the users of an instance that was replaced would be in a mean for ever.
    """
    if not measured(rollout) or not seen.router_up or rollout.in_force_at is None:
        return None
    share, step = seen.share(rollout.candidate), rollout.current()
    if not share and not step.tests():
        waits = seen.ready(rollout.candidate) < max(1, step.sizes.get("candidate", 0))
        if waits or any(part.role == "candidate" and part.share_bp for part in step.split):
            return None
        return Standing("start", 0, rollout.in_force_at, rollout.in_force_at)
    began = max(anew_at, (rollout.in_force_at if exposed_at is None else exposed_at) + criteria.warm_up)
    return Standing("steps" if share < ALL else "bake", share, began, max(began, rollout.in_force_at))


def measured(rollout: Rollout | None) -> bool:
    """Is there a rollout that may still be decided by what is measured?"""
    return rollout is not None and rollout.kind == "deploy" and rollout.phase in ("progressing", "paused")


def due(
    metric: Metric, taken: float, asked: float, now: float, standing: Standing
) -> tuple[float, float] | None:
    """The window (since, until] to ask about now, in seconds since 1970; None: there is none yet.

    `taken` is where the last window taken ended (0.0: there was none), `asked` where the last one asked about did, taken
    or not. A clock that was set back, or evidence from the future, brings no window until the time is reached again.
    """
    if standing.stage not in metric.during or (metric.at and standing.share_bp not in metric.at):
        return None
    began = standing.stepped if metric.at or "steps" not in metric.during else standing.began
    from_here = max(taken, began)
    known_until = now - metric.delay
    # The grid is fine enough to ask again soon, and has every whole window on it.
    pieces = max(1, math.ceil(metric.every / ASKED_AGAIN))
    grain = metric.every / pieces
    passed = math.floor((known_until - from_here) / grain + 1e-9)
    if passed < pieces:
        return None
    until = min(from_here + passed * grain, known_until)
    if until < asked + grain * 0.5 or until <= from_here:
        return None
    return (began if metric.kind() == "mean" else from_here), until
