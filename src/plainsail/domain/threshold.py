"""The other judge, for those who come from Argo Rollouts or Flagger: a measurement each interval against plain numbers.

It counts failed measurements and forgives so many of them. Nothing is promised about chance: with few requests a single
failure is beyond any margin, and a fault is served for an interval at least. What `failure_limit` and `consecutive_errors`
mean, and their defaults, are Argo Rollouts' (`failureLimit`, `consecutiveErrorLimit`).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Literal

import msgspec

from plainsail.domain.blocks import advance, count_crashes
from plainsail.domain.criteria import EvidenceCriteria, Metric, Threshold
from plainsail.domain.evidence import Arm, Evidence, Meter, Meters, Told, Track, Verdict
from plainsail.domain.judge import LIVE_CRASHES
from plainsail.domain.measurement import Reading
from plainsail.domain.observation import Counts, Measured, Unmeasured
from plainsail.domain.reading import BEYOND, at_least, fault
from plainsail.domain.units import ALL, number, percent_of, plural, seconds

replace = msgspec.structs.replace

LAST = 10
"""Windows of a metric that are kept."""
OWN = ("errors", "latency")
"""What the router measures by itself."""


class Place(msgspec.Struct, frozen=True):
    """Where the rollout is."""

    step: int
    exposure: int
    """The next exposure; 0: none is asked for."""
    share_bp: int
    """Of the candidate, in force."""
    trouble: str = ""
    """The candidate's last crash in one clause."""
    warm: bool = True
    """Its time to warm up is over."""
    copied: bool = False
    """Copies of requests are measured, and no users."""

    def counts(self) -> bool:
        """There are requests to measure."""
        return bool(self.share_bp) or self.copied


def measure(
    evidence: Evidence,
    counts: Mapping[str, Counts],
    crashes: Mapping[str, int],
    measured: Mapping[str, Measured | Unmeasured],
    candidate: str,
    live: str | None,
    criteria: EvidenceCriteria,
    place: Place,
    now: float,
) -> tuple[Evidence, Verdict]:
    """The evidence with this look, and what it says. Most looks are between two measurements and say what the last did."""
    assert isinstance(criteria.judge, Threshold)
    evidence = count_crashes(evidence, crashes, candidate, live)
    evidence, _ = advance(evidence, counts, candidate, live, now)
    meters = evidence.meters
    if meters is None or meters.step != place.step:
        meters = _begun(evidence, place, now)
    if not place.counts() or not place.warm or now < meters.at:
        meters = replace(meters, at=now, candidate=evidence.candidate, live=evidence.live)
    if place.counts() and now - meters.at >= criteria.judge.interval:
        ours, theirs = _less(evidence.candidate, meters.candidate), _less(evidence.live, meters.live)
        taken = {"errors": _errors(ours, theirs, criteria), "latency": _latency(ours, theirs, criteria)}
        of = {**meters.of, **{name: _counted(meters.of.get(name), one, now) for name, one in taken.items()}}
        meters = replace(meters, at=now, candidate=evidence.candidate, live=evidence.live, of=of)
    for name, metric in _here(criteria.metrics, place).items():  # what is only shown too
        found = measured.get(name)
        if found is not None:
            evidence, meters = _sourced(evidence, meters, name, metric, found)
    evidence = replace(evidence, meters=meters)
    return evidence, _verdict(evidence, meters, criteria, criteria.judge, place)


class Measurement(msgspec.Struct, frozen=True):
    """What came of one."""

    outcome: Literal["passed", "failed", "error"]
    said: str
    """With its numbers, in one clause."""
    code: str = ""
    """Of a failed one: what a rollout is taken back for."""


def _begun(evidence: Evidence, place: Place, now: float) -> Meters:
    """A step's first interval begins; failures are remembered over the rollout, good measurements are not."""
    before = evidence.meters.of if evidence.meters else {}
    of = {name: replace(meter, passed=0) for name, meter in before.items()}
    return Meters(place.step, now, evidence.candidate, evidence.live, of)


def _during(place: Place) -> Literal["start", "steps", "bake"]:
    return "start" if not place.share_bp else "bake" if place.share_bp == ALL else "steps"


def _asked(criteria: EvidenceCriteria, place: Place) -> dict[str, Metric]:
    """The metrics that are measured here, and that something depends on."""
    return _here(criteria.decisive(_during(place)), place)


