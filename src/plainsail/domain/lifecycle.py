"""A rollout's life: how it begins, moves on, turns back and ends, each as a changed target and what is to be recorded."""

from __future__ import annotations

from typing import assert_never

import msgspec

from plainsail.domain.courses import rollback_course
from plainsail.domain.events import Event, Kind
from plainsail.domain.intents import Beginning, Deploy, Intent, Remove, Restart, Scale
from plainsail.domain.quarantine import quarantined, why
from plainsail.domain.questions import with_errands
from plainsail.domain.rollout import (
    KEPT_GOOD,
    Against,
    Group,
    Phase,
    Revision,
    Rollout,
    Scaled,
    Target,
    Undertaking,
)
from plainsail.domain.service import Placement
from plainsail.domain.strategy import Course
from plainsail.domain.wayback import against, gradually, shortest, takes_time

replace = msgspec.structs.replace


class Changed(msgspec.Struct, frozen=True):
    """A target after a change, the rollouts that changed with it, and what happened."""

    target: Target
    rollouts: tuple[Rollout, ...] = ()
    events: tuple[Event, ...] = ()

    def then(self, other: Changed) -> Changed:
        return Changed(other.target, (*self.rollouts, *other.rollouts), (*self.events, *other.events))


def begin(
    target: Target, intent: Beginning, revision: Revision, kind: Undertaking, strategy: str, group: str | None,
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
        kind=kind, by=intent.by, strategy=strategy, revision=revision,
        candidate=candidate, live=target.live, replicas=replicas, placement=placement, course=way,
        started_at=now, entered_at=now, phase="progressing", reason=why, baseline=fresh[0].id if fresh else None,
    )  # fmt: skip
    groups = (*target.groups, Group(candidate, "candidate", revision, replicas), *fresh)
    kept = placement if target.live is None else target.placement
    changed = replace(target, serial=serial, groups=groups, rollout=rollout, placement=kept)
    return Changed(changed, (rollout,), (event("rollout_started", rollout, now, by=intent.by),))


def event(kind: Kind, rollout: Rollout, now: float, by: str = "plainsail") -> Event:
    step = rollout.current()
    return Event(
        kind=kind, at=now, service=rollout.service, environment=rollout.environment, rollout=rollout.id, by=by,
        reason=rollout.reason, code=rollout.reason_code,
        data={
            "phase": rollout.phase, "kind": rollout.kind, "version": rollout.revision.version,
            "release": rollout.revision.release, "step": step.name, "reached_bp": rollout.reached_bp,
            **({"notify": step.notify} if kind == "step_entered" and step.notify else {}),
        },
    )  # fmt: skip


def enter(rollout: Rollout, step: int, now: float) -> Rollout:
    """The rollout at the beginning of another step of its way."""
    back = rollout.phase == "rolling_back"
    phase: Phase = (
        "rolling_back" if back else "finishing" if rollout.steps()[step].finishing else "progressing"
    )
    return replace(
        rollout, step=step, phase=phase, entered_at=now, in_force_at=None, held_at=None, called_at=None,
        reason=rollout.reason if back else "", reason_code=rollout.reason_code if back else "",
        against=_still_against(rollout, step),
    )  # fmt: skip


def _still_against(rollout: Rollout, step: int) -> Against | None:
    """What is known against it as it enters a step. Somebody goes on in spite of it: it is held for more only."""
    if rollout.against is None or (
        rollout.phase == "rolling_back" and not takes_time(rollout.steps()[step:])
    ):
        return None
    return replace(rollout.against, held=False)


def timely(rollout: Rollout, now: float) -> Rollout:
    """With no moment later than now. A clock that was set back while nobody looked would have each wait last until it has
    caught up; so waits begin anew."""
    return replace(
        rollout, entered_at=min(rollout.entered_at, now), in_force_at=_until(rollout.in_force_at, now),
        held_at=_until(rollout.held_at, now), called_at=_until(rollout.called_at, now), worse_at=_until(rollout.worse_at, now),
    )  # fmt: skip


def _until(moment: float | None, now: float) -> float | None:
    return None if moment is None else min(moment, now)


