"""Why a rollout was decided as it was: the stored evidence as one sentence, its numbers, and what would change it.

Nothing is judged anew. What is said comes from the rollout's verdict and the evidence it rested on, which are both kept
after it has ended.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from plainsail.domain import arms, aside, lines, trial_told
from plainsail.domain.arms import shared_out
from plainsail.domain.criteria import EvidenceCriteria, Threshold
from plainsail.domain.evidence import Evidence, Verdict
from plainsail.domain.finding import past
from plainsail.domain.line import Line
from plainsail.domain.observation import Mirrored
from plainsail.domain.rollout import Phase, Rollout
from plainsail.domain.strategy import Judged
from plainsail.domain.trail import Point
from plainsail.domain.trial_told import Test
from plainsail.domain.units import ALL, percent, plural, seconds


class Explanation(msgspec.Struct, frozen=True):
    """What a decision rests on. Shares are basis points, times seconds since 1970, durations seconds, rates parts of 1."""

    rollout: str
    service: str
    environment: str
    version: str
    phase: Phase
    outcome: Literal["pass", "fail", "unsure"]
    code: str
    """Which test decided (`errors`, `max_errors`, `latency`, `crashes`, a metric), or why it is unsure."""
    sentence: str
    """What happened and why, with its numbers."""
    change: str
    """What would change it, in one sentence; more of that is in each line."""
    judged: bool
    """False: there was nothing to judge by, and there are no lines."""
    decided_after: float | None = None
    """Seconds from the candidate's first users to the decision; null as long as there is none."""
    watched_for: float | None = None
    """Seconds from the candidate's first users to the last look at it."""
    by_threshold: bool = False
    """With `judge: threshold`: measurements against plain numbers, and nothing is proven."""
    alpha: float = 0.0
    """Longest odds of taking back a release that is within its margins."""
    beta: float = 0.0
    """Longest odds of calling a step proven when the release is beyond its margin."""
    exposure: int | None = None
    """The share that proof is asked for now, or was asked for last."""
    proven: int = 0
    """The largest share for which all margins are proven."""
    needs: int = 0
    """Requests of the candidate still needed, if none of them fails, to prove `exposure`."""
    harm: float = 0.0
    """Evidence of harm as a part of the line at which the candidate is taken back: 1.0 is on it."""
    good: float = 0.0
    """Evidence for `exposure` as a part of the line at which it is proven."""
    voided: str = ""
    """Why the comparison with live counts for nothing; empty: it counts."""
    replaced: tuple[str, ...] = ()
    """Instances of the candidate that were replaced because they alone were bad."""
    copies: Mirrored | None = None
    """What came of the copies of requests that a shadow step sent; null: there was none."""
    warnings: tuple[str, ...] = ()
    test: Test | None = None
    """Of a test of variants: its arms and what they say. The lines are then of the variant that it names as `judged`."""
    metrics: tuple[Line, ...] = ()
    worse: tuple[str, ...] = ()
    """Metrics that are only shown (informative, dry run) and are worse, the strongest first: of such findings at most the
    part alpha is false on average, however many metrics there are (`domain/stats/several.py`)."""
    aside: str = ""
    """The same in one sentence; empty: nothing is known of metrics that are only shown."""
    tests: tuple[str, ...] = ()
    """What each of `trail[].each` belongs to."""
    trail: tuple[Point, ...] = ()
    """How the evidence came about: at, share_bp, candidate and live as (requests, failures, slow), harm, good, each."""


