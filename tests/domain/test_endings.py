"""How a rollout ends: who is live then, what may be gone back to, and what is not deployed again by accident."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from tests.domain.onway import NOW, PLACE, V1, V2, V3, as_wanted, course, look, on_way, revision, said, target

from plainsail.domain.checks import Hooks
from plainsail.domain.driver import Driver
from plainsail.domain.evidence import Arm
from plainsail.domain.lifecycle import Changed, end, event
from plainsail.domain.observation import Counts
from plainsail.domain.past import Past
from plainsail.domain.progress import progress
from plainsail.domain.rollout import KEPT_GOOD, Against, Configured, Group, Phase, Scaled, Undertaking
from plainsail.domain.strategy import AB
from plainsail.domain.trial import Decided, Trial
from plainsail.domain.upkeep import outcome


def test_success_makes_the_candidate_live_and_remembers_what_was() -> None:
    wide = replace(PLACE, hosts=("shop.example",))
    one = on_way("finish", phase="finishing", placement=wide, decided_at=7.0)
    old = Group("g0", "baseline", V1, 1)
    before = target(one, good=(V3, V1, V2))
    before = replace(before, groups=(old, *before.groups))
    changed = end(before, one, "succeeded", "v2 has all users", "", NOW)
    over = replace(one, phase="succeeded", reason="v2 has all users", ended_at=NOW)
    after = replace(
        before, rollout=None, live="g2", placement=wide, good=(V1, V3),
        groups=(old, Group("g1", "warm", V1, 4), Group("g2", "live", V2, 4)),
    )  # fmt: skip
    assert changed == Changed(after, (over,), (event("rollout_ended", over, NOW),))


def test_who_is_told_of_the_end_is_told_from_then_on() -> None:
    hooked = replace(PLACE, hooks=Hooks(after=(Driver("webhook", {}),)))
    one = on_way("finish", phase="finishing", placement=hooked)
    (errand,) = end(target(one), one, "succeeded", "", "", NOW).target.errands
    assert (errand.since, errand.driver, errand.question.outcome) == (NOW, hooked.hooks.after[0], "succeeded")


def test_when_it_was_decided_is_the_end_unless_it_was_before() -> None:
    undecided = on_way(decided_at=None)
    changed = end(target(undecided), undecided, "superseded", "by v3", "superseded", NOW)
    over = replace(
        undecided, phase="superseded", reason="by v3", reason_code="superseded", ended_at=NOW, decided_at=NOW
    )
    assert changed == Changed(
        replace(target(undecided), rollout=None), (over,), (event("rollout_ended", over, NOW),)
    )


def test_what_is_in_quarantine_is_not_remembered_as_good() -> None:
    for bad in (
        {"quarantine": (V1.release,)},
        {"misconfigured": (Configured(V1.release, V1.config),)},
    ):
        one = on_way("finish", phase="finishing")
        changed = end(target(one, good=(V3,), **bad), one, "succeeded", "", "", NOW)
        assert changed.target.good == (V3,)
    other = (Configured(V1.release, "another"), Configured(V3.release, V1.config))
    changed = end(target(one, misconfigured=other), one, "succeeded", "", "", NOW)
    assert changed.target.good == (V1,)


def test_good_ones_are_distinct_by_release_and_configuration_and_few() -> None:
    old = tuple(revision(f"v{number}", release=f"d{number}") for number in range(12))
    again = replace(V1, config="another")
    one = on_way("finish", phase="finishing")
    changed = end(target(one, good=(again, V1, replace(V2, config="x"), *old)), one, "succeeded", "", "", NOW)
    assert changed.target.good == (V1, again, replace(V2, config="x"), *old)[:KEPT_GOOD]


@pytest.mark.parametrize(
    ("phase", "outcome", "code", "was", "kept_out"),
    [
        ("rolled_back", "unsure", "deadline", "rolling_back", True),
        ("failed", "fail", "errors", "rolling_back", True),  # before the first user
        ("failed", "fail", "never_ready", "rolling_back", False),  # something else ended it
        ("failed", "unsure", "errors", "rolling_back", False),
        ("failed", "fail", "errors", "progressing", False),
        ("aborted", "fail", "errors", "rolling_back", False),
        ("superseded", "fail", "errors", "progressing", False),
    ],
)
def test_what_harmed_is_not_deployed_again_by_accident(
    phase: Phase, outcome: str, code: str, was: Phase, kept_out: bool
) -> None:
    one = on_way("start", phase=was, verdict=said(outcome, "worse", code="errors"))
    changed = end(target(one), one, phase, "worse", code, NOW)
    assert changed.target.quarantine == ((V2.release,) if kept_out else ())
    assert changed.target.live == "g1"


def test_nothing_is_known_of_what_nobody_judged() -> None:
    one = on_way("start", phase="rolling_back")
    assert end(target(one), one, "failed", "", "errors", NOW).target.quarantine == ()
    assert end(target(one), one, "rolled_back", "", "errors", NOW).target.quarantine == (V2.release,)


def test_of_a_test_the_variant_that_harmed_is_kept_out() -> None:
    blue = replace(V2, config="blue")
    one = on_way(0, phase="rolling_back", verdict=said("fail", "worse", variant="g3"))
    before = target(one, groups=(*target(one).groups, Group("g3", "variant", blue, 4, "blue")))
    live_too = replace(before, groups=(replace(before.groups[0], revision=V2), *before.groups[1:]))
    changed = end(live_too, one, "rolled_back", "worse", "errors", NOW)
    assert changed.target.misconfigured == (Configured(V2.release, "blue"),)


def test_without_a_live_release_the_one_taken_back_is_kept_out_too() -> None:
    one = on_way(0, phase="rolling_back", live=None, course=course(live=None))
    before = target(one, live=None, groups=(Group("g2", "candidate", V2, 4),))
    changed = end(before, one, "rolled_back", "worse", "errors", NOW)
    assert changed.target == replace(before, rollout=None, quarantine=(V2.release,))


def test_a_test_that_ends_with_live_kept_promotes_nobody() -> None:
    one = on_way(0, phase="rolling_back", ending="succeeded")
    assert end(target(one), one, "succeeded", "", "", NOW).target == replace(target(one), rollout=None)


@pytest.mark.parametrize(("asked", "kept"), [(6, Scaled(6, 4)), (4, None)])
def test_a_scaled_live_group_keeps_its_size(asked: int, kept: Scaled | None) -> None:
    one = on_way("finish", kind="scale", candidate="g1", replicas=asked)
    before = target(
        None, groups=(Group("g1", "live", V1, 5), Group("g9", "warm", V3, 2)), scaled=Scaled(5, 4)
    )
    changed = end(replace(before, rollout=one), one, "succeeded", "", "", NOW)
    groups = (Group("g1", "live", V1, asked), Group("g9", "warm", V3, 2))
    assert changed.target == replace(before, groups=groups, scaled=kept)


def test_what_was_removed_can_be_gone_back_to_later() -> None:
    one = on_way("finish", kind="remove", candidate="g1")
    many = tuple(revision(f"v{number}", release=f"d{number}") for number in range(KEPT_GOOD))
    before = target(one, good=many, past=Past("g1", 1.0, 0.0, Counts(9)), scaled=Scaled(4, 2))
    changed = end(before, one, "succeeded", "", "", NOW)
    assert changed.target == replace(
        before, rollout=None, live=None, good=(V1, *many[:-1]), past=None, scaled=None
    )
    nothing = replace(before, live=None)
    assert end(nothing, one, "succeeded", "", "", NOW).target.good == many


@pytest.mark.parametrize("kind", ["deploy", "rollback", "restart"])
def test_what_brings_another_group_makes_it_live(kind: Undertaking) -> None:
    one = on_way("finish", kind=kind)
    assert end(target(one), one, "succeeded", "", "", NOW).target.live == "g2"


def test_a_restart_leaves_nothing_to_go_back_to() -> None:
    one = on_way("finish", kind="restart", revision=V1)
    assert end(target(one), one, "succeeded", "", "", NOW).target.good == ()


@pytest.mark.parametrize(
    ("changes", "verdict", "told"),
    [
        ({}, None, "v2 has all users"),
        ({}, said(candidate=Arm(0)), "v2 has all users"),
        ({}, said("pass", "proven for 100 % of users"), "v2 has all users: proven for 100 % of users"),
        ({"baked": 90.0}, None, "v2 has all users, and was watched with them for 1 min 30 s"),
        ({"retired": ("g2-0",)}, None, "v2 has all users, after 1 bad instance was replaced"),
        ({"retired": ("g2-0", "g2-1")}, None, "v2 has all users, after 2 bad instances were replaced"),
        ({"against": Against(failed=True)}, said("fail", "it needs 2; it needs more"),
         "v2 has all users: it needs 2; it needed more"),
        ({"against": Against()}, said("unsure", "needs 12 more requests", needs=12),
         "v2 has all users: needed 12 more requests"),
        ({}, said("unsure", "needs 12 more requests", needs=12),
         "v2 has all users: no harm seen in 100 requests (12 too few to be sure)"),
        ({"retired": ("g2-0",), "baked": 5.0}, said("pass", "proven"),
         "v2 has all users, after 1 bad instance was replaced, and was watched with them for 5 s: proven"),
    ],
)  # fmt: skip
def test_a_success_says_what_it_rests_on(changes: dict[str, Any], verdict: Any, told: str) -> None:
    one = on_way("finish", phase="finishing", verdict=verdict, **changes)
    assert look(one) == end(target(one), one, "succeeded", told, "", NOW)


def test_the_first_release_had_nobody_to_be_compared_with() -> None:
    one = on_way("finish", phase="finishing", live=None, course=course(live=None))
    before = replace(target(one), live=None)
    told = "v2 has all users (the first release here: being ready was enough)"
    assert progress(before, as_wanted(one), None, NOW) == end(before, one, "succeeded", told, "", NOW)


@pytest.mark.parametrize(
    ("kind", "same", "told"),
    [
        ("deploy", True, "v1 has all users with its new configuration"),
        ("deploy", False, "v1 has all users"),
        ("rollback", True, "v1 has all users"),
    ],
)
def test_a_release_with_another_configuration_is_called_that(kind: Any, same: bool, told: str) -> None:
    one = on_way("finish", phase="finishing", kind=kind, revision=replace(V1, config="other"))
    groups = (Group("g1", "live", V1 if same else V3, 4), target(one).groups[1])
    before = target(one, groups=groups)
    assert progress(before, as_wanted(one), None, NOW) == end(before, one, "succeeded", told, "", NOW)


def test_upkeep_and_tests_say_what_they_were_for() -> None:
    one = on_way("finish", phase="finishing", kind="restart", revision=V1)
    told = outcome(target(one), one)
    assert told
    assert look(one) == end(target(one), one, "succeeded", told, "", NOW)
    decided = Decided("winner", "red is better by conversion", NOW, "g2")
    won = on_way("finish", phase="finishing", trial=Trial(AB("conversion"), ("g2",), ("red",), decided))
    told = "red is better by conversion; red has all users"
    assert look(won) == end(target(won), won, "succeeded", told, "", NOW)
