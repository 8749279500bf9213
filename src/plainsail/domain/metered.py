"""What a metric of a source shows, in one sentence with its numbers."""

from __future__ import annotations

from plainsail.domain.criteria import Metric
from plainsail.domain.evidence import Sums, Track
from plainsail.domain.stats import means
from plainsail.domain.units import number, percent_of, plural


def told(name: str, metric: Metric, track: Track, odds: str, whom: str, *, by_limit: bool = False) -> str:
    """Why the candidate is taken back for it; `by_limit`: by its limit, whatever the other side does. `odds`: a clause.
    Without a full stop."""
    kind = metric.kind()
    if kind == "value" and track.failed:
        last = next((one.candidate for one in reversed(track.told) if one.candidate is not None), None)
        return f"{name} of the candidate was beyond its limit in {plural(track.failed, 'window')} in a row{_last(last)}{_limits(metric)}"
    if kind == "counts":
        found = f"{name}: {track.candidate.sum:,.0f} of {track.candidate.n:,.0f} are bad ({_part(track.candidate)})"
        beyond = f"with a limit of {percent_of(metric.max or 0.0)}" if by_limit else _margin(metric, whom)
        return f"{found}{_against(track.live, whom)}; {beyond} {odds}"
    if kind == "histogram":
        return f"{name} of the candidate takes longer than {whom}'s by more than the {percent_of(metric.relative)} allowed; {odds}"
    ours, theirs = (f"{_mean(one)} over {one.n:,.0f}" for one in (track.candidate, track.live))
    what = "windows" if kind == "value" else "units"
    if by_limit:
        return f"{name}: {ours} {what} of the candidate; {_limit(metric, track.candidate)} {odds}"
    return (
        f"{name}: {ours} {what} of the candidate against {theirs} of {whom}; {_margin(metric, whom)} {odds}"
    )


def unproven(name: str, metric: Metric, track: Track, whom: str) -> str:
    """What a critical metric is short of, where all else is proven. Without a full stop."""
    if metric.kind() == "counts":
        found = f"{track.candidate.sum:,.0f} of {track.candidate.n:,.0f} are bad ({_part(track.candidate)}){_against(track.live, whom)}"
        return f"{name} is not proven to be good yet: {found}; {_margin(metric, whom)}"
    what, least = ("windows", means.LEAST_PAIRS) if metric.kind() == "value" else ("units", means.LEAST)
    ours, theirs = (f"{_mean(one)} over {one.n:,.0f}" for one in (track.candidate, track.live))
    found = f"{ours} {what} of the candidate against {theirs} of {whom}; {_margin(metric, whom)}"
    return f"{name} is not proven to be good yet: {found}, from {least} on, and never by a difference that is always the same"


def _limit(metric: Metric, ours: Sums) -> str:
    """The one that a mean is beyond."""
    too_low = metric.min is not None and ours.n > 0 and ours.sum / ours.n < metric.min
    if metric.max is None or too_low:
        return f"with {number(metric.min or 0.0)} as the least"
    return f"with a limit of {number(metric.max)}"


def _last(value: float | None) -> str:
    return "" if value is None else f", {number(value)} in the last"


def _limits(metric: Metric) -> str:
    limits = [
        f"{word} {number(limit)}"
        for word, limit in (("at most", metric.max), ("at least", metric.min))
        if limit is not None
    ]
    return f"; allowed is {' and '.join(limits)}" if limits else ""


def _part(sums: Sums) -> str:
    return percent_of(sums.sum / sums.n) if sums.n else percent_of(0)


def _mean(sums: Sums) -> str:
    return number(sums.sum / sums.n) if sums.n else "nothing"


def _against(live: Sums, whom: str) -> str:
    return (
        f" against {live.sum:,.0f} of {live.n:,.0f} {whom.removeprefix('the ')} ({_part(live)})"
        if live.n
        else f", {whom} had none to compare with"
    )


def _margin(metric: Metric, whom: str) -> str:
    allowed = []
    if metric.margin or not metric.relative:
        shown = (
            f"{metric.margin * 100:.3g} {_points(metric.margin)}"
            if metric.kind() == "counts"
            else number(metric.margin)
        )
        allowed.append(shown)
    if metric.relative:
        allowed.append(f"{percent_of(metric.relative)} of {whom}'s own")
    return f"with a margin of {' and '.join(allowed)}"


def _points(margin: float) -> str:
    return "point" if margin == 0.01 else "points"
