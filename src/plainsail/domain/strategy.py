"""Strategies, and the one thing they all are: a tuple of steps, each a desired state plus a condition to leave it.

`course` is a pure function from what people asked for to the way there and the way back. It names roles, not groups:
the rollout says which group plays which role. The planner knows only steps.
"""

from __future__ import annotations

import math
from typing import Literal, assert_never

import msgspec

from plainsail.domain.criteria import EvidenceCriteria
from plainsail.domain.units import ALL, Duration, Share, percent

Role = Literal["live", "candidate", "baseline", "variant", "warm", "dark"]


class Canary(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="canary"):
    """A growing part of the users gets the new release; the rest keeps the old one for comparison."""

    steps: tuple[Share, ...] = (100, 1000, 5000)
    """Shares, growing; 100 % follows the last."""


class BlueGreen(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="blue-green"):
    """The new release is started in full beside the old one, then all users move at once."""

    keep: Duration = 10.0
    """How long the old one stays warm, and the new one is watched, after the switch."""


class Recreate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="recreate"):
    """The old release is stopped before the new one is started: two never run at once, and users see a gap."""


Strategy = Canary | BlueGreen | Recreate


class Pace(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a step may be left."""

    until: Literal["proven", "dwell"] = "proven"
    """`proven`: when the margin is proven for the next exposure. `dwell`: when the time is over and nothing failed."""
    dwell: Duration = 10.0
    """Shortest time at a share."""
    deadline: Duration = 1800.0
    """Longest time at a share; then `on_unsure`."""
    on_unsure: Literal["hold", "rollback", "advance"] = "hold"
    """At the deadline, with the evidence still unsure: wait for a person, go back, or go on."""
    requests: int = 0
    """Fewest requests of the candidate at a share before that may be left, however good they are."""
    bake: Duration = 0.0
    """How long the old release stays warm after 100 %, and the new one is watched: harm still takes it back at once."""


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """Every instance that the step asks of this role is ready, and its traffic is in force."""

    role: Role
    within: Duration


class Judged(msgspec.Struct, frozen=True, tag="judged"):
    """The evidence allows the next exposure (`until: proven`), nothing failed for the dwell time, or every metric that is
    asked before the first user has answered (`analysed`)."""

    until: Literal["proven", "dwell", "analysed"]
    exposure: Share
    """The next exposure, for which the margin is to be proven; 0: nobody is exposed, so nothing can be."""
    dwell: Duration
    deadline: Duration
    on_unsure: Literal["hold", "rollback", "advance"]
    requests: int = 0
    """Fewest requests of the candidate at this step."""


class Settled(msgspec.Struct, frozen=True, tag="settled"):
    """Nothing is left of the groups that the step gives no instances."""

    within: Duration


Condition = Ready | Judged | Settled


class Part(msgspec.Struct, frozen=True):
    """The share of one role in a split."""

    role: Role
    share_bp: Share


class Step(msgspec.Struct, frozen=True):
    """A desired state and the condition to leave it."""

    name: str
    sizes: dict[Role, int]
    """Instances by role."""
    split: tuple[Part, ...]
    """Traffic by role, 10,000 in all; empty: nobody answers (only `recreate` and a first deploy's way back)."""
    leave: Condition
    finishing: bool = False
    """All users are where they should be; only clearing up is left."""

    def share(self, role: Role) -> int:
        """Basis points."""
        return sum(part.share_bp for part in self.split if part.role == role)

    def during(self) -> Literal["start", "steps", "bake"]:
        """Which part of a way there it belongs to, as metrics name them (`during`)."""
        exposed = self.share("candidate")
        if exposed == ALL and isinstance(self.leave, Judged):
            return "bake"
        return "steps" if exposed else "start"


class Course(msgspec.Struct, frozen=True):
    """The way there and the way back."""

    steps: tuple[Step, ...]
    back: tuple[Step, ...]


START_WITHIN = 600.0
"""Seconds. A last resort above the probe's own `within` and the three starts that a candidate is given."""
SETTLE_WITHIN = 900.0
"""Seconds. Instances end by SIGKILL after drain and grace; past this something is broken and a person is told."""

JUST_LIVE = (Part("live", ALL),)
JUST_CANDIDATE = (Part("candidate", ALL),)


def course(
    strategy: Strategy,
    pace: Pace,
    replicas: int,
    live: int | None,
    criteria: EvidenceCriteria = EvidenceCriteria(),  # noqa: B008  (frozen)
) -> Course:
    """The steps from live (so many instances; None: a first deploy) to `replicas` of the candidate, and back."""
    if live is None:
        return Course(_start_and_switch(replicas, None, ()), (_gone(None),))
    match strategy:
        case Canary(steps=shares):
            fresh = criteria.compare == "baseline"
            return Course(_canary(shares, pace, replicas, live, criteria), (_gone(live, fresh),))
        case BlueGreen(keep=keep):
            start = (_start(replicas, live, JUST_LIVE), *_analysis(replicas, live, pace, criteria))
            watch = _watch("100 %", replicas, live, pace, max(keep, pace.bake))
            return Course((*start, watch, _finish(replicas)), (_gone(live),))
        case Recreate():
            stop = Step("stop old", {"live": 0}, (), Settled(SETTLE_WITHIN))
            away = Step("stop new", {"live": 0, "candidate": 0}, (), Settled(SETTLE_WITHIN))
            again = Step("start old", {"live": live, "candidate": 0}, (), Ready("live", START_WITHIN))
            return Course((stop, *_start_and_switch(replicas, 0, ())), (away, again, _gone(live)))
        case _:
            assert_never(strategy)


def rollback_course(replicas: int, live: int) -> Course:
    """Back to an earlier release whose instances are gone: start it, move everybody at once. No evidence is asked."""
    return Course(_start_and_switch(replicas, live, JUST_LIVE), (_gone(live),))


def name_of(strategy: Strategy) -> str:
    """The name people write."""
    return str(type(strategy).__struct_config__.tag)


def needed(share_bp: int, replicas: int) -> int:
    """Instances that carry a share when `replicas` carry all of it; at least one."""
    return max(1, math.ceil(replicas * share_bp / ALL))


def _canary(
    shares: tuple[int, ...], pace: Pace, replicas: int, live: int, criteria: EvidenceCriteria
) -> tuple[Step, ...]:
    fresh = criteria.compare == "baseline"
    first = _beside(shares[0], replicas, live, fresh)
    steps = [
        Step("start", first, JUST_LIVE, Ready("candidate", START_WITHIN)),
        *_analysis(first["candidate"], live, pace, criteria, first.get("baseline", 0)),
    ]
    for share, after in zip(shares, (*shares[1:], ALL), strict=True):
        leave = Judged(pace.until, after, pace.dwell, pace.deadline, pace.on_unsure, pace.requests)
        sizes = _beside(share, replicas, live, fresh)
        steps.append(Step(percent(share), sizes, _split(share, fresh), leave))
    bake = (_watch("bake", replicas, live, pace, pace.bake),) if pace.bake else ()
    return (*steps, _switch(replicas, live), *bake, _finish(replicas, fresh))


def _twin(share: int) -> int:
    """What a baseline beside a candidate with this share has: as much, or above a half what is left."""
    return min(share, ALL - share)


def _beside(share: int, replicas: int, live: int, fresh: bool) -> dict[Role, int]:
    """Instances at a share; a baseline's carry as much each as the candidate's."""
    sizes: dict[Role, int] = {"live": live, "candidate": needed(share, replicas)}
    return {**sizes, "baseline": needed(_twin(share), replicas)} if fresh else sizes


def _split(share: int, fresh: bool) -> tuple[Part, ...]:
    if not fresh:
        return (Part("candidate", share), Part("live", ALL - share))
    rest = ALL - share - _twin(share)
    parts = (Part("candidate", share), Part("baseline", _twin(share)), Part("live", rest))
    return parts if rest else parts[:2]


def _analysis(
    candidates: int, live: int, pace: Pace, criteria: EvidenceCriteria, baselines: int = 0
) -> tuple[Step, ...]:
    """The step before the first user, if a metric is asked there."""
    if not criteria.decisive("start"):
        return ()
    sizes: dict[Role, int] = {"live": live, "candidate": candidates}
    if baselines:
        sizes["baseline"] = baselines
    leave = Judged("analysed", 0, 0.0, pace.deadline, pace.on_unsure)
    return (Step("analysis", sizes, JUST_LIVE, leave),)


def _watch(name: str, replicas: int, live: int, pace: Pace, keep: float) -> Step:
    """All users are the candidate's, and the way back is warm."""
    leave = Judged("dwell", ALL, keep, max(keep, pace.deadline), pace.on_unsure)
    return Step(name, {"live": live, "candidate": replicas}, JUST_CANDIDATE, leave)


def _start_and_switch(replicas: int, live: int | None, before: tuple[Part, ...]) -> tuple[Step, ...]:
    return (_start(replicas, live, before), _switch(replicas, live), _finish(replicas))


def _sizes(candidate: int, live: int | None) -> dict[Role, int]:
    return {"candidate": candidate} if live is None else {"live": live, "candidate": candidate}


def _start(replicas: int, live: int | None, split: tuple[Part, ...]) -> Step:
    return Step("start", _sizes(replicas, live), split, Ready("candidate", START_WITHIN))


def _switch(replicas: int, live: int | None) -> Step:
    return Step("100 %", _sizes(replicas, live), JUST_CANDIDATE, Ready("candidate", START_WITHIN))


def _finish(replicas: int, fresh: bool = False) -> Step:
    sizes: dict[Role, int] = {"live": 0, "candidate": replicas}
    if fresh:
        sizes["baseline"] = 0
    return Step("finish", sizes, JUST_CANDIDATE, Settled(SETTLE_WITHIN), finishing=True)


def _gone(live: int | None, fresh: bool = False) -> Step:
    split = () if live is None else JUST_LIVE
    sizes: dict[Role, int] = {"candidate": 0} if live is None else {"live": live, "candidate": 0}
    if fresh:
        sizes["baseline"] = 0
    return Step("back", sizes, split, Settled(SETTLE_WITHIN), finishing=True)
