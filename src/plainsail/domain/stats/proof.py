"""Proof that a candidate is good enough: bets against "it is worse than live by the margin or more".

The same game as in `betting`, with the sides changed. The margin grows as the exposure shrinks, so that all users together
bear the same harm at most: at 10 % of the users ten times the margin may go unseen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

from plainsail.domain.stats.betting import Block, log_sum
from plainsail.domain.units import ALL

CLEAN = ((0.55, 100.0), (0.20, 10.0), (0.15, 2.0))
"""Bets on single requests: (weight, n) bets that the candidate's rate is the n-th part of the margin."""
DIFFERENCES = ((0.05, 0.3), (0.05, 0.95))
"""Bets on blocks: (weight, stake). They are slower, but prove a margin below the rate at which live itself fails."""


def margin_at(exposure: int, margin: float, limit: float) -> float:
    """The margin to prove before this share of the users (basis points) is exposed; the limit caps it."""
    return min(limit, margin * ALL / exposure, 0.99)


def play(stakes: Sequence[float], margin: float, relative: float, block: Block) -> tuple[float, ...]:
    """Log wealth of the bets on the difference after a block: 1 + stake D / -min(D), D = margin + (1 + r) q - p.

    Against H0: p >= (1 + relative) q + margin, D has no positive expectation, whatever clusters there are.
    """
    if not block.requests or not block.live_requests:
        return tuple(stakes)
    live = (1.0 + relative) * block.live_bad / block.live_requests
    difference = (margin + live - block.bad / block.requests) / (1.0 - margin)
    return tuple(
        log + math.log1p(stake * difference) for log, (_, stake) in zip(stakes, DIFFERENCES, strict=True)
    )


FRESH = (0.0,) * len(DIFFERENCES)


def log_proof(stakes: Sequence[float], margin: float, requests: int, bad: int) -> float:
    """Natural log of the e-value against H0, from the block bets and the candidate's totals.

    H0 implies p >= margin, and for that the likelihood ratio of any smaller rate to the margin is a fair bet on each
    request. This takes requests to fail independently of each other, given the rate; the block bets don't.
    """
    if margin <= 0.0:
        return log_sum([math.log(1.0 - _BLOCK_WEIGHT), *_blocks(stakes)])
    return log_sum([*(log for log, _ in _clean(margin, requests, bad)), *_blocks(stakes)])


def needed(stakes: Sequence[float], margin: float, requests: int, bad: int, goal: float) -> int:
    """How many more requests, if none fails, bring the proof to `goal`; the block bets are taken as they stand.

    0 if it is there already, or if it never can be (a margin of 0, or an infinite goal).
    """
    if margin <= 0.0 or math.isinf(goal):
        return 0
    blocks = log_sum(_blocks(stakes))
    clean = _clean(margin, requests, bad)
    if blocks >= goal or log_sum([blocks, *(log for log, _ in clean)]) >= goal:
        return 0
    more = min(
        (goal - log) / growth for log, growth in clean
    )  # enough for one of them alone, so enough for all
    for _ in range(
        8
    ):  # Newton on a convex function from above: never too few, and six steps are as good as exact
        logs = [blocks, *(log + more * growth for log, growth in clean)]
        total = log_sum(logs)
        if total - goal < 1e-9:
            break
        slope = sum(growth * math.exp(log - total) for log, (_, growth) in zip(logs[1:], clean, strict=True))
        more -= (total - goal) / slope
    return max(1, math.ceil(more - 1e-6))


def _clean(margin: float, requests: int, bad: int) -> list[tuple[float, float]]:
    """Log wealth of each bet on single requests, and how much another good one adds."""
    return [
        (log_weight - bad * log_n + (requests - bad) * growth, growth)
        for log_weight, log_n, growth in _single(margin)
    ]


@lru_cache(maxsize=1024)
def _single(margin: float) -> tuple[tuple[float, float, float], ...]:
    """Of each bet on single requests: log weight, log n, and what a good request adds."""
    return tuple(
        (math.log(weight), math.log(n), math.log1p(-margin / n) - math.log1p(-margin)) for weight, n in CLEAN
    )


def _blocks(stakes: Sequence[float]) -> list[float]:
    return [weight + log for log, weight in zip(stakes, _LOG_WEIGHTS, strict=True)]


_LOG_WEIGHTS = tuple(math.log(weight) for weight, _ in DIFFERENCES)
_BLOCK_WEIGHT = sum(weight for weight, _ in DIFFERENCES)
