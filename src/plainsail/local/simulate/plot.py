"""A simulation as a picture: shares, failures and slow answers of both sides, and the evidence."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from plainsail.cli.screen import words
from plainsail.domain.strategy import chain_name
from plainsail.domain.trail import Point, Tally
from plainsail.domain.units import percent_of
from plainsail.local.simulate.play import Played, Sample
from plainsail.web.chart import Chart, Level, Moment, Panel, Series, draw

POINTS = 300
"""Of a line; a chart has about twice as many pixels."""
WINDOW = 15
"""Parts of the whole time over which a rate is taken, so that it is neither a jitter nor too late."""
LEAST = -1.0
"""Evidence below this is drawn at it: how far from the line is of no interest there."""
UNITS = ((7200.0, 3600.0, "h"), (120.0, 60.0, "min"), (0.0, 1.0, "s"))


def picture(played: Played) -> str:
    """SVG."""
    size, unit = next((size, unit) for least, size, unit in UNITS if played.seconds >= least)
    setting, rollout = played.setting, played.rollout
    errors, latency = setting.placement.evidence.errors, setting.placement.evidence.latency
    judged = [sample for sample in played.samples if sample.evidence is not None]
    limit = [Level(errors.max * 100, f"limit {percent_of(errors.max)}")] if _near(judged, errors.max) else []
    panels = [
        Panel("Share of users, in force (%)", _shares(played, size), low=0, high=100, height=110),
        Panel("Requests failed (%)", _rates(judged, size, lambda tally: tally.failures), limit, low=0),
        Panel(f"Requests slower than {latency.bound:g} s (%)", _rates(judged, size, lambda tally: tally.slow), low=0),
        Panel(
            "Evidence, as a part of what decides", _evidence(judged, size), [Level(1.0, "taken back, or proven")], low=LEAST, high=1.25
        ),
    ]  # fmt: skip
    moments = [Moment(at / size, name) for at, name in _moments(played)]
    return draw(
        Chart(
            title=f"{setting.key.service} in {setting.key.environment}, {chain_name(setting.strategy)}: {setting.release.text}",
            about=f"Simulated with seed {played.seed}. {words(rollout.phase).capitalize()}: {rollout.reason}. "
            f"{played.hurt:,} of {played.asked:,} requests hurt their users.",
            x_title=f"Time since the deploy ({unit})",
            panels=panels if judged else panels[:1],
            moments=moments,
            x_low=0.0,
            x_high=max(played.seconds / size, 1e-3),
            sixties=unit != "h",
        )
    )


def _moments(played: Played) -> list[tuple[float, str]]:
    """What happened when: the steps entered, and the end."""
    there = [(move.at, move.step) for move in played.moves[1:] if move.phase != "rolling_back"]
    back = [(move.at, "taken back") for move in played.moves if move.phase == "rolling_back"][:1]
    return [*there, *(back or [(played.seconds, words(played.rollout.phase))])]


def _shares(played: Played, size: float) -> list[Series]:
    samples = played.samples
    kept = [
        sample
        for place, sample in enumerate(samples)
        if place in (0, len(samples) - 1) or sample.share_bp != samples[place - 1].share_bp
    ]
    candidate = tuple((one.at / size, one.share_bp / 100) for one in kept)
    if played.setting.first:
        return [Series("candidate", candidate, "step", style=1)]
    live = tuple((x, 100 - share) for x, share in candidate)
    return [Series("live", live, "step", style=0), Series("candidate", candidate, "step", style=1)]


def _rates(judged: Sequence[Sample], size: float, bad: Callable[[Tally], int]) -> list[Series]:
    """Over a window that moves along."""
    return [
        Series("live", _rate(judged, size, lambda point: point.live, bad), style=0),
        Series("candidate", _rate(judged, size, lambda point: point.candidate, bad), style=1),
    ]


def _rate(
    judged: Sequence[Sample], size: float, side: Callable[[Point], Tally], bad: Callable[[Tally], int]
) -> tuple[tuple[float, float | None], ...]:
    points: list[tuple[float, float | None]] = []
    back, apart = 0, (judged[-1].at - judged[0].at) / WINDOW if judged else 0.0
    for place in _kept(len(judged)):
        now = judged[place]
        while judged[back].at < now.at - apart:
            back += 1
        before, after = (side(one.evidence) for one in (judged[back], now) if one.evidence is not None)
        requests = after.requests - before.requests
        points.append((now.at / size, 100 * (bad(after) - bad(before)) / requests if requests > 0 else None))
    return tuple(points)


def _evidence(judged: Sequence[Sample], size: float) -> list[Series]:
    found = [(judged[place].at / size, judged[place].evidence) for place in _kept(len(judged))]
    good = tuple((x, max(LEAST, point.good)) for x, point in found if point is not None)
    harm = tuple((x, max(LEAST, point.harm)) for x, point in found if point is not None)
    return [Series("good enough", good, style=2), Series("worse", harm, style=3)]


def _near(judged: Sequence[Sample], limit: float) -> bool:
    """Whether the candidate came so near to its limit that it should be shown."""
    last = judged[-1].evidence if judged else None
    return last is not None and last.candidate.failures > limit * last.candidate.requests / 2


def _kept(count: int) -> list[int]:
    """Places of at most so many, evenly, with the last."""
    every = max(1, count // POINTS)
    return sorted({*range(0, count, every), *([count - 1] if count else [])})