def _here(metrics: Mapping[str, Metric], place: Place) -> dict[str, Metric]:
    """Those of them that are measured here."""
    return {
        name: metric
        for name, metric in metrics.items()
        if _during(place) in metric.during and (not metric.at or place.share_bp in metric.at)
    }


def _counted(meter: Meter | None, one: Measurement, until: float) -> Meter:
    before = meter or Meter()
    match one.outcome:
        case "passed":
            after = replace(before, passed=before.passed + 1, good=before.good + 1, errors=0)
        case "failed":
            after = replace(before, failed=before.failed + 1, passed=0, errors=0, code=one.code)
        case _:
            after = replace(before, errors=before.errors + 1, passed=0)
    return replace(after, said=one.said, until=until)


def _errors(ours: Arm, theirs: Arm, criteria: EvidenceCriteria) -> Measurement:
    if not ours.requests:
        return Measurement("error", "the candidate had no requests")
    asked = criteria.errors
    rate, live = ours.failures / ours.requests, _rate(theirs.failures, theirs)
    said = f"{ours.failures:,} of {ours.requests:,} candidate requests failed ({percent_of(rate)})"
    said += _against(theirs.failures, theirs, criteria.whom())
    if rate > asked.max and (live is None or rate > live):
        return Measurement("failed", f"{said}, with a limit of {percent_of(asked.max)}", "max_errors")
    if live is not None and rate > live * (1.0 + asked.relative) + asked.margin:
        return Measurement("failed", f"{said}, with a margin of {percent_of(asked.margin)}", "errors")
    return Measurement("passed", said)


def _latency(ours: Arm, theirs: Arm, criteria: EvidenceCriteria) -> Measurement:
    """Without live's requests there is nothing that the candidate's could be slower than."""
    if not ours.requests:
        return Measurement("error", "the candidate had no requests")
    asked = criteria.latency
    rate, live = ours.slow / ours.requests, _rate(theirs.slow, theirs)
    said = f"{ours.slow:,} of {ours.requests:,} candidate requests took longer than {seconds(asked.bound)}"
    said += f" ({percent_of(rate)}){_against(theirs.slow, theirs, criteria.whom())}"
    if live is not None and rate > live * (1.0 + asked.relative) + asked.margin:
        return Measurement("failed", f"{said}, with a margin of {percent_of(asked.margin)}", "latency")
    return Measurement("passed", said)


def _sourced(
    evidence: Evidence, meters: Meters, name: str, metric: Metric, found: Measured | Unmeasured
) -> tuple[Evidence, Meters]:
    """Each window of a source is one measurement, taken once; one that the source failed to tell of is asked again."""
    before, track = meters.of.get(name, Meter()), evidence.tracks.get(name, Track())
    window = found.candidate if isinstance(found, Measured) else found
    until = window.until
    began = max(evidence.since, evidence.anew_at)
    if until <= before.until or window.since < began:  # known already, or of before
        return evidence, meters
    one = _limited(name, metric, found)
    meter = _counted(before, one, until)
    track = replace(
        track, failed=meter.failed, errors=meter.errors, passed=meter.passed,
        missing=one.said if one.outcome == "error" else "",
    )  # fmt: skip
    if isinstance(found, Measured):
        ours, beyond = _shown(metric, found.candidate)
        live, too = _shown(metric, found.live) if found.live is not None else (None, "")
        note = one.said if one.outcome == "error" else beyond or too or found.candidate.partial
        told = (*track.told, Told(until, ours, live, note))[-LAST:]
        track = replace(track, until=until, told=told)
    meters = replace(meters, of={**meters.of, name: meter})
    return replace(evidence, tracks={**evidence.tracks, name: track}), meters


def _limited(name: str, metric: Metric, found: Measured | Unmeasured) -> Measurement:
    if isinstance(found, Unmeasured):
        return Measurement("error", f"{name}: {found.why}")
    if wrong := fault(metric, found.candidate):
        return Measurement("error", f"{name}: {wrong}")
    last = _number(metric, found.candidate)
    if last is None:
        return Measurement("error", f"{name}: {found.candidate.missing or 'the source has nothing of it'}")
    said = f"{name} was {number(last)}" if math.isfinite(last) else f"{name} was beyond its largest bound"
    if metric.max is not None and last > metric.max:
        return Measurement("failed", f"{said}, with a limit of {number(metric.max)}", "metric")
    if metric.min is not None and last < metric.min:
        return Measurement("failed", f"{said}, with {number(metric.min)} as the least", "metric")
    return Measurement("passed", said)


