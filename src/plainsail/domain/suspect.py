"""One bad instance, or a bad release? From what each of the candidate's instances had, when the judge says `fail`.

The rule. Of the ready instances the one with the worst rate is *alone* bad if

1. the others are well as far as is known: as many mishaps as they had, or more, are not unlikely (`WELL`) for who is within
   the margin (binomial);
2. chance does not put the mishaps on one instance like this: if all were equally bad, it would be at most `CHANCE`, over
   all instances it could have been (hypergeometric tail times their number, as in Fisher's exact test with Bonferroni's
   correction; Fisher, "Statistical Methods for Research Workers", 1934);
3. the router told of nearly all mishaps whose they were: what nobody knows might be the others'.

So a release of which every instance fails is not taken for one bad instance: beyond a tenth of the requests 1 rules it out
at once, and if all fail alike 2 does, but once in `1 / CHANCE` times. What it can't see: a fault that comes to one instance
after the other (only the first is excused: `replace`), an instance that hangs (whose request it was is known when it is
over, and by then the release is taken back), and a release that is bad on one kind of host only, if one instance is there.
With two instances one bad one is half of the release, so chance must be a tenth of that to be ruled out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import msgspec

from plainsail.domain.criteria import EvidenceCriteria
from plainsail.domain.evidence import Arm, Verdict
from plainsail.domain.mishaps import KIND
from plainsail.domain.observation import Counts, Seen
from plainsail.domain.rollout import Rollout
from plainsail.domain.units import percent_of, plural, seconds

CHANCE = 0.001
"""Longest odds of calling a release one bad instance when all are equally bad."""
CHANCE_OF_TWO = 0.0001
WELL = 0.1
"""Shortest odds at which the others' mishaps are still taken for those of a good release."""
UNKNOWN, SPARE = 0.1, 2
"""At most this part of the mishaps, or so many, may be nobody's: lines of the router's log that are under way or lost."""


class Alone(msgspec.Struct, frozen=True):
    """The one that is bad, and the numbers in a sentence without a full stop."""

    instance: str
    sentence: str


def suspect(rollout: Rollout, seen: Seen, verdict: Verdict | None) -> Alone | None:
    """The candidate's instance that is to be replaced instead of turning back; None: the release is to blame."""
    if verdict is None or not _asked(rollout, verdict):
        return None
    criteria = rollout.placement.evidence
    return alone(_told(rollout, seen), verdict.candidate, verdict.live, verdict.code, criteria)


def hint(rollout: Rollout, seen: Seen, verdict: Verdict) -> str:
    """What the sentence of a way back is to add where one of several instances had nearly all of the mishaps, but too few
    for it to be told from a bad release: a clause; empty: nothing. An only instance with requests has all of them whatever it
    is like."""
    told = {id: counts for id, counts in _told(rollout, seen).items() if counts.requests}
    if not _asked(rollout, verdict) or len(told) < 2 or _nobodys(told, verdict.candidate):
        return ""
    kind = KIND[verdict.code]
    worst = _worst(told, kind)
    bad, all_bad = _bad(told[worst], kind), _bad(_sum(told.values()), kind)
    if not bad or all_bad - bad > UNKNOWN * all_bad or _chance_is_out(told, worst, kind):
        return ""
    what = "failures" if kind == "failures" else "slow answers"
    had = f"{worst} had {bad:,} of the {all_bad:,} {what}"
    return f"{had}, too few with {len(told)} instances to tell one that is bad from a bad release"


def alone(
    told: Mapping[str, Counts], ours: Arm, theirs: Arm, code: str, criteria: EvidenceCriteria
) -> Alone | None:
    """`told`: of each ready instance. `ours`, `theirs`: what the candidate and live had. `code`: which test found harm."""
    if len(told) < 2 or _nobodys(told, ours):
        return None
    kind = KIND[code]
    worst = _worst(told, kind)
    one, rest = told[worst], _sum(counts for id, counts in told.items() if id != worst)
    allowed = _allowed(theirs, code, criteria)
    rest_bad = _bad(rest, kind)
    if not rest.requests or _rate(one, kind) <= allowed:
        return None
    if not _chance_is_out(told, worst, kind):
        return None
    if at_least(rest_bad, rest.requests, allowed) < WELL:
        return None
    return Alone(worst, _sentence(worst, one, rest, len(told) - 1, kind, criteria))


