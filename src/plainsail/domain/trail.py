"""The trail of a rollout: how its evidence came about, in a bounded number of points, for people to see."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

POINTS = 120
"""At most; 7 kB of JSON, and more than a plot has room for."""
NUMBERS = 600
"""Numbers of tests by themselves, at most, in all points together: 3 kB. With many tests there are fewer points."""
FEWEST = 24
"""Points that there is room for however many tests there are."""
AT_LEAST = 0.1
"""Seconds between points of a young rollout: one look."""


class Tally(msgspec.Struct, frozen=True, array_like=True):
    """One side's totals since the rollout's first look."""

    requests: int = 0
    failures: int = 0
    slow: int = 0


class Point(msgspec.Struct, frozen=True, array_like=True):
    """One moment."""

    at: float
    """Seconds since 1970."""
    share_bp: int
    """Of the candidate, in force."""
    candidate: Tally
    live: Tally
    harm: float
    """Log evidence of harm as a part of the line at which the candidate is taken back: 1.0 is on the line."""
    good: float
    """Log evidence for the exposure that is asked for, as a part of the line at which it is proven."""
    each: tuple[float, ...] = ()
    """Of each test of harm by itself, in the order of `Evidence.tests`: its log evidence as a part of the line."""


def longer(trail: Sequence[Point], point: Point) -> tuple[Point, ...]:
    """The trail with a new point. The last one is always the newest; older ones thin out evenly as time goes by."""
    if not trail:
        return (point,)
    points = min(POINTS, max(FEWEST, NUMBERS // max(1, len(point.each))))
    gap = max(AT_LEAST, (point.at - trail[0].at) / points)
    if len(trail) > 1 and trail[-1].at - trail[-2].at < gap:
        return (*trail[:-1], point)
    kept = tuple(trail) if len(trail) < points else (*trail[:-1:2], trail[-1])
    return (*kept, point)
