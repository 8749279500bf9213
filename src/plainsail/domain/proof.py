"""Proof that a candidate is good enough: bets against "it is worse than live by the margin or more".

The same game as in `stats`, with the sides changed. The margin grows as the exposure shrinks, so that all users together
bear the same harm at most: at 10 % of the users ten times the margin may go unseen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from plainsail.domain.stats import Block, log_sum
from plainsail.domain.units import ALL

CLEAN = ((0.55, 100.0), (0.20, 10.0), (0.15, 2.0))
"""Bets on single requests: (weight, n) bets that the candidate's rate is the n-th part of the margin."""
DIFFERENCES = ((0.05, 0.3), (0.05, 0.95))
"""Bets on blocks: (weight, stake). They are slower, but prove a margin below the rate at which live itself fails."""
MOST_NEEDED = 10**9


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
    clean = (_clean(weight, margin, margin / n, requests, bad) for weight, n in CLEAN)
    return log_sum([*clean, *_blocks(stakes)])


def needed(stakes: Sequence[float], margin: float, requests: int, bad: int, goal: float) -> int:
    """How many more requests, if none fails, bring the proof to `goal`; the block bets are taken as they stand.

    0 if it is there already, or if it never can be (a margin of 0, or an infinite goal).
    """
    if margin <= 0.0 or math.isinf(goal):
        return 0

    def enough(more: int) -> bool:
        return log_proof(stakes, margin, requests + more, bad) >= goal

    if enough(0):
        return 0
    low, high = 0, 1
    while not enough(high) and high < MOST_NEEDED:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _clean(weight: float, margin: float, rate: float, requests: int, bad: int) -> float:
    good = math.log1p(-rate) - math.log1p(-margin)
    return math.log(weight) + bad * math.log(rate / margin) + (requests - bad) * good


def _blocks(stakes: Sequence[float]) -> list[float]:
    return [math.log(weight) + log for log, (weight, _) in zip(stakes, DIFFERENCES, strict=True)]


_BLOCK_WEIGHT = sum(weight for weight, _ in DIFFERENCES)
