"""What an intent does to a target: a deploy begins a rollout, an abort turns one back.

Each function returns the changed target and what is to be recorded; a refusal is an event too.
"""

from __future__ import annotations

from typing import assert_never

import msgspec

from plainsail.domain import quarantine, trying, upkeep
from plainsail.domain.approval import answer
from plainsail.domain.checking import forgiven
from plainsail.domain.checkpoints import way as whole_way
from plainsail.domain.courses import rollback_course
from plainsail.domain.events import Kind
from plainsail.domain.intents import (
    Abort,
    Advance,
    Approve,
    Deploy,
    Intent,
    Pause,
    Reject,
    Remove,
    Restart,
    Resume,
    Rollback,
    Scale,
)
from plainsail.domain.kept import handed
from plainsail.domain.lifecycle import (
    Changed,
    begin,
    end,
    enter,
    event,
    never_began,
    refused,
    still,
    turn_back,
)
from plainsail.domain.release import short
from plainsail.domain.rollout import Group, Rollout, Target
from plainsail.domain.strategy import Judged, chain_name

replace = msgspec.structs.replace


def steer(target: Target, intent: Intent, now: float) -> Changed:
    match intent:
        case Deploy():
            return _deploy(target, intent, now)
        case Rollback():
            return _rollback(target, intent, now)
        case Scale():
            return upkeep.scale(target, intent, now)
        case Restart():
            return upkeep.restart(target, intent, now)
        case Remove():
            return upkeep.remove(target, intent, now)
        case Abort() | Pause() | Resume() | Advance() | Approve() | Reject():
            rollout = target.rollout
            if rollout is None or rollout.id != intent.rollout:
                return refused(target, intent, now, f"rollout {intent.rollout} is not under way")
            if isinstance(intent, Approve | Reject):
                return answer(target, rollout, intent, now)
            return _steer_rollout(target, rollout, intent, now)
        case _:
            assert_never(intent)


def _deploy(target: Target, intent: Deploy, now: float) -> Changed:
    given, revision, target = target, intent.revision, upkeep.meant(target)
    placement = upkeep.sized(target, intent.placement)
    if target.rollout is not None and target.rollout.kind == "remove":
        what = f"{target.rollout.id} takes {target.service} away; deploy when it is over, or abort it first"
        return refused(target, intent, now, what)
    if target.scaled is not None and target.scaled.declared != intent.placement.replicas:
        target = replace(target, scaled=None)
    cleared = _make_way(target, f"superseded by {revision.version}", now)
    target, plain = cleared.target, revision  # with what is on its way back in quarantine already
    live = target.group(target.live)
    each = trying.revisions(revision, intent.strategy) if live is not None else (revision,)
    reasons = (quarantine.why(target, one.release, one.config, one.version) for one in each)
    kept_out = next(filter(None, reasons), "")
    if kept_out and not intent.again:
        reason = f"{kept_out}; deploy it with --again if that is meant"
        return never_began(given, intent, revision, reason, "quarantined", now)
    for one in each:
        target = quarantine.freed(target, one)
    revision = each[0]
    if live is not None and {(live.revision.release, live.revision.config)} == {
        (one.release, one.config) for one in each
    }:
        sized = replace(
            target, groups=_with(target, replace(live, replicas=placement.replicas)), placement=placement
        )
        strategy = chain_name(intent.strategy)
        began = begin(sized, intent, revision, "deploy", strategy, live.id, still(placement), placement, now)
        done = end(
            began.target,
            began.rollouts[0],
            "succeeded",
            f"{revision.version} is live already",
            "no_change",
            now,
        )
        return cleared.then(Changed(sized, done.rollouts, (*began.events, *done.events)))
    exposed = handed(given)
    way = whole_way(intent.strategy, placement, live.replicas if live else None, exposed)
    strategy = chain_name(intent.strategy)
    began = begin(target, intent, revision, "deploy", strategy, None, way, placement, now)
    began = trying.begun(began, plain, intent.strategy)
    if exposed is None or not way.steps[0].share("warm"):
        return cleared.then(began)
    return cleared.then(_taking_over(began, exposed.group))


def _taking_over(began: Changed, warm: str) -> Changed:
    """The rollout with the group whose users it takes over, as soon as it is ready."""
    target, (rollout,) = began.target, began.rollouts
    rollout = replace(rollout, warm=warm)
    groups = tuple(replace(group, role="warm") if group.id == warm else group for group in target.groups)
    return Changed(replace(target, groups=groups, rollout=rollout), (rollout,), began.events)


