"""Rollouts told turn by turn, each decision and all that it changes; see `storybook`."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.domain.stage import PACE, Stage, replace
from tests.domain.storybook import Book

from plainsail.domain.intents import Abort, Advance, Pause, Resume, Rollback
from plainsail.domain.service import Shield, Sticky
from plainsail.domain.strategy import BlueGreen, Canary, Pace, Recreate

story = Book(Stage)


@pytest.mark.parametrize("tell", story.stories, ids=lambda tell: tell.__name__)
def test_golden(tell: Callable[[Stage], None]) -> None:
    story.read(tell)


@story
def first_deploy(stage: Stage) -> None:
    stage.turn(stage.deploy("v1", hosts=("shop.example",), sticky=Sticky(cookie="who")))
    stage.turn()
    stage.say("two of four are ready")
    stage.become("g1", "ready")
    stage.ready("g1")
    stage.become("g1", "unready", 2)
    stage.turns(2)
    stage.say("all are")
    stage.groups["g1"] = replace(
        stage.groups["g1"],
        instances=tuple(replace(one, state="ready") for one in stage.groups["g1"].instances),
    )
    stage.turns(4)


@story
def first_deploy_that_never_starts(stage: Stage) -> None:
    stage.turn(stage.deploy("v1"))
    stage.fails_to_start("g1", 2)
    stage.turn()
    stage.fails_to_start("g1")
    stage.turns(2)
    stage.gone()
    stage.turns(2)
    stage.say("again, and it is not ready in its time")
    stage.turn(stage.deploy("v1"))
    stage.turn(stage.deploy("v1", again=True))
    stage.fails_to_start("g2", timed_out=True)
    stage.turn()
    stage.gone()
    stage.turns(2)


@story
def first_deploy_that_is_taken_back(stage: Stage) -> None:
    """With users and without anybody to hand them to; then there is nothing to go back to either."""
    stage.turn(stage.deploy("v1"))
    stage.ready("g1")
    stage.turn()
    stage.dies("g1")
    stage.turns(2)
    stage.groups["g1"] = replace(
        stage.groups["g1"], instances=(), timed_out=1, trouble="not ready within 5 s"
    )
    stage.until_quiet()
    stage.turn(stage.deploy("v1"))
    stage.turn(Rollback("x1", "bob"))
    stage.say("what is taken back in mid-way")
    stage.turn(stage.deploy("v2"))
    stage.turn(Rollback("x2", "bob"))
    stage.until_quiet()


@story
def canary(stage: Stage) -> None:
    stage.settled("v1")
    stage.turn(stage.deploy("v2"))
    stage.turn()
    stage.ready("g2")
    stage.turn()
    for _ in range(6):
        stage.ask()
        stage.turn()
    while stage.target.rollout is not None and stage.target.rollout.step < 2:
        stage.ask()
        stage.turn()
    stage.say("half of the users")
    stage.turns(2)
    stage.ready("g2")
    stage.turn()
    while stage.target.rollout is not None and stage.target.rollout.step < 3:
        stage.ask()
        stage.turn()
    stage.say("all users; the old ones have a connection each")
    stage.sessions = {one.id: 1 for one in stage.groups["g1"].instances}
    stage.turn()
    stage.ready("g2")
    stage.turns(3)
    stage.turns(2)
    stage.sessions.popitem()
    stage.turn()
    stage.sessions.clear()
    stage.turns(2)
    stage.gone()
    stage.turns(3)


@story
def canary_that_fails(stage: Stage) -> None:
    stage.settled("v1", hosts=("shop.example",))
    stage.turn(stage.deploy("v2", hosts=("new.example",), shield=Shield(enabled=False)))
    stage.ready("g2")
    stage.turns(2)
    while stage.target.rollout is not None and stage.target.rollout.phase == "progressing":
        stage.ask(g2=(8, 4, 1))
        stage.turn()
    stage.say("on its way back it can't be steered")
    stage.turn(Abort("r2", "bob"), Pause("r2", "bob"), Advance("r2", "bob"))
    stage.turn()
    stage.gone()
    stage.turns(3)
    stage.say("it is in quarantine")
    stage.turn(stage.deploy("v2"))
    stage.turn(stage.deploy("v2", again=True))
    stage.turn()


@story
def canary_whose_instances_die(stage: Stage) -> None:
    stage.settled("v1")
    stage.turn(stage.deploy("v2", Canary((5000,))))
    stage.ready("g2")
    stage.turns(2)
    stage.ask()
    stage.turn()
    stage.say("one of the candidate dies, and one of live")
    stage.dies("g2")
    stage.dies("g1")
    stage.turns(2)
    stage.ready("g1", "g2")
    stage.turns(2)
    stage.say("all of live die")
    stage.dies("g1", 4)
    stage.turns(2)
    stage.ready("g1")
    stage.turns(2)
    stage.say("one more of the candidate")
    stage.dies("g2", trouble="was killed by signal 9")
    stage.turns(2)
    stage.until_quiet()


@story
def canary_that_does_not_start_again(stage: Stage) -> None:
    stage.settled("v1")
    stage.turn(stage.deploy("v2"))
    stage.ready("g2")
    stage.turns(3)
    stage.become("g2", "unready")
    stage.turns(2)
    stage.dies("g2")
    stage.turn()
    stage.fails_to_start("g2", 1)
    stage.turn()
    stage.fails_to_start("g2", 0, timed_out=True)
    stage.fails_to_start("g2", 1, timed_out=True)
    stage.turn()
    stage.until_quiet()


@story
def blue_green(stage: Stage) -> None:
    stage.settled("v1")
    stage.turn(stage.deploy("v2", BlueGreen(2.0)))
    stage.turn()
    stage.ready("g2")
    for _ in range(6):
        stage.turn()
        stage.ask()
    stage.turn(Advance("r2", "bob"))
    stage.turns(2)
    stage.gone()
    stage.turns(2)
    stage.say("and one that fails after the switch")
    stage.turn(stage.deploy("v3", BlueGreen(30.0)))
    stage.ready("g3")
    stage.turns(3)
    while stage.target.rollout is not None and stage.target.rollout.phase == "progressing":
        stage.ask(g3=(90, 0, 0))
        stage.turn()
    stage.until_quiet()


@story
def recreate(stage: Stage) -> None:
    stage.settled("v1", replicas=2)
    stage.turn(stage.deploy("v2", Recreate(), replicas=2))
    stage.turns(2)
    stage.sessions = {one.id: 1 for one in stage.groups["g1"].instances}
    stage.turn()
    stage.sessions.clear()
    stage.gone()
    stage.turns(2)
    stage.ready("g2")
    stage.turns(4)
    stage.gone()
    stage.turns(2)
    stage.say("and one that does not start")
    stage.turn(stage.deploy("v3", Recreate(), replicas=2))
    stage.turns(2)
    stage.gone()
    stage.turns(2)
    stage.fails_to_start("g3", timed_out=True)
    stage.turns(2)
    stage.gone()
    stage.turns(3)
    stage.ready("g2")
    stage.turns(3)
    stage.gone()
    stage.turns(2)
    stage.say("and nothing starts any more")
    stage.turn(stage.deploy("v4", Recreate(), replicas=2))
    stage.turn()
    stage.gone()
    stage.turns(2)
    stage.turn(Abort("r4", "bob"))
    stage.gone()
    stage.turns(2)
    stage.fails_to_start("g2", 0)
    stage.now += 700.0
    stage.turns(3)


@story
def old_instances_that_do_not_end(stage: Stage) -> None:
    stage.settled("v1", replicas=2)
    stage.turn(stage.deploy("v2", Canary((5000,)), replicas=1))
    stage.ready("g2")
    stage.turns(3)
    for _ in range(3):
        stage.turn(Advance("r2", "bob"))
        stage.sessions = {one.id: 1 for one in stage.groups["g1"].instances}
    stage.turns(2)
    stage.now += 890.0
    stage.turn()
    stage.now += 20.0
    stage.turns(2)
    stage.gone()
    stage.turn()


@story
def never_ready_in_time(stage: Stage) -> None:
    stage.settled("v1")
    stage.turn(stage.deploy("v2"))
    stage.now += 599.0
    stage.turn()
    stage.now += 2.0
    stage.turn()
    stage.until_quiet()
    stage.say("ready for the first step, and not for the second")
    stage.turn(stage.deploy("v3", Canary((1000,)), pace=replace(PACE, until="dwell")))
    stage.ready("g3")
    stage.turns(16)
    stage.now += 601.0
    stage.turn()
    stage.until_quiet()


def _not_proven(stage: Stage, pace: Pace) -> None:
    stage.settled("v1")
    stage.turn(stage.deploy("v2", pace=pace))
    stage.ready("g2")
    stage.turns(3)
    stage.ask()
    stage.turn()
    stage.now += pace.deadline - 1.0
    stage.turn()
    stage.now += 1.0
    stage.turns(2)


@story
def not_proven_and_held(stage: Stage) -> None:
    _not_proven(stage, replace(PACE, on_unsure="hold"))
    stage.turn(Resume("r2", "bob"))
    stage.turn()


@story
def not_proven_and_taken_back(stage: Stage) -> None:
    _not_proven(stage, replace(PACE, on_unsure="rollback"))
    stage.until_quiet()
    assert stage.target.quarantine


@story
def not_proven_and_advanced(stage: Stage) -> None:
    _not_proven(stage, replace(PACE, on_unsure="advance"))


@story
def nobody_asks(stage: Stage) -> None:
    stage.settled("v1")
    stage.turn(stage.deploy("v2", pace=Pace(dwell=90.0, deadline=60.0, on_unsure="advance")))
    stage.ready("g2")
    stage.turns(3)
    stage.now += 61.0
    stage.turn()
    stage.now += 30.0
    stage.turn()


@story
def by_the_clock(stage: Stage) -> None:
    stage.settled("v1")
    stage.turn(stage.deploy("v2", Canary((2500, 7500)), pace=Pace(until="dwell", dwell=0.3, deadline=60.0)))
    for _ in range(16):
        stage.ready(*stage.groups)
        stage.turn()
    stage.until_quiet()
