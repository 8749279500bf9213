"""Forecasts: how many more requests would change a verdict, from the judge's own bets played on into the future.

Every look of the future is taken to be alike: so many requests of each side, the mishaps among them spread as evenly as
whole requests can be. A bet then grows by the same factor on average in each, and the purse is where the sum of all its
bets will be. Real mishaps come less evenly, so the numbers are about right and no promise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from plainsail.domain.blocks import lately
from plainsail.domain.claims import Claim
from plainsail.domain.evidence import Arm, Evidence, Stake
from plainsail.domain.mishaps import KIND
from plainsail.domain.stats import betting, proof
from plainsail.domain.stats.betting import Bet, Block

Mishap = Literal["failures", "slow"]

LOOK = 0.1
"""Seconds between two looks while a candidate has users (`decide.FAST`)."""
RECENTLY = 30.0
"""Seconds over which the present traffic is taken: long enough for a quiet service, short enough to follow a new share."""
FARTHEST = 10_000_000
"""Requests beyond which nobody waits for an answer."""


class Flow(msgspec.Struct, frozen=True):
    """What one look brings at present: requests of each side, and which part of them meets the mishap."""

    requests: int
    rate: float
    live_requests: int
    live_rate: float
    usual: float = 0.0
    """How many of live's mishaps come together."""

    def worst(self) -> Flow:
        """The same traffic with a candidate that does nothing right."""
        return msgspec.structs.replace(self, rate=1.0)


def flow(evidence: Evidence, kind: Mishap) -> Flow | None:
    """The present one; None before the candidate had a request."""
    ours, theirs = present(evidence, kind)
    if not ours.requests:
        return None
    a_second, of_live = _traffic(evidence)
    per_look = max(1, round(a_second * LOOK))
    bursts = evidence.bursts.get(kind)
    return Flow(
        requests=per_look,
        rate=_bad(ours, kind) / ours.requests,
        live_requests=max(1, round(per_look * of_live)) if of_live else 0,
        live_rate=_bad(theirs, kind) / theirs.requests if theirs.requests else 0.0,
        usual=bursts.usual() if bursts else 0.0,
    )


def present(evidence: Evidence, kind: Mishap) -> tuple[Arm, Arm]:
    """Both sides since harm was suspected if that is where the mishaps are, else since the beginning."""
    whole, late = evidence.candidate, lately(evidence)
    if late is None or not late.candidate.requests:
        return whole, evidence.live
    began_late = _bad(late.candidate, kind) * whole.requests > 2 * _bad(whole, kind) * late.candidate.requests
    return (late.candidate, late.live) if began_late else (whole, evidence.live)


def to_harm(
    bets: Sequence[Bet], stakes: Sequence[Stake], weight: float, others: float, goal: float, ahead: Flow
) -> int | None:
    """Requests of the candidate until this test takes it back; 0 if it does now, None if it never does at this rate.

    `weight` is the test's part of the purse, `others` what the rest of the purse is worth now, in parts of the whole (not
    as a logarithm), `goal` the natural log of the line.
    """
    looks_alike = _outcomes(ahead)
    growing = [sum(likely * betting.log_factor(bet, block) for likely, block in looks_alike) for bet in bets]
    waiting = others + weight * sum(
        bet.weight * betting.RESERVE / math.sqrt(stake.times + 1)
        for bet, stake in zip(bets, stakes, strict=True)
    )

    def money(looks: float) -> float:
        staked = [
            math.log(weight * bet.weight) + stake.staked + looks * growth
            for bet, stake, growth in zip(bets, stakes, growing, strict=True)
        ]
        return betting.log_sum([*staked, math.log(waiting)] if waiting > 0.0 else staked)

    return _first(money, goal, ahead.requests)


def to_proof(claim: Claim, stakes: Sequence[float], arm: Arm, goal: float, ahead: Flow) -> int | None:
    """Requests of the candidate until the claim is proven at the present rate; 0 if it is, None if it never will be."""
    kind = KIND[claim.name]
    bad = arm.slow if kind == "slow" else arm.failures
    if math.isinf(goal):
        return None
    if claim.margin <= 0.0:
        return 0 if proof.log_proof(stakes, claim.margin, arm.requests, bad) >= goal else None
    played = [
        (likely, proof.play(proof.FRESH, claim.margin, claim.relative, block))
        for likely, block in _outcomes(ahead)
    ]
    growing = [
        sum(likely * (after[index] - before) for likely, after in played)
        for index, before in enumerate(proof.FRESH)
    ]

    def shown(looks: float) -> float:
        more = looks * ahead.requests
        later = tuple(stake + looks * growth for stake, growth in zip(stakes, growing, strict=True))
        return proof.log_proof(later, claim.margin, arm.requests + more, bad + more * ahead.rate)  # type: ignore[arg-type]  # expected numbers

    return _first(shown, goal, ahead.requests)


def _traffic(evidence: Evidence) -> tuple[float, float]:
    """Requests a second of the candidate, and how many of live come with each of them."""
    last = evidence.trail[-1] if evidence.trail else None
    if last is not None:
        before = next((one for one in evidence.trail if last.at - one.at <= RECENTLY), last)
        new, lasted = last.candidate.requests - before.candidate.requests, last.at - before.at
        if new > 0 and lasted > 0:
            return new / lasted, max(0, last.live.requests - before.live.requests) / new
    ours, theirs = evidence.candidate.requests, evidence.live.requests
    return 1.0 / LOOK, theirs / ours if ours else 0.0


def _outcomes(ahead: Flow) -> list[tuple[float, Block]]:
    """The looks that this flow brings, and how often: each count is one of the two whole numbers next to its mean."""
    return [
        (likely * as_likely, Block(ahead.requests, bad, ahead.live_requests, live_bad, ahead.usual))
        for bad, likely in _near(ahead.requests, ahead.rate)
        for live_bad, as_likely in _near(ahead.live_requests, ahead.live_rate)
    ]


def _near(requests: int, rate: float) -> list[tuple[int, float]]:
    """The two whole numbers next to the mean, with how often each comes."""
    mean = requests * min(max(rate, 0.0), 1.0)
    least = math.floor(mean)
    part = mean - least
    return [(least, 1.0 - part), *([(least + 1, part)] if part > 0.0 else [])]


def _first(worth: Callable[[float], float], goal: float, requests: int) -> int | None:
    """Requests until it is worth `goal`; None if it is not within `FARTHEST`."""
    if worth(0.0) >= goal:
        return 0
    most = math.ceil(FARTHEST / requests)
    high = 1
    while worth(high) < goal:
        if high >= most:
            return None
        high = min(most, 2 * high)
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if worth(middle) >= goal else (middle, high)
    return high * requests


def _bad(arm: Arm, kind: Mishap) -> int:
    return arm.slow if kind == "slow" else arm.failures
