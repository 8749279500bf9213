"""Ways back that take their time, and holds that end, told turn by turn; see `storybook`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.domain.stage import PACE, Stage, replace
from tests.domain.storybook import Book

from plainsail.domain.intents import Abort, Advance, Pause, Resume, Rollback
from plainsail.domain.patience import HELD_WITHIN, LAST_CALL
from plainsail.domain.strategy import Canary, Rolling

story = Book(Stage)
BY_CLOCK = replace(PACE, until="dwell", dwell=0.3)
THREE = Canary((1000, 2500, 5000))


@pytest.mark.parametrize("tell", story.stories, ids=lambda tell: tell.__name__)
def test_golden(tell: Callable[[Stage], None]) -> None:
    story.read(tell)


@story
def aborted_gradually(stage: Stage) -> None:
    """From a half over a quarter and a tenth to nobody."""
    _at_a_half(stage, dwell=0.3)
    stage.turn(Abort("r2", "bob", "the caches are cold", gradual=True))
    stage.turn()
    stage.say("what is on its way back is not aborted gradually once more, nor paused")
    stage.turn(Abort("r2", "bob", gradual=True))
    stage.turn(Pause("r2", "bob"))
    stage.until_quiet()


@story
def aborted_gradually_and_then_at_once(stage: Stage) -> None:
    """Who asks for less waiting gets it."""
    _at_a_half(stage, dwell=5.0)
    stage.turn(Abort("r2", "bob", gradual=True))
    stage.turns(2)
    stage.turn(Rollback("r3", "bob"))
    assert stage.traffic is not None
    assert stage.traffic.share("g2") == 0
    stage.until_quiet()


@story
def harm_on_a_gradual_way_back(stage: Stage) -> None:
    """It becomes one at once, and the release is worse now, not only unwanted."""
    _at_a_half(stage, dwell=60.0)
    stage.turn(Abort("r2", "bob", gradual=True))
    stage.turns(2)
    stage.say("it begins to fail")
    for _ in range(60):
        stage.ask(g2=(_share(stage) // 300, 0, 0))
        stage.turn()
        if _share(stage) == 0:
            break
    stage.until_quiet()
    assert stage.target.quarantine


@story
def harm_takes_it_back_gradually(stage: Stage) -> None:
    """By `on_failure: gradual`; that harm is known. As much of it once more, and all go back at once."""
    _at_a_half(stage, dwell=60.0, on_failure="gradual")
    while _share(stage) == 5000:
        stage.ask(g2=(_share(stage) // 300, 0, 0))
        stage.turn()
    stage.say("the step back is in force, and it goes on to fail")
    while (rollout := stage.target.rollout) is not None and rollout.against is not None:
        stage.ask(g2=(_share(stage) // 300, 0, 0))
        stage.turn()
    stage.until_quiet()


@story
def held_for_harm(stage: Stage) -> None:
    """By `on_failure: hold`; if nobody answers it goes back."""
    _at_a_half(stage, dwell=60.0, on_failure="hold")
    _until_paused(stage)
    stage.say("what is held for harm does not just go on")
    stage.turn(Resume("r2", "bob"))
    stage.say("half of the time is over")
    stage.now += 450.0
    stage.turns(2)
    stage.say("and the rest")
    stage.now += 450.0
    stage.until_quiet()


@story
def held_for_harm_and_wanted(stage: Stage) -> None:
    """Somebody knows better, and goes on to all users. Held for more of it: not for what is known."""
    _at_a_half(stage, dwell=60.0, on_failure="hold", bake=2.0)
    _until_paused(stage)
    stage.turn(Advance("r2", "bob", step=3))
    for _ in range(60):
        stage.ready("g2")
        stage.ask()
        stage.turn()
        if stage.target.rollout is None:
            break
        if stage.target.rollout.phase == "paused":
            stage.turn(Advance("r2", "bob"))
    stage.gone()
    stage.until_quiet()
    assert stage.target.live == "g2"


@story
def held_and_nobody_answers(stage: Stage) -> None:
    """What was not proven goes back in a week; an hour before that is said."""
    stage.settled("v1")
    stage.turn(stage.deploy("v2", pace=replace(PACE, deadline=1.0)))
    while stage.target.rollout is not None and stage.target.rollout.phase == "progressing":
        stage.ready(*stage.groups)
        stage.turn()
    stage.turn()
    stage.say("a week later, but for an hour")
    stage.now += HELD_WITHIN - LAST_CALL
    stage.turns(2)
    stage.say("and the hour")
    stage.now += LAST_CALL
    stage.until_quiet()


@story
def paused_and_forgotten(stage: Stage) -> None:
    """By a person: the release is not put in quarantine, since nothing was found out about it."""
    _at_a_half(stage, dwell=60.0)
    stage.turn(Pause("r2", "bob", "lunch"))
    stage.turn()
    stage.now += HELD_WITHIN - LAST_CALL
    stage.turn()
    stage.now += LAST_CALL
    stage.until_quiet()
    assert stage.target.quarantine == ()


@story
def held_while_nobody_looked(stage: Stage) -> None:
    """The control plane was off for a month: what it does first is to say that an hour is left."""
    _at_a_half(stage, dwell=60.0)
    stage.turn(Pause("r2", "bob", "moving house"))
    stage.now += 30 * 86_400.0
    stage.turns(2)
    assert _share(stage) == 5000
    stage.say("somebody resumes it in time")
    stage.turn(Resume("r2", "bob"))
    stage.turn()
    assert _share(stage) == 5000


@story
def rolling_aborted_gradually(stage: Stage) -> None:
    """Users go back by the shares they came by, and never faster than live's instances are there."""
    stage.settled("v1")
    stage.turn(stage.deploy("v2", Rolling(), pace=BY_CLOCK))
    for _ in range(200):
        rollout = stage.target.rollout
        assert rollout is not None
        if rollout.current().name == "3 of 4" and rollout.in_force_at is not None:
            break
        stage.ready(*stage.groups)
        stage.gone()
        stage.ask()
        stage.turn()
    stage.turn(Abort("r2", "bob", gradual=True))
    stage.turns(5)
    stage.say("live's instances are there")
    stage.until_quiet()


def _at_a_half(stage: Stage, **pace: Any) -> None:
    """A person brings the second release to a half of the users."""
    stage.settled("v1")
    stage.turn(stage.deploy("v2", THREE, pace=replace(BY_CLOCK, deadline=900.0, **pace)))
    for _ in range(60):
        rollout = stage.target.rollout
        assert rollout is not None
        there = rollout.in_force_at is not None
        if there and rollout.current().name == "50 %":
            stage.say("it has a half")
            return
        stage.ready(*stage.groups)
        stage.ask()
        stage.turn(*[Advance("r2", "bob")] * (there and rollout.step > 0))
    raise AssertionError("it never has a half")


def _until_paused(stage: Stage) -> None:
    for _ in range(60):
        stage.ask(g2=(_share(stage) // 300, 0, 0))
        stage.turn()
        if stage.target.rollout is not None and stage.target.rollout.phase == "paused":
            return
    raise AssertionError("nobody notices")


def _share(stage: Stage) -> int:
    return stage.traffic.share("g2") if stage.traffic else 0
