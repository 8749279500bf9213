"""More instances, fewer, new ones, none: told turn by turn; see `storybook`."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.domain.stage import Stage, replace
from tests.domain.storybook import Book

from plainsail.domain.intents import Abort, Deploy, Remove, Restart, Scale
from plainsail.domain.rollout import Scaled
from plainsail.domain.strategy import Rolling

story = Book(Stage)


@pytest.mark.parametrize("tell", story.stories, ids=lambda tell: tell.__name__)
def test_golden(tell: Callable[[Stage], None]) -> None:
    story.read(tell)


@story
def scaled_up_and_down(stage: Stage) -> None:
    stage.settled("v1")
    stage.turn(Scale("s1", "ada", 6, 4))
    stage.turn()
    stage.say("two more are ready")
    stage.ready("g1")
    stage.turns(2)
    stage.turn(Scale("s2", "ada", 2, 4))
    stage.turns(2)
    stage.say("those that are too many are gone")
    stage.gone()
    stage.turns(3)
    assert stage.target.scaled is not None
    stage.turn(Scale("s3", "ada", 2, 4))


@story
def a_scaled_number_outlives_a_deploy_and_no_change_of_the_file(stage: Stage) -> None:
    stage.settled("v1")
    stage.turn(Scale("s1", "ada", 6, 4))
    stage.ready("g1")
    stage.turns(3)
    stage.settled("v2")
    assert [group.replicas for group in stage.target.groups] == [6]
    stage.settled("v3", replicas=5)
    assert [group.replicas for group in stage.target.groups] == [5]
    assert stage.target.scaled is None


@story
def a_deploy_amid_a_change_of_the_number_keeps_it(stage: Stage) -> None:
    """Live goes on to what was asked for while the newer release is on its way, which has as many."""
    stage.settled("v1")
    stage.turn(Scale("s1", "ada", 6, 4))
    stage.settled("v2")
    assert stage.target.scaled == Scaled(6, 4)
    assert [(group.id, group.replicas) for group in stage.target.groups] == [("g2", 6)]


@story
def restarted_in_batches(stage: Stage) -> None:
    stage.settled("v1")
    rolling = replace(stage.target.placement, strategy=(Rolling(2),))
    stage.target = replace(stage.target, placement=rolling)
    stage.turn(Restart("x1", "ada", "a leak"))
    stage.until_quiet()
    assert stage.target.quarantine == ()


@story
def removed_and_kept(stage: Stage) -> None:
    """Aborted while it drains; then for good."""
    stage.settled("v1")
    stage.turn(Remove("x1", "ada"))
    stage.turns(2)
    refused: Deploy = stage.deploy("v2")
    stage.turn(refused)
    stage.turn(Abort("x1", "bob", "still wanted"))
    stage.gone()
    stage.turns(1)
    stage.ready("g1")
    stage.turns(3)
    stage.turn(Remove("x2", "ada"))
    stage.turns(2)
    stage.say("its instances are gone")
    stage.gone()
    stage.turns(4)
    assert (stage.target.live, stage.target.groups, stage.traffic) == (None, (), None)
    stage.turn(Restart("x3", "ada"))
