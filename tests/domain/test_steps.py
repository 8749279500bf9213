"""Steps that several strategies are made of, whole; and what is said of any step."""

from __future__ import annotations

from typing import Any

import pytest
from tests.domain.handmade import parts, step

from plainsail.domain import insiders
from plainsail.domain.criteria import EvidenceCriteria
from plainsail.domain.driver import Driver
from plainsail.domain.match import Match
from plainsail.domain.steps import (
    Asked,
    both,
    finish,
    gone,
    needed,
    split_at,
    start_and_switch,
    switch,
    twin,
    watch,
)
from plainsail.domain.strategy import (
    AB,
    Canary,
    Copies,
    Dark,
    Elapsed,
    Inside,
    Judged,
    Pace,
    Part,
    Ready,
    Role,
    RollingRedBlack,
    Settled,
    Step,
    Variant,
    chain_name,
    name_of,
)
from plainsail.domain.units import ALL

START = Ready("candidate", 600.0)
END = Settled(900.0)
CANDIDATE, LIVE = (Part("candidate", ALL),), (Part("live", ALL),)
PACE = Pace("dwell", 7.0, 60.0, "rollback", requests=9)


def test_instances_for_a_share_are_rounded_up_and_at_least_one() -> None:
    assert [needed(share, 3) for share in (0, 1, 3333, 3334, 6666, 6667, ALL)] == [1, 1, 1, 2, 2, 3, 3]
    assert needed(ALL, 0) == 1


def test_a_baseline_beside_the_candidate_is_there_when_it_is_compared_with_one() -> None:
    asked = Asked(PACE, 4, 4, EvidenceCriteria())
    assert not asked.fresh()
    assert Asked(PACE, 4, 4, EvidenceCriteria(compare="baseline")).fresh()
    assert asked.judged() == Judged("dwell", 0, 7.0, 60.0, "rollback", 9)


def test_without_evidence_all_move_when_all_are_ready() -> None:
    sizes: dict[Role, int] = {"live": 2, "candidate": 3}
    assert start_and_switch(3, 2, LIVE) == (
        Step("start", sizes, LIVE, START),
        Step("100 %", sizes, CANDIDATE, START),
        Step("finish", {"live": 0, "candidate": 3}, CANDIDATE, END, finishing=True),
    )
    assert start_and_switch(3, None, ()) == (
        Step("start", {"candidate": 3}, (), START),
        Step("100 %", {"candidate": 3}, CANDIDATE, START),
        Step("finish", {"live": 0, "candidate": 3}, CANDIDATE, END, finishing=True),
    )
    assert start_and_switch(3, 0, ())[0].sizes == {"live": 0, "candidate": 3}


def test_the_last_of_the_users_move_and_are_watched() -> None:
    sizes: dict[Role, int] = {"live": 2, "candidate": 3}
    assert switch(3, 2) == Step("100 %", sizes, CANDIDATE, START)
    shorter = Judged("dwell", ALL, 30.0, 60.0, "rollback")
    assert watch("bake", 3, 2, PACE, 30.0) == Step("bake", sizes, CANDIDATE, shorter)
    longer = Judged("dwell", ALL, 90.0, 90.0, "rollback")
    assert watch("100 %", 3, 2, PACE, 90.0) == Step("100 %", sizes, CANDIDATE, longer)
    assert both(2, 3) == sizes


def test_the_ends_of_both_ways() -> None:
    assert finish(3) == Step("finish", {"live": 0, "candidate": 3}, CANDIDATE, END, finishing=True)
    assert finish(3, fresh=True).sizes == {"live": 0, "candidate": 3, "baseline": 0}
    assert gone(2) == Step("back", {"live": 2, "candidate": 0}, LIVE, END, finishing=True)
    assert gone(2, fresh=True).sizes == {"live": 2, "candidate": 0, "baseline": 0}
    assert gone(0) == Step("back", {"live": 0, "candidate": 0}, LIVE, END, finishing=True)
    assert gone(None) == Step("back", {"candidate": 0}, (), END, finishing=True)
    assert gone(None, fresh=True).sizes == {"candidate": 0, "baseline": 0}


def test_a_baseline_has_as_much_as_the_candidate_and_above_a_half_the_rest() -> None:
    assert [twin(share) for share in (0, 1, 4999, 5000, 5001, ALL)] == [0, 1, 4999, 5000, 4999, 0]
    assert split_at(1000, False) == parts(candidate=1000, live=9000)
    assert split_at(1000, True) == parts(candidate=1000, baseline=1000, live=8000)
    assert split_at(4999, True) == parts(candidate=4999, baseline=4999, live=2)
    assert split_at(5000, True) == parts(candidate=5000, baseline=5000)
    assert split_at(7500, True) == parts(candidate=7500, baseline=2500)
    assert split_at(5000, False) == parts(candidate=5000, live=5000)


