"""What a deploy begins, by what is there: nothing yet, the same release, one that was taken back, another one on its way."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from tests.domain.onway import CANARY, NOW, PLACE, V1, V2, V3, on_way, said, target

from plainsail.domain.checkpoints import way
from plainsail.domain.intents import Deploy
from plainsail.domain.lifecycle import Changed, begin, end, never_began, refused, still
from plainsail.domain.match import Match
from plainsail.domain.rollout import Configured, Group, Rollout, Scaled, Target
from plainsail.domain.steer import steer
from plainsail.domain.strategy import AB, BlueGreen, Dark, Rolling, Variant
from plainsail.domain.trying import begun, revisions

DARK_CANARY = (Dark(Match(hosts=("dark.example",)), lasts=1.0), *CANARY)


def asked(revision: Any = V2, **changes: Any) -> Deploy:
    return replace(Deploy("r3", "ada", revision, PLACE, CANARY), **changes)


def begins(before: Target, intent: Deploy, **changes: Any) -> Changed:
    """By its own strategy, with a group of its own."""
    live = before.group(before.live)
    given: dict[str, Any] = {
        "placement": intent.placement, "way": way(intent.strategy, intent.placement, live.replicas if live else None),
        "strategy": "canary",
    }  # fmt: skip
    return begin(before, intent, intent.revision, "deploy", group=None, now=NOW, **(given | changes))


def test_the_first_release_begins_with_nobody_beside_it() -> None:
    nobody = Target("shop", "production")
    changed = steer(nobody, asked(), NOW)
    assert changed == begins(nobody, asked())
    assert changed.rollouts[0].live is None


def test_another_release_begins_beside_live() -> None:
    six = target(groups=(Group("g1", "live", V1, 6),))
    assert steer(six, asked(), NOW) == begins(six, asked())
    chain = asked(strategy=DARK_CANARY)
    assert steer(target(), chain, NOW) == begins(target(), chain, strategy="dark, canary")


def test_while_a_service_is_taken_away_nothing_is_deployed_to_it() -> None:
    before = target(on_way("start", kind="remove", candidate="g1"))
    why = "r2 takes shop away; deploy when it is over, or abort it first"
    assert steer(before, asked(), NOW) == refused(before, asked(), NOW, why)


@pytest.mark.parametrize(("declared", "replicas", "kept"), [(4, 7, Scaled(7, 4)), (3, 4, None)])
def test_a_number_that_a_person_asked_for_holds_until_the_file_says_another(
    declared: int, replicas: int, kept: Scaled | None
) -> None:
    before = target(scaled=Scaled(7, declared))
    expected = replace(before, scaled=kept)
    placement = replace(PLACE, replicas=replicas)
    changed = steer(before, asked(), NOW)
    assert changed == begins(expected, asked(), placement=placement, way=way(CANARY, placement, 4))


# What was taken back.

KEPT_OUT = [
    ({"quarantine": (V2.release,)}, "v2 was taken back from production before"),
    (
        {"misconfigured": (Configured(V2.release, V2.config),)},
        "v2 was taken back from production before with this configuration",
    ),
]


@pytest.mark.parametrize(("known", "why"), KEPT_OUT)
def test_what_was_taken_back_is_deployed_when_it_is_meant(known: dict[str, Any], why: str) -> None:
    before = target(**known, scaled=Scaled(7, 3))
    told = f"{why}; deploy it with --again if that is meant"
    assert steer(before, asked(), NOW) == never_began(before, asked(), V2, told, "quarantined", NOW)
    freed = replace(before, quarantine=(), misconfigured=(), scaled=None)
    meant = asked(again=True)
    assert steer(before, meant, NOW) == begins(freed, meant)


def test_what_is_kept_out_leaves_what_is_under_way_alone() -> None:
    one = on_way(0, phase="rolling_back", ending="rolled_back", reason="worse", reason_code="errors")
    before = target(one)
    told = "v2 was taken back from production before; deploy it with --again if that is meant"
    assert steer(before, asked(), NOW) == never_began(before, asked(), V2, told, "quarantined", NOW)


COLOURS = AB("conversion", variants={"red": Variant({"BUTTON": "red"}), "blue": Variant({"BUTTON": "blue"})})


def test_each_variant_of_a_test_may_have_been_taken_back() -> None:
    red, blue = revisions(V2, (COLOURS,))
    intent = asked(strategy=(COLOURS,))
    before = target(misconfigured=(Configured(V2.release, blue.config),))
    told = "v2 was taken back from production before with this configuration; deploy it with --again if that is meant"
    assert steer(before, intent, NOW) == never_began(before, intent, V2, told, "quarantined", NOW)
    meant = replace(intent, again=True)
    free = target()
    began = begin(free, meant, red, "deploy", "a-b", None, way((COLOURS,), PLACE, 4), PLACE, NOW)
    expected = begun(began, V2, (COLOURS,))
    assert [group.revision for group in expected.target.groups] == [V1, red, blue]
    assert steer(before, meant, NOW) == expected
    first = steer(Target("shop", "production"), intent, NOW)
    assert first.rollouts[0].revision == V2, "nobody to be compared with"


# What is live.


def test_what_is_live_already_gets_its_new_settings_and_no_rollout() -> None:
    wide = replace(PLACE, replicas=6, hosts=("shop.example",))
    for intent in (asked(V1, placement=wide), asked(V1, placement=wide, strategy=DARK_CANARY)):
        before = target(groups=(Group("g0", "warm", V3, 1), Group("g1", "live", V1, 4)))
        sized = replace(
            before, groups=(Group("g0", "warm", V3, 1), Group("g1", "live", V1, 6)), placement=wide
        )
        strategy = "canary" if intent.strategy == CANARY else "dark, canary"
        began = begin(sized, intent, V1, "deploy", strategy, "g1", still(wide), wide, NOW)
        done = end(began.target, began.rollouts[0], "succeeded", "v1 is live already", "no_change", NOW)
        assert steer(before, intent, NOW) == Changed(sized, done.rollouts, (*began.events, *done.events))


@pytest.mark.parametrize("change", [{"release": "sha256:9"}, {"config": "another"}])
def test_another_configuration_of_what_is_live_is_a_rollout(change: dict[str, Any]) -> None:
    intent = asked(replace(V1, **change))
    assert steer(target(), intent, NOW) == begins(target(), intent)


# What is on its way.


def superseded(one: Rollout) -> Changed:
    return end(target(one), one, "superseded", "superseded by v3", "superseded", NOW)


@pytest.mark.parametrize("strategy", [CANARY, (BlueGreen(),), (Rolling(),), DARK_CANARY])
def test_who_supersedes_a_candidate_with_users_takes_them_over(strategy: Any) -> None:
    one, intent = on_way("50 %"), asked(V3, strategy=strategy)
    cleared, exposed = superseded(one), one.exposed()
    assert exposed is not None
    there = way(strategy, PLACE, 4, exposed)
    name = ", ".join(str(kind.__struct_config__.tag) for kind in strategy)
    began = begins(cleared.target, intent, way=there, strategy=name)
    rollout = replace(began.rollouts[0], warm="g2")
    groups = (Group("g1", "live", V1, 4), Group("g2", "warm", V2, 4), Group("g3", "candidate", V3, 4))
    taken = Changed(replace(began.target, groups=groups, rollout=rollout), (rollout,), began.events)
    assert there.steps[0].share("warm") == 5000
    assert steer(target(one), intent, NOW) == cleared.then(taken)


@pytest.mark.parametrize(
    "one",
    [
        on_way("start"),
        on_way("50 %", verdict=said("fail", "worse")),
        on_way("50 %", kind="rollback"),
    ],
)
def test_who_has_no_users_or_is_suspected_leaves_none_to_the_next(one: Rollout) -> None:
    cleared = superseded(one)
    assert steer(target(one), asked(V3), NOW) == cleared.then(begins(cleared.target, asked(V3)))


def test_a_test_begins_with_all_users_at_live() -> None:
    one, intent = on_way("50 %"), asked(V3, strategy=(AB("conversion"),))
    changed = steer(target(one), intent, NOW)
    assert changed.target.rollout is not None
    assert changed.target.rollout.warm is None
    assert [group.role for group in changed.target.groups] == ["live", "candidate", "variant"]


def test_what_is_on_its_way_back_for_harm_is_in_quarantine_before_the_next_begins() -> None:
    one = on_way(0, phase="rolling_back", ending="rolled_back", reason="worse", reason_code="errors")
    cleared = end(target(one), one, "rolled_back", "worse", "errors", NOW)
    assert cleared.target.quarantine == (V2.release,)
    assert steer(target(one), asked(V3), NOW) == cleared.then(begins(cleared.target, asked(V3)))


def test_back_to_what_is_live_while_another_is_on_its_way() -> None:
    one, intent = on_way("50 %"), asked(V1)
    cleared = end(target(one), one, "superseded", "superseded by v1", "superseded", NOW)
    sized = cleared.target
    began = begin(sized, intent, V1, "deploy", "canary", "g1", still(PLACE), PLACE, NOW)
    done = end(began.target, began.rollouts[0], "succeeded", "v1 is live already", "no_change", NOW)
    expected = cleared.then(Changed(sized, done.rollouts, (*began.events, *done.events)))
    assert steer(target(one), intent, NOW) == expected
