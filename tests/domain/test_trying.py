"""A test of variants as it begins, what ends it at once, and what becomes of its winner."""

from __future__ import annotations

from typing import Any

import pytest
from tests.domain.part_way import LIVE, NEW, NOW, V2, part_way, step, target_of
from tests.domain.stage import replace
from tests.domain.trials import COLOURS
from tests.domain.under_test import DIVIDED, SAID, TEST, VARIANTS, WON, trial_of, under_way

from plainsail.domain import trying
from plainsail.domain.lifecycle import Changed, event
from plainsail.domain.observation import GroupSeen, Instance, Seen
from plainsail.domain.rollout import Group, Revision, Rollout
from plainsail.domain.service import Placement, config_digest
from plainsail.domain.strategy import AB, Canary, Variant
from plainsail.domain.trial import Decided, Trial

# How it begins.


def test_what_is_run_is_each_variants_configuration_on_top() -> None:
    greeting = replace(V2, run=replace(V2.run, env={"BUTTON": "grey", "GREETING": "hello"}))
    red, blue = trying.revisions(greeting, (Canary(), TEST))
    assert (red.run.env, blue.run.env) == (
        {"BUTTON": "red", "GREETING": "hello"}, {"BUTTON": "blue", "GREETING": "hello"},
    )  # fmt: skip
    for one in (red, blue):
        assert one == Revision(V2.release, "v2", replace(V2.run, env=one.run.env), config_digest(one.run))
    assert trying.revisions(V2, (AB("conversion"),)) == trying.revisions(V2, (Canary(),)) == (V2,)


def test_a_test_begins_with_a_group_for_each_variant() -> None:
    rollout = part_way(DIVIDED)
    before = Changed(
        target_of(rollout), (part_way(id="r1"), rollout), (event("rollout_started", rollout, NOW),)
    )
    three = replace(TEST, variants={**COLOURS, "green": Variant({"BUTTON": "green"})})
    began = trying.begun(before, V2, (three,))
    _, blue, green = trying.revisions(V2, (three,))
    trial = Trial(three, ("g2", "g3", "g4"), ("red", "blue", "green"), salt="r2")
    under_test = replace(rollout, trial=trial)
    groups = (
        LIVE,
        Group("g2", "variant", V2, 4, "red"),
        Group("g3", "variant", blue, 4, "blue"),
        Group("g4", "variant", green, 4, "green"),
    )
    target = target_of(under_test, serial=4, groups=groups)
    assert began == Changed(target, (part_way(id="r1"), under_test), before.events)


def test_without_variants_the_release_itself_is_the_only_one() -> None:
    rollout = part_way(DIVIDED)
    test = AB("conversion")
    began = trying.begun(Changed(target_of(rollout), (rollout,)), V2, (test,))
    under_test = replace(rollout, trial=Trial(test, ("g2",), ("v2",), salt="r2"))
    target = target_of(under_test, groups=(LIVE, Group("g2", "variant", V2, 4)))
    assert began == Changed(target, (under_test,))


@pytest.mark.parametrize(
    ("rollout", "chain"),
    [
        (part_way(), (Canary(),)), (part_way(live=None), (TEST,)),
        (part_way(phase="failed"), (TEST,)), (part_way(), (TEST, Canary())),
    ],
)  # fmt: skip
def test_what_is_no_test_begins_as_it_is(rollout: Rollout, chain: tuple[AB | Canary, ...]) -> None:
    """Another strategy, a first release, and one that is over as it begins."""
    began = Changed(target_of(rollout), (rollout,))
    assert trying.begun(began, V2, chain) == began


# What ends it at once.


def _seen(**groups: GroupSeen) -> Seen:
    return Seen(NOW, groups)


def _ready(group: str, **fields: Any) -> GroupSeen:
    return GroupSeen(group, 1, (Instance("i1", group, "ready", "127.0.0.1:1", 0.0),), **fields)


GONE = GroupSeen("g3", 1, trouble="exited with status 1 after 9 s")
STARTING = GroupSeen("g3", 1, (Instance("i1", "g3", "starting", "127.0.0.1:1", 0.0),))


