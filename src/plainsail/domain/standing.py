"""The standing A/A test: live's own ready instances against each other, with the bets that judge the candidate.

Those bets take it that mishaps fall on both sides alike, unless a side is worse. One bad host, a few unlucky sticky users,
waves that hit one instance: with those, live differs from itself, and then a candidate may differ from live for the same
reasons. There is no guarantee against it, so it is measured: live's instances in two halves, bet both ways with a margin of
0, on failures and on slow answers. At `alpha` the verdict gets a warning; it decides nothing.

The rule for the halves: an instance stays where it is; a new one goes where fewer are (by id, if several come at once); if
all of one half have gone, every second one of the other's, by id, moves there.

`decide` calls `watch` before the judge, and `warned` with what the judge said.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import msgspec

from plainsail.domain.evidence import Evidence, Half, Stake, Verdict
from plainsail.domain.observation import Counts, Seen
from plainsail.domain.rollout import Rollout
from plainsail.domain.stats.betting import FRESH, Block, log_money, log_sum, margin_bets, play
from plainsail.domain.units import percent_of, plural

replace = msgspec.structs.replace

BETS = margin_bets(0.0, 0.0)
WAYS = (("failures", 0), ("failures", 1), ("slow", 0), ("slow", 1))
"""Which mishaps, and which half they are said to be more of. A quarter of the money is on each."""
NAMED = 3
"""Instances of a half that a warning names."""


def watch(evidence: Evidence, seen: Seen, live: str | None) -> Evidence:
    """With what live's instances had since the last block. Blocks close when both halves have had a request, as those of
    the judge do: that favours nobody."""
    group = seen.groups.get(live) if live is not None else None
    ready = [one.id for one in group.instances if one.state == "ready"] if group else []
    told = {id: seen.instances[id] for id in ready if id in seen.instances}
    if len(told) < 2:
        return evidence
    before = evidence.halves or (Half(), Half())
    halves = _divided(before, told)
    new = [_new(half.last, told) for half in halves]
    if not all(one.requests > 0 and one.failures >= 0 and one.slow >= 0 for one in new):
        return evidence if halves == before else replace(evidence, halves=halves)
    return replace(
        evidence,
        halves=tuple(_grown(half, one, told) for half, one in zip(halves, new, strict=True)),
        standing=_played(evidence, new),
    )


def warned(verdict: Verdict, evidence: Evidence, rollout: Rollout) -> Verdict:
    """The verdict, with a warning where there is one."""
    said = warning(evidence, rollout.placement.evidence.alpha)
    return replace(verdict, warnings=(*verdict.warnings, said)) if said else verdict


def warning(evidence: Evidence, alpha: float) -> str:
    """One sentence without a full stop; empty as long as live does not differ from itself, as far as is known."""
    log = log_evidence(evidence)
    if alpha <= 0.0 or log < -math.log(alpha) or not evidence.halves:
        return ""
    kind, worse = _loudest(evidence)
    one, other = evidence.halves[worse], evidence.halves[1 - worse]
    odds = "over 1,000,000" if log > math.log(1e6) else f"{math.floor(math.exp(log)):,}"
    return (
        f"the evidence is weaker than it looks, for live differs from itself: {_told(one, kind)} "
        f"{'failed' if kind == 'failures' else 'were slow'} on {_named(one)} against {_told(other, kind)} on {_named(other)} "
        f"({odds} to 1 against chance); find what those instances have in common (a host, a few users) before you trust a "
        "close verdict"
    )


def log_evidence(evidence: Evidence) -> float:
    """Natural log of the e-value against "live does not differ from itself"."""
    return log_sum([log - math.log(len(WAYS)) for log in _moneys(evidence)])


def _divided(halves: tuple[Half, ...], told: Mapping[str, Counts]) -> tuple[Half, Half]:
    """Those that are there now. A new one's counts start from what it has."""
    first, second = ({id: last for id, last in half.last.items() if id in told} for half in halves)
    for id in sorted(told.keys() - first.keys() - second.keys()):
        (first if len(first) <= len(second) else second)[id] = told[id]
    for full, empty in ((first, second), (second, first)):
        if not empty:
            empty.update((id, full.pop(id)) for id in sorted(full)[1::2])
    return replace(halves[0], last=first), replace(halves[1], last=second)


def _new(last: Mapping[str, Counts], told: Mapping[str, Counts]) -> Counts:
    """What a half had since the last block. Less than before: the router began anew, and all of it is new."""
    requests = failures = slow = 0
    for id, before in last.items():
        now = told[id]
        anew = now.requests < before.requests or now.failures < before.failures or now.slow < before.slow
        since = Counts() if anew else before
        requests += now.requests - since.requests
        failures += now.failures - since.failures
        slow += now.slow - since.slow
    return Counts(requests, min(failures, requests), slow=min(slow, requests))


def _grown(half: Half, new: Counts, told: Mapping[str, Counts]) -> Half:
    return Half(
        last={id: told[id] for id in half.last},
        requests=half.requests + new.requests,
        failures=half.failures + new.failures,
        slow=half.slow + new.slow,
    )


def _played(evidence: Evidence, new: list[Counts]) -> tuple[Stake, ...]:
    stakes: list[Stake] = []
    for (kind, worse), its in zip(WAYS, _stakes(evidence), strict=True):
        one, other = new[worse], new[1 - worse]
        usual = evidence.bursts[kind].usual() if kind in evidence.bursts else 0.0
        block = Block(one.requests, getattr(one, kind), other.requests, getattr(other, kind), usual)
        stakes += play(BETS, its, block)
    return tuple(stakes)


def _stakes(evidence: Evidence) -> list[tuple[Stake, ...]]:
    """By way."""
    size = len(BETS)
    found = evidence.standing if len(evidence.standing) == size * len(WAYS) else (FRESH,) * size * len(WAYS)
    return [found[at : at + size] for at in range(0, len(found), size)]


def _moneys(evidence: Evidence) -> list[float]:
    return [log_money(BETS, its) for its in _stakes(evidence)]


def _loudest(evidence: Evidence) -> tuple[str, int]:
    moneys = _moneys(evidence)
    return WAYS[moneys.index(max(moneys))]


def _told(half: Half, kind: str) -> str:
    bad: int = getattr(half, kind)
    return f"{bad:,} of {plural(half.requests, 'request')} ({percent_of(bad / half.requests if half.requests else 0.0)})"


def _named(half: Half) -> str:
    names: Iterable[str] = sorted(half.last)[:NAMED]
    more = len(half.last) - NAMED
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")
