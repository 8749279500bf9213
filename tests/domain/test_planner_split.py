"""Which split is asked for now: the wanted one if it can be carried, else what is in force without those who are gone."""

from __future__ import annotations

from typing import Any

import pytest
from tests.domain.handmade import group, parts, rollout, seen, step, table, target, there

from plainsail.domain.match import Match
from plainsail.domain.plan import Wanted, in_force, reachable, sustained, wanted
from plainsail.domain.rollout import Rollout, Target
from plainsail.domain.strategy import Copies, Inside
from plainsail.domain.traffic import GroupShare, Mirror, Route, Traffic
from plainsail.domain.units import ALL

INSIDERS = Match(hosts=("dark.example",))


def want(sizes: dict[str, int], live: str | None = "g1", careful: bool = True, **more: Any) -> Wanted:
    settings: dict[str, Any] = {"split": {"g1": 9000, "g2": 1000}, "backed_up": live == "g1"}
    return Wanted(sizes, live=live, careful=careful, **(settings | more))


TENTH = want({"g1": 4, "g2": 2})


# What should be.


def test_at_rest_live_is_wanted_in_full_and_nothing_of_others() -> None:
    at_rest = target(None, group("g1", 3), group("g2", 2, "warm"))
    assert wanted(at_rest) == Wanted({"g1": 3, "g2": 0}, {"g1": ALL}, "g1", careful=False)


@pytest.mark.parametrize("live", [None, "g9"])
def test_without_live_nobody_is_wanted(live: str | None) -> None:
    nothing = target(None, group("g1"), live=live)
    assert wanted(nothing) == Wanted({"g1": 0}, {}, None, careful=False)


def test_a_step_is_told_in_groups_instead_of_roles() -> None:
    mirrored = Copies("candidate", 2500, ("GET",))
    here = step(
        inside=(Inside(INSIDERS, "candidate"), Inside(Match(hosts=("b",)), "baseline")), copies=mirrored
    )
    assert wanted(target(rollout(here))) == Wanted(
        {"g1": 4, "g2": 2}, {"g2": 1000, "g1": 9000}, "g1", careful=True, inside=((INSIDERS, "g2"),),
        mirror=Mirror("g2", 2500, ("GET",)), backed_up=True,
    )  # fmt: skip


def test_nobody_is_sent_copies_where_the_step_or_the_rollout_has_nobody_for_them() -> None:
    assert wanted(target(rollout(step()))).mirror is None
    assert wanted(target(rollout(step(copies=Copies("baseline", 1, ("GET",)))))).mirror is None


def test_the_share_of_a_baseline_that_was_given_up_is_live_s() -> None:
    here = step(
        sizes={"live": 4, "candidate": 2, "baseline": 2},
        split=parts(candidate=1000, baseline=1000, live=8000),
    )
    given_up, kept = rollout(here), rollout(here, baseline="g3")
    three = (group("g1"), group("g2"), group("g3"))
    assert wanted(target(given_up)).split == {"g2": 1000, "g1": 9000}
    assert wanted(target(given_up)).sizes == {"g1": 4, "g2": 2}
    assert wanted(target(kept, *three)).split == {"g2": 1000, "g3": 1000, "g1": 8000}
    assert wanted(target(kept, *three)).sizes == {"g1": 4, "g2": 2, "g3": 2}


def test_a_share_of_nobody_is_nobody_s_where_there_is_no_live() -> None:
    here = step(split=parts(baseline=1000, candidate=9000))
    assert wanted(target(rollout(here, live=None))).split == {"g2": 9000}


@pytest.mark.parametrize(
    ("size", "answers", "backed_up"), [(0, "g2", False), (1, "g1", True), (4, "g1", True)]
)
def test_live_answers_for_others_as_long_as_it_has_an_instance(
    size: int, answers: str, backed_up: bool
) -> None:
    found = wanted(target(rollout(step(sizes={"live": size, "candidate": 4}))))
    assert (found.live, found.backed_up) == (answers, backed_up)


def test_a_step_that_says_nothing_of_live_has_none_that_answers() -> None:
    found = wanted(target(rollout(step(sizes={"candidate": 4}))))
    assert (found.live, found.backed_up, found.sizes) == ("g2", False, {"g1": 0, "g2": 4})


def test_a_first_release_answers_for_itself() -> None:
    found = wanted(target(rollout(step(), live=None)))
    assert (found.live, found.backed_up) == ("g2", False)


def test_only_on_the_way_there_all_instances_must_be_ready() -> None:
    back = rollout(step(), back=(step(),), phase="rolling_back")
    assert not wanted(target(back)).careful
    for phase in ("progressing", "paused", "finishing"):
        assert wanted(target(rollout(step(), phase=phase))).careful


# What can be.


