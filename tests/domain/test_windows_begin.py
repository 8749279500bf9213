"""Where windows of metric sources begin: who is measured at all, and from when on."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tests.domain.stage import RUN

from plainsail.domain.criteria import EvidenceCriteria
from plainsail.domain.intents import Deploy
from plainsail.domain.match import Match
from plainsail.domain.observation import GroupSeen, Instance, Seen
from plainsail.domain.rollout import Group, Revision, Rollout, Target
from plainsail.domain.service import Placement, Shield
from plainsail.domain.steer import steer
from plainsail.domain.strategy import Canary
from plainsail.domain.traffic import GroupShare, Route, Traffic
from plainsail.domain.windows import Standing, measured, standing

REVISION = Revision("sha256:1", "v1", RUN, "")


def under_way(share: int, ready: int = 1, **changed: Any) -> tuple[Rollout, Seen]:
    """Entered at 100 s, in force since 120 s; the candidate has one instance, and this share."""
    target = Target("shop", "production", serial=1, groups=(Group("g1", "live", REVISION, 4),), live="g1")
    deploy = Deploy(
        "r1", "ada", Revision("sha256:2", "v2", RUN, ""), Placement(replicas=4), (Canary((1000,)),)
    )
    rollout = steer(target, deploy, 100.0).target.rollout
    assert rollout is not None
    rollout = msgspec.structs.replace(rollout, **{"in_force_at": 120.0, **changed})
    split = (GroupShare("g1", 10_000 - share), GroupShare(rollout.candidate, share))
    instances = tuple(
        Instance(f"i{n}", rollout.candidate, "ready", "127.0.0.1:1", 90.0) for n in range(ready)
    )
    groups = {rollout.candidate: GroupSeen(rollout.candidate, 1, instances)}
    return rollout, Seen(
        130.0, groups, True, Traffic("shop", (), (Route(Match(), split),), {}, "g1", Shield(), None, 1.0)
    )


WARM = EvidenceCriteria(warm_up=30.0)


def test_before_the_first_user_windows_begin_when_the_instances_are_ready() -> None:
    rollout, seen = under_way(0)
    assert standing(rollout, WARM, seen, None) == Standing("start", 0, 120.0, 120.0)
    rollout, seen = under_way(0, ready=0)
    assert standing(rollout, WARM, seen, None) is None
    rollout, seen = under_way(0, step=1)
    assert standing(rollout, WARM, seen, None) is None, "its traffic is on its way"


@given(
    st.integers(1, 10_000), st.one_of(st.none(), st.floats(50.0, 200.0)), st.floats(50.0, 300.0), st.integers(0, 1)
)  # fmt: skip
def test_with_users_windows_begin_when_it_is_warm(
    share: int, exposed: float | None, in_force: float, ready: int
) -> None:
    """Those of a step, when it came in force at the earliest."""
    rollout, seen = under_way(share, ready, step=1, in_force_at=in_force)
    found = standing(rollout, WARM, seen, exposed)
    began = (in_force if exposed is None else exposed) + 30.0
    assert found == Standing("bake" if share == 10_000 else "steps", share, began, max(began, in_force))


@given(st.integers(0, 10_000))
def test_nothing_is_measured_of_what_is_over_or_not_known(share: int) -> None:
    for changed in (
        {"phase": "finishing"},
        {"phase": "rolling_back"},
        {"kind": "rollback"},
        {"in_force_at": None},
    ):
        rollout, seen = under_way(share, **changed)
        assert standing(rollout, WARM, seen, 120.0) is None
        assert measured(rollout) == ("in_force_at" in changed)
    rollout, seen = under_way(share, phase="paused")
    assert measured(rollout)
    assert standing(rollout, WARM, msgspec.structs.replace(seen, router_up=False), 120.0) is None
    assert not measured(None)