def _shown(metric: Metric, reading: Reading) -> tuple[float | None, str]:
    """For people: no number that can't be, and of what is beyond the largest bound that bound."""
    found = None if fault(metric, reading) else _number(metric, reading)
    return (found, "") if found is None or math.isfinite(found) else (at_least(reading), BEYOND)


def _number(metric: Metric, reading: Reading) -> float | None:
    """A part, a mean, a value, or the bound of the bucket that the median lies in; None: there is none."""
    parts = reading.parts
    match metric.kind():
        case "counts":
            return _quotient(parts.get("failures"), parts.get("requests"))
        case "mean":
            return _quotient(parts.get("sum"), parts.get("count"))
        case "value":
            return parts.get("value")
        case "histogram":
            sums = list(itertools.accumulate(count for _, count in reading.buckets))
            bounds = (bound for bound, _ in reading.buckets)
            return next(
                (at for at, sum in zip(bounds, sums, strict=True) if sums[-1] and 2 * sum >= sums[-1]), None
            )


def _quotient(above: float | None, below: float | None) -> float | None:
    return above / below if above is not None and below else None


def _verdict(
    evidence: Evidence, meters: Meters, criteria: EvidenceCriteria, judge: Threshold, place: Place
) -> Verdict:
    asked = [*(OWN if place.counts() else ()), *_asked(criteria, place)]
    of = {name: meters.of.get(name, Meter()) for name in asked}
    worst = max(of.values(), key=lambda meter: meter.failed, default=Meter())
    mute = max(of.values(), key=lambda meter: meter.errors, default=Meter())
    passed = min((meter.passed for meter in of.values()), default=0)
    crashes, forgiven = evidence.candidate.crashes, criteria.crashes + LIVE_CRASHES * evidence.live.crashes
    outcome: Literal["pass", "fail", "unsure"]
    if crashes > forgiven:
        how = f" ({place.trouble})" if place.trouble else ""
        outcome, code = "fail", "crashes"
        said = f"the candidate crashed {plural(crashes, 'time')}{how}, {forgiven} forgiven"
    elif worst.failed > judge.failure_limit:
        outcome, code = "fail", worst.code
        said = f"{worst.said}; {plural(worst.failed, 'measurement')} failed by threshold, {judge.failure_limit} forgiven"
    elif mute.errors > judge.consecutive_errors:
        outcome, code = "unsure", "no_data"
        said = f"{mute.said}; {plural(mute.errors, 'measurement')} in a row told nothing"
    elif passed >= judge.successes and place.exposure:
        outcome, code = "pass", ""
        said = f"{plural(passed, 'measurement')} in a row good by threshold: {of.get('errors', Meter()).said}"
    else:
        outcome, code = "unsure", "few_requests" if evidence.candidate.requests else "no_requests"
        said = f"{passed} of {plural(judge.successes, 'good measurement')} by threshold, one each {seconds(judge.interval)}"
        if not place.exposure and of.get("errors", Meter()).said:  # nothing is asked for: what was seen last
            said = f"{of['errors'].said} by threshold"
    return Verdict(
        outcome=outcome,
        sentence=said,
        code=code,
        candidate=evidence.candidate,
        live=evidence.live,
        proven_bp=place.exposure if outcome == "pass" else 0,
        harm=worst.failed / (judge.failure_limit + 1),
        good=min(1.0, passed / max(1, judge.successes)),
    )


def _rate(bad: int, arm: Arm) -> float | None:
    return bad / arm.requests if arm.requests else None


def _against(bad: int, arm: Arm, whom: str) -> str:
    rate = _rate(bad, arm)
    if rate is None:
        return f", {whom} had none to compare with"
    return f" against {bad:,} of {arm.requests:,} {whom.removeprefix('the ')} ({percent_of(rate)})"


def _less(arm: Arm, before: Arm) -> Arm:
    return Arm(
        arm.requests - before.requests,
        arm.failures - before.failures,
        arm.shielded - before.shielded,
        arm.slow - before.slow,
        arm.crashes - before.crashes,
    )
