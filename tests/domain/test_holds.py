"""Holds for harm: nobody is given more of what is proven to be worse, wherever on its way that is found out."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import example, given, settings
from tests.domain.stage import PACE, Stage, replace
from tests.domain.test_ways_back import HOUR, _under_way, chains

from plainsail.domain.intents import Advance
from plainsail.domain.rollout import Rollout
from plainsail.domain.strategy import BlueGreen, Canary, Chain, Pace, RollingCanary
from plainsail.domain.traffic import Traffic
from plainsail.testing.world import Behaviour

HOLD = Pace(until="dwell", dwell=0.5, deadline=HOUR, on_failure="hold")


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@example(chain=(RollingCanary((1,)),), seed=0, replicas=3, sound=5.0, starts_in=3.0)
@given(
    chains | st.just((BlueGreen(keep=2.0),)), st.integers(0, 99), st.integers(1, 5), st.floats(0.0, 12.0),
    st.sampled_from([0.2, 3.0]),
)  # fmt: skip
def test_what_is_proven_to_be_worse_never_gets_more_users(
    chain: Chain, seed: int, replicas: int, sound: float, starts_in: float
) -> None:
    """It fails from some moment on, be it while the last instances start: it is held or taken back, and does not succeed."""
    control = _under_way(chain, seed, replicas, HOLD, Behaviour(starts_in=starts_in, errors=0.6, after=sound))
    control.world.zero = control.world.now
    known = 0
    for _ in range(600):
        decision = control.turn()
        rollout, share = control.target.rollout, _share(control.world.router.tables.get("shop"))
        if rollout is None or rollout.phase == "finishing":
            break
        if rollout.phase != "progressing":
            known = known or share
            assert share <= known, "it has got more users since it is known to be worse"
        control.world.advance(min(decision.wake_in, 1.0))
    over = control.rollouts["r2"]
    assert over.phase != "succeeded" or over.verdict is None or over.verdict.outcome != "fail"


def test_found_out_while_the_last_instances_start_it_is_held_at_the_share_before() -> None:
    stage = _last_start(on_failure="hold")
    rollout = _of(stage)
    assert (rollout.phase, rollout.reason_code, rollout.current().name) == ("paused", "errors", "50 %")
    stage.ready(*stage.groups)
    for _ in range(5):
        stage.ask(g2=(40, 0, 0))
        stage.turn()
    assert _share(stage.traffic) == 5000, "instances that are ready by now change nothing"


def test_who_goes_on_in_spite_of_it_is_not_sent_back_for_it() -> None:
    stage = _last_start(on_failure="hold")
    stage.turn(Advance("r2", "bob"))
    for _ in range(20):
        stage.ready(*stage.groups)
        stage.gone()
        stage.ask()
        stage.turn()
        if stage.target.rollout is None:
            break
    assert (stage.target.rollout, stage.target.live) == (None, "g2")


def test_who_was_held_for_crashes_keeps_no_users_for_the_next_release() -> None:
    """Crashes are harm of which no odds are reckoned."""
    stage = Stage()
    stage.settled("v1")
    stage.turn(stage.deploy("v2", Canary((5000,)), pace=replace(HOLD, dwell=60.0)))
    while _of(stage).phase != "paused":
        stage.ready(*stage.groups)
        stage.ask()
        if _share(stage.traffic):
            stage.dies("g2")
        stage.turn()
    assert _of(stage).reason_code == "crashes"
    assert _of(stage).exposed() is None
    stage.turn(stage.deploy("v3", Canary((5000,))))
    stage.turn()
    assert _share(stage.traffic) == 0


def _last_start(**pace: str) -> Stage:
    """It has a half of the users, and fails while the instances for the others start."""
    stage = Stage()
    stage.settled("v1")
    stage.turn(stage.deploy("v2", Canary((5000,)), pace=replace(PACE, until="dwell", deadline=600.0, **pace)))
    while _of(stage).current().name != "100 %":
        stage.ready(*stage.groups)
        stage.ask()
        stage.turn()
    while _of(stage).phase == "progressing":
        stage.ask(g2=(10, 0, 0))
        stage.turn()
        assert _of(stage).phase != "finishing"
    return stage


def _of(stage: Stage) -> Rollout:
    assert stage.target.rollout is not None
    return stage.target.rollout


def _share(table: Traffic | None) -> int:
    return table.share("g2") if table is not None else 0
