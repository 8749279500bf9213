"""What chance may do: exact binomials, and how many false alarms are still noise."""

from __future__ import annotations

import math


def binomial(n: int, p: float) -> list[float]:
    return [math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]


def allowed(runs: int, alpha: float) -> int:
    """So many of the runs err, or fewer, with all but a chance of 1 in 1,000 when each errs with chance alpha."""
    chances = binomial(runs, alpha)
    return next(k for k in range(runs + 1) if math.fsum(chances[k + 1 :]) < 0.001)
