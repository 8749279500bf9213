"""The orders that close the gap between what should be and what is seen, whole; and none where there is no gap."""

from __future__ import annotations

from typing import Any

from tests.domain.handmade import (
    NOW,
    group,
    members,
    parts,
    revision,
    rollout,
    seen,
    step,
    table,
    target,
    there,
)
from tests.domain.stage import RUN, replace

from plainsail.domain.actions import Fleet, GroupOrder, Send, Withdraw
from plainsail.domain.criteria import EvidenceCriteria, LatencyCriteria
from plainsail.domain.match import Match
from plainsail.domain.observation import Instance, Seen
from plainsail.domain.plan import plan, unknown
from plainsail.domain.rollout import Target
from plainsail.domain.service import Placement, Shield, Sticky
from plainsail.domain.strategy import AB, Copies, Inside
from plainsail.domain.traffic import GroupShare, Mirror, Route, Traffic
from plainsail.domain.trial import Trial
from plainsail.domain.units import ALL

INSIDERS = Match(hosts=("dark.example",))
REST = target(None)
FOUR = table(behind={"g1": members("g1", 1, 2, 3, 4)}, g1=ALL)


def order(name: str, replicas: int, retire: tuple[str, ...] = ()) -> GroupOrder:
    version = f"v{name[1:]}"
    return GroupOrder(name, revision(version).release, version, RUN, replicas, retire)


def fleet(*orders: GroupOrder, released: tuple[str, ...] = ()) -> Fleet:
    return Fleet("shop", "production", orders, released)


def sent(to: Target, world: Seen) -> Traffic:
    (found,) = (action.traffic for action in plan(to, world) if isinstance(action, Send))
    return found


def test_a_world_as_desired_is_left_alone() -> None:
    assert plan(REST, seen(there("g1", 4), traffic=FOUR)) == ()


def test_what_starts_is_waited_for() -> None:
    assert (
        plan(
            REST,
            seen(there("g1", 3, starting=1), traffic=table(behind={"g1": members("g1", 1, 2, 3)}, g1=ALL)),
        )
        == ()
    )


def test_everything_is_ordered_where_there_is_nothing() -> None:
    """No table: it would send users to nobody."""
    assert plan(REST, seen()) == (fleet(order("g1", 4)),)


def test_traffic_is_sent_before_the_fleet_is_changed() -> None:
    assert plan(REST, seen(there("g1", 3))) == (
        Send(table(behind={"g1": members("g1", 1, 2, 3)}, g1=ALL)),
        fleet(order("g1", 4)),
    )


def test_a_table_is_sent_where_there_is_one_though_nobody_is_left_to_answer() -> None:
    """So the router stops to send users to instances that are gone."""
    assert plan(REST, seen(there("g1", asked=4), traffic=FOUR)) == (
        Send(table(g1=ALL)),
        fleet(order("g1", 4)),
    )


def test_a_router_that_says_nothing_is_told_nothing() -> None:
    assert plan(REST, seen(there("g1", 4), router_up=False)) == ()
    assert plan(REST, seen(there("g1", 3), router_up=False)) == (fleet(order("g1", 4)),)


# Who is not wanted at all.


def test_a_service_of_which_nothing_is_left_is_withdrawn() -> None:
    nothing = Target("shop", "production")
    assert unknown(nothing)
    assert plan(nothing, seen(traffic=FOUR)) == (Withdraw("shop"),)
    assert plan(nothing, seen(traffic=FOUR, router_up=False)) == ()
    assert plan(nothing, seen()) == ()
    assert plan(nothing, seen(there("g1", 1), traffic=FOUR)) == (Withdraw("shop"), fleet())


def test_a_service_with_live_or_with_instances_left_is_not_unknown() -> None:
    assert not unknown(REST)
    assert not unknown(target(None, group("g1"), live=None))
    assert not unknown(Target("shop", "production", live="g1"))


def test_a_removal_withdraws_at_its_end_only() -> None:
    first, last = step("drain", {"live": 0}, split=()), step("rules", {"live": 0}, split=(), finishing=True)
    removal: dict[str, Any] = {"kind": "remove", "candidate": "g1", "back": (last,)}
    one = group("g1")
    assert not unknown(target(rollout(first, last, **removal), one))
    assert unknown(target(rollout(first, last, **removal, step=1), one))
    assert not unknown(target(rollout(first, last, **removal, phase="rolling_back"), one))
    assert not unknown(target(rollout(last, **(removal | {"kind": "deploy"})), one))


# Tables.


