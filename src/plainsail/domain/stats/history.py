"""A past as a limit, where nobody is left to compare with: the highest rate that it still allows."""

from __future__ import annotations

from plainsail.domain.stats.differences import rate


def at_most(requests: int, bad: int, alpha: float) -> float:
    """Upper confidence bound of a rate from totals of the past, anytime-valid: at no time is it below the true rate, with a
    chance of at most alpha. 1 without requests.

    For requests that are independent given a rate that did not move; the mixture martingale of `differences.rate`.
    """
    return rate(requests, bad, alpha)[1]


def limit(requests: int, bad: int, margin: float, relative: float, alpha: float) -> float:
    """The rate beyond which a candidate is worse than this past by more than its margin; below 1, so that one can bet on it.

    Take alpha / 2 here, and test the candidate against the limit at alpha / 2: either errs with that chance at most, so
    a release that is as good as the past is called worse with a chance of at most alpha. That the past is like the present
    (the same time of day, the same dependencies) nobody guarantees.
    """
    return min(_HIGHEST, (1.0 + relative) * at_most(requests, bad, alpha) + margin)


_HIGHEST = 0.99
"""A limit of 1 cannot be broken, so it cannot be bet on."""
