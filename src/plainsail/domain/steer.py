"""What an intent does to a target: a deploy begins a rollout, an abort turns one back.

Each function returns the changed target and what is to be recorded; a refusal is an event too.
"""

from __future__ import annotations

from typing import assert_never

import msgspec

from plainsail.domain.events import Event, Kind
from plainsail.domain.intents import Abort, Advance, Deploy, Intent, Pause, Resume, Rollback
from plainsail.domain.release import short
from plainsail.domain.rollout import KEPT_GOOD, Group, Phase, Revision, Rollout, Target
from plainsail.domain.service import Placement
from plainsail.domain.strategy import Course, Judged, course, name_of, rollback_course

replace = msgspec.structs.replace


class Changed(msgspec.Struct, frozen=True):
    """A target after a change, the rollouts that changed with it, and what happened."""

    target: Target
    rollouts: tuple[Rollout, ...] = ()
    events: tuple[Event, ...] = ()

    def then(self, other: Changed) -> Changed:
        return Changed(other.target, (*self.rollouts, *other.rollouts), (*self.events, *other.events))


def steer(target: Target, intent: Intent, now: float) -> Changed:
    match intent:
        case Deploy():
            return _deploy(target, intent, now)
        case Rollback():
            return _rollback(target, intent, now)
        case Abort() | Pause() | Resume() | Advance():
            rollout = target.rollout
            if rollout is None or rollout.id != intent.rollout:
                return _refused(target, intent, now, f"rollout {intent.rollout} is not under way")
            return _steer_rollout(target, rollout, intent, now)
        case _:
            assert_never(intent)


def turn_back(
    target: Target, rollout: Rollout, ending: Phase, reason: str, code: str, by: str, now: float
) -> Changed:
    """From here on the rollout's way leads back; it ends in phase `ending`."""
    turned = replace(
        rollout, phase="rolling_back", ending=ending, reason=reason, reason_code=code,
        step=0, entered_at=now, in_force_at=None, decided_at=now,
    )  # fmt: skip
    happened = event("rollout_turned_back", turned, now, by=by)
    return Changed(replace(target, rollout=turned), (turned,), (happened,))


def end(target: Target, rollout: Rollout, phase: Phase, reason: str, code: str, now: float) -> Changed:
    """The rollout is over. Success makes its candidate the live group; being taken back quarantines its release."""
    over = replace(
        rollout,
        phase=phase,
        reason=reason,
        reason_code=code,
        ended_at=now,
        decided_at=rollout.decided_at or now,
    )
    target = replace(target, rollout=None)
    if phase == "succeeded":
        target = _promoted(target, rollout)
    live = target.group(target.live)
    if phase == "rolled_back" and (live is None or live.revision.release != rollout.revision.release):
        target = _quarantined(target, rollout.revision.release)
    return Changed(target, (over,), (event("rollout_ended", over, now),))


def event(kind: Kind, rollout: Rollout, now: float, by: str = "plainsail") -> Event:
    step = rollout.current()
    return Event(
        kind=kind, at=now, service=rollout.service, environment=rollout.environment, rollout=rollout.id, by=by,
        reason=rollout.reason, code=rollout.reason_code,
        data={
            "phase": rollout.phase, "kind": rollout.kind, "version": rollout.revision.version,
            "release": rollout.revision.release, "step": step.name, "reached_bp": rollout.reached_bp,
        },
    )  # fmt: skip


def _deploy(target: Target, intent: Deploy, now: float) -> Changed:
    revision, placement = intent.revision, intent.placement
    if revision.release in target.quarantine and not intent.again:
        reason = f"{revision.version} was taken back before; deploy it with --again if that is meant"
        return _never_began(target, intent, revision, reason, "quarantined", now)
    target = replace(target, quarantine=tuple(one for one in target.quarantine if one != revision.release))
    cleared = _make_way(target, f"superseded by {revision.version}", now)
    target = cleared.target
    live = target.group(target.live)
    if (
        live is not None
        and live.revision.release == revision.release
        and live.revision.config == revision.config
    ):
        sized = replace(
            target, groups=_with(target, replace(live, replicas=placement.replicas)), placement=placement
        )
        strategy = name_of(intent.strategy)
        began = _begin(
            sized, intent, revision, "deploy", strategy, live.id, _still(placement), placement, now
        )
        done = end(
            began.target,
            began.rollouts[0],
            "succeeded",
            f"{revision.version} is live already",
            "no_change",
            now,
        )
        return cleared.then(
            Changed(replace(sized, rollout=None), done.rollouts, (*began.events, *done.events))
        )
    way = course(
        intent.strategy, placement.pace, placement.replicas, live.replicas if live else None, placement.evidence
    )  # fmt: skip
    strategy = name_of(intent.strategy)
    return cleared.then(_begin(target, intent, revision, "deploy", strategy, None, way, placement, now))


