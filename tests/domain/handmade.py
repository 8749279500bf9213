"""Worlds made by hand, for tests that ask one pure function one thing: `g1` is live, `g2` a candidate, at second 1,000."""

from __future__ import annotations

from typing import Any

from tests.domain.stage import RUN

from plainsail.domain.match import Match
from plainsail.domain.observation import GroupSeen, Instance, InstanceState, Seen
from plainsail.domain.rollout import Group, Revision, Rollout, Target
from plainsail.domain.service import Placement, Shield, config_digest
from plainsail.domain.strategy import Course, Judged, Part, Role, Step
from plainsail.domain.traffic import GroupShare, Member, Route, Traffic

NOW = 1000.0
DWELL = Judged("dwell", 0, 10.0, 60.0, "hold")


def revision(version: str) -> Revision:
    return Revision(f"sha256:{version[-1] * 64}", version, RUN, config_digest(RUN))


def group(id: str, replicas: int = 4, role: Role = "live", variant: str = "") -> Group:
    """`g3` is of `v3`."""
    return Group(id, role, revision(f"v{id[1:]}"), replicas, variant)


def parts(**shares: int) -> tuple[Part, ...]:
    """By role, in their order; `variant_2` is `variant-2`."""
    roles: dict[str, Role] = {"variant_2": "variant-2", "live": "live", "candidate": "candidate", "baseline": "baseline", "warm": "warm"}  # fmt: skip
    return tuple(Part(roles[name], share) for name, share in shares.items())


def step(name: str = "a step", sizes: dict[Role, int] | None = None, **more: Any) -> Step:
    """Four of live and two of the candidate, and a tenth of the users for that."""
    settings: dict[str, Any] = {"split": parts(candidate=1000, live=9000), "leave": DWELL}
    return Step(name, {"live": 4, "candidate": 2} if sizes is None else sizes, **(settings | more))


def rollout(*steps: Step, back: tuple[Step, ...] = (), **more: Any) -> Rollout:
    """Of `v2`, ten seconds in its first step."""
    settings: dict[str, Any] = {
        "id": "r2", "service": "shop", "environment": "production", "kind": "deploy", "by": "ada", "strategy": "canary",
        "revision": revision("v2"), "candidate": "g2", "live": "g1", "replicas": 4, "placement": Placement(replicas=4),
        "course": Course(steps, back), "started_at": 900.0, "entered_at": 990.0, "phase": "progressing",
    }  # fmt: skip
    return Rollout(**(settings | more))


def target(under_way: Rollout | None = None, *groups: Group, **more: Any) -> Target:
    """With `g1` live, and a `g2` if something is under way; or with the groups that are named."""
    usual = (group("g1"), *((group("g2", role="candidate"),) if under_way else ()))
    settings: dict[str, Any] = {
        "placement": Placement(replicas=4), "groups": groups or usual, "live": "g1", "rollout": under_way, "serial": 2,
    }  # fmt: skip
    return Target("shop", "production", **(settings | more))


def there(name: str, ready: int = 0, asked: int | None = None, **others: int) -> GroupSeen:
    """So many instances in this state, and in others; `g1-1` is the first. As many were asked for unless it is said."""
    states: list[InstanceState] = ["ready"] * ready
    known: tuple[InstanceState, ...] = ("starting", "unready", "leaving")
    for state in known:
        states += [state] * others.get(state, 0)
    instances = tuple(
        Instance(f"{name}-{number}", name, state, f"127.0.0.1:{number}", 0.0)
        for number, state in enumerate(states, start=1)
    )
    return GroupSeen(name, len(states) if asked is None else asked, instances)


def seen(*groups: GroupSeen, traffic: Traffic | None = None, at: float = NOW, **more: Any) -> Seen:
    return Seen(at, {one.group: one for one in groups}, traffic=traffic, **more)


def members(name: str, *numbers: int) -> tuple[Member, ...]:
    return tuple(Member(f"{name}-{number}", f"127.0.0.1:{number}") for number in numbers)


def table(
    live: str | None = "g1", behind: dict[str, tuple[Member, ...]] | None = None, **shares: int
) -> Traffic:
    """A router's, with these shares by group, in their order."""
    split = tuple(GroupShare(name, share) for name, share in shares.items())
    return Traffic("shop", (), (Route(Match(), split),), behind or {}, live, Shield(), None, 1.0)
