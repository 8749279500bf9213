"""The router's quantiles: how many of each side's requests are beyond live's own quantile, as known before they came.

A candidate that is slower by more than it may be has more of its requests beyond live's median, moved by that much, than
live has beyond its median; whatever the time of day does to both. So a quantile is compared as a count, block by block, by
the same bets as errors. What the quantiles themselves are is shown beside it with bands (`stats/quantiles.py`).
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from plainsail.domain.criteria import LatencyCriteria
from plainsail.domain.evidence import Evidence, Stake, Tail
from plainsail.domain.observation import Latency
from plainsail.domain.stats import betting, quantiles

replace = msgspec.structs.replace

PARTS = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
LEAST = 20
"""Requests of live beyond its quantile, at least, before it is one: fewer make a quantile of noise."""
BETS = betting.margin_bets(0.0, 0.0)


def judged(criteria: LatencyCriteria) -> dict[str, float]:
    """The quantiles that are judged, and the part by which each may be longer."""
    asked = {part: getattr(criteria, part) for part in PARTS}
    return {part: slower for part, slower in asked.items() if slower is not None}


def watch(
    evidence: Evidence,
    latency: Mapping[str, Latency],
    candidate: str,
    live: str | None,
    criteria: LatencyCriteria,
) -> Evidence:
    """With this look: a block ends when both sides have had requests since the last."""
    asked = judged(criteria)
    if not asked or live is None or candidate not in latency or live not in latency:
        return evidence
    ours, theirs = latency[candidate].buckets, latency[live].buckets
    tails, played = dict(evidence.tails), {}
    for part, slower in asked.items():
        tail = tails.get(part)
        block = _block(tail, ours, theirs) if tail else None
        if tail is not None and block is not None and not (block.requests and block.live_requests):
            continue
        if block is not None:
            played[part] = betting.play(BETS, _stakes(evidence, part), block)
        tails.pop(part, None)  # what was played must not be played again, also if no block can begin now
        fresh = _begin(PARTS[part], slower, ours, theirs)
        if fresh is not None:
            tails[part] = fresh
    if tails == evidence.tails and not played:
        return evidence
    return replace(evidence, tails=tails, harm={**evidence.harm, **played})


def _stakes(evidence: Evidence, part: str) -> tuple[Stake, ...]:
    stakes = evidence.harm.get(part, ())
    return stakes if len(stakes) == len(BETS) else (betting.FRESH,) * len(BETS)


def _begin(part: float, slower: float, ours: Mapping[int, int], theirs: Mapping[int, int]) -> Tail | None:
    total = sum(theirs.values())
    edge = quantiles.bucket_at(theirs, part)
    beyond = quantiles.above(theirs, edge)
    if beyond < LEAST:
        return None
    far = edge + quantiles.farther(slower)
    return Tail(edge, far, sum(ours.values()), quantiles.above(ours, far), total, beyond)


def _block(tail: Tail, ours: Mapping[int, int], theirs: Mapping[int, int]) -> betting.Block | None:
    """What came since; None when the router began to count anew."""
    block = betting.Block(
        requests=sum(ours.values()) - tail.candidate,
        bad=quantiles.above(ours, tail.far) - tail.candidate_beyond,
        live_requests=sum(theirs.values()) - tail.live,
        live_bad=quantiles.above(theirs, tail.edge) - tail.live_beyond,
    )
    return block if min(block.requests, block.bad, block.live_requests, block.live_bad) >= 0 else None
