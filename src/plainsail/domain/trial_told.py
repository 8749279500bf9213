"""A test as it is explained: its arms, how far apart they are, and what was decided, from what is stored of it."""

from __future__ import annotations

from typing import Literal

import msgspec

from plainsail.domain import comparing
from plainsail.domain.arms import whose
from plainsail.domain.comparing import ArmRate, Comparison, Gap
from plainsail.domain.evidence import Evidence, Verdict
from plainsail.domain.line import Line
from plainsail.domain.rollout import Rollout
from plainsail.domain.trial import Trial
from plainsail.domain.trying import compared, standing
from plainsail.domain.units import seconds

SELF_CHOSEN = "who is in which arm was said by requests and not by chance: what differs may be the users"


class Test(msgspec.Struct, frozen=True):
    """A test of variants: rates are in the unit of the KPI, gaps above 0 are better."""

    kpi: str
    then: Literal["keep", "promote", "ask"]
    """What a winner gets."""
    decided: Literal["winner", "no_difference", "mismatch", ""]
    """How it came out; empty: it is open, or ended without a decision."""
    winner: str
    """The variant's name; empty: there is none."""
    sentence: str
    level: float
    """With which probability all intervals hold, at all times and together."""
    margin: float
    parts: bool
    """Rates are parts of 1."""
    arms: tuple[ArmRate, ...]
    """Live first."""
    gaps: tuple[Gap, ...]
    """Of each variant to live, then among the variants."""
    by_match: bool = False
    """Requests themselves said who is in which arm."""
    missing: str = ""
    judged: str = ""
    """The variant that the lines are of: the one that did harm, else the first."""


def explained(rollout: Rollout, evidence: Evidence | None) -> Test | None:
    """None: it is no test."""
    trial, found = rollout.trial, compared(rollout, evidence)
    if trial is None or found is None:
        return None
    decided = trial.decided
    return Test(
        kpi=found.kpi,
        then=trial.asked.then,
        decided=decided.code if decided is not None else "",
        winner=trial.name(decided.winner) if decided is not None and decided.winner else "",
        sentence=decided.sentence if decided is not None else standing(found),
        level=found.level,
        margin=trial.asked.margin,
        parts=found.parts,
        arms=found.arms,
        gaps=found.gaps,
        by_match=trial.by_match(),
        missing=found.missing,
        judged=trial.name(_judged(rollout, trial, evidence)) if evidence is not None else "",
    )


def _judged(rollout: Rollout, trial: Trial, evidence: Evidence) -> str:
    """Its group."""
    return (rollout.verdict.variant if rollout.verdict is not None else "") or whose(evidence, trial)


def outcome(test: Test) -> Literal["pass", "unsure"]:
    return "pass" if test.decided == "winner" else "unsure"


def sentence(rollout: Rollout, test: Test | None, verdict: Verdict, after: str) -> str:
    """What is said of it in one sentence; empty: it is no test, or ended for another reason than what it showed."""
    if test is None or verdict.outcome == "fail" or rollout.phase in ("rolled_back", "aborted", "superseded"):
        return ""
    if not test.decided:
        return "" if rollout.ended() or rollout.phase == "finishing" else f"Open {after}: {test.sentence}"
    return f"Decided {after}: {rollout.reason or test.sentence}"


def change(rollout: Rollout, test: Test) -> str:
    """What would change it, in one sentence."""
    trial = rollout.trial
    if trial is None or test.decided:
        return "Nothing changes it: it is decided."
    return f"A difference that is proven; after {seconds(trial.asked.lasts)} it ends in any case."


def rows(test: Test) -> tuple[tuple[str, str, str, str], ...]:
    """ArmRate, users, its rate, and what it is against live; live first."""
    found = Comparison(test.kpi, test.level, test.arms, test.gaps, test.parts)
    told = []
    for arm in test.arms:
        gap = found.gap(arm.name, comparing.LIVE)
        apart = comparing.apart(found, gap) if gap is not None else ""
        told.append((arm.name, f"{arm.n:,.0f}", comparing.figure(found, arm.rate), apart))
    return tuple(told)


def beside(test: Test | None, lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """What else is judged: without the KPI, which its arms tell, unless that may take a variant back too."""
    kpi = test.kpi if test is not None else None
    return tuple(line for line in lines if line.name != kpi or line.role != "informative")


def others(test: Test) -> tuple[str, ...]:
    """Variants against each other, a clause each."""
    found = Comparison(test.kpi, test.level, test.arms, test.gaps, test.parts)
    return tuple(
        f"{gap.of} is {comparing.apart(found, gap).replace(' by ', f' than {gap.than} by ', 1)}"
        for gap in test.gaps
        if gap.than != comparing.LIVE
    )
