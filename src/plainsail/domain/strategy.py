"""Strategies, and the one thing they all are: a tuple of steps, each a desired state plus a condition to leave it.

`course` is a pure function from what people asked for to the way there and the way back. It names roles, not groups:
the rollout says which group plays which role. The planner knows only steps.
"""

from __future__ import annotations

import math
from typing import Literal, assert_never

import msgspec

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


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """Every instance that the step asks of this role is ready, and its traffic is in force."""

    role: Role
    within: Duration


class Judged(msgspec.Struct, frozen=True, tag="judged"):
    """The evidence allows the next exposure (`until: proven`), or nothing failed for the dwell time."""

    until: Literal["proven", "dwell"]
    exposure: Share
    """The next exposure, for which the margin is to be proven."""
    dwell: Duration
    deadline: Duration
    on_unsure: Literal["hold", "rollback", "advance"]


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


def course(strategy: Strategy, pace: Pace, replicas: int, live: int | None) -> Course:
    """The steps from live (so many instances; None: a first deploy) to `replicas` of the candidate, and back."""
    if live is None:
        return Course(_start_and_switch(replicas, None, ()), (_gone(None),))
    match strategy:
        case Canary(steps=shares):
            return Course(_canary(shares, pace, replicas, live), (_gone(live),))
        case BlueGreen(keep=keep):
            watch = Judged("dwell", ALL, keep, max(keep, pace.deadline), pace.on_unsure)
            switched = Step("100 %", {"live": live, "candidate": replicas}, JUST_CANDIDATE, watch)
            return Course((_start(replicas, live, JUST_LIVE), switched, _finish(replicas)), (_gone(live),))
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


def _canary(shares: tuple[int, ...], pace: Pace, replicas: int, live: int) -> tuple[Step, ...]:
    steps = [_start(needed(shares[0], replicas), live, JUST_LIVE)]
    for share, after in zip(shares, (*shares[1:], ALL), strict=True):
        split = (Part("candidate", share), Part("live", ALL - share))
        leave = Judged(pace.until, after, pace.dwell, pace.deadline, pace.on_unsure)
        steps.append(Step(percent(share), {"live": live, "candidate": needed(share, replicas)}, split, leave))
    return (*steps, _switch(replicas, live), _finish(replicas))


def _start_and_switch(replicas: int, live: int | None, before: tuple[Part, ...]) -> tuple[Step, ...]:
    return (_start(replicas, live, before), _switch(replicas, live), _finish(replicas))


def _sizes(candidate: int, live: int | None) -> dict[Role, int]:
    return {"candidate": candidate} if live is None else {"live": live, "candidate": candidate}


def _start(replicas: int, live: int | None, split: tuple[Part, ...]) -> Step:
    return Step("start", _sizes(replicas, live), split, Ready("candidate", START_WITHIN))


def _switch(replicas: int, live: int | None) -> Step:
    return Step("100 %", _sizes(replicas, live), JUST_CANDIDATE, Ready("candidate", START_WITHIN))


def _finish(replicas: int) -> Step:
    return Step(
        "finish", {"live": 0, "candidate": replicas}, JUST_CANDIDATE, Settled(SETTLE_WITHIN), finishing=True
    )


def _gone(live: int | None) -> Step:
    split = () if live is None else JUST_LIVE
    sizes: dict[Role, int] = {"candidate": 0} if live is None else {"live": live, "candidate": 0}
    return Step("back", sizes, split, Settled(SETTLE_WITHIN), finishing=True)
