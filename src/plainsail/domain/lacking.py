"""What a step still lacks of instances and traffic, in clauses for people; and what is left of groups that are to go."""

from __future__ import annotations

from plainsail.domain.observation import Seen
from plainsail.domain.rollout import Rollout
from plainsail.domain.strategy import Role, Step
from plainsail.domain.units import ALL


def to_take_over(rollout: Rollout, seen: Seen) -> str:
    """The candidate's instances that the next step counts on, as it takes some of live's away: those that are not ready.
    No evidence makes up for them."""
    steps, at = rollout.steps(), rollout.step
    shared = 0 < steps[at].share("candidate") < ALL
    if not shared or _old(steps[at + 1]) >= _old(steps[at]):
        return ""
    return unready(rollout, seen, "candidate", steps[at].sizes["candidate"])


def _old(step: Step) -> int:
    """Instances that have what the candidate does not have yet."""
    return step.sizes.get("live", 0) + step.sizes.get("warm", 0)


def not_in_force(rollout: Rollout, seen: Seen) -> str:
    """Why the router does not do what the step wants, as far as it is known."""
    size = rollout.current().sizes.get("baseline", 0)
    if lacks := unready(rollout, seen, "baseline", size):
        return f"the baseline, which it is compared with, is not there: {lacks}"
    short = unready(rollout, seen, "candidate", rollout.current().sizes.get("candidate", 0))
    if seen.router_up and short:
        return f"the traffic of this step is not in force: {short}"
    return "the traffic of this step is not in force: no instance is ready, or the router does not answer"


def unready(rollout: Rollout, seen: Seen, role: Role, size: int) -> str:
    """`2 of 4 instances ready (exited with status 1)`; empty: all are."""
    group = rollout.group(role)
    if group is None or (ready := seen.ready(group)) >= size:
        return ""
    found = seen.groups.get(group)
    trouble = f" ({found.trouble})" if found and found.trouble else ""
    return f"{ready} of {size} instances ready{trouble}"


def emptied(rollout: Rollout) -> tuple[str, ...]:
    """Groups that have no instances at this step."""
    sizes = rollout.current().sizes
    return tuple(group for role in sizes if not sizes[role] and (group := rollout.group(role)) is not None)


def surplus(rollout: Rollout, seen: Seen) -> int:
    """Of a live group that is made smaller: those that are still to end."""
    size = rollout.current().sizes.get("live")
    return max(0, instances(seen, rollout.candidate) - size) if rollout.kind == "scale" and size else 0


def instances(seen: Seen, group: str) -> int:
    """Also those on their way out."""
    found = seen.groups.get(group)
    return len(found.instances) if found else 0


def nobody_to_go_back_to(rollout: Rollout, seen: Seen) -> bool:
    """Live would have its users if it were there; who has them keeps them until then, with a rollout or without."""
    gone = rollout.live is not None and not seen.ready(rollout.live)
    return rollout.phase == "rolling_back" and seen.router_up and gone
