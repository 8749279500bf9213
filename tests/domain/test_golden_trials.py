"""Tests of variants told turn by turn, each with another end; see `storybook`."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.domain.stage import Stage
from tests.domain.storybook import Book
from tests.domain.trials import COLOURS, begun, looks, measured

from plainsail.domain.intents import Advance
from plainsail.domain.strategy import AB

story = Book(Stage)
BETTER = {"live": (40_000, 1_920), "red": (20_000, 1_000), "blue": (20_000, 1_400)}


@pytest.mark.parametrize("tell", story.stories, ids=lambda tell: tell.__name__)
def test_golden(tell: Callable[[Stage], None]) -> None:
    story.read(tell)


@story
def a_test_keeps_live(stage: Stage) -> None:
    """Two configurations of one release; one of them wins, and live has all users again."""
    begun(stage, AB("conversion", variants=COLOURS))
    looks(stage, 12)
    stage.say("the source knows who bought")
    measured(stage, **BETTER)
    stage.until_quiet()


@story
def a_test_asks(stage: Stage) -> None:
    """The winner waits for a person, who goes on; it is the second variant, and becomes live."""
    begun(stage, AB("conversion", variants=COLOURS, then="ask"))
    looks(stage, 12)
    measured(stage, **BETTER)
    looks(stage, 2)
    stage.turn(Advance("r2", "ada"))
    stage.until_quiet()


@story
def a_test_harms(stage: Stage) -> None:
    """One variant fails a part of its requests: both are taken back."""
    begun(stage, AB("conversion", variants=COLOURS, then="promote"))
    for _ in range(60):
        stage.ask(g3=(10, 0, 0))
        stage.turn()
        if stage.target.rollout is not None and stage.target.rollout.phase == "rolling_back":
            break
    stage.until_quiet()
