"""Yardsticks: how few requests any test could decide with, if it knew the true rates beforehand. Decides nothing.

A test that errs with a chance of at most alpha, and does see the fault some time, needs at least log(1/alpha) / KL requests on
average, KL being what one of them tells on average against the null that is hardest to tell from the truth (Wald,
"Sequential tests of statistical hypotheses", 1945; for several samples Garivier & Kaufmann, "Optimal best arm
identification with fixed confidence", COLT 2016). Requests are independent of each other here.
"""

from __future__ import annotations

import math
from collections.abc import Callable


def two_sample(
    p: float, q: float, live_per_request: float, alpha: float, margin: float, relative: float = 0.0
) -> float:
    """The least number of candidate requests, on average, at which any level-alpha test can know that p is beyond the margin.

    p and q are the true rates of candidate and live, `live_per_request` the live requests that come with each of the
    candidate's, and the null is all (p0, q0) with p0 <= (1 + relative) q0 + margin. Infinite when p is within the margin, and
    without live's requests: any p is within it for some q.
    """
    ratio = 1.0 + relative
    if p <= ratio * q + margin or live_per_request <= 0.0:
        return math.inf

    def told(q0: float) -> float:
        """By a candidate's request and live's beside it, against the null's edge at this q0: convex in it."""
        return divergence(p, min(1.0, ratio * q0 + margin)) + live_per_request * divergence(q, q0)

    return -math.log(alpha) / _least(told, q, min(1.0, (p - margin) / ratio))


def one_sample(p: float, q: float, alpha: float, margin: float, relative: float = 0.0) -> float:
    """Wald's bound, when live's rate is known as if there were endless traffic. Infinite when p is within the margin."""
    limit = (1.0 + relative) * q + margin
    return -math.log(alpha) / divergence(p, limit) if p > limit else math.inf


def divergence(p: float, q: float) -> float:
    """Kullback and Leibler's, of a rate p from a rate q, in nats: what a request tells on average, if p is true, against q."""
    return max(0.0, _term(p, q) + _term(1.0 - p, 1.0 - q))


def _term(p: float, q: float) -> float:
    if p <= 0.0:
        return 0.0
    return p * math.log(p / q) if q > 0.0 else math.inf


def _least(function: Callable[[float], float], low: float, high: float) -> float:
    """The least value of a convex function between two points, by golden section (Kiefer, 1953); ends included."""
    golden = (math.sqrt(5.0) - 1.0) / 2.0
    least = min(function(low), function(high))
    left, right = high - golden * (high - low), low + golden * (high - low)
    at_left, at_right = function(left), function(right)
    for _ in range(_STEPS):
        least = min(least, at_left, at_right)
        if at_left < at_right:
            high, right, at_right = right, left, at_left
            left = high - golden * (high - low)
            at_left = function(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + golden * (high - low)
            at_right = function(right)
    return least


_STEPS = 80
"""Each leaves 62 % of the interval: to 1e-17 of it, though half the digits of where it is are enough for its value."""