# What is said of a step.


def test_the_share_of_a_role_is_that_of_all_its_parts() -> None:
    here = step(split=(Part("live", 1000), Part("candidate", 2000), Part("live", 7000)))
    assert [here.share("live"), here.share("candidate"), here.share("warm")] == [8000, 2000, 0]


def judged(until: Any = "proven") -> Judged:
    return Judged(until, 0, 1.0, 60.0, "hold")


@pytest.mark.parametrize(
    ("share", "leave", "during"),
    [
        (0, START, "start"),
        (0, judged("analysed"), "start"),
        (0, judged("compared"), "steps"),
        (1, judged(), "steps"),
        (1, START, "steps"),
        (ALL - 1, judged(), "steps"),
        (ALL, judged(), "bake"),
        (ALL, START, "steps"),
        (ALL, Elapsed(1.0), "steps"),
    ],
)
def test_which_part_of_the_way_a_step_belongs_to(share: int, leave: Any, during: str) -> None:
    assert step(split=(Part("candidate", share), Part("live", ALL - share)), leave=leave).during() == during


def test_variants_are_compared_where_a_test_is_waited_for() -> None:
    assert step(leave=judged("compared")).tests()
    assert not step(leave=judged()).tests()
    assert not step(leave=START).tests()


@pytest.mark.parametrize(
    ("share", "methods", "told"),
    [
        (ALL, ("GET",), "copies of all GET requests, whose answers are compared and thrown away"),
        (
            2500,
            ("GET", "HEAD"),
            "copies of 25 % of GET and HEAD requests, whose answers are compared and thrown away",
        ),
        (
            ALL - 1,
            ("GET", "HEAD", "POST"),
            "copies of 99.99 % of GET, HEAD and POST requests, whose answers are compared and thrown away",
        ),
    ],
)
def test_copies_are_told_with_their_part_and_their_methods(
    share: int, methods: tuple[str, ...], told: str
) -> None:
    assert Copies("candidate", share, methods).told() == told


def test_strategies_are_called_what_people_write() -> None:
    assert name_of(RollingRedBlack()) == "rolling-red-black"
    assert name_of(AB("carts")) == "a-b"
    assert chain_name((Dark(Match(hosts=("a",))), Canary())) == "dark, canary"
    assert chain_name((Canary(),)) == "canary"


def test_a_test_is_by_match_when_one_of_its_rules_is() -> None:
    inside = Match(header="Beta: yes")
    assert not AB("carts").by_match()
    assert AB("carts", match=inside).by_match()
    assert not AB("carts", variants={"a": Variant(), "b": Variant()}).by_match()
    assert AB("carts", variants={"a": Variant(), "b": Variant(match=inside)}).by_match()


# Insiders.


BETA = Inside(Match(header="Beta: yes"), "candidate")
STAFF = Inside(Match(networks=("10.0.0.0/8",)), "candidate")
OTHERS = Inside(Match(cookie="arm=b"), "variant-2")


def rules(*steps: tuple[int, tuple[Inside, ...]]) -> list[tuple[Inside, ...]]:
    """Of each step, by its share and the rules it has of its own."""
    asked = [
        step(split=(Part("candidate", share), Part("live", ALL - share)), inside=own) for share, own in steps
    ]
    kept = insiders.kept(asked)
    assert [one.split for one in kept] == [one.split for one in asked]
    return [one.inside for one in kept]


def test_insiders_keep_what_they_were_given_until_all_have_it() -> None:
    found = rules((0, ()), (0, (BETA,)), (1000, (STAFF,)), (5000, ()), (ALL, ()), (ALL, ()))
    assert found == [(), (BETA,), (STAFF, BETA), (STAFF, BETA), (STAFF, BETA), ()]


def test_a_rule_stands_once_where_its_own_step_has_it() -> None:
    assert rules((0, (BETA, STAFF)), (1000, (STAFF,)), (ALL - 1, ())) == [
        (BETA, STAFF), (STAFF, BETA), (STAFF, BETA),
    ]  # fmt: skip


def test_only_the_new_release_is_kept() -> None:
    """Which variant somebody had in a test says nothing after it."""
    assert rules((0, (BETA, OTHERS)), (1000, ())) == [(BETA, OTHERS), (BETA,)]


def test_a_step_s_own_rules_hold_also_where_all_have_it() -> None:
    assert rules((ALL, (BETA,)), (ALL, (STAFF,)), (ALL, ())) == [(BETA,), (STAFF,), ()]


def test_a_step_says_who_else_is_asked_and_told() -> None:
    """All that a step is besides stays as it is."""
    asked = step(checks=(Driver("http"),), approve_within=60.0, notify="at a tenth", finishing=True)
    assert insiders.kept([asked]) == (asked,)
