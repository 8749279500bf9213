"""Bounds: how few requests of the candidate any test needs, even one that was told both rates beforehand.

A test that is wrong with odds of at most alpha, however often it looks, needs log(1/alpha) of evidence, and a request brings
at most the Kullback-Leibler divergence to the nearest case that is still within the margin (Wald 1945; Garivier and
Kaufmann, "Optimal best arm identification with fixed confidence", 2016). On two sides the nearest case may move live's
rate too, and live's requests of the same time count.
"""

from __future__ import annotations

import math


def two_sample(p: float, q: float, margin: float, live_per_request: float, alpha: float) -> float:
    """Requests of the candidate that fails at p beside live at q, which has so many for each of the candidate's."""
    if p <= q + margin:
        return math.inf
    return -math.log(alpha) / _nearest(p, q, margin, live_per_request)


def one_sample(p: float, q: float, margin: float, alpha: float) -> float:
    """The same with live's rate known for certain: Wald's bound for q + margin against p."""
    return math.inf if p <= q + margin else -math.log(alpha) / divergence(p, q + margin)


def divergence(p: float, q: float) -> float:
    """Kullback-Leibler, of one request: natural log."""
    if q <= 0.0 or q >= 1.0:
        return 0.0 if p == q else math.inf
    first = p * math.log(p / q) if p > 0.0 else 0.0
    return first + ((1.0 - p) * math.log((1.0 - p) / (1.0 - q)) if p < 1.0 else 0.0)


def _nearest(p: float, q: float, margin: float, weight: float) -> float:
    """The least evidence per request over all live rates x with the candidate at x + margin: convex, so by thirds."""
    low, high = q, min(p, 1.0) - margin

    def evidence(x: float) -> float:
        return divergence(p, x + margin) + weight * divergence(q, x)

    for _ in range(200):
        third = (high - low) / 3
        if evidence(low + third) < evidence(high - third):
            high -= third
        else:
            low += third
    return evidence((low + high) / 2)
