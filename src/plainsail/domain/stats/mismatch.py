"""Sample ratio mismatch: do requests fall to both sides as the split says? By bets on blocks, as `betting` has them.

A factor of each block is at most 1 in expectation as long as the expected share of its requests, given the past, is
within the tolerance: only the mean of the share matters, so clusters inside a block (a user's ten requests, a crawler) do
no harm, and neither do blocks of any size. (For requests that are independent of each other: Lindon & Malek,
"Anytime-valid inference for multinomial count data", NeurIPS 2022; quicker, and one busy user is a mismatch to it.)

That a side of 1 % gets nothing is hardly seen that way: a single block could make good for a hundred. So some of the bets
that the smaller side has too few take it that at most a tenth of its requests come in blocks in which it has more than four
times its share. With blocks of five expected requests or more, clusters of up to twenty keep to that.

What stays on one side for longer than a block is a mismatch to this test: where users stick to a side and a few of them
make most requests, give it a tolerance that allows for them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from plainsail.domain.evidence import Stake
from plainsail.domain.stats.betting import FRESH, Bet, carry
from plainsail.domain.stats.betting import log_money as money

TOLERANCE = 0.1
"""Of the smaller side's share. Routers round weights, and lines of a log are lost; a tenth moves no comparison."""
MOST, BEYOND = 4.0, 0.1
"""The part of the smaller side's requests that may come in blocks where it has more than that many times its share."""

MANY = (Bet(0.25, 1.0, stake=0.95), Bet(0.15, 1.0, stake=0.5), Bet(0.10, 1.0, stake=0.1))
"""That the smaller side has too many."""
FEW = (Bet(0.10, 1.0, stake=0.95), Bet(0.10, 1.0, stake=0.3))
"""That it has too few, whatever the clusters."""
FEW_EVEN = (Bet(0.20, 1.0, stake=0.95), Bet(0.10, 1.0, stake=0.4))
"""That it has too few, with blocks as even as said above."""
BETS = (*MANY, *FEW, *FEW_EVEN)


def play(
    stakes: Sequence[Stake], mine: int, total: int, expected: float, tolerance: float = TOLERANCE
) -> tuple[Stake, ...]:
    """The stakes after a block in which `mine` of `total` requests were the candidate's; `expected` is its share (0 to 1).

    When a block ends must not depend on whose requests came. ValueError: there are more of `mine` than in all, or fewer
    than none.
    """
    if not 0 <= mine <= total:
        raise ValueError(f"{mine} of {total} requests cannot be the candidate's")
    stakes = tuple(stakes) if len(stakes) == len(BETS) else (FRESH,) * len(BETS)
    if not total or not 0.0 < expected < 1.0:
        return stakes
    if expected > 0.5:
        mine, expected = total - mine, 1.0 - expected
    gains = _gains(mine / total, expected, tolerance)
    return tuple(
        carry(stake, math.log1p(bet.stake * gain))
        for stake, bet, gain in zip(stakes, BETS, gains, strict=True)
    )


def log_money(stakes: Sequence[Stake]) -> float:
    """Log of the e-value against "the split is kept within the tolerance"."""
    return money(BETS, stakes) if stakes else 0.0


def goal(alpha: float) -> float:
    """Log of the money that is a mismatch; a split that is kept is called one with a chance of at most alpha, ever."""
    return -math.log(alpha)


def _gains(share: float, expected: float, tolerance: float) -> list[float]:
    """What a stake of 1 wins by the smaller side's share of a block: -1 at least, and at most 0 on average."""
    most, least = min(1.0, (1.0 + tolerance) * expected), (1.0 - tolerance) * expected
    top = min(1.0, MOST * expected)
    even = (1.0 - tolerance - BEYOND) * expected
    many = share / most - 1.0
    few = (1.0 - share) / (1.0 - least) - 1.0
    few_even = (even - min(share, top)) / (top - even)
    return [many] * len(MANY) + [few] * len(FEW) + [few_even] * len(FEW_EVEN)