@pytest.mark.parametrize(
    ("ready", "split"), [(2, {"g1": 9000, "g2": 1000}), (1, {"g1": ALL}), (0, {"g1": ALL})]
)
def test_a_share_rises_when_all_instances_of_the_step_are_ready(ready: int, split: dict[str, int]) -> None:
    assert reachable(TENTH, seen(there("g1", 4), there("g2", ready), traffic=table(g1=ALL))) == split


@pytest.mark.parametrize(("ready", "split"), [(1, {"g1": 9000, "g2": 1000}), (0, {"g1": ALL})])
def test_on_a_way_back_one_ready_instance_is_enough(ready: int, split: dict[str, int]) -> None:
    back = want({"g1": 4, "g2": 2}, careful=False)
    assert reachable(back, seen(there("g1", 4), there("g2", ready), traffic=table(g1=ALL))) == split


def test_the_smallest_share_rises_no_sooner_than_another() -> None:
    least = want({"g1": 4, "g2": 2}, split={"g1": ALL - 1, "g2": 1})
    assert reachable(least, seen(there("g1", 4), there("g2", 1), traffic=table(g1=ALL))) == {"g1": ALL}


def test_a_share_that_stays_holds_up_nobody_else_s_though_an_instance_lacks() -> None:
    world = seen(there("g1", 4), there("g2", 1), there("g3", 1), traffic=table(g1=8000, g2=1000, g3=1000))
    assert reachable(TENTH, world) == {"g1": 9000, "g2": 1000}


def test_a_group_whose_size_nobody_says_needs_one_instance() -> None:
    for sizes in ({"g1": 4}, {"g1": 4, "g2": 0}):
        world = seen(there("g1", 4), there("g2", 1), traffic=table(g1=ALL))
        assert reachable(want(sizes), world) == {"g1": 9000, "g2": 1000}


def test_shares_of_nothing_are_left_out() -> None:
    nothing = want({"g1": 4, "g2": 0}, split={"g1": ALL, "g2": 0})
    assert reachable(nothing, seen(there("g1", 4), traffic=table(g1=ALL))) == {"g1": ALL}
    assert reachable(want({"g1": 4}, split={}), seen(there("g1", 4), traffic=table(g1=ALL))) == {}


def test_live_takes_users_with_what_it_has_where_somebody_has_users() -> None:
    """It answers for others already."""
    world = seen(there("g2", 1), there("g3", 4), traffic=table(g2=9000, g3=1000))
    assert reachable(want({"g2": 4}, "g2", split={"g2": ALL}), world) == {"g2": ALL}


@pytest.mark.parametrize(("ready", "split"), [(3, {}), (4, {"g2": ALL})])
def test_a_first_release_gets_users_with_all_its_instances(ready: int, split: dict[str, int]) -> None:
    first = want({"g2": 4}, "g2", split={"g2": ALL})
    assert reachable(first, seen(there("g2", ready))) == split


def test_live_that_had_users_gets_them_again_with_one_instance() -> None:
    """The router has forgotten them."""
    again = want({"g1": 4, "g2": 0}, split={"g1": ALL})
    assert reachable(again, seen(there("g1", 1))) == {"g1": ALL}


def test_what_a_dead_group_had_is_live_s_on_top_of_its_own() -> None:
    world = seen(there("g1", 4), there("g2", 0), there("g3", 1), traffic=table(g1=7000, g2=2000, g3=1000))
    assert reachable(TENTH, world) == {"g1": 9000, "g3": 1000}


def test_without_live_it_is_the_step_s_next_one_s() -> None:
    world = seen(there("g2", 1), there("g3", 1), traffic=table(g1=7000, g2=1000, g3=2000))
    assert reachable(want({"g1": 4, "g2": 2}), world) == {"g2": 8000, "g3": 2000}


def test_and_without_that_one_it_is_that_of_whoever_is_left() -> None:
    """A superseded candidate, say: it is better than nobody."""
    world = seen(there("g3", 1), traffic=table(g1=7000, g2=1000, g3=2000))
    assert reachable(want({"g1": 4, "g2": 2}), world) == {"g3": ALL}


def test_where_only_a_share_has_nobody_the_rest_stays_as_it_is() -> None:
    """All who have users are there; the step waits for more."""
    world = seen(there("g1", 4), there("g2", 1), there("g3", 1), traffic=table(g1=8000, g2=500, g3=1500))
    assert reachable(TENTH, world) == {"g1": 8000, "g2": 500, "g3": 1500}


def test_as_long_as_nobody_is_there_nothing_changes() -> None:
    assert reachable(TENTH, seen(traffic=table(g1=8000, g2=2000))) == {"g1": 8000, "g2": 2000}


def test_with_nobody_there_and_no_table_live_s_name_stands_for_all() -> None:
    assert reachable(TENTH, seen()) == {"g1": ALL}
    assert reachable(want({"g2": 4}, "g2"), seen()) == {}
    assert reachable(want({"g2": 4}, None, backed_up=True), seen()) == {}


