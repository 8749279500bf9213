"""Upkeep of what is live, whole: the rollout each wish becomes, why it is refused, and what is told in the end."""

from __future__ import annotations

from typing import Any

import pytest
from tests.domain.handmade import NOW, group, revision, rollout, target
from tests.domain.stage import replace

from plainsail.domain.courses import course, rollback_course
from plainsail.domain.intents import Beginning, Remove, Restart, Scale
from plainsail.domain.lifecycle import Changed
from plainsail.domain.match import Match
from plainsail.domain.rollout import Rollout, Scaled, Target
from plainsail.domain.service import Placement, Shield
from plainsail.domain.strategy import (
    BlueGreen,
    Canary,
    Chain,
    Course,
    Dark,
    Judged,
    Pace,
    Part,
    Ready,
    Recreate,
    Rolling,
    RollingCanary,
    RollingRedBlack,
    Settled,
    Step,
)
from plainsail.domain.units import ALL
from plainsail.domain.upkeep import MOST, meant, outcome, remove, renewal_course, restart, scale, sized

PLACED = Placement(replicas=4, hosts=("shop.example",), shield=Shield(enabled=False))
REST = target(None, placement=PLACED)
USERS = (Part("live", ALL),)
SETTLED = Settled(900.0)
STARTED = Ready("live", 600.0)


def begun(changed: Changed) -> Rollout:
    (rollout,) = changed.rollouts
    assert changed.target.rollout == rollout
    assert changed.target == replace(REST, rollout=rollout), "nothing else has changed yet"
    return rollout


def of_live(kind: Any, way: Course, replicas: int, declared: int, reason: str) -> Rollout:
    return Rollout(
        id="u1", service="shop", environment="production", kind=kind, by="ada", strategy=kind, revision=revision("v1"),
        candidate="g1", live="g1", replicas=replicas, placement=replace(PLACED, replicas=declared), course=way,
        started_at=NOW, entered_at=NOW, phase="progressing", reason=reason,
    )  # fmt: skip


# More instances, or fewer.


def test_more_instances_are_waited_for_until_they_are_ready() -> None:
    way = Course(
        (Step("6 instances", {"live": 6}, USERS, STARTED),),
        (Step("back", {"live": 4}, USERS, SETTLED, finishing=True),),
    )
    asked = scale(REST, Scale("u1", "ada", 6, 3, "a sale"), NOW)
    assert begun(asked) == of_live("scale", way, 6, 3, "a sale")


def test_of_fewer_the_end_is_waited_for() -> None:
    way = Course(
        (Step("1 instance", {"live": 1}, USERS, SETTLED),),
        (Step("back", {"live": 4}, USERS, SETTLED, finishing=True),),
    )
    assert begun(scale(REST, Scale("u1", "ada", 1, 4), NOW)) == of_live("scale", way, 1, 4, "")


def test_who_asked_is_told_that_it_began() -> None:
    (event,) = scale(REST, Scale("u1", "ada", 6, 3, "a sale"), NOW).events
    assert (event.kind, event.at, event.by, event.rollout, event.reason) == (
        "rollout_started", NOW, "ada", "u1", "a sale",
    )  # fmt: skip
    assert (event.data["kind"], event.data["step"]) == ("scale", "6 instances")


def test_as_many_as_there_are_is_over_as_it_begins() -> None:
    changed = scale(REST, Scale("u1", "ada", 4, 3), NOW)
    assert changed.target == replace(REST, scaled=Scaled(4, 3)), (
        "it holds though the file says another number"
    )
    way = Course(
        (Step("4 instances", {"live": 4}, USERS, SETTLED),),
        (Step("back", {"live": 4}, USERS, SETTLED, finishing=True),),
    )
    (over,) = changed.rollouts
    assert over == replace(
        of_live("scale", way, 4, 3, ""), phase="succeeded", reason="v1 has 4 instances already",
        reason_code="no_change", ended_at=NOW, decided_at=NOW,
    )  # fmt: skip
    assert [(event.kind, event.reason) for event in changed.events] == [
        ("rollout_started", ""),
        ("rollout_ended", "v1 has 4 instances already"),
    ]
    one = replace(REST, groups=(group("g1", 1),))
    assert scale(one, Scale("u1", "ada", 1, 1), NOW).rollouts[0].reason == "v1 has 1 instance already"


