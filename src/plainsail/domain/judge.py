"""The judge: from what the candidate's and live's own users met, whether the candidate may stay. Pure, looks as often
as one likes, remembers a few kilobytes.

`fail` when the evidence of harm reaches 1 / alpha: all tests of harm share one purse, so that their average is a fair
game too and the odds of taking back a good release are at most alpha in all. `pass` when, for the exposure that is asked
for, the evidence against "errors or slow requests are beyond the margin" reaches 1 / beta for each: a candidate is
called good only if both are shown, so neither needs a correction.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from plainsail.domain import claims, metering, sharing, tails
from plainsail.domain.blocks import Compared, advance, count_crashes, marked
from plainsail.domain.criteria import EvidenceCriteria
from plainsail.domain.evidence import Arm, Evidence, Stake, Verdict
from plainsail.domain.finding import Finding, sentence
from plainsail.domain.mishaps import KIND, mishaps, remembered
from plainsail.domain.observation import Counts, Latency, Measured, Unmeasured
from plainsail.domain.past import limit
from plainsail.domain.stats import betting, several

replace = msgspec.structs.replace

WEIGHTS = {"errors": 8.0, "max_errors": 1.0, "latency": 4.0, "errors_past": 4.0, "latency_past": 2.0}
"""How the purse is shared among the tests of harm (`stats/several.py`); each other one has a part of 1. A test that isn't asked
for leaves its part to the others, and alpha holds for all metrics together."""

AGAINST_PAST = {"errors_past": "errors", "latency_past": "latency"}
"""Tests against live's past, and what they are called in a verdict. People may call a metric `carts_past`: it is another one."""

LIVE_CRASHES = 3
"""Crashes of the candidate that each of live's excuses. Crashes are judged by this rule of thumb, outside of alpha: too
few ever happen for a test, and a release that crashes while live does not should go. There is no guarantee in it."""

LOST = -700.0
"""Log of the money of a test whose comparison is void: nothing, as a finite number."""

CALM = math.log(2.0)
"""Evidence of harm below which nothing is suspected; the sentence tells what happened since."""


NOTHING: Mapping[str, Any] = {}


def begin(since: float) -> Evidence:
    """Nothing known yet."""
    return Evidence(since, opened=since, live_at=since)


def judge(
    evidence: Evidence,
    counts: Mapping[str, Counts],
    crashes: Mapping[str, int],
    candidate: str,
    live: str | None,
    criteria: EvidenceCriteria,
    exposures: Sequence[int],
    exposure: int | None,
    now: float,
    trouble: str = "",
    past: Arm | None = None,
    *,
    expected: float | None = None,
    latency: Mapping[str, Latency] = NOTHING,
    measured: Mapping[str, Measured | Unmeasured] = NOTHING,
    before: Verdict | None = None,
    warm: bool = True,
    share: int = 1,
) -> tuple[Evidence, Verdict]:
    """The evidence with this look, and what it says. One call is one block of time at most.

    `counts` and `crashes` are cumulative, by group. `exposures` are the shares (basis points) that the steps will ask
    for, `exposure` the one asked for now. Live None (a first deploy): only the limit and crashes can fail it.
    `trouble` is the candidate's last crash in one clause, for the sentence. `past` is what live's users met before: given from
    the first look on where all users will be the candidate's for a while, so that the purse is shared out once.

    `expected` is the candidate's part of both sides' requests as the router was told, if both have users; `latency` holds
    the router's histograms and `measured` the last windows of metric sources. Until `warm`, only crashes and the limits count:
    caches are cold. `share` (basis points) is the candidate's, in force: it says which metrics have to speak. `before` is the verdict of the last look: a
    look that brings nothing new says the same again.
    """
    exposures = sorted({*exposures, *([] if exposure is None else [exposure])} - {0})
    told = evidence
    evidence = count_crashes(evidence, crashes, candidate, live)
    if not warm:
        evidence = _warming(evidence, counts, candidate, live, criteria, now)
        tests = _tests(criteria, past)
        found = _verdict(evidence, tests, criteria, exposures, exposure, now, trouble, past, share)
        if found.outcome == "fail" and found.code == "max_errors" and evidence.cold:
            ours, theirs = evidence.cold
            whole = replace(evidence, candidate=ours, live=theirs)
            found = _verdict(whole, tests, criteria, exposures, exposure, now, trouble, past, share)
        return evidence, found
    if live is not None and live not in evidence.last:  # somebody else, whose counts began elsewhere
        evidence = replace(evidence, split=None, tails={})
    evidence = sharing.watch(evidence, counts, candidate, live, expected, criteria.latency.bound, now)
    evidence = tails.watch(evidence, latency, candidate, live, criteria.latency)
    evidence = metering.take(metering.proofs(evidence, criteria, exposures), criteria, measured)
    start = evidence
    evidence, block = advance(evidence, counts, candidate, live, now)
    tests = _tests(criteria, past)
    if block is not None:
        evidence = _played(evidence, tests, criteria, exposures, block)
        if _purse(_deciding(_money(evidence, tests, criteria), evidence, criteria)) < CALM:
            evidence = marked(evidence, start)
    elif before is not None and _same(told, evidence, before, exposure, criteria):
        return evidence, before
    return evidence, _verdict(evidence, tests, criteria, exposures, exposure, now, trouble, past, share)


