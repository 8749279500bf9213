"""A test's arms against each other by the KPI: what each had, how far apart they are, and what that decides.

Each pair has a confidence sequence of its own, right however often one looks, and the level is divided equally among
all pairs, so that they hold together (Bonferroni's inequality; for sequences: Johari, Koomen, Pekelis & Walsh, "Always valid
inference: continuous monitoring of A/B tests", Operations Research 2022). So a variant that is no better than live wins with odds
of alpha at most, with any number of variants and of looks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import msgspec

from plainsail.domain import arms
from plainsail.domain.criteria import EvidenceCriteria, Metric
from plainsail.domain.evidence import Evidence, Sums, Track
from plainsail.domain.stats import means, mismatch
from plainsail.domain.stats.quantiles import log_mixture
from plainsail.domain.tested import each
from plainsail.domain.trial import Trial
from plainsail.domain.units import ALL, number, percent_of

LIVE = "live"

UNEVEN = 0.001
"""Odds of calling users' falling to the arms wrong that is right within the tolerance: as with requests (`sharing.py`)."""
RARE = 30.0
"""Users with a one, and with a zero, that each arm needs before a mean of ones and zeros says anything: its sum is near enough to
normal then (the rule of thumb of n p >= 30; with fewer the interval misses the truth more often than it says)."""


class ArmRate(msgspec.Struct, frozen=True):
    """One arm of a test: live, or a variant."""

    name: str
    group: str
    n: float
    """Users that the KPI's source has counted."""
    rate: float | None
    """Mean of the KPI over them; of counts the part that is bad."""


class Gap(msgspec.Struct, frozen=True):
    """How much better one arm is than another, in the unit of the KPI: above 0 is better, whichever way is good."""

    of: str
    than: str
    estimate: float
    low: float | None = None
    high: float | None = None
    """All gaps of a test are inside of these at all times at once, but for odds of alpha; null: nothing can be said yet."""


class Comparison(msgspec.Struct, frozen=True):
    """A test as it stands."""

    kpi: str
    level: float
    """With which probability all intervals hold, at all times and together."""
    arms: tuple[ArmRate, ...] = ()
    """Live first."""
    gaps: tuple[Gap, ...] = ()
    """Of each variant to live, then among the variants."""
    parts: bool = False
    """The KPI is a part of the users."""
    voided: str = ""
    """Why nothing can be concluded, in one clause."""
    missing: str = ""
    """Why the source told nothing in its last window."""

    def gap(self, of: str, than: str) -> Gap | None:
        """Turned as it is asked for."""
        for one in self.gaps:
            if (one.of, one.than) == (of, than):
                return one
            if (one.of, one.than) == (than, of):
                return _turned(one)
        return None

    def variants(self) -> tuple[ArmRate, ...]:
        return self.arms[1:]


def compare(trial: Trial, evidence: Evidence | None, criteria: EvidenceCriteria, live: str) -> Comparison:
    """From what is known of all arms so far."""
    kpi, level = trial.asked.kpi, 1.0 - criteria.alpha
    metric = criteria.metrics.get(kpi)
    if evidence is None or metric is None:
        return Comparison(kpi, level)
    known = {group: arms.of(evidence, trial, group) for group in trial.groups}
    tracks = {group: one.tracks.get(kpi, Track()) if one else Track() for group, one in known.items()}
    sums = {live: tracks[arms.whose(evidence, trial)].live}
    sums |= {group: track.candidate for group, track in tracks.items()}
    parts = _parts(metric, tuple(sums.values()))
    names = {live: LIVE, **dict(zip(trial.groups, trial.names, strict=True))}
    pairs = [(group, live) for group in trial.groups] + list(combinations(trial.groups, 2))
    alpha = criteria.alpha / len(pairs)
    gaps = (_gap(metric, names[of], names[than], sums[of], sums[than], alpha, parts) for of, than in pairs)
    return Comparison(
        kpi=kpi,
        level=level,
        arms=tuple(
            ArmRate(names[group], group, one.n, one.sum / one.n if one.n else None)
            for group, one in sums.items()
        ),
        gaps=tuple(gap for gap in gaps if gap is not None),
        parts=parts,
        voided="" if trial.by_match() else _uneven(trial, sums, live),
        missing=next((track.missing for track in tracks.values() if track.missing), ""),
    )


def winner(found: Comparison, margin: float, *, late: bool) -> str:
    """The variant that is proven to be better than live, and than each other variant or not worse than that by more than the
    margin; at the end (`late`) the best of those that are better than live. Empty: none."""
    better = [
        one for one in found.variants() if (gap := found.gap(one.name, LIVE)) and (gap.low or 0.0) > 0.0
    ]
    for one in better:
        rest = [other for other in found.variants() if other is not one]
        if all(_no_worse(found.gap(other.name, one.name), margin) for other in rest):
            return one.name
    if not (late and better):
        return ""
    return max(better, key=lambda one: _estimate(found.gap(one.name, LIVE))).name


def none_better(found: Comparison, margin: float) -> bool:
    """It is proven that no variant is better than live by more than the margin."""
    gaps = [found.gap(one.name, LIVE) for one in found.variants()]
    return bool(gaps) and all(_no_worse(gap, margin) for gap in gaps)


