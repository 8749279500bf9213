"""Upkeep of what is live: more instances of it or fewer, new ones in the place of the old, or none at all.

Each is a rollout, and supersedes none: it is refused while another is under way. Instances are judged by whether they are
ready, for the release is the one that users have already.
"""

from __future__ import annotations

import msgspec

from plainsail.domain.courses import course, rollback_course
from plainsail.domain.intents import Beginning, Remove, Restart, Scale
from plainsail.domain.lifecycle import Changed, begin, end, event, refused, scaled
from plainsail.domain.rollout import Group, Rollout, Target, Undertaking
from plainsail.domain.service import Placement
from plainsail.domain.steps import JUST_LIVE, SETTLE_WITHIN, START_WITHIN
from plainsail.domain.strategy import (
    Chain,
    Course,
    Judged,
    Ready,
    Recreate,
    Rolling,
    RollingCanary,
    RollingRedBlack,
    Settled,
    Step,
    name_of,
)
from plainsail.domain.units import plural

replace = msgspec.structs.replace

MOST = 1000
"""Instances of a service in one environment, as in the file."""


def scale(target: Target, intent: Scale, now: float) -> Changed:
    """The live group with another number of instances: more are ready before they count, fewer are drained first."""
    live = target.group(target.live)
    if live is None or target.rollout is not None:
        return _not_now(target, intent, now)
    if not 1 <= intent.replicas <= MOST:
        return refused(target, intent, now, f"{intent.replicas} instances are not between 1 and {MOST}")
    began = _of_live(
        target, live, intent, "scale", _scaling(live.replicas, intent.replicas), intent.replicas, intent.declared, now
    )  # fmt: skip
    if intent.replicas != live.replicas:
        return began
    told = f"{live.revision.version} has {plural(live.replicas, 'instance')} already"
    over = end(began.target, began.rollouts[0], "succeeded", told, "no_change", now)
    return Changed(over.target, over.rollouts, (*began.events, *over.events))


def restart(target: Target, intent: Restart, now: float) -> Changed:
    """A group of the same release and configuration takes the place of the live one."""
    live = target.group(target.live)
    if live is None or target.rollout is not None:
        return _not_now(target, intent, now)
    placement = replace(target.placement, replicas=live.replicas)
    strategy, way = renewal_course(placement.strategy, placement)
    return begin(
        target, intent, live.revision, "restart", strategy, None, way, placement, now, why=intent.reason
    )


def remove(target: Target, intent: Remove, now: float) -> Changed:
    """Users first, then instances, then the router's rules; while it lasts it can be turned back."""
    live = target.group(target.live)
    if target.rollout is not None or live is None:
        return _not_now(target, intent, now)
    return _of_live(target, live, intent, "remove", _removing(live.replicas), 0, live.replicas, now)


def sized(target: Target, placement: Placement) -> Placement:
    """As declared, with the number of instances that a person asked for since that number was declared."""
    asked = target.scaled
    if asked is None or asked.declared != placement.replicas:
        return placement
    return replace(placement, replicas=asked.replicas)


def meant(target: Target) -> Target:
    """The same, as if a change of the number of instances that is under way were done: a deploy in its middle ends it, and
    does not take back what was asked for."""
    rollout = target.rollout
    if rollout is None or rollout.kind != "scale" or rollout.phase == "rolling_back":
        return target
    return scaled(target, rollout)


def outcome(target: Target, rollout: Rollout) -> str:
    """What is told of one that came to its end; empty: as of any release that has all users."""
    live = target.group(rollout.live)
    version, now = rollout.revision.version, plural(rollout.replicas, "instance")
    match rollout.kind:
        case "scale":
            return f"{version} has {now} instead of {live.replicas if live else 0}"
        case "restart":
            return f"{version} has {now}, all of them new"
        case "remove":
            return f"nothing of {version} is left running; its releases and its history are kept"
        case _:
            return ""


def renewal_course(chain: Chain, placement: Placement) -> tuple[str, Course]:
    """How new instances take the place of the old ones, and what that is called: a few at a time, or all after the old
    ended, where the strategy says so; else all beside the old ones, then all users at once."""
    match chain[-1]:
        case Recreate():
            way, size = Recreate(), placement.replicas
            return name_of(way), course((way,), placement.pace, size, size)
        case Rolling() as rolling:
            return _rolled(rolling, placement)
        case RollingCanary(max_surge=surge, max_unavailable=missing):
            return _rolled(Rolling(surge, missing), placement)
        case RollingRedBlack():
            return _rolled(Rolling(), placement)
        case _:
            return "blue-green", rollback_course(placement.replicas, placement.replicas)


def _rolled(rolling: Rolling, placement: Placement) -> tuple[str, Course]:
    """Batch by batch, each left when it is ready."""
    way = course((rolling,), replace(placement.pace, bake=0.0), placement.replicas, placement.replicas)
    ready = Ready("candidate", START_WITHIN)
    steps = tuple(
        replace(step, leave=ready) if isinstance(step.leave, Judged) else step for step in way.steps
    )
    return name_of(rolling), replace(way, steps=steps)


def _scaling(before: int, after: int) -> Course:
    name = plural(after, "instance")
    leave = Ready("live", START_WITHIN) if after > before else Settled(SETTLE_WITHIN)
    back = Step("back", {"live": before}, JUST_LIVE, Settled(SETTLE_WITHIN), finishing=True)
    return Course((Step(name, {"live": after}, JUST_LIVE, leave),), (back,))


def _removing(size: int) -> Course:
    """The instances end when the router sends them nothing and what they had begun is answered."""
    drain = Step("drain", {"live": 0}, (), Settled(SETTLE_WITHIN))
    rules = Step("rules", {"live": 0}, (), Settled(SETTLE_WITHIN), finishing=True)
    back = Step("back", {"live": size}, JUST_LIVE, Ready("live", START_WITHIN))
    return Course((drain, rules), (back,))


def _of_live(
    target: Target, live: Group, intent: Scale | Remove, kind: Undertaking, way: Course, replicas: int, declared: int,
    now: float,
) -> Changed:  # fmt: skip
    """A rollout whose candidate is the live group itself."""
    rollout = Rollout(
        id=intent.rollout, service=target.service, environment=target.environment, kind=kind, by=intent.by, strategy=kind,
        revision=live.revision, candidate=live.id, live=live.id, replicas=replicas,
        placement=replace(target.placement, replicas=declared), course=way, started_at=now, entered_at=now,
        phase="progressing", reason=intent.reason,
    )  # fmt: skip
    begun = event("rollout_started", rollout, now, by=intent.by)
    return Changed(replace(target, rollout=rollout), (rollout,), (begun,))


def _not_now(target: Target, intent: Beginning, now: float) -> Changed:
    rollout = target.rollout
    if rollout is not None:
        return refused(
            target, intent, now, f"{rollout.id} is under way; wait until it is over, or abort it first"
        )
    return refused(target, intent, now, f"nothing is live as {target.service} in {target.environment}")