@pytest.mark.parametrize("replicas", [0, -1, MOST + 1])
def test_numbers_that_no_file_may_have_are_refused(replicas: int) -> None:
    said = f"{replicas} instances are not between 1 and 1000"
    assert refusal(REST, Scale("u1", "ada", replicas, 4)) == said


@pytest.mark.parametrize("replicas", [1, MOST])
def test_the_least_and_the_most_are_not(replicas: int) -> None:
    assert begun(scale(REST, Scale("u1", "ada", replicas, 4), NOW)).replicas == replicas


# None.


def test_a_removal_empties_it_and_then_forgets_it_and_can_be_turned_back() -> None:
    way = Course(
        (Step("drain", {"live": 0}, (), SETTLED), Step("rules", {"live": 0}, (), SETTLED, finishing=True)),
        (Step("back", {"live": 4}, USERS, STARTED),),
    )
    changed = remove(REST, Remove("u1", "ada", "moved"), NOW)
    assert begun(changed) == of_live("remove", way, 0, 4, "moved")
    assert [event.kind for event in changed.events] == ["rollout_started"]


def test_after_a_removal_that_was_turned_back_it_is_declared_as_it_was() -> None:
    three = replace(REST, groups=(group("g1", 3),))
    (found,) = remove(three, Remove("u1", "ada"), NOW).rollouts
    assert (found.placement.replicas, found.course.back[0].sizes) == (3, {"live": 3})


# New ones in the place of the old.


def test_a_restart_is_a_group_of_the_same_revision_with_as_many_instances() -> None:
    three = replace(REST, groups=(group("g1", 3),))
    changed = restart(three, Restart("u1", "ada", "a leak"), NOW)
    (found,) = changed.rollouts
    assert found == Rollout(
        id="u1", service="shop", environment="production", kind="restart", by="ada", strategy="blue-green",
        revision=revision("v1"), candidate="g3", live="g1", replicas=3, placement=replace(PLACED, replicas=3),
        course=rollback_course(3, 3), started_at=NOW, entered_at=NOW, phase="progressing", reason="a leak",
    )  # fmt: skip
    fresh = replace(group("g3", 3, "candidate"), revision=revision("v1"))
    assert changed.target == replace(three, serial=3, groups=(group("g1", 3), fresh), rollout=found)


def ways(*chain: Any, pace: Pace = Pace()) -> tuple[str, Course]:  # noqa: B008  (frozen)
    return renewal_course(chain, Placement(replicas=4, pace=pace))


def rolled(surge: int, missing: int) -> Course:
    """As a release is, but that its batches are left when they are ready, and nothing is watched in the end."""
    way = course((Rolling(surge, missing),), Pace(), 4, 4)
    ready = Ready("candidate", 600.0)
    steps = tuple(replace(one, leave=ready) if isinstance(one.leave, Judged) else one for one in way.steps)
    return replace(way, steps=steps)


@pytest.mark.parametrize(
    ("chain", "name", "way"),
    [
        ((Canary(),), "blue-green", rollback_course(4, 4)),
        ((BlueGreen(),), "blue-green", rollback_course(4, 4)),
        ((Dark(Match(hosts=("a",))),), "blue-green", rollback_course(4, 4)),
        ((Recreate(),), "recreate", course((Recreate(),), Pace(), 4, 4)),
        ((Rolling(2, 1),), "rolling", rolled(2, 1)),
        ((Canary(), Rolling(0, 2)), "rolling", rolled(0, 2)),
        ((Rolling(2, 1), Canary()), "blue-green", rollback_course(4, 4)),
        ((RollingCanary((100,), 3, 1),), "rolling", rolled(3, 1)),
        ((RollingRedBlack(),), "rolling", rolled(1, 0)),
    ],
)
def test_new_instances_come_as_releases_end(chain: Chain, name: str, way: Course) -> None:
    assert ways(*chain) == (name, way)
    assert ways(*chain, pace=Pace(bake=60.0)) == (name, way), (
        "they are not watched: users have the release already"
    )