def _rollback(target: Target, intent: Rollback, now: float) -> Changed:
    under_way = target.rollout
    if under_way is not None and under_way.kind == "rollback" and intent.release is None:
        return _refused(target, intent, now, f"{under_way.id} goes back already")
    if under_way is not None and under_way.phase in ("progressing", "paused") and intent.release is None:
        # The last good release is the one that is live: take back what is on its way, and not one more.
        reason = intent.reason or f"rollback asked by {intent.by}"
        back = turn_back(target, under_way, "aborted", reason, "aborted", intent.by, now)
        return back.then(_refused(back.target, intent, now, f"{under_way.id} is taken back instead"))
    cleared = _make_way(target, "a rollback was asked for", now)
    before, target = target, cleared.target
    live = target.group(target.live)
    found = [
        one
        for one in target.good
        if (one.release == intent.release if intent.release else one.release not in target.quarantine)
    ]
    if live is None or not found:  # What is under way goes on.
        what = (
            f"release {short(intent.release)} was not live here"
            if intent.release
            else "there is no good release before"
        )
        running = before.group(before.live)
        if running is None:
            return _refused(before, intent, now, what)
        return _never_began(before, intent, running.revision, what, "nothing_to_go_back_to", now)
    target = _quarantined(target, live.revision.release)
    target = replace(target, quarantine=tuple(one for one in target.quarantine if one != found[0].release))
    way = rollback_course(live.replicas, live.replicas)
    began = _begin(
        target, intent, found[0], "rollback", "rollback", None, way, target.placement, now, why=intent.reason
    )
    return cleared.then(began)


def _steer_rollout(
    target: Target, rollout: Rollout, intent: Abort | Pause | Resume | Advance, now: float
) -> Changed:
    if rollout.phase == "rolling_back":
        return _refused(target, intent, now, f"rollout {rollout.id} is on its way back already")
    match intent:
        case Abort():
            reason = intent.reason or f"aborted by {intent.by}"
            return turn_back(target, rollout, "aborted", reason, "aborted", intent.by, now)
        case Pause():
            if rollout.phase != "progressing":
                return _refused(target, intent, now, f"rollout {rollout.id} is {rollout.phase}")
            reason = intent.reason or f"paused by {intent.by}"
            return _moved(target, replace(rollout, phase="paused", reason=reason, reason_code="paused"),
                          "rollout_paused", intent.by, now)  # fmt: skip
        case Resume():
            if rollout.phase != "paused":
                return _refused(target, intent, now, f"rollout {rollout.id} is {rollout.phase}, not paused")
            in_force_at = None if rollout.in_force_at is None else now
            resumed = replace(
                rollout,
                phase="progressing",
                reason="",
                reason_code="",
                entered_at=now,
                in_force_at=in_force_at,
            )
            return _moved(target, resumed, "rollout_resumed", intent.by, now)
        case Advance(step=step):
            if step is not None and step != rollout.step:
                return _refused(target, intent, now, f"rollout {rollout.id} has left that step already")
            held = (
                rollout.phase == "paused"
            )  # live may be what is broken: who was told may go on without its share
            if not isinstance(rollout.current().leave, Judged) or (rollout.in_force_at is None and not held):
                return _refused(
                    target, intent, now, "there is no evidence to skip here: instances must be ready first"
                )
            if rollout.in_force_at is None:
                rollout = replace(rollout, baseline=None)
            return _moved(target, enter(rollout, rollout.step + 1, now), "step_entered", intent.by, now)
        case _:
            assert_never(intent)


