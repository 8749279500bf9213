"""Rates and their difference with anytime intervals: to be shown, not to decide by.

They take requests as independent of each other, with one rate over the whole time: what the block bets do without.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from plainsail.domain.stats.quantiles import log_mixture


def interval(requests: int, bad: int, live_requests: int, live_bad: int, alpha: float) -> tuple[float, float]:
    """Confidence sequence for the candidate's rate less live's: it is outside of any of them with a chance of alpha at most.

    Each side has alpha / 2 for its own, so the sides may look at different times, and the split may move.
    """
    low, high = rate(requests, bad, alpha / 2)
    live_low, live_high = rate(live_requests, live_bad, alpha / 2)
    return low - live_high, high - live_low


def rate(requests: int, bad: int, alpha: float) -> tuple[float, float]:
    """Confidence sequence for a rate: all at which the mixture martingale has not reached 1 / alpha (Robbins, 1970).

    The mixture is Jeffreys' beta(1/2, 1/2), which loses least against the best rate in the worst case (Krichevsky & Trofimov,
    1981): half a log of the number of requests. From 0 to 1 without requests. ValueError: counts that cannot be.
    """
    if not 0 <= bad <= requests:
        raise ValueError(f"{bad} of {requests} requests cannot be bad")
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"an interval has an alpha between 0 and 1, not {alpha:g}")
    if not requests:
        return 0.0, 1.0
    found, goal = bad / requests, -math.log(alpha)

    def doubtful(at: float) -> bool:
        return log_mixture(requests, bad, at, 1.0, centre=0.5) >= goal

    low = 0.0 if not bad else _edge(found, 0.0, doubtful)
    high = 1.0 if bad == requests else _edge(found, 1.0, doubtful)
    return low, high


def _edge(inside: float, outside: float, doubtful: Callable[[float], bool]) -> float:
    """Bisection between a rate that is not doubtful and one that is (or the end); what is returned is on the safe side."""
    for _ in range(_STEPS):
        middle = (inside + outside) / 2
        if middle in (inside, outside):
            break
        inside, outside = (inside, middle) if doubtful(middle) else (middle, outside)
    return outside


_STEPS = 60
"""Halvings: to 1e-18, below what a rate of one in a billion needs."""
