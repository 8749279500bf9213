"""Several tests at once: their e-values as one, or which of them to believe."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from plainsail.domain.stats.betting import log_sum


def log_mean(logs: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """Log of the weighted mean of e-values given as logs, by name; 0 for none. One without a weight has the weight 1.

    A mean of e-values is one, whatever they have to do with each other, so it reaches 1 / alpha by chance no more often than
    alpha; and essentially nothing else symmetric does better without independence (Vovk & Wang, "E-values: calibration,
    combination and applications", Annals of Statistics 2021). Of e-processes it is an e-process: a mean of games is a game.
    Weights have to be chosen beforehand.
    """
    total = math.fsum(weights.get(name, 1.0) for name in logs)
    if not total:
        return 0.0
    return log_sum([
        log + math.log(weight / total) for name, log in logs.items() if (weight := weights.get(name, 1.0)) > 0.0
    ])  # fmt: skip


def believed(logs: Sequence[tuple[str, float]], level: float) -> tuple[str, ...]:
    """e-BH: the names of the e-values (as logs) to believe, the strongest first, so that of those at most the part `level`
    is false, on average.

    The k strongest are believed for the largest k of which each is at least n / (k level). Right whatever they have to do
    with each other (Wang & Ramdas, "False discovery rate control with e-values", JRSS-B 2022).
    """
    if not level > 0.0:
        return ()
    ranked = sorted(logs, key=lambda named: -named[1])
    line = math.log(len(ranked) / level) if ranked else 0.0
    most = max((k for k, (_, log) in enumerate(ranked, 1) if log + math.log(k) >= line), default=0)
    return tuple(name for name, _ in ranked[:most])
