"""Points of live charts: cumulative counts become shares and rates over the last seconds, by group."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from plainsail.domain.evidence import Evidence
from plainsail.domain.recent import GroupSample, Sample

WINDOW = 10.0
"""Seconds over which rates are taken: one second of a small service says nothing."""
MOST = 600
"""Points a chart is sent at once; more than it has pixels for."""
FLOOR, CEILING = -1.0, 1.5
"""Of evidence as a part of its line: beyond these it only squeezes what matters."""

Curve = tuple[float | None, float | None, float | None, float | None, float | None]
"""Of a group at a moment: share (%), failed (%), slow (%), requests per second, 90 % of answers within (ms)."""


class Moment(msgspec.Struct, frozen=True, array_like=True):
    at: float
    groups: dict[str, Curve]


class Trail(msgspec.Struct, frozen=True):
    """Columns: when; evidence of harm and of safety as parts of their lines; share (%); failed and slow (%) of both
    sides since the beginning."""

    at: list[float]
    harm: list[float]
    good: list[float]
    share: list[float]
    failed: tuple[list[float | None], list[float | None]]
    """Of the candidate, of live."""
    slow: tuple[list[float | None], list[float | None]]


def moments(samples: Sequence[Sample], after: float) -> list[Moment]:
    """Those later than `after`, thinned if they are many."""
    new = [index for index, sample in enumerate(samples) if sample.at > after]
    if len(new) > MOST:
        stride = -(-len(new) // MOST)
        new = [*new[:-1:stride], new[-1]]
    return [_moment(samples, index) for index in new]


def latest(samples: Sequence[Sample]) -> Moment | None:
    """The newest, for who reads numbers rather than lines."""
    return _moment(samples, len(samples) - 1) if samples else None


def trail(evidence: Evidence | None) -> Trail:
    points = evidence.trail if evidence else ()
    return Trail(
        at=[point.at for point in points],
        harm=[_bounded(point.harm) for point in points],
        good=[_bounded(point.good) for point in points],
        share=[point.share_bp / 100 for point in points],
        failed=(
            [_percent(point.candidate.failures, point.candidate.requests) for point in points],
            [_percent(point.live.failures, point.live.requests) for point in points],
        ),
        slow=(
            [_percent(point.candidate.slow, point.candidate.requests) for point in points],
            [_percent(point.live.slow, point.live.requests) for point in points],
        ),
    )


def _moment(samples: Sequence[Sample], index: int) -> Moment:
    now = samples[index]
    start = index
    while start > 0 and now.at - samples[start - 1].at <= WINDOW:
        start -= 1
    if start == index and index > 0:
        start = index - 1
    before = samples[start]
    return Moment(round(now.at, 2), {
        group: _curve(sample, before.groups.get(group), now.at - before.at)
        for group, sample in now.groups.items()
    })  # fmt: skip


def _curve(now: GroupSample, before: GroupSample | None, seconds: float) -> Curve:
    share = now.share_bp / 100
    p90 = round(now.latency.p90 * 1000, 1) if now.latency else None
    if before is None or seconds <= 0:
        return share, None, None, None, p90
    requests = now.requests - before.requests
    if requests < 0:  # the router began anew
        return share, None, None, None, p90
    failed = _percent(now.failures - before.failures, requests)
    slow = _percent(now.slow - before.slow, requests)
    return share, failed, slow, round(requests / seconds, 1), p90


def _percent(bad: int, requests: int) -> float | None:
    return round(min(max(bad / requests, 0.0), 1.0) * 100, 3) if requests > 0 else None


def _bounded(part: float) -> float:
    return min(max(part, FLOOR), CEILING)