@pytest.mark.parametrize(
    ("seen", "in_force_at", "why"),
    [
        (_seen(g2=_ready("g2"), g3=GONE), 860.0,
         "no instance of blue is ready any more (exited with status 1 after 9 s)"),
        (_seen(g2=_ready("g2"), g3=STARTING), 0.0, "no instance of blue is ready any more"),
        (_seen(g2=replace(GONE, group="g2"), g3=_ready("g3")), 860.0,
         "no instance of red is ready any more (exited with status 1 after 9 s)"),
        (_seen(g2=_ready("g2"), g3=GONE), None, ""),
        (_seen(g2=_ready("g2"), g3=replace(GONE, failed_starts=2)), None, ""),
        (_seen(g2=_ready("g2"), g3=replace(GONE, failed_starts=3)), None,
         "blue never became ready: exited with status 1 after 9 s"),
        (_seen(g2=_ready("g2"), g3=replace(GONE, timed_out=1)), None,
         "blue never became ready: exited with status 1 after 9 s"),
        (_seen(g2=_ready("g2"), g3=_ready("g3", failed_starts=9, timed_out=9)), 860.0, ""),
        (_seen(g3=GONE), 860.0, "no instance of blue is ready any more (exited with status 1 after 9 s)"),
        (_seen(g2=_ready("g2")), 860.0, ""),
    ],
)  # fmt: skip
def test_a_variant_that_nobody_answers_for_ends_it(seen: Seen, in_force_at: float | None, why: str) -> None:
    found = trying.harm(under_way(in_force_at=in_force_at), seen, 3)
    assert found == (("failed", why, "never_ready") if why else None)


def test_before_users_are_divided_variants_may_take_their_time() -> None:
    starting = replace(under_way(), course=replace(under_way().course, steps=(step("start blue", 0),)))
    assert trying.harm(starting, _seen(g2=_ready("g2"), g3=GONE), 3) is None


def test_of_a_single_variant_the_candidate_is_watched_as_ever() -> None:
    alone = Trial(AB("conversion"), ("g2",), ("v2",))
    dead = _seen(g2=replace(GONE, group="g2", timed_out=1))
    assert trying.harm(under_way(alone), dead, 3) is None
    assert trying.harm(part_way(), dead, 3) is None


# What becomes of it.


def test_whoever_goes_on_goes_on_with_the_winner() -> None:
    target, won = target_of(None, groups=VARIANTS), under_way(trial_of(decided=WON))
    assert trying.promoted(target, won) == replace(won, candidate="g3", revision=VARIANTS[2].revision)
    for one in (
        under_way(), part_way(), under_way(trial_of(decided=Decided("no_difference", "", 900.0))),
        under_way(trial_of(decided=replace(WON, winner="g9"))),
    ):  # fmt: skip
        assert trying.promoted(target, one) == one


@pytest.mark.parametrize(
    ("rollout", "why"),
    [
        (part_way(), ""),
        (under_way(step=1), ""),
        (under_way(), "this test keeps live whatever it shows: abort it, or wait for its end"),
        (under_way(trial_of(decided=WON)), "this test keeps live whatever it shows: abort it, or wait for its end"),
        (under_way(trial_of(replace(TEST, then="promote"))), "no variant has won yet: abort the test, or wait for its end"),
        (under_way(trial_of(replace(TEST, then="ask"), WON)), ""),
        (under_way(Trial(AB("conversion", then="ask"), ("g2",), ("v2",))), ""),
    ],
)  # fmt: skip
def test_why_a_person_cannot_go_on_from_a_test(rollout: Rollout, why: str) -> None:
    assert trying.no_advance(rollout) == why


def test_what_is_said_when_a_winner_has_all_users() -> None:
    assert trying.outcome(under_way(trial_of(decided=WON))) == f"{SAID}; blue has all users"
    for one in (part_way(), under_way(), under_way(trial_of(decided=Decided("no_difference", "", 900.0)))):
        assert trying.outcome(one) == ""


def test_which_variables_of_a_winner_a_deploy_would_undo() -> None:
    env = {"BUTTON": "blue", "GREETING": "hello"}
    live = Group("g3", "live", replace(V2, run=replace(V2.run, env=env)), 4, "blue")
    place, off = Placement(strategy=(TEST,)), Placement()
    assert trying.undone(live, place, env) == {}
    assert trying.undone(live, place, {"GREETING": "hi"}) == {"BUTTON": "blue"}
    assert trying.undone(live, place, {"BUTTON": "red"}) == {"BUTTON": "blue"}
    assert trying.undone(live, off, {"GREETING": "hi"}) == env, "the test is not declared any more"
    assert trying.undone(live, off, {"BUTTON": "blue"}) == {"GREETING": "hello"}
    gone = Placement(strategy=(replace(TEST, variants={"red": COLOURS["red"]}),))
    assert trying.undone(live, gone, {}) == env
    for plain in (NEW, replace(live, variant="")):
        assert trying.undone(plain, off, {}) == {}
