"""What there is to compare with, turn by turn: a fresh baseline, live's past, metrics before the first user."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.domain.stage import EASY, PACE, Stage, replace
from tests.domain.storybook import Book

from plainsail.domain.criteria import Metric, Threshold
from plainsail.domain.measurement import Reading
from plainsail.domain.observation import Measured, Unmeasured
from plainsail.domain.strategy import BlueGreen, Canary

story = Book(Stage)
FRESH = replace(EASY, compare="baseline")
MEMORY = Metric("shop-metrics", value="memory", max=100.0, during=("start",))
ANALYSED = replace(EASY, judge=Threshold(interval=1.0), metrics={"memory": MEMORY})


@pytest.mark.parametrize("tell", story.stories, ids=lambda tell: tell.__name__)
def test_golden(tell: Callable[[Stage], None]) -> None:
    story.read(tell)


def until_step(stage: Stage, step: int) -> None:
    while stage.target.rollout is not None and stage.target.rollout.step < step:
        stage.ask()
        stage.turn()


@story
def canary_with_a_baseline(stage: Stage) -> None:
    stage.settled("v1")
    stage.turn(stage.deploy("v2", Canary((1000, 5000, 7500)), evidence=FRESH))
    stage.say("the candidate is ready, its baseline is not")
    stage.ready("g2")
    stage.turns(3)
    stage.ready("g3")
    stage.turns(2)
    until_step(stage, 2)
    stage.say("half of the users each")
    stage.ready("g2", "g3")
    stage.turns(2)
    until_step(stage, 3)
    stage.say("three quarters, and what is left")
    stage.ready("g2", "g3")
    stage.turns(2)
    stage.gone()
    until_step(stage, 4)
    stage.say("all of them; nothing of the baseline is left")
    stage.ready("g2")
    stage.until_quiet()
    assert [group.id for group in stage.target.groups] == ["g2"]


@story
def baseline_that_shows_harm(stage: Stage) -> None:
    stage.settled("v1")
    stage.turn(stage.deploy("v2", evidence=FRESH))
    stage.ready("g2", "g3")
    stage.turns(3)
    while stage.target.rollout is not None and stage.target.rollout.phase == "progressing":
        stage.ask(g2=(6, 6, 0))
        stage.turn()
    stage.until_quiet()
    assert [group.id for group in stage.target.groups] == ["g1"]


@story
def baseline_that_dies(stage: Stage) -> None:
    """It is no fault of the candidate, and no pass: the step's policy decides, and then live has its share."""
    stage.settled("v1")
    stage.turn(stage.deploy("v2", evidence=FRESH, pace=replace(PACE, on_unsure="advance")))
    stage.ready("g2", "g3")
    stage.turns(3)
    stage.ask()
    stage.turn()
    stage.dies("g3")
    stage.turns(2)
    stage.ask()
    stage.turns(2)
    stage.now += 60.0
    stage.turns(2)
    stage.say("compared with live")
    stage.gone()
    stage.ready("g2")
    stage.turns(2)
    until_step(stage, 3)
    stage.until_quiet()
    assert [group.id for group in stage.target.groups] == ["g2"]


@story
def bake_that_turns_back(stage: Stage) -> None:
    stage.settled("v1")
    for _ in range(6):
        stage.ask()
        stage.turn()
    stage.turn(stage.deploy("v2", Canary((5000,)), pace=replace(PACE, bake=30.0)))
    stage.ready("g2")
    stage.turns(2)
    until_step(stage, 2)
    stage.ready("g2")
    until_step(stage, 3)
    for _ in range(5):
        stage.ask()
        stage.turn()
    stage.say("it begins to fail when live has no users any more")
    while stage.target.rollout is not None and stage.target.rollout.phase == "progressing":
        stage.ask(g2=(20, 0, 0))
        stage.turn()
    stage.until_quiet()
    assert stage.target.live == "g1"


@story
def baked(stage: Stage) -> None:
    stage.settled("v1")
    stage.turn(stage.deploy("v2", BlueGreen(1.0), pace=replace(PACE, bake=2.0)))
    stage.ready("g2")
    for _ in range(4):
        stage.ask()
        stage.turn()
    stage.now += 2.0
    stage.until_quiet()
    assert stage.target.live == "g2"


@story
def fewest_requests(stage: Stage) -> None:
    stage.settled("v1")
    pace = replace(PACE, until="dwell", dwell=0.2, requests=45)
    stage.turn(stage.deploy("v2", Canary((1000, 5000)), pace=pace))
    stage.ready("g2")
    stage.turns(4)
    until_step(stage, 2)
    stage.ready("g2")
    until_step(stage, 3)


def _read(stage: Stage, value: float) -> None:
    stage.measured = {"memory": Measured(Reading(stage.now - 0.1, stage.now, {"value": value}), None)}


@story
def analysis_before_the_first_user(stage: Stage) -> None:
    stage.settled("v1")
    stage.turn(stage.deploy("v2", evidence=ANALYSED))
    stage.ready("g2")
    stage.turns(3)
    stage.measured = {"memory": Unmeasured(stage.now - 0.1, stage.now, "connection refused")}
    stage.turns(2)
    _read(stage, 80.0)
    stage.turns(2)
    stage.say("and one that is too large")
    stage.turn(stage.deploy("v3", evidence=ANALYSED))
    stage.ready("g3")
    stage.turns(2)
    _read(stage, 180.0)
    stage.until_quiet()
    assert stage.target.live == "g1"
    assert stage.target.quarantine, "no user had it, and it was proven bad all the same"


@story
def analysis_that_says_nothing(stage: Stage) -> None:
    stage.settled("v1")
    stage.turn(stage.deploy("v2", evidence=ANALYSED))
    stage.ready("g2")
    stage.turns(3)
    stage.now += 61.0
    stage.turns(2)