def concentrated(n: int, bad: int, others: int, others_bad: int) -> float:
    """Probability that so many of all mishaps, or more, fall on these n requests if it is all the same where they fall."""
    total, all_bad = n + others, bad + others_bad
    whole = _log_choose(total, n)
    return min(1.0, math.fsum(
        math.exp(_log_choose(all_bad, here) + _log_choose(total - all_bad, n - here) - whole)
        for here in range(bad, min(n, all_bad) + 1)
        if n - here <= total - all_bad
    ))  # fmt: skip


def at_least(bad: int, n: int, rate: float) -> float:
    """Probability of so many mishaps, or more, in n requests of which each has one at this rate."""
    if bad <= 0 or rate >= 1.0:
        return 1.0
    if rate <= 0.0:
        return 0.0
    fewer = math.fsum(
        math.exp(_log_choose(n, k) + k * math.log(rate) + (n - k) * math.log1p(-rate)) for k in range(bad)
    )
    return max(0.0, 1.0 - fewer)


def _asked(rollout: Rollout, verdict: Verdict) -> bool:
    """Whether it is to be found out: harm of a kind that instances are known by, not another variant's, and one may be replaced
    yet."""
    found = verdict.outcome == "fail" and verdict.code in KIND and not verdict.variant
    return found and len(rollout.retired) < rollout.placement.evidence.replace


def _told(rollout: Rollout, seen: Seen) -> dict[str, Counts]:
    """What each of the candidate's ready instances had, but for those that are replaced."""
    group = seen.groups.get(rollout.candidate)
    ready = [one.id for one in group.instances if one.state == "ready"] if group else []
    return {id: seen.instances.get(id, Counts()) for id in ready if id not in rollout.retired}


def _worst(told: Mapping[str, Counts], kind: str) -> str:
    return max(told, key=lambda id: (_rate(told[id], kind), told[id].requests, id))


def _chance_is_out(told: Mapping[str, Counts], worst: str, kind: str) -> bool:
    """It is too unlikely that so many mishaps are this one's if all are equally bad."""
    one, rest = told[worst], _sum(counts for id, counts in told.items() if id != worst)
    by_chance = concentrated(one.requests, _bad(one, kind), rest.requests, _bad(rest, kind))
    return len(told) * by_chance <= (CHANCE if len(told) > 2 else CHANCE_OF_TWO)


def _nobodys(told: Mapping[str, Counts], ours: Arm) -> bool:
    """Too many mishaps are of nobody that is known."""
    known = _sum(told.values())
    return any(
        whole - part > max(SPARE, UNKNOWN * whole)
        for whole, part in ((ours.failures, known.failures), (ours.slow, known.slow))
    )


def _allowed(theirs: Arm, code: str, criteria: EvidenceCriteria) -> float:
    """The rate of mishaps that a good release may have."""
    slow = KIND[code] == "slow"
    margin = criteria.latency if slow else criteria.errors
    limit = 1.0 if slow else criteria.errors.max
    if not theirs.requests:
        return margin.margin if slow else limit
    live = (theirs.slow if slow else theirs.failures) / theirs.requests
    return min((1.0 + margin.relative) * live + margin.margin, max(limit, live))


def _sentence(id: str, one: Counts, rest: Counts, others: int, kind: str, criteria: EvidenceCriteria) -> str:
    what = "failed" if kind == "failures" else f"took longer than {seconds(criteria.latency.bound)}"
    of = f"{_bad(one, kind):,} of {plural(one.requests, 'request')} {what} ({percent_of(_rate(one, kind))})"
    beside = f"{_bad(rest, kind):,} of {rest.requests:,} ({percent_of(_rate(rest, kind))})"
    whose = "of the candidate's other instance" if others == 1 else f"of the candidate's {others} others"
    return f"{id} alone is bad: {of} against {beside} {whose}; it is replaced"


def _sum(counts: Iterable[Counts]) -> Counts:
    requests = failures = shielded = slow = 0
    for one in counts:
        requests, failures = requests + one.requests, failures + one.failures
        shielded, slow = shielded + one.shielded, slow + one.slow
    return Counts(requests, failures, shielded, slow)


def _bad(counts: Counts, kind: str) -> int:
    return counts.slow if kind == "slow" else counts.failures


def _rate(counts: Counts, kind: str) -> float:
    return _bad(counts, kind) / counts.requests if counts.requests else 0.0


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
