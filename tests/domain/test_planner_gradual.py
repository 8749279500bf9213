"""Users come back to live as its instances do, where the step says so."""

from __future__ import annotations

from typing import Any

import pytest
from tests.domain.handmade import NOW, group, parts, rollout, seen, step, table, target, there

from plainsail.domain.actions import Send
from plainsail.domain.observation import Seen
from plainsail.domain.plan import plan
from plainsail.domain.rollout import Rollout
from plainsail.domain.strategy import Part
from plainsail.domain.units import ALL

ALL_BACK = parts(live=ALL)


def asked(under_way: Rollout, world: Seen) -> dict[str, int]:
    """The split that the router is to have; the one that it has, where nothing is sent."""
    three = (group("g1"), group("g2", role="candidate"), group("g3", role="warm"))
    sent = [action.traffic for action in plan(target(under_way, *three), world) if isinstance(action, Send)]
    assert world.traffic is not None
    table = sent[0] if sent else world.traffic
    return {part.group: part.share_bp for part in table.routes[-1].split}


def back(split: tuple[Part, ...] = ALL_BACK, live: int = 4, **more: Any) -> Rollout:
    """On its way back, in a step with four instances of each."""
    here = step(sizes={"live": live, "candidate": 4}, split=split, gradual=True)
    return rollout(step(), back=(here,), **({"phase": "rolling_back"} | more))


@pytest.mark.parametrize(
    ("ready", "split"),
    [
        (1, {"g1": 2500, "g2": 7500}),
        (2, {"g1": 5000, "g2": 5000}),
        (3, {"g1": 7500, "g2": 2500}),
        (4, {"g1": ALL}),
        (5, {"g1": ALL}),
    ],
)
def test_live_has_as_many_users_as_its_ready_instances_carry(ready: int, split: dict[str, int]) -> None:
    world = seen(there("g1", ready), there("g2", 4), traffic=table(g1=2000, g2=8000))
    assert asked(back(), world) == split


def test_the_part_that_live_can_t_carry_is_rounded_up() -> None:
    world = seen(there("g1", 1), there("g2", 4), traffic=table(g1=2000, g2=8000))
    assert asked(back(live=3), world) == {"g1": 3333, "g2": 6667}


def test_who_has_users_gets_no_more_of_them() -> None:
    world = seen(there("g1", 1), there("g2", 4), traffic=table(g1=9000, g2=1000))
    assert asked(back(), world) == {"g1": 9000, "g2": 1000}


def test_several_who_have_users_keep_the_same_part_of_them() -> None:
    world = seen(there("g1", 3), there("g2", 4), there("g3", 1), traffic=table(g1=6000, g2=3000, g3=1000))
    assert asked(back(), world) == {"g1": 7501 - 1, "g2": 1875, "g3": 625}


def test_a_part_that_comes_to_nothing_is_live_s() -> None:
    world = seen(there("g1", 3), there("g2", 4), there("g3", 1), traffic=table(g1=2999, g2=7000, g3=1))
    assert asked(back(), world) == {"g1": 7501, "g2": 2499}


def test_who_has_users_and_no_instance_left_hands_all_over() -> None:
    world = seen(there("g1", 1), there("g2", 0), there("g3", 1), traffic=table(g1=5000, g2=5000))
    assert asked(back(), world) == {"g1": ALL}
    other = seen(there("g1", 2), there("g2", 0), there("g3", 1), traffic=table(g1=1000, g2=2000, g3=7000))
    assert asked(back(), other) == {"g1": 5000, "g3": 5000}


def test_where_live_is_there_in_full_each_has_what_the_step_says_and_no_part_of_another_s() -> None:
    world = seen(there("g1", 4), there("g2", 4), there("g3", 1), traffic=table(g1=4000, g2=4000, g3=2000))
    assert asked(back(parts(candidate=1000, live=9000)), world) == {"g1": 9000, "g2": 1000}


@pytest.mark.parametrize(("after", "split"), [(10.0, {"g1": 2500, "g2": 7500}), (10.5, {"g1": ALL})])
def test_after_twice_the_time_to_start_the_few_that_are_ready_have_all(
    after: float, split: dict[str, int]
) -> None:
    """The probe gives an instance five seconds."""
    world = seen(there("g1", 1), there("g2", 4), traffic=table(g1=2500, g2=7500), at=NOW + after)
    assert asked(back(entered_at=NOW), world) == split


@pytest.mark.parametrize(
    ("ready", "split"),
    [(1, {"g1": 5000, "g2": 5000}), (3, {"g1": 7000, "g2": 3000}), (4, {"g1": 7000, "g2": 3000})],
)
def test_a_share_on_the_way_back_is_kept_to(ready: int, split: dict[str, int]) -> None:
    world = seen(there("g1", ready), there("g2", 4), traffic=table(g1=5000, g2=5000))
    assert asked(back(parts(candidate=3000, live=7000)), world) == split


def test_a_share_on_the_way_back_that_is_larger_than_what_it_has_gives_it_nothing() -> None:
    some = seen(there("g1", 4), there("g2", 4), traffic=table(g1=9000, g2=1000))
    assert asked(back(parts(candidate=3000, live=7000)), some) == {"g1": 9000, "g2": 1000}
    none = seen(there("g1", 4), there("g2", 4), traffic=table(g1=ALL))
    assert asked(back(parts(candidate=3000, live=7000)), none) == {"g1": ALL}


def test_a_superseded_candidate_s_users_come_back_in_the_same_way() -> None:
    """The new one starts meanwhile."""
    start = step(sizes={"live": 4, "candidate": 1}, split=ALL_BACK, gradual=True)
    world = seen(there("g1", 2), there("g3", 3), traffic=table(g1=1000, g3=9000))
    assert asked(rollout(start), world) == {"g1": 5000, "g3": 5000}


def test_on_the_way_there_shares_are_those_of_the_step() -> None:
    here = step(sizes={"live": 4, "candidate": 2}, gradual=True)
    world = seen(there("g1", 2), there("g2", 2), traffic=table(g1=5000, g2=5000))
    assert asked(rollout(here), world) == {"g1": 9000, "g2": 1000}


def test_where_live_is_to_have_nobody_it_gets_nobody() -> None:
    here = step(sizes={"live": 4, "candidate": 2}, split=parts(candidate=ALL), gradual=True)
    world = seen(there("g1", 4), there("g2", 2), traffic=table(g1=5000, g2=5000))
    assert asked(rollout(step(), back=(here,), phase="rolling_back"), world) == {"g2": ALL}


def test_all_go_back_at_once_where_the_step_says_so() -> None:
    here = step(sizes={"live": 4, "candidate": 4}, split=ALL_BACK)
    world = seen(there("g1", 1), there("g2", 4), traffic=table(g1=2500, g2=7500))
    assert asked(rollout(step(), back=(here,), phase="rolling_back"), world) == {"g1": ALL}


def test_without_a_live_there_is_nothing_to_come_back_to() -> None:
    here = step(sizes={"candidate": 4}, split=parts(candidate=ALL), gradual=True)
    world = seen(there("g2", 1), traffic=table(g2=5000, g3=5000))
    assert asked(rollout(step(), back=(here,), phase="rolling_back", live=None), world) == {"g2": ALL}