@pytest.mark.parametrize("ready", [1, 2])
def test_a_candidate_with_a_share_takes_over_from_a_dead_live_after_a_router_forgot_everything(
    ready: int,
) -> None:
    """With what it has: somebody is better than nobody."""
    assert reachable(TENTH, seen(there("g2", ready))) == {"g2": ALL}


def test_where_users_have_it_a_candidate_takes_over_with_what_it_has() -> None:
    assert reachable(TENTH, seen(there("g2", 1), traffic=table(g1=9000, g2=1000))) == {"g2": ALL}


def test_on_a_way_back_whoever_is_ready_takes_over() -> None:
    back = want({"g1": 4, "g2": 2}, careful=False)
    assert reachable(back, seen(there("g2", 1))) == {"g2": ALL}


# Sizes.


@pytest.mark.parametrize(("asked", "ready", "sized"), [(4, 4, 2), (4, 2, 2), (4, 1, 4), (2, 1, 2), (1, 1, 2)])
def test_who_has_users_is_made_smaller_when_enough_of_it_is_ready(asked: int, ready: int, sized: int) -> None:
    world = seen(there("g1", ready, asked=asked), traffic=table(g1=ALL))
    assert sustained(want({"g1": 2}), world, {}) == {"g1": sized}


def test_one_instance_is_enough_where_one_is_wanted() -> None:
    world = seen(there("g1", 1, starting=3), traffic=table(g1=ALL))
    assert sustained(want({"g1": 1}), world, {}) == {"g1": 1}


def test_who_has_users_is_never_ended() -> None:
    world = seen(there("g1", 4), traffic=table(g1=1, g2=9999))
    assert sustained(want({"g3": 2, "g1": 0}), world, {"g2": ALL}) == {"g3": 2, "g1": 4}


def test_who_is_about_to_have_users_is_not_ended() -> None:
    assert sustained(want({"g1": 0}), seen(there("g1", 4)), {"g1": 1}) == {"g1": 4}


def test_who_has_none_is_ended() -> None:
    world = seen(there("g1", 4), there("g2", 4), traffic=table(g2=ALL))
    assert sustained(want({"g1": 0, "g2": 4, "g3": 2}), world, {"g2": ALL}) == {"g1": 0, "g2": 4, "g3": 2}


def test_while_the_router_says_nothing_nobody_is_made_smaller() -> None:
    """It may have sent users anywhere. More of them do no harm."""
    world = seen(there("g1", 4), there("g2", 1), router_up=False)
    assert sustained(want({"g1": 2, "g2": 3}), world, {}) == {"g1": 4, "g2": 3}


# What is.


def asks_for_both() -> Target:
    here = step(
        split=parts(candidate=1000, live=9000, baseline=0), inside=(Inside(INSIDERS, "candidate"),),
        copies=Copies("candidate", 2500, ("GET",)),
    )  # fmt: skip
    return target(rollout(here))


COPIED = Mirror("g2", 2500, ("GET",))


def asked_for(mirror: Mirror | None = COPIED, **shares: int) -> Traffic:
    *_, last = table("g1", None, **shares).routes
    rule = Route(INSIDERS, (GroupShare("g2", ALL),))
    return Traffic("shop", (), (rule, last), {}, "g1", table().shield, None, 1.0, mirror=mirror)


def test_a_step_is_in_force_when_split_and_rules_and_copies_are() -> None:
    asked = asks_for_both()
    assert in_force(asked, seen(traffic=asked_for(g1=9000, g2=1000)))
    assert in_force(asked, seen(traffic=asked_for(g2=1000, g1=9000, g3=0)))
    assert not in_force(asked, seen(traffic=asked_for(g1=9001, g2=999)))
    assert not in_force(asked, seen(traffic=table(g1=9000, g2=1000)))
    assert not in_force(asked, seen(traffic=asked_for(None, g1=9000, g2=1000)))
    assert not in_force(asked, seen())


def test_nothing_is_in_force_as_long_as_the_router_says_nothing() -> None:
    assert not in_force(asks_for_both(), seen(traffic=asked_for(g1=9000, g2=1000), router_up=False))


def test_where_nobody_is_to_answer_no_table_is_as_good_as_an_empty_one() -> None:
    stop = target(rollout(step(sizes={"live": 0}, split=())))
    assert in_force(stop, seen())
    assert in_force(stop, seen(traffic=table()))
    assert not in_force(stop, seen(traffic=table(g1=ALL)))


def test_a_service_that_nobody_wants_is_in_force_when_the_router_knows_nothing_of_it() -> None:
    nothing = Target("shop", "production")
    assert in_force(nothing, seen())
    assert not in_force(nothing, seen(traffic=table()))
    assert not in_force(nothing, seen(router_up=False))


def at_rest_again(under_way: Rollout | None) -> Target:
    return target(under_way, group("g1"))


def test_at_rest_live_with_all_users_is_in_force() -> None:
    assert in_force(at_rest_again(None), seen(traffic=table(g1=ALL)))
    assert not in_force(at_rest_again(None), seen(traffic=table(g2=ALL)))