def explain(rollout: Rollout, evidence: Evidence | None) -> Explanation:
    """From what is stored of it. `evidence` None: it never came to that."""
    verdict = rollout.verdict
    if evidence is None or verdict is None or not _compared(rollout, verdict):
        return _unjudged(rollout)
    criteria = _held_against(rollout, evidence)
    by_threshold = isinstance(criteria.judge, Threshold)
    exposure = verdict.exposure if verdict.exposure is not None else asked(rollout)
    since = _users_since(rollout, evidence)
    found = lines.of(_judged(evidence, verdict, rollout), verdict, criteria, exposure, over(rollout))
    test = trial_told.explained(rollout, evidence)
    shown = aside.told(_but(criteria, test), verdict)
    return msgspec.structs.replace(
        _unjudged(rollout),
        judged=True,
        outcome=trial_told.outcome(test)
        if test is not None and verdict.outcome != "fail"
        else verdict.outcome,
        code=test.decided if test is not None and verdict.outcome != "fail" else verdict.code,
        sentence=_sentence(rollout, verdict, since, evidence, test),
        change=trial_told.change(rollout, test)
        if test is not None and (test.decided or not over(rollout))
        else _change(rollout, verdict, found),
        test=test,
        decided_after=None if rollout.decided_at is None else max(0.0, rollout.decided_at - since),
        watched_for=max(0.0, evidence.trail[-1].at - since) if evidence.trail else None,
        by_threshold=by_threshold,
        exposure=exposure,
        proven=verdict.proven_bp,
        needs=0 if over(rollout) else verdict.needs,
        harm=verdict.harm,
        good=verdict.good,
        voided=evidence.voided,
        replaced=evidence.replaced,
        copies=evidence.shadow.total if evidence.shadow is not None else None,
        warnings=(
            *verdict.warnings,
            *([trial_told.SELF_CHOSEN] if test is not None and test.by_match else []),
        ),
        metrics=found,
        worse=shown.worse,
        aside=shown.sentence,
        tests=evidence.tests,
        trail=evidence.trail,
    )


def with_users(why: Explanation) -> tuple[Point, ...]:
    """The trail from the last moment before the candidate had users."""
    first = next((n for n, one in enumerate(why.trail) if one.share_bp or one.candidate.requests), 0)
    return why.trail[max(0, first - 1) :]


def over(rollout: Rollout) -> bool:
    """Nothing that is still to come changes it."""
    return rollout.ended() or rollout.phase in ("rolling_back", "finishing")


def asked(rollout: Rollout) -> int | None:
    """The exposure that proof is asked for. Of a rollout that is on its way back, or ended, that of the largest share
    it had: its step is another one by now."""
    if not over(rollout):
        leave = rollout.current().leave
        return leave.exposure if isinstance(leave, Judged) else None
    wanted = [
        step.leave.exposure
        for step in rollout.course.steps
        if isinstance(step.leave, Judged)
        and sum(part.share_bp for part in step.split if part.role == "candidate") <= rollout.reached_bp
    ]
    return wanted[-1] if wanted else None


def _held_against(rollout: Rollout, evidence: Evidence) -> EvidenceCriteria:
    """What it is judged by, with whom it was really compared: with live where the baseline was not there."""
    criteria = shared_out(rollout.placement.evidence, rollout.trial)
    if criteria.compare == "live" or (rollout.baseline is not None and rollout.live not in evidence.last):
        return criteria
    return msgspec.structs.replace(criteria, compare="live")


def _judged(evidence: Evidence, verdict: Verdict, rollout: Rollout) -> Evidence:
    """Of the variant that the verdict is about, where that is not the first."""
    if rollout.trial is None or not verdict.variant:
        return evidence
    return arms.of(evidence, rollout.trial, verdict.variant) or evidence


def _but(criteria: EvidenceCriteria, test: Test | None) -> EvidenceCriteria:
    """Without the KPI of a test: what it says is told apart."""
    others = {name: one for name, one in criteria.metrics.items() if test is None or name != test.kpi}
    return msgspec.structs.replace(criteria, metrics=others)


def _compared(rollout: Rollout, verdict: Verdict) -> bool:
    """A first deploy, and a rollback, are not: nobody else had users. Harm is harm."""
    return verdict.outcome == "fail" or (rollout.live is not None and verdict.candidate.requests > 0)


def _unjudged(rollout: Rollout) -> Explanation:
    criteria = rollout.placement.evidence
    return Explanation(
        rollout=rollout.id,
        service=rollout.service,
        environment=rollout.environment,
        version=rollout.revision.version,
        phase=rollout.phase,
        outcome="unsure",
        code="not_judged",
        sentence=_whole(_why_not(rollout)),
        change="",
        judged=False,
        alpha=criteria.alpha,
        beta=criteria.beta,
    )


NOUNS = {"rollback": "rollback", "scale": "change of size", "restart": "restart", "remove": "removal"}


