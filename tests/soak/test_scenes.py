"""The fuzzer itself: what it draws is what files can ask for, it is the same each time, and what it finds is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args
from unittest import mock

import msgspec
from tests.soak.draws import scene
from tests.soak.many import CounterExample, one
from tests.soak.playing import play
from tests.soak.scene import Happening, Scene, deploys

from plainsail.domain.actions import Action, Send
from plainsail.domain.decide import Decision, decide
from plainsail.domain.evidence import Evidence
from plainsail.domain.intents import Intent
from plainsail.domain.observation import Seen
from plainsail.domain.plan import plan
from plainsail.domain.rollout import Rollout, Target
from plainsail.domain.strategy import KINDS, name_of
from plainsail.domain.traffic import GroupShare, Route
from plainsail.domain.units import ALL

SEEDS = range(1_000)

replace = msgspec.structs.replace


def test_every_strategy_is_drawn_alone_or_in_a_chain() -> None:
    names = {name_of(one) for seed in SEEDS for what in deploys(scene(seed)) for one in what.chain}
    assert names == set(KINDS)


def test_everything_that_can_happen_is_drawn() -> None:
    assert {type(at.what) for seed in SEEDS for at in scene(seed).happenings} == set(get_args(Happening))


def test_the_same_seed_gives_the_same_scene_and_the_same_end() -> None:
    for seed in range(5):
        assert scene(seed) == scene(seed)
        assert play(scene(seed)) == play(scene(seed))
        again = msgspec.json.decode(msgspec.json.encode(scene(seed)), type=Scene)
        assert again == scene(seed)


def found(most: int = 100) -> str:
    """The story of the first scene that breaks a property."""
    for seed in range(most):
        try:
            one(seed)
        except CounterExample as broke:
            return str(broke)
    raise AssertionError("nothing was found")


def test_a_planner_that_shows_more_than_the_step_says_is_found_and_told() -> None:
    """The story is of one deploy, whatever else the scene had in it."""

    def eager(target: Target, seen: Seen) -> tuple[Action, ...]:
        return tuple(_eager(target, action) for action in plan(target, seen))

    with mock.patch("plainsail.domain.decide.plan", eager):
        story = found()
    assert "users than the step says: this does not hold in scene" in story
    assert story.count(" deploys v") == 1
    for told in (
        "The world: ",
        "asked: deploy r",
        "rollout_started",
        "fleet: ",
        "send ",
        "make soak ARGS='--scene ",
    ):
        assert told in story
    assert len(story.splitlines()) < 60


def _eager(target: Target, action: Action) -> Action:
    """The candidate gets one basis point more."""
    rollout = target.rollout
    if (
        rollout is None
        or not isinstance(action, Send)
        or not 0 < action.traffic.share(rollout.candidate) < ALL
    ):
        return action
    *rules, last = action.traffic.routes
    split = tuple(
        GroupShare(
            part.group, part.share_bp + (part.group == rollout.candidate) - (part.group == rollout.live)
        )
        for part in last.split
    )
    return Send(replace(action.traffic, routes=(*rules, Route(last.match, split))))


def test_a_rollout_that_does_not_end_is_found_and_told() -> None:
    def endless(
        target: Target, evidence: Evidence | None, intents: Sequence[Intent], seen: Seen, now: float
    ) -> Decision:
        decision = decide(target, evidence, intents, seen, now)
        return replace(decision, target=_unfinished(target, decision.target), rollouts=(), events=())

    def _unfinished(before: Target, after: Target) -> Target:
        rollout: Rollout | None = before.rollout
        return before if rollout is not None and after.rollout is None else after

    with mock.patch("tests.soak.plane.decide", endless):
        story = found()
    assert "does not hold in scene" in story
