"""Kayenta's rule, as a Spinnaker stage runs it. From spinnaker/kayenta: `kayenta-judge/src/main/scala/.../NetflixACAJudge.scala`,
`classifiers/metric/MannWhitneyClassifier.scala`, `scorers/WeightedSumScorer.scala`, `stats/EffectSizes.scala`; from
spinnaker/orca: `KayentaCanaryContext.kt`, `RunCanaryIntervalsStage.kt`, `MonitorKayentaCanaryTask.kt`; scores of the
sample from `scratch/prometheus_canary_config.json`. Its baseline is ours of live: larger, so steadier, than its own."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from bench.blast.ended import Ended
from bench.blast.peers.ranks import interval
from bench.blast.traces import Side, World

Class = Literal["Pass", "High", "Low", "Nodata", "Error"]

TOLERATED = 0.25
"""Part of the estimated shift that the interval must be beyond; fixed in the code, like the confidence of 0.98."""
STEP = 60.0
"""Seconds of one point."""
OFF = 1.0
"""Seconds to the next look at the judgement, and the cluster is disabled."""


class Setting(msgspec.Struct, frozen=True):
    """A canary stage: minutes of its life and between two judgements, scores, and which metrics are critical."""

    name: str
    lifetime: float = 3600.0
    interval: float = 3600.0
    passes: float = 75.0
    marginal: float = 50.0
    direction: Literal["either", "increase"] = "either"
    critical: bool = False


DEFAULTS = Setting("defaults")
"""No interval: one judgement at the end of its life, which is taken to be an hour; scores as in orca."""
SAMPLE = Setting("documented sample", interval=300.0, passes=95.0, marginal=75.0)
"""Scores of the sample; a judgement each 5 minutes, on all points since the beginning."""
CRITICAL = Setting("interval 5 min, critical", 3600.0, 300.0, 95.0, 75.0, "increase", True)
"""The same with both metrics critical and only a rise looked for, as its documentation advises for errors."""
SETTINGS = (DEFAULTS, SAMPLE, CRITICAL)


def classify(theirs: Sequence[float], ours: Sequence[float], direction: str = "either") -> Class:
    """One metric: points of the baseline and of the canary. An effect size of NaN (a mean is 0) stops nothing."""
    if not theirs or not ours:
        return "Nodata"
    if sorted(theirs) == sorted(ours):
        return "Pass"
    if len(set(ours)) == 1 and len(set(theirs)) == 1:
        return _constants(theirs[0], ours[0], direction)
    try:
        low, high, estimate = interval(ours, theirs)
    except (ValueError, ZeroDivisionError):
        return "Error"
    return _side(low, high, estimate, _effect(theirs, ours), direction)


def score(found: Mapping[str, Class], critical: bool) -> float:
    """Of 100: 0 when a critical metric does not pass, or half of all have no data; else the mean of equal groups."""
    if critical and any(one not in ("Pass", "Error") for one in found.values()):
        return 0.0
    if sum(one == "Nodata" for one in found.values()) >= len(found) / 2:
        return 0.0
    groups = [100.0 * (one in ("Pass", "Error", "Nodata")) for one in found.values()]
    return round(sum(groups) / len(groups), 2)


def watch(setting: Setting, world: World, until: float) -> Ended:
    """Until a judgement stops it: one not above marginal, or the last one below what passes."""
    judgements = int(setting.lifetime // setting.interval)
    for number in range(1, judgements + 1):
        now = number * setting.interval
        if now > until:
            break
        found = {
            name: classify(_points(world, world.live, name, now), _points(world, world.candidate, name, now),
                           setting.direction)
            for name in ("errors", "latency")
        }  # fmt: skip
        got = score(found, setting.critical)
        if got <= setting.marginal or (number == judgements and got < setting.passes):
            return Ended(now, now + OFF)
    return Ended(None, None, setting.lifetime if until >= setting.lifetime else None)


def _points(world: World, side: Side, name: str, now: float) -> list[float]:
    """Part that failed, or mean seconds, of each minute that has requests."""
    points = []
    for minute in range(int(now // STEP)):
        first, last = minute * STEP, (minute + 1) * STEP
        requests = world.at(side.requests, last) - world.at(side.requests, first)
        values = side.failures if name == "errors" else side.seconds
        if requests > 0.0:
            points.append((world.at(values, last) - world.at(values, first)) / requests)
    return points


def _effect(theirs: Sequence[float], ours: Sequence[float]) -> float:
    mean, our_mean = sum(theirs) / len(theirs), sum(ours) / len(ours)
    return math.nan if 0.0 in (mean, our_mean) else our_mean / mean


def _constants(theirs: float, ours: float, direction: str) -> Class:
    """Two constants that differ: it adds noise of a hundred-thousandth of each, so that the larger one stays larger."""
    if ours > theirs:
        return "High"
    return "Low" if direction == "either" else "Pass"


def _side(low: float, high: float, estimate: float, effect: float, direction: str) -> Class:
    if low > TOLERATED * abs(estimate) and not effect < 1.0:
        return "High"
    if direction == "either" and high < -TOLERATED * abs(estimate) and not effect > 1.0:
        return "Low"
    return "Pass"