def _rollback(target: Target, intent: Rollback, now: float) -> Changed:
    under_way = target.rollout
    if under_way is not None and under_way.kind == "rollback" and intent.release is None:
        return refused(target, intent, now, f"{under_way.id} goes back already")
    may_turn = under_way is not None and (
        under_way.phase in ("progressing", "paused") or under_way.goes_back_gradually()
    )
    if under_way is not None and may_turn and intent.release is None:
        # The last good release is the one that is live: take back what is on its way, and not one more.
        reason = intent.reason or f"rollback asked by {intent.by}"
        back = turn_back(target, under_way, "aborted", reason, "aborted", intent.by, now)
        return back.then(refused(back.target, intent, now, f"{under_way.id} is taken back instead"))
    before, cleared = target, _make_way(upkeep.meant(target), "a rollback was asked for", now)
    target = cleared.target
    live = target.group(target.live)
    found = quarantine.good(target, intent.release)
    if live is None or not found:  # What is under way goes on.
        what = (
            f"release {short(intent.release)} was not live here"
            if intent.release
            else "there is no good release before"
        )
        running = before.group(before.live)
        if running is None:
            return refused(before, intent, now, what)
        return never_began(before, intent, running.revision, what, "nothing_to_go_back_to", now)
    target = quarantine.freed(quarantine.quarantined(target, live.revision, found[0]), found[0])
    way = rollback_course(live.replicas, live.replicas)
    began = begin(
        target, intent, found[0], "rollback", "rollback", None, way, target.placement, now, why=intent.reason
    )
    return cleared.then(began)


def _steer_rollout(
    target: Target, rollout: Rollout, intent: Abort | Pause | Resume | Advance, now: float
) -> Changed:
    at_last = isinstance(intent, Abort) and not intent.gradual and rollout.goes_back_gradually()
    if rollout.phase == "rolling_back" and not at_last:
        return refused(target, intent, now, f"rollout {rollout.id} is on its way back already")
    match intent:
        case Abort():
            reason = intent.reason or f"aborted by {intent.by}"
            return turn_back(
                target, rollout, "aborted", reason, "aborted", intent.by, now, gradual=intent.gradual
            )
        case Pause():
            if rollout.phase != "progressing":
                return refused(target, intent, now, f"rollout {rollout.id} is {rollout.phase}")
            reason = intent.reason or f"paused by {intent.by}"
            paused = replace(rollout, phase="paused", reason=reason, reason_code="paused", held_at=now)
            return _moved(target, paused, "rollout_paused", intent.by, now)
        case Resume():
            if rollout.phase != "paused":
                return refused(target, intent, now, f"rollout {rollout.id} is {rollout.phase}, not paused")
            if rollout.against is not None and rollout.against.held:
                what = f"rollout {rollout.id} is held because users were worse off: advance or abort it"
                return refused(target, intent, now, what)
            in_force_at = None if rollout.in_force_at is None else now
            resumed = replace(
                rollout,
                phase="progressing",
                reason="",
                reason_code="",
                entered_at=now,
                in_force_at=in_force_at,
                words=forgiven(rollout),
                held_at=None,
                called_at=None,
            )
            return _moved(target, resumed, "rollout_resumed", intent.by, now)
        case Advance(step=step):
            if step is not None and step != rollout.step:
                return refused(target, intent, now, f"rollout {rollout.id} has left that step already")
            held = (
                rollout.phase == "paused"
            )  # live may be what is broken: who was told may go on without its share
            if not isinstance(rollout.current().leave, Judged) or (rollout.in_force_at is None and not held):
                return refused(
                    target, intent, now, "there is no evidence to skip here: instances must be ready first"
                )
            if why := trying.no_advance(rollout):
                return refused(target, intent, now, why)
            if rollout.in_force_at is None:
                rollout = replace(rollout, baseline=None)
            rollout = trying.promoted(target, rollout)
            return _moved(target, enter(rollout, rollout.step + 1, now), "step_entered", intent.by, now)
        case _:
            assert_never(intent)


def _make_way(target: Target, reason: str, now: float) -> Changed:
    """End the rollout under way, if there is one; its groups stay until nothing is left of them."""
    rollout = target.rollout
    if rollout is None:
        return Changed(target)
    if rollout.phase == "finishing":
        return end(target, rollout, "succeeded", rollout.reason, rollout.reason_code, now)
    if rollout.phase == "rolling_back":
        return end(target, rollout, rollout.ending or "aborted", rollout.reason, rollout.reason_code, now)
    return end(target, rollout, "superseded", reason, "superseded", now)


def _moved(target: Target, rollout: Rollout, kind: Kind, by: str, now: float) -> Changed:
    return Changed(replace(target, rollout=rollout), (rollout,), (event(kind, rollout, now, by=by),))


def _with(target: Target, group: Group) -> tuple[Group, ...]:
    return tuple(group if one.id == group.id else one for one in target.groups)