def test_the_table_of_a_rollout_whole() -> None:
    """Places are as before it, what protects and watches users is as asked for with it."""
    asked = Placement(
        replicas=9, hosts=("new.example",), shield=Shield(budget=0.5), sticky=Sticky(cookie="new"),
        evidence=EvidenceCriteria(latency=LatencyCriteria(bound=3.0)),
    )  # fmt: skip
    before = Placement(replicas=4, hosts=("shop.example",), sticky=Sticky(cookie="old"))
    here = step(inside=(Inside(INSIDERS, "candidate"),), copies=Copies("candidate", 2500, ("GET",)))
    to = target(rollout(here, placement=asked), placement=before)
    assert sent(to, seen(there("g1", 4), there("g2", 2), traffic=FOUR)) == Traffic(
        service="shop",
        hosts=("shop.example",),
        routes=(
            Route(INSIDERS, (GroupShare("g2", ALL),)),
            Route(Match(), (GroupShare("g1", 9000), GroupShare("g2", 1000))),
        ),
        members={"g1": members("g1", 1, 2, 3, 4), "g2": members("g2", 1, 2)},
        live="g1",
        shield=Shield(budget=0.5),
        sticky=Sticky(cookie="old"),
        slow_after=3.0,
        mirror=Mirror("g2", 2500, ("GET",)),
        unshielded_rules=True,
    )


def test_the_table_at_rest_whole() -> None:
    asked = Placement(
        hosts=("shop.example",), shield=Shield(enabled=False), sticky=Sticky(header="User"),
        evidence=EvidenceCriteria(latency=LatencyCriteria(bound=0.5)),
    )  # fmt: skip
    assert sent(target(None, placement=asked), seen(there("g1", 1))) == Traffic(
        "shop", ("shop.example",), (Route(Match(), (GroupShare("g1", ALL),)),), {"g1": members("g1", 1)}, "g1",
        Shield(enabled=False), Sticky(header="User"), 0.5, mirror=None, unshielded_rules=True,
    )  # fmt: skip


def test_in_a_test_users_stay_as_was_asked_for_with_it_and_its_rules_are_for_users() -> None:
    asked, before = Placement(sticky=Sticky(cookie="new")), Placement(sticky=Sticky(cookie="old"))
    world = seen(there("g1", 4), there("g2", 2))
    for inside in ((Inside(INSIDERS, "candidate"),), ()):
        under_way = rollout(step(inside=inside), placement=asked)
        test = replace(under_way, trial=Trial(AB("carts"), ("g2",), ("new",), salt="r2"))
        for one, sticky, unshielded, salt in ((under_way, "old", True, ""), (test, "new", not inside, "r2")):
            found = sent(target(one, placement=before), world)
            assert found.sticky == Sticky(cookie=sticky)
            assert found.unshielded_rules is unshielded
            assert found.salt == salt


def test_without_a_ready_instance_there_is_no_rule_and_no_copy() -> None:
    here = step(inside=(Inside(INSIDERS, "candidate"),), copies=Copies("candidate", 2500, ("GET",)))
    found = sent(target(rollout(here)), seen(there("g1", 4), there("g2", starting=2)))
    assert (found.mirror, found.routes) == (None, (Route(Match(), (GroupShare("g1", ALL),)),))


def test_groups_stand_in_the_order_they_were_made() -> None:
    here = step(split=parts(candidate=1000, live=9000))
    to = target(rollout(here, live="g9", candidate="g10"), group("g9"), group("g10"), live="g9")
    found = sent(to, seen(there("g9", 4), there("g10", 2), traffic=table("g9", g9=ALL)))
    assert found.routes[-1].split == (GroupShare("g9", 9000), GroupShare("g10", 1000))


def test_members_are_those_that_are_ready_and_else_those_that_were() -> None:
    def behind(*states: Any) -> Any:
        found = tuple(Instance(f"i{n}", "g1", state, f"a{n}", 0.0) for n, state in states)
        return sent(REST, seen(replace(there("g1", asked=4), instances=found))).members

    assert [one.instance for one in behind((3, "ready"), (1, "ready"), (2, "unready"))["g1"]] == ["i1", "i3"]
    assert [one.instance for one in behind((3, "ready"), (1, "starting"), (2, "leaving"))["g1"]] == ["i3"]


def test_a_live_whose_instances_all_fail_their_probes_still_answers() -> None:
    found = sent(REST, seen(there("g1", unready=2, starting=1, leaving=1), traffic=FOUR))
    assert found == table(behind={"g1": members("g1", 2, 3)}, g1=ALL)


def test_who_is_warm_has_members_and_who_is_to_go_has_none() -> None:
    """Those who still have users while the router moves them stay in the table."""
    warm = step(sizes={"live": 4, "candidate": 4}, split=parts(candidate=ALL))
    both = seen(there("g1", 1, asked=4), there("g2", 4), traffic=FOUR)
    assert sent(target(rollout(warm)), both).members.keys() == {"g1", "g2"}
    gone = seen(there("g1", 1), there("g2", 4), traffic=table(g2=9999, g1=1))
    last = step(sizes={"live": 0, "candidate": 4}, split=parts(candidate=ALL))
    assert sent(target(rollout(last)), gone).members.keys() == {"g1", "g2"}, "one user in 10,000 is there"
    empty = seen(there("g1", 1), there("g2", 4), traffic=table(g2=ALL))
    assert sent(target(rollout(last)), empty).members.keys() == {"g2"}