def turn_back(
    target: Target, rollout: Rollout, ending: Phase, reason: str, code: str, by: str, now: float,
    gradual: bool = False,
) -> Changed:  # fmt: skip
    """From here on the rollout's way leads back, at once or with the shares in reverse; it ends in phase `ending`."""
    back = gradually(rollout) if gradual else shortest(rollout)
    turned = replace(
        rollout, phase="rolling_back", ending=ending, reason=reason, reason_code=code, step=0, entered_at=now,
        in_force_at=None, decided_at=now, held_at=None, called_at=None, course=replace(rollout.course, back=back),
        against=against(rollout.verdict) if takes_time(back) else None,
    )  # fmt: skip
    happened = event("rollout_turned_back", turned, now, by=by)
    return Changed(replace(target, rollout=turned), (turned,), (happened,))


def end(target: Target, rollout: Rollout, phase: Phase, reason: str, code: str, now: float) -> Changed:
    """The rollout is over. Success makes its candidate the live group; being taken back for harm quarantines its release,
    also where no user had it yet."""
    over = replace(
        rollout,
        phase=phase,
        reason=reason,
        reason_code=code,
        ended_at=now,
        decided_at=rollout.decided_at or now,
    )
    target = replace(with_errands(target, over, now), rollout=None)
    if phase == "succeeded" and rollout.phase != "rolling_back":  # a test may well end with live kept
        target = _achieved(target, rollout)
    live = target.group(target.live)
    harmed = (
        rollout.verdict is not None and rollout.verdict.outcome == "fail" and rollout.verdict.code == code
    )
    if phase == "rolled_back" or (phase == "failed" and rollout.phase == "rolling_back" and harmed):
        bad = target.group(rollout.verdict.variant) if rollout.verdict is not None else None
        revision = bad.revision if bad is not None else rollout.revision
        target = quarantined(target, revision, live.revision if live else None)
    return Changed(target, (over,), (event("rollout_ended", over, now),))


def never_began(
    target: Target, intent: Beginning, revision: Revision, reason: str, code: str, now: float
) -> Changed:
    """A rollout that is over as it begins, so that whoever waits for it hears why."""
    kind: Undertaking = "deploy" if isinstance(intent, Deploy) else "rollback"
    began = begin(
        target,
        intent,
        revision,
        kind,
        kind,
        target.live or "none",
        still(target.placement),
        target.placement,
        now,
    )
    over = end(began.target, began.rollouts[0], "failed", reason, code, now)
    return Changed(target, over.rollouts, (*began.events, *over.events))


def refused(target: Target, intent: Intent, now: float, reason: str) -> Changed:
    upkeep = isinstance(intent, Scale | Restart | Remove)
    return Changed(target, (), (Event(
        "intent_refused", now, target.service, target.environment, intent.rollout, intent.by, reason, "refused",
        {"kind": tag(intent)} if upkeep else {},
    ),))  # fmt: skip


def tag(intent: Intent) -> str:
    """What an intent is called."""
    return str(type(intent).__struct_config__.tag)


def still(placement: Placement) -> Course:
    """A course that changes nothing."""
    return rollback_course(placement.replicas, placement.replicas)


def _achieved(target: Target, rollout: Rollout) -> Target:
    match rollout.kind:
        case "scale":
            return scaled(target, rollout)
        case "remove":
            return _removed(target)
        case "deploy" | "rollback" | "restart":
            return _promoted(target, rollout)
        case _:
            assert_never(rollout.kind)


def scaled(target: Target, rollout: Rollout) -> Target:
    """The live group has another size, which holds for as long as what was declared then is."""
    declared = rollout.placement.replicas
    groups = tuple(
        replace(one, replicas=rollout.replicas) if one.id == rollout.live else one for one in target.groups
    )
    kept = Scaled(rollout.replicas, declared) if rollout.replicas != declared else None
    return replace(target, groups=groups, scaled=kept)


def _removed(target: Target) -> Target:
    """Nothing is live. What was can be gone back to once something is live again."""
    live = target.group(target.live)
    good = target.good if live is None else (live.revision, *target.good)
    return replace(target, live=None, good=good[:KEPT_GOOD], past=None, scaled=None)


def _promoted(target: Target, rollout: Rollout) -> Target:
    before = target.group(rollout.live)
    groups = tuple(replace(group, role="live") if group.id == rollout.candidate else
                   replace(group, role="warm") if group.id == rollout.live else group
                   for group in target.groups)  # fmt: skip
    good = target.good
    if before is not None and before.id != rollout.candidate:
        one = before.revision
        good = good if why(target, one.release, one.config, one.version) else (one, *good)
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