def told(found: Comparison, name: str) -> str:
    """`5.2 % against live's 4.8 %, better by 0.4 points (0.1 to 0.7 at 99 %)`."""
    rates = {one.name: one.rate for one in found.arms}
    ours, theirs = (figure(found, rates.get(one)) for one in (name, LIVE))
    said = f"{ours} against live's {theirs}"
    gap = found.gap(name, LIVE)
    return said if gap is None else f"{said}, {apart(found, gap)}"


def apart(found: Comparison, gap: Gap) -> str:
    """`better by 0.4 points (0.1 to 0.7 at 99 %)`."""
    better = gap.estimate >= 0.0
    gap = gap if better else _turned(gap)
    said = f"{'better' if better else 'worse'} by {distance(found, gap.estimate)}"
    if gap.low is None or gap.high is None:
        return f"{said} (too few users to say how sure that is)"
    between = f"{_bare(found, gap.low)} to {_bare(found, gap.high)}"
    return f"{said} ({between} at {percent_of(found.level)})"


def figure(found: Comparison, rate: float | None) -> str:
    """A value of the KPI as people read it."""
    if rate is None:
        return "nothing"
    return percent_of(rate) if found.parts else number(rate)


def among(found: Comparison, name: str) -> str:
    """What is known of a winner against the other variants, as the rest of a sentence; empty: there are none."""
    better: list[str] = []
    alike: list[str] = []
    for one in found.variants():
        if one.name == name:
            continue
        gap = found.gap(name, one.name)
        (better if gap is not None and (gap.low or 0.0) > 0.0 else alike).append(one.name)
    said = [f"better than {' and '.join(better)} too"] if better else []
    said += [f"against {' and '.join(alike)} no difference is shown"] if alike else []
    return "".join(f"; {one}" for one in said)


def distance(found: Comparison, value: float) -> str:
    """A difference, in the unit of the KPI."""
    bare = _bare(found, value)
    return f"{bare} point{'s' * (bare != '1')}" if found.parts else bare


def _uneven(trial: Trial, sums: Mapping[str, Sums], live: str) -> str:
    """Sample ratio mismatch, in one clause: a variant has more or fewer of its and live's users than the split says, beyond the
    tolerance. Each user is one draw, so the mixture of Robbins is bet (Lindon & Malek, "Anytime-valid inference for multinomial
    count data", NeurIPS 2022), which is quicker than bets on blocks of requests. Empty: nothing of the kind is shown."""
    share = each(trial.asked)
    rest = ALL - share * len(trial.groups)
    expected, slack = share / (share + rest), mismatch.TOLERANCE * min(share, rest) / (share + rest)
    for group in trial.groups:
        mine, total = round(sums[group].n), round(sums[group].n) + round(sums[live].n)
        if not total:
            continue
        edge = min(max(mine / total, expected - slack), expected + slack)
        if log_mixture(total, mine, edge, 1.0, centre=0.5) < mismatch.goal(UNEVEN):
            continue
        had = f"{trial.name(group)} had {percent_of(mine / total)} of the {total:,} users of it and of live"
        return f"{had}, and should have had {percent_of(expected)}"
    return ""


def _gap(
    metric: Metric, of: str, than: str, ours: Sums, theirs: Sums, alpha: float, parts: bool
) -> Gap | None:
    if not ours.n or not theirs.n:
        return None
    sign = 1.0 if metric.better == "higher" and metric.kind() == "mean" else -1.0
    estimate = sign * (ours.sum / ours.n - theirs.sum / theirs.n)
    between = _interval(metric, ours, theirs, alpha, parts)
    if between is None:
        return Gap(of, than, estimate)
    low, high = sorted(sign * edge for edge in between)
    return Gap(of, than, estimate, min(low, estimate), max(high, estimate))


def _interval(
    metric: Metric, ours: Sums, theirs: Sums, alpha: float, parts: bool
) -> tuple[float, float] | None:
    """The asymptotic sequence of means; of rare ones among zeros not before there are enough. What is counted is ones and zeros."""
    if metric.kind() == "counts":
        ours, theirs = (Sums(one.n, one.sum, one.sum) for one in (ours, theirs))
    if any(means.fault(one.n, one.sum, one.squares) for one in (ours, theirs)):
        return None
    if parts and min(min(one.sum, one.n - one.sum) for one in (ours, theirs)) < RARE:
        return None
    return means.interval(ours, theirs, alpha)


def _parts(metric: Metric, sums: Sequence[Sums]) -> bool:
    """Each user brings one or zero: then the sum of the squares is the sum."""
    if metric.kind() == "counts":
        return True
    return any(one.sum for one in sums) and all(
        abs(one.squares - one.sum) <= 1e-9 * one.squares and 0.0 <= one.sum <= one.n for one in sums
    )


def _no_worse(gap: Gap | None, margin: float) -> bool:
    """The other one, of which this is the gap, is not better by more than the margin."""
    return gap is not None and gap.high is not None and gap.high <= margin


def _estimate(gap: Gap | None) -> float:
    return gap.estimate if gap is not None else 0.0


def _turned(gap: Gap) -> Gap:
    low, high = (None if edge is None else -edge for edge in (gap.high, gap.low))
    return Gap(gap.than, gap.of, -gap.estimate, low, high)


def _bare(found: Comparison, value: float) -> str:
    """Of parts in points, without their name."""
    return f"{value * 100:.3g}" if found.parts else number(value)
