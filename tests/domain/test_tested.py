"""The steps of a test of variants, whole: who is started, how users are divided, and what is cleared away."""

from __future__ import annotations

import pytest
from tests.domain.part_way import step

from plainsail.domain import trial
from plainsail.domain.match import Match
from plainsail.domain.steps import finish, gone
from plainsail.domain.strategy import (
    AB,
    Canary,
    Course,
    Inside,
    Judged,
    Part,
    Ready,
    Recreate,
    Role,
    Step,
    Variant,
)
from plainsail.domain.tested import cleared, divided, each
from plainsail.domain.trial import MOST, OTHERS, Trial

LIVE = (Part("live", 10_000),)
LASTS = Judged("compared", 0, 0.0, 600.0, "rollback")
RED, BLUE, GREEN = (Match(cookie=f"arm={name}") for name in ("red", "blue", "green"))


def _of(number: int, *matches: Match, share: int = 5000) -> AB:
    names = ("red", "blue", "green")[:number]
    variants = {
        name: Variant({"BUTTON": name}, matches[place] if matches else None)
        for place, name in enumerate(names)
    }
    return AB("conversion", share=share, lasts=600.0, variants=variants)


@pytest.mark.parametrize(
    ("number", "share", "mine"),
    [(0, 5000, 5000), (1, 5000, 5000), (2, 5000, 2500), (3, 5000, 1666), (3, 2, 0), (2, 10_000, 5000)],
)
def test_variants_have_equal_shares(number: int, share: int, mine: int) -> None:
    assert each(_of(number, share=share)) == mine


def test_three_variants_are_started_and_then_users_are_divided() -> None:
    sizes: dict[Role, int] = {"live": 4, "candidate": 2, "variant-2": 2, "variant-3": 2}
    split = (Part("candidate", 1666), Part("variant-2", 1666), Part("variant-3", 1666), Part("live", 5002))
    assert divided(_of(3), 4, 2, 5, 60.0) == (
        Step("start blue", sizes, LIVE, Ready("variant-2", 60.0)),
        Step("start green", sizes, LIVE, Ready("variant-3", 60.0)),
        Step("test", sizes, split, LASTS),
    )


@pytest.mark.parametrize("number", [0, 1])
def test_the_only_variant_is_the_candidate(number: int) -> None:
    split = (Part("candidate", 3000), Part("live", 7000))
    assert divided(_of(number, share=3000), 4, 2, 5, 60.0) == (
        Step("test", {"live": 4, "candidate": 2}, split, LASTS),
    )


def test_whoever_comes_by_a_match_has_the_instances_for_all() -> None:
    sizes: dict[Role, int] = {"live": 4, "candidate": 5, "variant-2": 5}
    inside = (Inside(RED, "candidate"), Inside(BLUE, "variant-2"))
    assert divided(_of(2, RED, BLUE), 4, 2, 5, 60.0) == (
        Step("start blue", sizes, LIVE, Ready("variant-2", 60.0)),
        Step("test", sizes, LIVE, LASTS, inside=inside),
    )
    alone = AB("conversion", match=GREEN, lasts=600.0)
    assert divided(alone, 4, 2, 5, 60.0) == (
        Step("test", {"live": 4, "candidate": 5}, LIVE, LASTS, inside=(Inside(GREEN, "candidate"),)),
    )


def test_the_ends_wait_until_nothing_is_left_of_the_other_variants() -> None:
    there, back = finish(4), gone(4)
    way = Course((step(), there), (step("half", 5000), back))
    wide = cleared(way, (Canary(), _of(3)))
    assert wide.steps[0] == way.steps[0]
    assert wide.back[0] == way.back[0]
    assert wide.steps[1].sizes == {"live": 0, "candidate": 4, "variant-2": 0, "variant-3": 0}
    assert wide.back[1].sizes == {"live": 4, "candidate": 0, "variant-2": 0, "variant-3": 0}
    assert (wide.steps[1].name, wide.back[1].name, wide.back[1].split) == ("finish", "back", back.split)
    assert cleared(way, (_of(2),)).back[1].sizes == {"live": 4, "candidate": 0, "variant-2": 0}
    for chain in ((_of(1),), (_of(0),), (Canary(),), ()):
        assert cleared(way, chain) == way


def test_a_chain_is_a_test_if_it_ends_with_one() -> None:
    assert trial.test_in((Canary(), _of(2))) == _of(2)
    assert trial.test_in((_of(2), Canary())) is None
    assert trial.test_in((Recreate(),)) is trial.test_in(()) is None


def test_a_trial_knows_its_variants_by_name_and_by_role() -> None:
    three = Trial(_of(3), ("g2", "g3", "g4"), ("red", "blue", "green"))
    assert [three.name(group) for group in ("g2", "g4", "g1")] == ["red", "green", "live"]
    assert three.others("g2") == ("g3", "g4")
    assert three.others("g3") == ("g2", "g4")
    assert not three.by_match()
    assert Trial(_of(2, RED, BLUE), ("g2", "g3"), ("red", "blue")).by_match()
    assert MOST == 1 + len(OTHERS) == 3
