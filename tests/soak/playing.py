"""Plays a scene to its end: what happens in it, then a quiet world and a patient person, until nothing is under way."""

from __future__ import annotations

from typing import assert_never

import msgspec
from tests.soak.plane import Plane, digest, revision
from tests.soak.scene import (
    Asks,
    Deploys,
    Happening,
    InstanceDies,
    Killed,
    OldOrder,
    ProviderFails,
    RouterAway,
    RouterForgets,
    Scales,
    Scene,
    StoreFails,
    StoreSlow,
    Verb,
)
from tests.soak.telling import Story
from tests.soak.watching import Watch

from plainsail.domain.approval import awaited
from plainsail.domain.intents import (
    Abort,
    Advance,
    Approve,
    Beginning,
    Deploy,
    Intent,
    Pause,
    Reject,
    Remove,
    Restart,
    Resume,
    Rollback,
    Scale,
)
from plainsail.domain.strategy import Judged

PATIENCE = 3_000.0
"""Seconds in which what is left at the end of a scene ends: each rollout's longest waits, of instances to start (600 s) and to
end (900 s), there and back."""
EVERY = 5.0
"""Seconds between two looks of the person at it."""
LOOKS = 20
"""Of the person at a step that waits for them and never comes in force, until they have seen enough."""

replace = msgspec.structs.replace


class Ended(msgspec.Struct, frozen=True):
    """What was played."""

    rollouts: int
    """That went their way to an end; those that changed nothing are not counted, nor the one that made live."""
    turns: int
    outcomes: dict[str, int]
    kinds: dict[str, int]
    """By strategy, or by what it was for."""


def play(scene: Scene, story: Story | None = None) -> Ended:
    """Raises AssertionError, which says what does not hold."""
    plane = Plane(scene)
    watch = Watch(plane, story)
    plane.make_live(watch)
    watch.begins()
    began = plane.world.now
    for serial, one in enumerate(scene.happenings, 1):
        _run(plane, began + one.at, watch)
        watch.happens(one.what)
        _happen(plane, one.what, serial, watch)
    plane.run(plane.world.now + 2.0, watch)
    plane.quiet()
    watch.calms_down()
    _to_the_end(plane, watch)
    watch.is_over()
    return _ended(plane, watch)


def _happen(plane: Plane, what: Happening, serial: int, watch: Watch) -> None:
    world, id = plane.world, f"r{serial}"
    match what:
        case Deploys():
            if digest(what.number) not in world.behaviours:
                world.behaviours[digest(what.number)] = what.like
            placed = revision(what.number)
            plane.ask(Deploy(id, "dev", placed, what.placement, what.chain, what.again))
        case Asks(verb=verb):
            _ask(plane, verb, id)
        case Scales(replicas=replicas, declared=declared):
            plane.ask(Scale(id, "ops", replicas, declared))
        case RouterAway(seconds=seconds):
            world.router.away_until = world.now + seconds
        case RouterForgets():
            world.router.forget()
        case ProviderFails(orders=orders):
            world.provider.fails = orders
        case InstanceDies(pick=pick):
            running = world.provider.instances(plane.target.service)
            if running:
                world.provider.kill(running[pick % len(running)].id)
        case Killed():
            plane.kill = what
        case OldOrder(pick=pick):
            plane.late_order(pick, watch)
        case StoreFails(seconds=seconds, full=True):
            plane.store_full_until = world.now + seconds
        case StoreFails(seconds=seconds):
            plane.store_away_until = world.now + seconds
        case StoreSlow(seconds=seconds, each=each):
            plane.slow_until, plane.slow_by = world.now + seconds, each
        case _:
            assert_never(what)


def _ask(plane: Plane, verb: Verb, id: str) -> None:
    """Whoever steers means the rollout under way; without one there is nothing to ask."""
    under_way = plane.target.rollout.id if plane.target.rollout is not None else ""
    intent: Intent
    match verb:
        case "rollback":
            intent = Rollback(id, "ops")
        case "restart":
            intent = Restart(id, "ops")
        case "remove":
            intent = Remove(id, "ops")
        case "pause":
            intent = Pause(under_way, "ops")
        case "resume":
            intent = Resume(under_way, "ops")
        case "advance":
            intent = Advance(under_way, "ops")
        case "abort" | "abort gradually":
            intent = Abort(under_way, "ops", gradual=verb != "abort")
        case "approve":
            intent = Approve(under_way, "ops")
        case "reject":
            intent = Reject(under_way, "ops")
        case _:
            assert_never(verb)
    if under_way or isinstance(intent, Beginning):
        plane.ask(intent)


def _run(plane: Plane, until: float, watch: Watch) -> None:
    """With a person who looks at it now and then."""
    while plane.scene.tended and plane.world.now + EVERY < until:
        plane.run(plane.world.now + EVERY, watch)
        _see_to(plane)
    plane.run(until, watch)


def _to_the_end(plane: Plane, watch: Watch) -> None:
    over, looks = plane.world.now + PATIENCE, 0
    while plane.target.rollout is not None or plane.asked:
        assert plane.world.now < over, "every rollout ends"
        _see_to(plane, enough=looks > LOOKS)
        plane.run(plane.world.now + EVERY, watch)
        looks += 1


def _see_to(plane: Plane, enough: bool = False) -> None:
    """A person lets go on what waits for one, and goes on with what is paused, or takes it back: each always the same."""
    rollout = plane.target.rollout
    if rollout is None:
        return
    step, under_way = rollout.current(), rollout.phase == "progressing"
    judged = isinstance(step.leave, Judged) and not step.tests()
    by_hand = isinstance(step.leave, Judged) and step.leave.until == "advanced"
    waits = under_way and (by_hand or (rollout.trial is not None and rollout.trial.decided is not None))
    if waits and not enough and rollout.in_force_at is not None:
        plane.ask(Advance(rollout.id, "ops"))
    elif under_way and step.approve_within is not None and awaited(rollout):
        plane.ask(Approve(rollout.id, "ops"))
    elif (waits and enough) or (rollout.phase == "paused" and plane.scene.seed % 2):
        plane.ask(Abort(rollout.id, "ops"))
    elif rollout.phase == "paused":
        plane.ask((Advance if judged else Resume)(rollout.id, "ops"))


def _ended(plane: Plane, watch: Watch) -> Ended:
    outcomes: dict[str, int] = {}
    kinds: dict[str, int] = {}
    for one in watch.travelled():
        outcomes[one.phase] = outcomes.get(one.phase, 0) + 1
        kind = one.strategy if one.kind == "deploy" else one.kind
        kinds[kind] = kinds.get(kind, 0) + 1
    return Ended(sum(outcomes.values()), plane.turns, outcomes, kinds)