def enter(rollout: Rollout, step: int, now: float) -> Rollout:
    """The rollout at the beginning of another step of its way."""
    finishing = rollout.steps()[step].finishing and rollout.phase != "rolling_back"
    phase: Phase = (
        rollout.phase if rollout.phase == "rolling_back" else "finishing" if finishing else "progressing"
    )
    keep_why = phase == "rolling_back"
    return replace(
        rollout, step=step, phase=phase, entered_at=now, in_force_at=None,
        reason=rollout.reason if keep_why else "", reason_code=rollout.reason_code if keep_why else "",
    )  # fmt: skip


def _begin(
    target: Target, intent: Deploy | Rollback, revision: Revision, kind: str, strategy: str, group: str | None,
    way: Course, placement: Placement, now: float, why: str = "",
) -> Changed:  # fmt: skip
    """`group`: there is one already; then the rollout is over as it begins, and its target is not used."""
    serial = target.serial + 1
    replicas = max(step.sizes.get("candidate", 0) for step in way.steps)
    candidate = group or f"g{serial}"
    live, twins = target.group(target.live), max(step.sizes.get("baseline", 0) for step in way.steps)
    fresh: tuple[Group, ...] = ()
    if live is not None and twins:
        serial += 1
        fresh = (Group(f"g{serial}", "baseline", live.revision, twins),)
    rollout = Rollout(
        id=intent.rollout, service=target.service, environment=target.environment,
        kind="rollback" if kind == "rollback" else "deploy", by=intent.by, strategy=strategy, revision=revision,
        candidate=candidate, live=target.live, replicas=replicas, placement=placement, course=way,
        started_at=now, entered_at=now, phase="progressing", reason=why, baseline=fresh[0].id if fresh else None,
    )  # fmt: skip
    groups = (*target.groups, Group(candidate, "candidate", revision, replicas), *fresh)
    kept = placement if target.live is None else target.placement
    changed = replace(target, serial=serial, groups=groups, rollout=rollout, placement=kept)
    return Changed(changed, (rollout,), (event("rollout_started", rollout, now, by=intent.by),))


def _never_began(
    target: Target, intent: Deploy | Rollback, revision: Revision, reason: str, code: str, now: float
) -> Changed:
    """A rollout that is over as it begins, so that whoever waits for it hears why."""
    kind = "deploy" if isinstance(intent, Deploy) else "rollback"
    began = _begin(
        target,
        intent,
        revision,
        kind,
        kind,
        target.live or "none",
        _still(target.placement),
        target.placement,
        now,
    )
    over = end(began.target, began.rollouts[0], "failed", reason, code, now)
    return Changed(target, over.rollouts, (*began.events, *over.events))


def _still(placement: Placement) -> Course:
    """A course that changes nothing."""
    return rollback_course(placement.replicas, placement.replicas)


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


def _refused(target: Target, intent: Intent, now: float, reason: str) -> Changed:
    return Changed(target, (), (Event(
        "intent_refused", now, target.service, target.environment, intent.rollout, intent.by, reason, "refused"
    ),))  # fmt: skip


def _promoted(target: Target, rollout: Rollout) -> Target:
    before = target.group(rollout.live)
    groups = tuple(replace(group, role="live") if group.id == rollout.candidate else
                   replace(group, role="warm") if group.id == rollout.live else group
                   for group in target.groups)  # fmt: skip
    good = target.good
    if (
        before is not None
        and before.id != rollout.candidate
        and before.revision.release not in target.quarantine
    ):
        good = (before.revision, *good)
    return replace(
        target,
        groups=groups,
        live=rollout.candidate,
        placement=rollout.placement,
        good=_distinct(good, rollout.revision),
    )


def _distinct(good: tuple[Revision, ...], live: Revision) -> tuple[Revision, ...]:
    kept: dict[tuple[str, str], Revision] = {}
    for one in good:
        if (one.release, one.config) != (live.release, live.config):
            kept.setdefault((one.release, one.config), one)
    return tuple(kept.values())[:KEPT_GOOD]


def _quarantined(target: Target, release: str) -> Target:
    return replace(target, quarantine=(*(one for one in target.quarantine if one != release), release))


def _with(target: Target, group: Group) -> tuple[Group, ...]:
    return tuple(group if one.id == group.id else one for one in target.groups)
