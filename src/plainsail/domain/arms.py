"""The variants of a test, each judged as a candidate is: what harms its users ends the test, whatever the KPI says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from plainsail.domain.criteria import EvidenceCriteria
from plainsail.domain.evidence import Evidence, Verdict
from plainsail.domain.judge import begin, judge
from plainsail.domain.observation import Measured, Seen, Unmeasured
from plainsail.domain.rollout import Rollout
from plainsail.domain.trial import Trial

replace = msgspec.structs.replace


def exposed(rollout: Rollout, seen: Seen) -> bool:
    """Users have the candidate: by a share, or in a test by a match."""
    by_match = rollout.current().tests() and rollout.in_force_at is not None
    return seen.share(rollout.candidate) > 0 or by_match


def shared_out(criteria: EvidenceCriteria, trial: Trial | None) -> EvidenceCriteria:
    """What one variant is judged by: the odds of a false alarm hold for all of them together (Bonferroni's inequality)."""
    if trial is None or len(trial.groups) == 1:
        return criteria
    return replace(criteria, alpha=criteria.alpha / len(trial.groups))


def followed(evidence: Evidence, rollout: Rollout) -> Evidence:
    """The evidence from the candidate's side: a winner may have become it."""
    own = evidence.variants.get(rollout.candidate)
    if own is None or rollout.trial is None:
        return evidence
    before = whose(evidence, rollout.trial)
    others = {group: one for group, one in evidence.variants.items() if group != rollout.candidate}
    mine = replace(evidence, variants={}, trail=(), bands={}, outset=None)
    return replace(own, trail=evidence.trail, tests=evidence.tests, variants={**others, before: mine})


def whose(evidence: Evidence, trial: Trial) -> str:
    """The group that the evidence itself is of."""
    return next((group for group in trial.groups if group not in evidence.variants), trial.groups[0])


def of(evidence: Evidence, trial: Trial, group: str) -> Evidence | None:
    """What is known of this variant; None: nothing yet."""
    return evidence.variants.get(group) if group != whose(evidence, trial) else evidence


def judged(
    evidence: Evidence, verdict: Verdict, rollout: Rollout, seen: Seen, criteria: EvidenceCriteria,
    exposures: Sequence[int], now: float, warm: bool,
) -> tuple[Evidence, Verdict]:  # fmt: skip
    """With the look at the variants beside the candidate. Harm of any of them is the verdict."""
    trial = rollout.trial
    if trial is None:
        return evidence, verdict
    if verdict.outcome == "fail" and len(trial.groups) > 1:
        verdict = replace(verdict, sentence=f"{trial.name(rollout.candidate)}: {verdict.sentence}")
    crashes = {id: group.crashes for id, group in seen.groups.items()}
    variants = dict(evidence.variants)
    for group in rollout.others():
        known = variants.get(group)
        if known is None:
            known = replace(begin(now), rollout=rollout.id)
        known = replace(known, exposed_at=evidence.exposed_at)
        found = seen.groups.get(group)
        variants[group], said = judge(
            known, seen.counts, crashes, group, rollout.live, criteria, exposures, None, now,
            found.trouble if found else "", latency=seen.latency, measured=_measured(seen.measured, group),
            warm=warm,
        )  # fmt: skip
        verdict = replace(verdict, harm=max(verdict.harm, said.harm))
        if said.outcome == "fail" and verdict.outcome != "fail":
            verdict = replace(said, sentence=f"{trial.name(group)}: {said.sentence}", variant=group)
    return replace(evidence, variants=variants), verdict


def _measured(found: Mapping[str, Measured | Unmeasured], group: str) -> Mapping[str, Measured | Unmeasured]:
    """The same windows, with this variant in the candidate's place."""
    return {
        name: Measured(one.variants[group], one.live) if isinstance(one, Measured) else one
        for name, one in found.items()
        if isinstance(one, Unmeasured) or group in one.variants
    }
