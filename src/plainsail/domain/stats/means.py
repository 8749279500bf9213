"""Means of two sides, or of paired differences: e-values and confidence sequences from n, sum and sum of squares.

Asymptotic: what is guaranteed holds as the number of observations at the first look grows, for independent observations
with a finite variance, however often one looks afterwards (Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas, "Time-uniform
central limit theory and asymptotic confidence sequences", Annals of Statistics 2024). Until there are `LEAST` of them on
each side (`LEAST_PAIRS` of paired differences) nothing is said: the e-value is 1, the interval None. The same where there
is no spread at all, since a spread of 0 is one that has not been seen yet. The unit of measurement does not matter.

Rare ones among zeros (a conversion of 0.1 %) look normal only after some tens of ones: where failures can be counted, a
test of counts is exact, and quicker.

The difference of the means over its variance, d / V, is a Brownian motion in the information 1 / V, however the
split moves (Jennison & Turnbull, "Group sequential methods", 1999, chapter 3). On it Robbins' normal mixture ("Statistical
methods related to the law of the iterated logarithm", 1970) is bet: all effects at once, small ones more than large ones.
"""

from __future__ import annotations

import math

import msgspec

from plainsail.domain.evidence import Sums

LEAST = 100
"""Observations on each side before anything is said."""
LEAST_PAIRS = 30
"""Paired differences before anything is said: differences of like things are nearer to normal than the things."""

PRIOR, PRIOR_PAIRS = 0.006, 0.1
"""Variance of the mixture, of effects as parts of the spread: best at some 2,000 users (n m / (n + m) of two sides) and
at some 100 pairs for alpha = 1 % (Waudby-Smith et al., equation 56: (-2 log alpha + log(1 - 2 log alpha)) / n). A tenth or ten
times as many cost a fifth of the width. KPIs move by a tenth of their spread, which takes thousands of users to see."""

GROWN = 20.0
"""Times that the mean of squares may be larger at the margin than it was seen: from one in a thousand to one in fifty."""


def log_worse(ours: Sums, theirs: Sums, ratio: float = 1.0, margin: float = 0.0) -> float:
    """Log of the e-value against H0: our mean <= ratio x their mean + margin. ValueError as `fault` says."""
    found = _compared(ours, theirs, ratio)
    return _log_positive(found, found.mean - margin) if found else 0.0


def log_better(ours: Sums, theirs: Sums, ratio: float = 1.0, margin: float = 0.0) -> float:
    """Log of the e-value against H0: our mean >= ratio x their mean + margin. ValueError as `fault` says.

    Of ones among zeros, and of anything that most users have none of, the mean of squares grows with the mean. A candidate
    that by luck has had one instead of six has a sixth of their spread too, and would prove itself by that. So the spread
    is the one there would be at the margin, if it is larger. (Of values of both signs with a mean near 0 this asks for up
    to `GROWN` times as many.)
    """
    found = _compared(ours, theirs, ratio)
    if found is None:
        return 0.0
    edge = ratio * theirs.sum / theirs.n + margin
    spread = max(found.spread, _spread_at(edge, ours, theirs))
    return _log_positive(msgspec.structs.replace(found, spread=spread), margin - found.mean)


def log_paired(differences: Sums, margin: float = 0.0, steps: float | None = None) -> float:
    """Log of the e-value against H0: the mean difference <= margin. ValueError as `fault` says.

    `steps` is the sum of the squares of what each difference differs by from the one before. What is measured window after window
    (memory in use) hardly changes from one to the next, and counted as independent it takes back every fifth good release
    at a correlation of 0.5. With it, the variance of the mean is that of a series in which each value keeps
    a part of the last (autoregressive, of order 1: Box & Jenkins, "Time series analysis", 1970); without, none is assumed.
    """
    found = _paired(differences, steps)
    return _log_positive(found, found.mean - margin) if found else 0.0


def interval(ours: Sums, theirs: Sums, alpha: float, ratio: float = 1.0) -> tuple[float, float] | None:
    """Confidence sequence for our mean - ratio x their mean: it is outside of any of them with a chance of alpha."""
    found = _compared(ours, theirs, ratio)
    return _around(found, alpha) if found else None


def interval_paired(
    differences: Sums, alpha: float, steps: float | None = None
) -> tuple[float, float] | None:
    """Confidence sequence for the mean difference; `steps` as in `log_paired`."""
    found = _paired(differences, steps)
    return _around(found, alpha) if found else None


def fault(n: float, total: float, squares: float) -> str:
    """Why these are no sums of anything, in one clause; empty: they may be."""
    for name, value in (("count", n), ("sum", total), ("sum of squares", squares)):
        if not math.isfinite(value):
            return f"the {name} is {value}"
    if n < 0:
        return f"the count is {n:g}"
    if squares < 0:
        return f"the sum of squares is {squares:g}"
    if n == 0:
        return "there are sums of nothing" if total or squares else ""
    if squares < total * (total / n) * (1.0 - _rounding(n)):
        return f"the sum of squares, {squares:g}, is too small for a sum of {total:g} over {n:g}"
    return ""


class _Estimate(msgspec.Struct, frozen=True):
    mean: float
    spread: float
    """Standard deviation of one observation."""
    time: float
    """Observations that it is worth: the variance of the mean is spread^2 / time."""
    freedom: float
    """Degrees of freedom of the spread."""
    prior: float