def _why_not(rollout: Rollout) -> str:
    if rollout.kind != "deploy":
        return f"nothing was judged: a {NOUNS[rollout.kind]} asks for no evidence"
    if rollout.live is None:
        return "nothing was judged: the release had no users beside a live one"
    if over(rollout):
        why = f"; {rollout.reason}" if rollout.reason else ""
        return f"nothing was judged: the candidate had no requests{why}"
    return "nothing is judged yet: the candidate has had no requests"


def _users_since(rollout: Rollout, evidence: Evidence) -> float:
    """When the candidate was first seen with users; the trail's first points are never thinned out."""
    for point in evidence.trail:
        if point.share_bp or point.candidate.requests:
            return point.at
    return evidence.since


def _sentence(rollout: Rollout, verdict: Verdict, since: float, evidence: Evidence, test: Test | None) -> str:
    """In one sentence what was done, how soon, and on which numbers."""
    until = rollout.decided_at or (evidence.trail[-1].at if evidence.trail else since)
    after = f"after {seconds(max(0.0, until - since))}"
    said = verdict.sentence
    if of_a_test := trial_told.sentence(rollout, test, verdict, after):
        return _whole(of_a_test)
    match rollout.phase:
        case "rolling_back" | "rolled_back":
            verb = "Rolled back" if rollout.phase == "rolled_back" else "Going back, as was decided"
            return _whole(f"{verb} {after}: {said if verdict.outcome == 'fail' else rollout.reason}")
        case "succeeded" | "finishing":
            if isinstance(rollout.placement.evidence.judge, Threshold):
                return _whole(_by_threshold(said, after, evidence))
            good = verdict.proven_bp == ALL
            return _whole(f"{'Good enough' if good else 'Let through, not proven,'} {after}: {past(said)}")
        case "aborted" | "superseded" | "failed":
            was = {"pass": "it was good enough", "fail": "it was worse", "unsure": "it was not sure yet"}
            what = f"{rollout.phase.replace('_', ' ').capitalize()} {after}"
            if said and rollout.reason == said:
                return _whole(f"{what}: {said}")
            why = f" ({rollout.reason})" if rollout.reason else ""
            return _whole(f"{what}{why}; {was[verdict.outcome]}: {past(said)}")
        case _:
            told = {"pass": "Good enough so far", "fail": "Worse", "unsure": "Not sure yet"}
            return _whole(f"{told[verdict.outcome]} {after}: {said}")


def _by_threshold(said: str, after: str, evidence: Evidence) -> str:
    """Its measurements, and the last of them."""
    meters = evidence.meters.of.values() if evidence.meters else ()
    good, failed = sum(one.good for one in meters), sum(one.failed for one in meters)
    if not good:
        return f"Let through by threshold, not measured, {after}: {said}"
    last = said.removesuffix(" by threshold")
    return f"Good by threshold {after}: {good:,} of {plural(good + failed, 'measurement')}; {last}"


def _whole(sentence: str) -> str:
    sentence = sentence.rstrip(".")
    return f"{sentence[:1].upper()}{sentence[1:]}."


def _change(rollout: Rollout, verdict: Verdict, found: tuple[Line, ...]) -> str:
    if rollout.phase in ("rolling_back", "rolled_back"):
        return "Nothing changes it: it is decided, and the release is in quarantine. Deploy a mended one, or this one with --again."
    if over(rollout):
        return "Nothing changes it: it is over."
    deciding = next((line for line in found if line.name == verdict.code), None)
    if deciding is not None:
        return _whole(deciding.change)
    if verdict.code == "mismatch" and rollout.current().during() != "bake":
        return "Nothing proves it any more: find out why the split is not kept, then abort and deploy again, or advance."
    lacking = min(
        (line for line in found if line.good is not None and line.good < 1.0 and line.name != "max_errors"),
        key=lambda line: line.good or 0.0, default=None,
    )  # fmt: skip
    if lacking is not None and lacking.name in rollout.placement.evidence.metrics and lacking.change:
        return _whole(f"{lacking.name}: {lacking.change}")
    if verdict.needs:
        share = percent(verdict.exposure or asked(rollout) or 0)
        return _whole(f"{verdict.needs:,} more requests without a failure prove it for {share} of users")
    return _whole(next((line.change for line in found if line.change), "time"))
