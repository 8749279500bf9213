"""What would change a verdict, said of each thing it rests on: computed by playing the judge's own bets on."""

from __future__ import annotations

import math
from collections.abc import Sequence

from plainsail.domain import forecast, metering
from plainsail.domain.claims import Claim, claimed
from plainsail.domain.criteria import EvidenceCriteria, Metric, Threshold
from plainsail.domain.evidence import Evidence, Meter, Track, Verdict
from plainsail.domain.judge import code_of, is_limit
from plainsail.domain.mishaps import KIND
from plainsail.domain.reading import compared
from plainsail.domain.stats import betting, proof
from plainsail.domain.stats.betting import Bet
from plainsail.domain.units import percent, percent_of, plural
from plainsail.domain.weighing import harm_logs, shares, shown

VOID = "the comparison is void: only limits count"

MOST = 700.0
"""Natural log of the largest money that a float holds, about."""


def counted(
    name: str, evidence: Evidence, verdict: Verdict, criteria: EvidenceCriteria, exposure: int | None
) -> str:
    """Of errors, their limit, and slow requests: what proves it, and what takes the candidate back."""
    kind = KIND[name]
    ahead = forecast.flow(evidence, "slow" if kind == "slow" else "failures")
    if ahead is None:
        return "its first requests: it has had none"
    mishap = "slow" if kind == "slow" else "failed"
    parts = [_harmed(name, _bets(name, criteria), evidence, verdict, criteria, ahead, mishap)]
    if exposure and name != "max_errors" and not evidence.voided:
        claim = next(claim for claim in claimed(criteria, exposure) if claim.name == name)
        parts.insert(0, _proven(claim, evidence, criteria, ahead, mishap))
    return "; ".join(part for part in parts if part)


def crashed(more: int) -> str:
    """`more`: crashes until it is taken back."""
    if more <= 0:
        return "nothing: it has crashed more often than is forgiven"
    return f"{'one more crash' if more == 1 else f'{more:,} more crashes'} of a ready instance take{'s' * (more == 1)} it back"


def metered(meter: Meter, judge: Threshold) -> str:
    """Of `judge: threshold`: measurements until it is decided."""
    left, wanted = judge.failure_limit + 1 - meter.failed, judge.successes - meter.passed
    if left <= 0:
        return "nothing: more measurements failed than are forgiven"
    harmed = f"{plural(left, 'more failed measurement')} take{'s' * (left == 1)} it back"
    if wanted <= 0:
        return harmed
    return f"{plural(wanted, 'more good measurement')} pass{'es' * (wanted == 1)} this step; {harmed}"


def slower(whom: str) -> str:
    """Of a quantile of the router."""
    return f"more of the candidate's requests beyond {whom}'s quantile than of {whom}'s own"


def measured(
    name: str, metric: Metric, missing: str, evidence: Evidence, verdict: Verdict, criteria: EvidenceCriteria
) -> str:
    """Of a metric of a source."""
    if metric.role == "informative" or metric.dry_run:
        return "nothing: it is only shown"
    if missing:
        return f"its source has to say something: {missing}"
    track = evidence.tracks.get(name, Track())
    if evidence.voided and not (metric.kind() == "value" and _limited(metric)):
        return VOID
    bets = metering.tests(name, metric).get(name, ())
    ahead = _of_windows(name, track, metric, evidence)
    if metric.kind() == "counts" and ahead is not None:
        harmed = _harmed(name, bets, evidence, verdict, criteria, ahead, "bad")
        return "; ".join(
            part for part in (_lacked(name, metric, track, evidence, verdict, criteria), harmed) if part
        )
    parts = []
    if compared(metric) and not evidence.voided:
        worse = "lower" if metric.better == "higher" else "higher"
        parts.append(f"windows in which it is {worse} than {criteria.whom()} by more than is allowed")
    if metric.kind() == "value" and _limited(metric):
        left = metering.BEYOND - track.failed
        parts.append(
            f"{plural(left, 'more window')} in a row beyond its limit take{'s' * (left == 1)} it back"
            if left > 0
            else "nothing: it was beyond its limit too often"
        )
    return "; ".join(parts)


def _limited(metric: Metric) -> bool:
    return metric.max is not None or metric.min is not None


def _lacked(
    name: str, metric: Metric, track: Track, evidence: Evidence, verdict: Verdict, criteria: EvidenceCriteria
) -> str:
    """What a critical count still needs to be proven; empty: it need not be, or it is."""
    key = f"good_{name}_{verdict.exposure}"
    if verdict.exposure is None or key not in verdict.log_evidence:
        return ""
    margin = proof.margin_at(verdict.exposure, metric.margin, 1.0 if metric.max is None else metric.max)
    stakes = evidence.proof.get(f"{name} {verdict.exposure}", proof.FRESH)
    had, bad = int(track.candidate.n), int(track.candidate.sum)
    needs = proof.needed(stakes, margin, had, bad, _goal(criteria.beta))
    share = percent(verdict.exposure)
    return (
        f"{needs:,} more without a bad one {'prove' if needs > 1 else 'proves'} it for {share} of users"
        if needs
        else ""
    )


