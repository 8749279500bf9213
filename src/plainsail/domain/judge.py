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

import msgspec

from plainsail.domain import claims
from plainsail.domain.blocks import Compared, advance, count_crashes, marked
from plainsail.domain.criteria import EvidenceCriteria
from plainsail.domain.evidence import Arm, Evidence, Stake, Verdict
from plainsail.domain.finding import Finding, sentence
from plainsail.domain.mishaps import KIND, mishaps, remembered
from plainsail.domain.observation import Counts
from plainsail.domain.past import limit
from plainsail.domain.stats import betting

replace = msgspec.structs.replace

WEIGHTS = {"errors": 2.0, "max_errors": 1.0, "latency": 1.0, "errors_past": 2.0, "latency_past": 1.0}
"""How the purse is shared among the tests of harm; a test that isn't asked for leaves its part to the others."""

LIVE_CRASHES = 3
"""Crashes of the candidate that each of live's excuses. Crashes are judged by this rule of thumb, outside of alpha: too
few ever happen for a test, and a release that crashes while live does not should go. There is no guarantee in it."""

CALM = math.log(2.0)
"""Evidence of harm below which nothing is suspected; the sentence tells what happened since."""


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
) -> tuple[Evidence, Verdict]:
    """The evidence with this look, and what it says. One call is one block of time at most.

    `counts` and `crashes` are cumulative, by group. `exposures` are the shares (basis points) that the steps will ask
    for, `exposure` the one asked for now. Live None (a first deploy): only the limit and crashes can fail it.
    `trouble` is the candidate's last crash in one clause, for the sentence. `past` is what live's users met before: given from
    the first look on where all users will be the candidate's for a while, so that the purse is shared out once.
    """
    exposures = sorted({*exposures, *([] if exposure is None else [exposure])} - {0})
    evidence = count_crashes(evidence, crashes, candidate, live)
    before = evidence
    evidence, block = advance(evidence, counts, candidate, live, now)
    tests = _tests(criteria, past)
    if block is not None:
        evidence = replace(
            evidence,
            harm=_harmed(evidence, tests, block),
            proof=claims.play(evidence, criteria, exposures, block),
            bursts=remembered(evidence, block),
        )
        if _purse(_money(evidence, tests)) < CALM:
            evidence = marked(evidence, before)
    return evidence, _verdict(evidence, tests, criteria, exposures, exposure, now, trouble, past)


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
) -> Verdict:
    harm = _money(evidence, tests)
    goal = _goal(criteria.beta)
    shown = claims.log_proofs(evidence, criteria, exposures)
    proven = max((asked for asked, proofs in shown.items() if min(proofs.values()) >= goal), default=0)
    code = _harm_code(evidence, harm, criteria) or _unsure_code(evidence, proven, exposure)
    finding = Finding(
        code=code.removesuffix("_past"),
        log_odds=_purse(harm),
        exposure=exposure,
        proven=proven,
        needs=claims.needed(evidence, criteria, exposure, goal) if exposure else 0,
        trouble=trouble,
        past=past if code.endswith("_past") else None,
    )
    return Verdict(
        outcome=finding.outcome(),
        sentence=sentence(finding, evidence, criteria, now),
        code=finding.code,
        candidate=evidence.candidate,
        live=evidence.live,
        proven_bp=proven,
        log_evidence={
            **{f"harm_{name}": money for name, money in harm.items()},
            **{
                f"good_{name}_{asked}": log for asked, proofs in shown.items() for name, log in proofs.items()
            },
        },
        needs=finding.needs,
        harm=_part(_purse(harm), _goal(criteria.alpha)),
        good=_part(min(shown[exposure].values()), goal) if exposure else 0.0,
    )


def _money(evidence: Evidence, tests: Tests) -> dict[str, float]:
    """Log of each harm test's money."""
    return {name: betting.log_money(bets, _stakes(evidence, name, bets)) for name, bets in tests.items()}


def _harm_code(evidence: Evidence, harm: Mapping[str, float], criteria: EvidenceCriteria) -> str:
    """Which test shows harm, or none."""
    if evidence.candidate.crashes > criteria.crashes + LIVE_CRASHES * evidence.live.crashes:
        return "crashes"
    if not harm or _purse(harm) < _goal(criteria.alpha):
        return ""
    return max(harm, key=lambda name: harm[name] + math.log(WEIGHTS[name]))


def _purse(harm: Mapping[str, float]) -> float:
    """Log of all harm tests' money together."""
    if not harm:
        return 0.0
    total = sum(WEIGHTS[name] for name in harm)
    return betting.log_sum([money + math.log(WEIGHTS[name] / total) for name, money in harm.items()])


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