def test_a_restart_says_by_which_way() -> None:
    rolling = replace(REST, placement=replace(PLACED, strategy=(Canary(), Rolling(2))))
    (found,) = restart(rolling, Restart("u1", "ada"), NOW).rollouts
    assert (found.strategy, found.course, found.reason) == ("rolling", rolled(2, 0), "")


# Not now.


def refusal(of: Target, asked: Beginning) -> str:
    """Why; nothing else may have happened."""
    way: Any = {Scale: scale, Restart: restart, Remove: remove}[type(asked)]
    changed: Changed = way(of, asked, NOW)
    (event,) = changed.events
    assert (changed.target, changed.rollouts) == (of, ())
    assert (event.kind, event.code, event.rollout, event.by, event.at) == (
        "intent_refused", "refused", "u1", "ada", NOW,
    )  # fmt: skip
    assert (event.service, event.environment) == ("shop", "production")
    return event.reason


WISHES = (Scale("u1", "ada", 6, 4), Restart("u1", "ada"), Remove("u1", "ada"))


@pytest.mark.parametrize("asked", WISHES)
def test_none_supersedes_what_is_under_way(asked: Beginning) -> None:
    busy = target(rollout(Step("a step", {"live": 4}, USERS, SETTLED)))
    said = "r2 is under way; wait until it is over, or abort it first"
    assert refusal(busy, asked) == said
    assert refusal(replace(busy, live=None), asked) == said


@pytest.mark.parametrize("asked", WISHES)
def test_without_live_there_is_nothing_to_keep_up(asked: Beginning) -> None:
    for nothing in (replace(REST, live=None), replace(REST, live="g9")):
        assert refusal(nothing, asked) == "nothing is live as shop in production"


# What holds after it, and what is told.


def test_a_deploy_in_the_middle_of_a_change_of_the_number_takes_it_for_done() -> None:
    """Neither does live get smaller again while the newer release is on its way."""
    busy = scale(REST, Scale("u1", "ada", 6, 4), NOW).target
    assert meant(busy) == replace(busy, scaled=Scaled(6, 4), groups=(replace(busy.groups[0], replicas=6),))
    assert busy.rollout is not None
    back = replace(busy, rollout=replace(busy.rollout, phase="rolling_back"))
    assert (meant(back), meant(REST)) == (back, REST)


def test_a_number_that_was_asked_for_holds_as_long_as_the_file_says_what_it_said() -> None:
    asked = replace(REST, scaled=Scaled(6, 4))
    assert sized(asked, PLACED) == replace(PLACED, replicas=6)
    assert sized(asked, replace(PLACED, replicas=5)) == replace(PLACED, replicas=5)
    assert sized(REST, PLACED) == PLACED


def test_a_deploy_in_the_middle_of_a_change_of_size_finds_it_done() -> None:
    (asked,) = scale(REST, Scale("u1", "ada", 6, 4), NOW).rollouts
    busy = replace(REST, rollout=asked)
    done = replace(REST, groups=(group("g1", 6),), scaled=Scaled(6, 4))
    assert replace(meant(busy), rollout=None) == done


def test_and_one_that_is_taken_back_or_is_no_such_change_is_none() -> None:
    (asked,) = scale(REST, Scale("u1", "ada", 6, 4), NOW).rollouts
    for other in (replace(asked, phase="rolling_back"), replace(asked, kind="restart"), None):
        busy = replace(REST, rollout=other)
        assert meant(busy) == busy


@pytest.mark.parametrize(
    ("kind", "replicas", "told"),
    [
        ("scale", 6, "v2 has 6 instances instead of 4"),
        ("scale", 1, "v2 has 1 instance instead of 4"),
        ("restart", 4, "v2 has 4 instances, all of them new"),
        ("remove", 0, "nothing of v2 is left running; its releases and its history are kept"),
        ("deploy", 4, ""),
        ("rollback", 4, ""),
    ],
)
def test_the_end_is_told_with_its_numbers(kind: Any, replicas: int, told: str) -> None:
    over = rollout(Step("a step", {}, (), SETTLED), kind=kind, replicas=replicas)
    assert outcome(REST, over) == told


def test_a_size_is_told_also_of_a_group_that_nobody_knows_any_more() -> None:
    over = rollout(Step("a step", {}, (), SETTLED), kind="scale", replicas=6, live=None)
    assert outcome(REST, over) == "v2 has 6 instances instead of 0"
