"""A rollout in the middle of its way, made by hand: v2 (`g2`) takes the place of v1 (`g1`), four instances each."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace
from tests.domain.stage import RUN

from plainsail.domain.checkpoints import way
from plainsail.domain.evidence import Arm, Evidence, Verdict
from plainsail.domain.lifecycle import Changed, enter, event
from plainsail.domain.match import Match
from plainsail.domain.observation import GroupSeen, Instance, InstanceState, Seen
from plainsail.domain.progress import progress
from plainsail.domain.rollout import Group, Revision, Rollout, Target
from plainsail.domain.service import Placement, Shield, config_digest
from plainsail.domain.strategy import Canary, Chain, Course, Pace, Part
from plainsail.domain.traffic import GroupShare, Mirror, Route, Traffic

NOW = 1000.0
PACE = Pace(dwell=5.0, deadline=60.0)
CANARY: Chain = (Canary((1000, 5000)),)
PLACE = Placement(replicas=4, pace=PACE)


def revision(version: str, **changes: Any) -> Revision:
    made = Revision(f"sha256:{version[-1] * 64}", version, RUN, config_digest(RUN))
    return replace(made, **changes)


V1, V2, V3 = revision("v1"), revision("v2"), revision("v3")


def course(chain: Chain = CANARY, live: int | None = 4, **place: Any) -> Course:
    return way(chain, replace(PLACE, **place), live)


def at(step: str, course: Course) -> int:
    """The number of the step of this name on the way there."""
    return next(number for number, one in enumerate(course.steps) if one.name == step)


def on_way(step: str | int = "10 %", **changes: Any) -> Rollout:
    """At this step since ten seconds ago, in force since nine; what users have had follows from that."""
    taken = changes.get("course", course())
    number = step if isinstance(step, int) else at(step, taken)
    made = Rollout(
        id="r2", service="shop", environment="production", kind="deploy", by="ada", strategy="canary", revision=V2,
        candidate="g2", live="g1", replicas=4, placement=PLACE, course=taken, started_at=NOW - 90.0,
        entered_at=NOW - 10.0, in_force_at=NOW - 9.0, phase="progressing", step=number,
        reached_bp=max(one.share("candidate") for one in taken.steps[: number + 1]),
    )  # fmt: skip
    return replace(made, **changes)


def target(rollout: Rollout | None = None, **changes: Any) -> Target:
    """With the two groups, or live's alone."""
    groups: tuple[Group, ...] = (Group("g1", "live", V1, 4),)
    if rollout is not None:
        groups = (*groups, Group(rollout.candidate, "candidate", rollout.revision, rollout.replicas))
    made = Target("shop", "production", PLACE, serial=len(groups), groups=groups, live="g1", rollout=rollout)
    return replace(made, **changes)


def found(group: str, state: InstanceState = "ready", number: int = 4, **changes: Any) -> GroupSeen:
    """So many instances of a group, all in one state."""
    instances = tuple(
        Instance(f"{group}-{one}", group, state, f"127.0.0.1:{20_000 + one}", NOW - 60.0)
        for one in range(number)
    )
    return replace(GroupSeen(group, number, instances), **changes)


def table(**shares: int) -> Traffic:
    """A router's, with these basis points by group."""
    parts = tuple(GroupShare(group, share) for group, share in shares.items())
    return Traffic("shop", (), (Route(Match(), parts),), {}, "g1", Shield(), None, 1.0)


def as_wanted(rollout: Rollout, **changes: Any) -> Seen:
    """All instances that its step asks for are ready, and its traffic is in force."""
    step = rollout.current()
    groups = {
        group: found(group, number=size)
        for role, size in step.sizes.items()
        if (group := rollout.group(role)) is not None and size
    }
    traffic = table(**{_group(rollout, part): part.share_bp for part in step.split}) if step.split else None
    if traffic is not None and (copies := step.copies) is not None:
        traffic = replace(traffic, mirror=Mirror(rollout.candidate, copies.share_bp, copies.methods))
    return replace(Seen(NOW, groups, traffic=traffic), **changes)


def said(outcome: Any = "unsure", sentence: str = "needs 12 more requests", **changes: Any) -> Verdict:
    return replace(Verdict(outcome, sentence, candidate=Arm(100), live=Arm(900)), **changes)


def look(
    one: Rollout, verdict: Verdict | None = None, seen: Seen | None = None, evidence: Evidence | None = None,
    now: float = NOW,
) -> Changed:  # fmt: skip
    return progress(target(one), as_wanted(one) if seen is None else seen, verdict, now, evidence)


def why(one: Rollout, verdict: Verdict | None = None, **look_of_it: Any) -> str:
    """It stays, for this reason."""
    changed = look(one, verdict, **look_of_it)
    after = changed.target.rollout
    assert after is not None
    known = replace(one, verdict=verdict or one.verdict, reached_bp=after.reached_bp)
    assert changed == Changed(target(replace(known, reason=after.reason)))
    return after.reason


def goes_on(one: Rollout, now: float = NOW, **changes: Any) -> Changed:
    entered = enter(replace(one, **changes), one.step + 1, now)
    entered = replace(entered, decided_at=now if entered.phase == "finishing" else one.decided_at)
    return Changed(target(entered), (entered,), (event("step_entered", entered, now),))


def paced(step: str = "10 %", pace: Any = PACE, **changes: Any) -> Rollout:
    """By this pace."""
    chain = changes.pop("chain", CANARY)
    place = replace(PLACE, pace=pace, **changes.pop("place", {}))
    way = course(
        chain, **{name: getattr(place, name) for name in ("pace", "evidence", "approvals", "checks", "hooks")}
    )
    return on_way(step, course=way, placement=place, **changes)


def late(one: Rollout, by: float = 0.0) -> Rollout:
    """Its deadline was so long ago."""
    return replace(one, entered_at=NOW - 60.0 - by, in_force_at=NOW - 59.0 - by)


def _group(rollout: Rollout, part: Part) -> str:
    group = rollout.group(part.role)
    assert group is not None
    return group
