"""Why a rollout went on to a step, in one clause for people."""

from __future__ import annotations

from typing import assert_never

import msgspec

from plainsail.domain.approval import approved
from plainsail.domain.rollout import Rollout
from plainsail.domain.strategy import Elapsed, Judged, Ready, Settled
from plainsail.domain.units import plural, seconds
from plainsail.local.simulate.answers import asked_of_winner

replace = msgspec.structs.replace


def why(before: Rollout | None, after: Rollout, now: float) -> str:
    """`before`: as it was a turn earlier; None if it begins."""
    if before is None:
        return "nothing is live yet" if after.live is None else "the deploy"
    turned = (
        before.phase != after.phase or before.reason != after.reason
    )  # a gradual way back may turn into one at once
    if after.phase in ("paused", "rolling_back") and turned:
        return after.reason
    step = before.current()
    match step.leave:
        case Ready(role=role):
            size = step.sizes.get(role, 0)
            return (
                f"all {size} {role} instances are ready" if size > 1 else f"the only {role} instance is ready"
            )
        case Elapsed(lasts=lasts):
            return f"{seconds(lasts)} are over on its way back"
        case Settled():
            return f"the {' and '.join(role for role, size in step.sizes.items() if not size)} instances are gone"
        case Judged() as judged:
            return _judged(before, after, judged, now)
        case _:
            assert_never(step.leave)


def _judged(before: Rollout, after: Rollout, leave: Judged, now: float) -> str:
    verdict = after.verdict
    found = verdict.sentence if verdict is not None else "the candidate has had no requests"
    if leave.until == "proven" and verdict is not None and verdict.proven_bp >= leave.exposure:
        return found
    if leave.until == "compared":
        decided = after.trial.decided if after.trial is not None else None
        if decided is not None and asked_of_winner(before):
            return f"{decided.sentence}; a person said go (assumed)"
        return decided.sentence if decided is not None else "a person went on"
    if leave.until == "advanced" and approved(replace(after, step=before.step)):
        return "everybody who was asked said go" if before.current().checks else "a person said go (assumed)"
    if leave.until in ("checked", "hooked"):
        return "everybody who was asked said go"
    if leave.until == "analysed":
        return "every metric asked before the first user is good"
    since = now if before.in_force_at is None else before.in_force_at
    if leave.until == "dwell" and now - since >= leave.dwell:
        if before.current().copies:
            return f"{seconds(leave.dwell)} without evidence of harm: {found}"
        mishaps = _mishaps(after)
        return f"{seconds(leave.dwell)} without {f'enough evidence of harm ({mishaps})' if mishaps else 'evidence of harm'}"
    return f"the deadline of {seconds(leave.deadline)} is over, and on_unsure says advance: {found}"


def _mishaps(rollout: Rollout) -> str:
    """What the candidate's users met that is not yet past the line: any failure, and more slow answers than the margin."""
    if rollout.verdict is None:
        return ""
    ours, latency = rollout.verdict.candidate, rollout.placement.evidence.latency
    found = [f"{ours.failures:,} of {plural(ours.requests, 'request')} failed"] if ours.failures else []
    if ours.slow > latency.margin * ours.requests:
        found.append(
            f"{ours.slow:,} of {plural(ours.requests, 'request')} took longer than {seconds(latency.bound)}"
        )
    return " and ".join(found)