def _warming(
    evidence: Evidence,
    counts: Mapping[str, Counts],
    candidate: str,
    live: str | None,
    criteria: EvidenceCriteria,
    now: float,
) -> Evidence:
    """With a look at a cold candidate: it is held to the limit on failures, and nothing is counted for the comparison."""
    cold = evidence.cold or (Arm(), Arm())
    taken, block = advance(replace(evidence, candidate=cold[0], live=cold[1]), counts, candidate, live, now)
    harm = evidence.harm
    bets = betting.limit_bets(criteria.errors.max)
    if block is not None and bets:
        harm = {**harm, **_harmed(taken, {"max_errors": bets}, block)}
    met = (taken.candidate, taken.live)
    return replace(taken, harm=harm, candidate=evidence.candidate, live=evidence.live, cold=met)


def _same(
    told: Evidence, evidence: Evidence, before: Verdict, exposure: int | None, criteria: EvidenceCriteria
) -> bool:
    """Nothing is new that a verdict rests on. With metrics of sources the time since the last window is part of it."""
    return (
        before.outcome != "fail" and before.exposure == exposure and not criteria.metrics
        and told.candidate is evidence.candidate and told.live is evidence.live and told.harm is evidence.harm
        and told.voided == evidence.voided
    )  # fmt: skip


def _played(
    evidence: Evidence, tests: Tests, criteria: EvidenceCriteria, exposures: Sequence[int], block: Compared
) -> Evidence:
    """With the block's bets. Once the comparison is void, live is as if it had no traffic."""
    if evidence.voided:
        block = Compared(block.candidate, Counts())
    return replace(
        evidence,
        harm={**evidence.harm, **_harmed(evidence, tests, block)},
        proof={**evidence.proof, **claims.play(evidence, criteria, exposures, block)},
        bursts=remembered(evidence, block),
    )


Tests = Mapping[str, tuple[betting.Bet, ...]]


def _tests(criteria: EvidenceCriteria, past: Arm | None) -> Tests:
    """The tests of harm that the criteria ask for. Bets against the past are fair as long as live's rate was below its
    bound; beside live's own traffic they ask for more than live too, so they may run along."""
    errors, latency = criteria.errors, criteria.latency
    tests = {
        "errors": betting.margin_bets(errors.margin, errors.relative),
        "max_errors": betting.limit_bets(errors.max),
        "latency": betting.margin_bets(latency.margin, latency.relative),
    }
    if past is not None:
        errors_limit = limit(past.failures, past.requests, errors.margin, errors.relative)
        latency_limit = limit(past.slow, past.requests, latency.margin, latency.relative)
        tests["errors_past"] = betting.limit_bets(errors_limit)
        tests["latency_past"] = betting.limit_bets(latency_limit)
    return {name: bets for name, bets in tests.items() if bets}


def _harmed(evidence: Evidence, tests: Tests, block: Compared) -> dict[str, tuple[Stake, ...]]:
    return {
        name: betting.play(bets, _stakes(evidence, name, bets), mishaps(evidence, KIND[name], block))
        for name, bets in tests.items()
    }


def _stakes(evidence: Evidence, name: str, bets: Sequence[betting.Bet]) -> tuple[Stake, ...]:
    stakes = evidence.harm.get(name, ())
    return stakes if len(stakes) == len(bets) else (betting.FRESH,) * len(bets)


