"""Rolling over turns of the planner: what there is at each moment, not only what its steps ask for."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given, settings
from tests.domain.stage import PACE, Stage, replace

from plainsail.domain.intents import Abort
from plainsail.domain.strategy import Rolling

QUICK = replace(PACE, until="dwell", dwell=0.0)
batches = st.tuples(st.integers(0, 3), st.integers(0, 3)).filter(any)


@given(batches, st.integers(1, 8), st.integers(1, 3))
@settings(max_examples=40, deadline=None)
def test_never_more_and_never_fewer(batch: tuple[int, int], replicas: int, starts: int) -> None:
    """Instances take some turns to be ready, and some to be gone."""
    stage, (surge, missing) = Stage(), _numbers(batch, replicas)
    stage.settled("v1", replicas=replicas)
    stage.turn(stage.deploy("v2", Rolling(*batch), replicas=replicas, pace=QUICK))
    for turn in range(400):
        if stage.target.rollout is None:
            break
        if turn % starts == 0:
            stage.ready(*stage.groups)
            stage.gone()
        stage.ask()
        stage.turn()
        assert sum(one.alive() for one in stage.groups.values()) <= replicas + surge
        assert sum(one.ready() for one in stage.groups.values()) >= replicas - missing
    assert stage.target.rollout is None
    assert stage.target.live == "g2"


@given(batches, st.integers(2, 8), st.integers(5, 40))
@settings(max_examples=30, deadline=None)
def test_the_way_back_gives_no_instance_more_than_it_had(
    batch: tuple[int, int], replicas: int, after: int
) -> None:
    """Aborted anywhere: users go as live's instances come, so none has to carry more than in the midst of it."""
    stage, (_, missing) = Stage(), _numbers(batch, replicas)
    stage.settled("v1", replicas=replicas)
    stage.turn(stage.deploy("v2", Rolling(*batch), replicas=replicas, pace=QUICK))
    for _ in range(after):
        rollout = stage.target.rollout
        if rollout is None or rollout.phase == "finishing":
            return
        stage.ready(*stage.groups)
        stage.gone()
        stage.ask()
        stage.turn()
    rollout = stage.target.rollout
    if rollout is None or rollout.phase == "finishing":
        return
    stage.turn(Abort("r2", "bob"))
    for turn in range(400):
        if stage.target.rollout is None:
            break
        if turn % 3 == 0:
            _one_is_ready(stage)
        stage.gone()
        stage.turn()
        live, candidate = stage.groups["g1"].ready(), stage.groups.get("g2")
        assert live + (candidate.ready() if candidate else 0) >= replicas - missing
        assert stage.traffic is not None
        if stage.traffic.share("g1") and live < replicas:
            assert stage.traffic.share("g1") <= 10_000 * max(1, live) // replicas, (
                "as many users as instances"
            )
    assert stage.target.rollout is None
    assert stage.traffic is not None
    assert stage.traffic.share("g1") == 10_000
    assert stage.groups["g1"].ready() == replicas


def _numbers(batch: tuple[int, int], replicas: int) -> tuple[int, int]:
    """What is kept to: the last one stays until a new one is ready, even if all may be missing."""
    surge, missing = batch[0], min(batch[1], replicas - 1)
    return surge or int(not missing), missing


def _one_is_ready(stage: Stage) -> None:
    first = next((one.id for one in stage.groups["g1"].instances if one.state == "starting"), None)
    seen = stage.groups["g1"]
    stage.groups["g1"] = replace(
        seen,
        instances=tuple(replace(one, state="ready") if one.id == first else one for one in seen.instances),
    )
