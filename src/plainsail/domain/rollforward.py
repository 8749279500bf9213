"""Roll-forward: users of a superseded candidate keep it until the newer one takes them over, whatever the strategy.

Who has the superseded one is `warm` in the steps. In each the candidate's users are taken from warm's first, so live has the
same users until all of warm's are the candidate's, and the two of them never have fewer together than the superseded one had.
A canary begins with that share, for it has been proven once that users may have so much of something new; every other
strategy walks all of its own steps, and an approval is none the less asked for.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from plainsail.domain.observation import Seen
from plainsail.domain.rollout import Rollout, Target
from plainsail.domain.strategy import (
    AB,
    Canary,
    Course,
    Exposed,
    Incremental,
    Part,
    Recreate,
    Role,
    Step,
    Strategy,
)
from plainsail.domain.units import ALL

replace = msgspec.structs.replace


def reached(target: Target, seen: Seen) -> Target:
    """The target with what its candidate has of the users, before anybody's wish is looked at: who deploys the next one finds
    them with this one."""
    rollout = target.rollout
    if rollout is None or not rollout.renews():
        return target
    most = max(rollout.reached_bp, seen.share(rollout.candidate))
    return replace(target, rollout=replace(rollout, reached_bp=most))


def taken(chain: Sequence[Strategy], exposed: Exposed | None) -> Exposed | None:
    """What a rollout with these strategies takes over. A test would be distorted by users who had something new before, and
    where the old is stopped first nobody keeps anything."""
    return None if any(isinstance(one, AB | Recreate) for one in chain) else exposed


def begins_there(chain: Sequence[Strategy]) -> bool:
    """Its first share is the superseded one's, and smaller ones are passed over."""
    return isinstance(chain[0], Canary | Incremental)


def keeping(step: Step, taken: Exposed) -> Step:
    """The step with what is warm's of the share: as much as the candidate does not have yet. Its instances are all there for as
    long as it has users, unless the step says how many."""
    share, rest = step.share("candidate"), ALL - taken.share_bp
    if step.finishing or share >= taken.share_bp:
        return step
    twins = min(step.share("baseline"), rest)
    parts: tuple[tuple[Role, int], ...] = (
        ("candidate", share), ("warm", taken.share_bp - share), ("baseline", twins), ("live", rest - twins),
    )  # fmt: skip
    sizes = step.sizes if "warm" in step.sizes else {**step.sizes, "warm": taken.instances}
    return replace(step, sizes=sizes, split=tuple(Part(role, part) for role, part in parts if part))


def in_full(rollout: Rollout) -> Rollout:
    """The rollout with all of live's instances for as long as users keep what it supersedes."""
    size = rollout.course.back[-1].sizes.get("live", 0)
    steps = tuple(
        replace(step, sizes={**step.sizes, "live": size}) if step.share("warm") else step
        for step in rollout.course.steps
    )
    return replace(rollout, course=replace(rollout.course, steps=steps))


def given_up(rollout: Rollout) -> Rollout:
    """The rollout with live in warm's place: of its users, and of its instances as far as live had so many."""
    most = rollout.course.back[-1].sizes.get("live", 0)
    steps = tuple(_without(step, most) for step in rollout.course.steps)
    return replace(rollout, warm=None, course=Course(steps, rollout.course.back))


def _without(step: Step, most: int) -> Step:
    sizes = {role: size for role, size in step.sizes.items() if role != "warm"}
    if warm := step.sizes.get("warm", 0):
        sizes["live"] = min(most, sizes.get("live", 0) + warm)
    if not (kept := step.share("warm")):
        return replace(step, sizes=sizes)
    parts = [part for part in step.split if part.role not in ("warm", "live")]
    return replace(step, sizes=sizes, split=(*parts, Part("live", step.share("live") + kept)))