def _verdict(
    evidence: Evidence,
    tests: Tests,
    criteria: EvidenceCriteria,
    exposures: Sequence[int],
    exposure: int | None,
    now: float,
    trouble: str,
    past: Arm | None,
    share: int,
) -> Verdict:
    logs = _money(evidence, tests, criteria)
    harm = _deciding(logs, evidence, criteria)
    goal = _goal(criteria.beta)
    shown = claims.log_proofs(evidence, criteria, exposures)
    if any(metric.role == "critical" for metric in criteria.metrics.values()):
        shown = {
            asked: proofs | metering.good(evidence, criteria, asked, share) for asked, proofs in shown.items()
        }
    proven = max((asked for asked, proofs in shown.items() if min(proofs.values()) >= goal), default=0)
    held = _held(evidence, criteria, share, now)
    test = _harm_test(evidence, harm, criteria)
    finding = Finding(
        code=code_of(test) if test else "mismatch" if evidence.voided else "no_data" if held else
        _unsure_code(evidence, proven, exposure),
        log_odds=_purse(harm),
        exposure=exposure,
        proven=0 if held else proven,
        needs=claims.needed(evidence, criteria, exposure, goal) if exposure else 0,
        trouble=trouble,
        past=past if test in AGAINST_PAST else None,
        harmful=bool(test),
        held=held,
        lacks=_lacks(shown.get(exposure or 0, {}), goal, criteria),
    )  # fmt: skip
    return Verdict(
        outcome=finding.outcome(),
        sentence=sentence(finding, evidence, criteria, now),
        code=finding.code,
        candidate=evidence.candidate,
        live=evidence.live,
        proven_bp=finding.proven,
        exposure=exposure,
        log_evidence={
            **{f"harm_{name}": money for name, money in logs.items()},
            **{
                f"good_{name}_{asked}": log for asked, proofs in shown.items() for name, log in proofs.items()
            },
        },
        needs=finding.needs,
        harm=_part(_purse(harm), _goal(criteria.alpha)),
        good=_part(min(shown[exposure].values()), goal) if exposure else 0.0,
    )


def _held(evidence: Evidence, criteria: EvidenceCriteria, share: int, now: float) -> str:
    """Why nothing can pass whatever else is known, in one clause; empty: it can."""
    if evidence.voided:
        return evidence.voided
    return metering.silent(evidence, criteria, share, now) if criteria.metrics and share else ""


def _lacks(proofs: Mapping[str, float], goal: float, criteria: EvidenceCriteria) -> str:
    """The critical metric that is farthest from being proven for the exposure; empty: what is farthest is something else."""
    lacking = {name: log for name, log in proofs.items() if log < goal}
    farthest = min(lacking, key=lambda name: lacking[name], default="")
    return farthest if farthest in criteria.metrics else ""


def code_of(test: str) -> str:
    """What a test of harm is called in a verdict: `errors_past` is errors, `max carts` and `carts p99` are carts."""
    if " " in test:
        return _limited(test) or test.partition(" ")[0]
    return AGAINST_PAST.get(test, test)


def _money(evidence: Evidence, tests: Tests, criteria: EvidenceCriteria) -> dict[str, float]:
    """Log of each harm test's money, of those that decide and those that are only shown."""
    own = {name: betting.log_money(bets, _stakes(evidence, name, bets)) for name, bets in tests.items()}
    for part in tails.judged(criteria.latency):
        own[part] = betting.log_money(tails.BETS, _stakes(evidence, part, tails.BETS))
    return own | metering.harm(evidence, criteria) if criteria.metrics else own


def _deciding(logs: Mapping[str, float], evidence: Evidence, criteria: EvidenceCriteria) -> dict[str, float]:
    """Those of them that may take the candidate back. Once the comparison is void, the limits alone: the others' parts of the
    purse are lost, not shared out anew, so that alpha holds for both times together."""
    shown = {name for name, one in criteria.metrics.items() if one.dry_run or one.role == "informative"}
    return {
        test: log if not evidence.voided or is_limit(test) else LOST
        for test, log in logs.items()
        if code_of(test) not in shown
    }


def is_limit(test: str) -> bool:
    """It asks nothing of live's users of now."""
    return test == "max_errors" or test in AGAINST_PAST or _limited(test) != ""


def _limited(test: str) -> str:
    """The metric of which this is the limit (`max carts`); empty: it is none. `max p99` is a quantile of one called max."""
    first, _, second = test.partition(" ")
    return second if first == "max" and second not in metering.PARTS else ""


def _harm_test(evidence: Evidence, harm: Mapping[str, float], criteria: EvidenceCriteria) -> str:
    """Which test shows harm, or none."""
    if evidence.candidate.crashes > criteria.crashes + LIVE_CRASHES * evidence.live.crashes:
        return "crashes"
    if criteria.metrics and (beyond := metering.beyond(evidence, criteria)):
        return f"max {beyond}"
    if not harm or _purse(harm) < _goal(criteria.alpha):
        return ""
    return max(harm, key=lambda name: harm[name] + math.log(WEIGHTS.get(name, 1.0)))


def _purse(harm: Mapping[str, float]) -> float:
    """Log of all harm tests' money together."""
    return several.log_mean(harm, WEIGHTS)


def _unsure_code(evidence: Evidence, proven: int, exposure: int | None) -> str:
    if exposure is not None and proven >= exposure:
        return ""
    return "few_requests" if evidence.candidate.requests else "no_requests"


def _goal(level: float) -> float:
    """Log evidence that is enough at this level; at level 0 none is."""
    return -math.log(level) if level > 0.0 else math.inf


def _part(log: float, goal: float) -> float:
    """How far evidence is on its way; at level 1 all is enough, and it is there."""
    return log / goal if goal else 1.0