def test_who_gives_users_back_keeps_its_members_until_they_are_gone() -> None:
    """It has no size of its own any more, and nobody else is ready."""
    back = step(sizes={"live": 4, "candidate": 0}, split=parts(live=ALL))
    world = seen(there("g1", starting=4), there("g2", 2, asked=0), traffic=table(g2=ALL))
    to = target(rollout(step(), back=(back,), phase="rolling_back"))
    assert sent(to, world).members == {"g2": members("g2", 1, 2)}


# Fleets.


def test_groups_of_insiders_are_not_made_smaller_than_what_answers_them() -> None:
    """One is ready, two are wanted, three are there: which one would end?"""
    for inside, size in (((Inside(INSIDERS, "candidate"),), 3), ((), 2)):
        here = step(sizes={"live": 4, "candidate": 2}, split=parts(live=ALL), inside=inside)
        orders = plan(target(rollout(here)), seen(there("g1", 3), there("g2", 1, starting=2)))
        assert orders[-1] == fleet(order("g1", 4), order("g2", size))


def test_an_instance_that_is_replaced_counts_as_gone_and_is_named() -> None:
    under_way = rollout(step(), retired=("g2-1",))
    world = seen(there("g1", 4), there("g2", 2), traffic=table(g1=9000, g2=1000))
    send, ordered = plan(target(under_way), world)
    assert isinstance(send, Send)
    assert send.traffic.members["g2"] == members("g2", 2)
    assert ordered == fleet(order("g1", 4), order("g2", 2, ("g2-1",)), released=("g2-1",))


def test_who_leaves_is_released_once_the_router_neither_sends_nor_holds_anything() -> None:
    world = seen(there("g1", 4), there("g2", asked=0, leaving=4), traffic=FOUR)
    known = replace(
        world, traffic=table(behind={"g1": members("g1", 1, 2, 3, 4), "g2": members("g2", 1)}, g1=ALL)
    )
    open_yet = replace(world, sessions={"g2-2": 1, "g2-3": 0})
    assert plan(REST, world) == (fleet(order("g1", 4), released=("g2-1", "g2-2", "g2-3", "g2-4")),)
    assert plan(REST, known)[-1] == fleet(order("g1", 4), released=("g2-2", "g2-3", "g2-4"))
    assert plan(REST, open_yet) == (fleet(order("g1", 4), released=("g2-1", "g2-3", "g2-4")),)
    assert plan(REST, replace(world, router_up=False)) == (), "it may be sent users"
    forgotten = replace(world, traffic=None)
    assert plan(REST, forgotten)[-1] == fleet(order("g1", 4), released=("g2-1", "g2-2", "g2-3", "g2-4"))


def test_only_who_leaves_is_released() -> None:
    as_asked = table(behind={"g1": members("g1", 1)}, g1=ALL)
    assert plan(REST, seen(there("g1", 1, starting=1, unready=1), traffic=as_asked)) == (
        fleet(order("g1", 4)),
    )


def test_the_fleet_is_ordered_where_it_is_not_held_to_its_size() -> None:
    as_asked = table(behind={"g1": members("g1", 1, 2, 3, 4)}, g1=ALL)
    assert plan(REST, seen(there("g1", 4, asked=3), traffic=as_asked)) == (fleet(order("g1", 4)),)
    assert plan(REST, seen(there("g1", 4, asked=5), traffic=as_asked)) == (fleet(order("g1", 4)),)
    assert plan(REST, seen(there("g1", 4), there("g2", asked=1), traffic=as_asked)) == (
        fleet(order("g1", 4)),
    )
    assert plan(REST, seen(there("g1", 4), there("g2", asked=0), traffic=as_asked)) == ()


def test_and_where_an_instance_died_since() -> None:
    three = table(behind={"g1": members("g1", 1, 2, 3)}, g1=ALL)
    assert plan(REST, seen(there("g1", 3, asked=4), traffic=three)) == (fleet(order("g1", 4)),)


def test_a_group_that_nobody_has_seen_yet_is_ordered_when_it_has_a_size() -> None:
    two = (group("g1"), group("g2", role="warm"))
    assert plan(target(None, *two), seen(there("g1", 4), traffic=FOUR)) == ()
    here = step(sizes={"live": 4, "candidate": 2}, split=parts(live=ALL))
    assert plan(target(rollout(here)), seen(there("g1", 4), traffic=FOUR, at=NOW)) == (
        fleet(order("g1", 4), order("g2", 2)),
    )