def _of_windows(name: str, track: Track, metric: Metric, evidence: Evidence) -> forecast.Flow | None:
    """What one window of a count brings, by the mean of all until now."""
    ours, theirs = track.candidate, track.live
    if ours.n < 1.0:
        return None
    windows = max(
        1.0, (track.until - evidence.since) / metric.every if metric.every else 1.0, len(track.told)
    )
    bursts = evidence.bursts.get(name)
    return forecast.Flow(
        requests=max(1, round(ours.n / windows)),
        rate=ours.sum / ours.n,
        live_requests=max(1, round(theirs.n / windows)) if theirs.n else 0,
        live_rate=theirs.sum / theirs.n if theirs.n else 0.0,
        usual=bursts.usual() if bursts else 0.0,
    )


def _proven(
    claim: Claim, evidence: Evidence, criteria: EvidenceCriteria, ahead: forecast.Flow, mishap: str
) -> str:
    goal = _goal(criteria.beta)
    arm = evidence.candidate
    bad = arm.slow if mishap == "slow" else arm.failures
    stakes = evidence.proof.get(claim.key(), proof.FRESH)
    share = percent(claim.exposure)
    needs = proof.needed(stakes, claim.margin, arm.requests, bad, goal)
    soon = forecast.to_proof(claim, stakes, arm, goal, ahead)
    if not needs:
        if claim.margin <= 0.0 or math.isinf(goal):
            return "a margin of 0 can never be proven: allow a margin, or pace by dwell"
        return f"proven for {share} of users"
    without = "a slow one" if mishap == "slow" else "a failure"
    said = f"{plural(needs, 'more request')} without {without} {'prove' if needs > 1 else 'proves'} it for {share} of users"
    if not ahead.rate:
        return said
    if soon is None:
        return f"{said}, but {_at(ahead, mishap)} it is never proven"
    return f"{said}, {_at(ahead, mishap)} about {_about(soon)}"


def _harmed(
    name: str, bets: Sequence[Bet], evidence: Evidence, verdict: Verdict, criteria: EvidenceCriteria,
    ahead: forecast.Flow, mishap: str,
) -> str:  # fmt: skip
    goal = _goal(criteria.alpha)
    if verdict.outcome == "fail" and verdict.code == name:
        return "over the line: it is taken back"
    if not bets or math.isinf(goal):
        return "it is not judged, so nothing takes it back"
    if evidence.voided and not is_limit(name):
        return VOID
    held = evidence.harm.get(name, ())
    stakes = held if len(held) == len(bets) else (betting.FRESH,) * len(bets)
    logs = harm_logs(verdict)
    parts, aside = shares({**logs, name: 0.0}, criteria), shown(criteria)
    weight = parts[name]
    others = sum(
        parts[test] * math.exp(min(log, MOST))
        for test, log in logs.items()
        if test != name and code_of(test) not in aside and (is_limit(test) or not evidence.voided)
    )
    soon = forecast.to_harm(bets, stakes, weight, others, goal, ahead) if ahead.rate else None
    if soon is not None:
        return f"{_at(ahead, mishap)} about {_about(soon)} more take it back"
    worst = forecast.to_harm(bets, stakes, weight, others, goal, ahead.worst())
    if worst is None:
        return "nothing takes it back: there is nobody to compare it with"
    met = "failed" if mishap == "failed" else f"were {mishap}"
    return f"about {_about(worst)} more would take it back if all of them {met}"


def _bets(name: str, criteria: EvidenceCriteria) -> Sequence[Bet]:
    match name:
        case "errors":
            return betting.margin_bets(criteria.errors.margin, criteria.errors.relative)
        case "max_errors":
            return betting.limit_bets(criteria.errors.max)
        case _:
            return betting.margin_bets(criteria.latency.margin, criteria.latency.relative)


def _goal(level: float) -> float:
    return -math.log(level) if level > 0.0 else math.inf


def _about(requests: int) -> str:
    """Two digits: a forecast knows no more."""
    unit = 10 ** max(0, len(str(requests)) - 2)
    return f"{math.ceil(requests / unit) * unit:,}"


def _at(ahead: forecast.Flow, mishap: str) -> str:
    return f"at the present rate ({percent_of(ahead.rate)} {mishap})"