def _compared(ours: Sums, theirs: Sums, ratio: float) -> _Estimate | None:
    """The larger spread is taken for both sides: a side with few observations may not have shown its own yet."""
    _check(ours, "candidate")
    _check(theirs, "live")
    if min(ours.n, theirs.n) < LEAST:
        return None
    spread = max(_spread(ours), abs(ratio) * _spread(theirs))
    if not spread:
        return None
    return _Estimate(
        mean=ours.sum / ours.n - ratio * (theirs.sum / theirs.n),
        spread=spread,
        time=1.0 / (1.0 / ours.n + 1.0 / theirs.n),
        freedom=min(ours.n, theirs.n) - 1.0,
        prior=PRIOR,
    )


def _spread_at(edge: float, ours: Sums, theirs: Sums) -> float:
    """The spread there would be at this mean if the mean of squares grew with the mean; 0 if it would not grow."""
    n, total, squares = ours.n + theirs.n, ours.sum + theirs.sum, ours.squares + theirs.squares
    grown = edge * n / total if total else 0.0
    return math.sqrt(max(0.0, min(grown, GROWN) * squares / n - edge * edge))


def _paired(differences: Sums, steps: float | None) -> _Estimate | None:
    _check(differences, "differences")
    spread = _spread(differences) if differences.n >= LEAST_PAIRS else 0.0
    if not spread:
        return None
    n, mean = differences.n, differences.sum / differences.n
    time = n if steps is None else n * _part_that_is_new(differences, steps)
    return _Estimate(mean, spread, time, max(1.0, time - 1.0), PRIOR_PAIRS)


def _part_that_is_new(differences: Sums, steps: float) -> float:
    """By how much a series is shorter than it looks: (1 - c) / (1 + c), c being the correlation with the value before.

    An estimate from n values is too low by about (1 + 4 c) / n (Kendall, "Note on bias in the estimation of
    autocorrelation", Biometrika 1954) and uncertain by 1 / sqrt(n), so two of those are added. A negative one is taken as none.
    ValueError: `steps` is no number, or less than 0.
    """
    if not 0.0 <= steps < math.inf:
        raise ValueError(f"differences: the sum of squared steps is {steps}")
    n, mean = differences.n, differences.sum / differences.n
    around = differences.squares - n * mean * mean
    kept = 1.0 - steps / (2.0 * around)  # von Neumann's ratio, 1941; where the level is does not matter
    kept = kept + (1.0 + 4.0 * max(0.0, kept)) / n + 2.0 * math.sqrt(max(0.0, 1.0 - kept * kept) / n)
    kept = min(_ALL_KEPT, max(0.0, kept))
    return (1.0 - kept) / (1.0 + kept)


def _check(sums: Sums, side: str) -> None:
    if why := fault(sums.n, sums.sum, sums.squares):
        raise ValueError(f"{side}: {why}")


def _spread(sums: Sums) -> float:
    """Standard deviation; 0 where rounding hides it."""
    mean = sums.sum / sums.n
    left = sums.squares / sums.n - mean * mean
    return math.sqrt(left * sums.n / (sums.n - 1.0)) if left > _rounding(sums.n) * mean * mean else 0.0


def _rounding(n: float) -> float:
    """The part of a sum of so many that may be rounding: each addition rounds, and equal values all the same way."""
    return max(_ROUNDING, n * math.ulp(1.0))


def _log_positive(found: _Estimate, effect: float) -> float:
    """Log of the mixture over all positive effects: an e-value against an effect of 0 or less."""
    z = effect / found.spread * math.sqrt(found.time)
    # With an estimated spread a large z is less than it seems: this is what Student's likelihood ratio makes of it.
    z = math.copysign(math.sqrt((found.freedom + 1.0) * math.log1p(z * z / found.freedom)), z)
    known = found.prior * found.time
    part = known / (1.0 + known)
    return (
        math.log(2.0) - 0.5 * math.log1p(known) + 0.5 * part * z * z + _log_normal_below(math.sqrt(part) * z)
    )


def _around(found: _Estimate, alpha: float) -> tuple[float, float]:
    """Where the mixture over effects of both signs stays below 1 / alpha (Waudby-Smith et al., theorem 2.2)."""
    known = found.prior * found.time
    z = math.sqrt((1.0 + 1.0 / known) * (2.0 * math.log(1.0 / alpha) + math.log1p(known)))
    freedom = found.freedom + 1.0
    z = math.sqrt(found.freedom * math.expm1(min(z * z / freedom, 700.0)))
    half = z * found.spread / math.sqrt(found.time)
    return found.mean - half, found.mean + half


def _log_normal_below(x: float) -> float:
    """Log of the standard normal distribution function."""
    if x > -30.0:
        return math.log(0.5 * math.erfc(-x / math.sqrt(2.0)))
    return -0.5 * x * x - math.log(-x) - 0.5 * math.log(2.0 * math.pi)  # right to a part in 900


_ROUNDING = 1e-12
"""Of a square: even short sums of doubles know no more digits than that, so less is no spread."""
_ALL_KEPT = 0.999
"""Correlation beyond which a series is one value: it says nothing, and must not divide by zero."""
