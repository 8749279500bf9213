"""What users keep of a superseded release, step by step: each step whole."""

from __future__ import annotations

from typing import Any

import pytest
from tests.domain.part_way import NOW, WATCHED, part_way, step, target_of
from tests.domain.stage import replace

from plainsail.domain.match import Match
from plainsail.domain.observation import Seen
from plainsail.domain.rollforward import begins_there, given_up, in_full, keeping, reached, taken
from plainsail.domain.steps import finish, gone, split_at
from plainsail.domain.strategy import (
    AB,
    BlueGreen,
    Canary,
    Chain,
    Course,
    Exposed,
    Incremental,
    Part,
    Recreate,
    Rolling,
    RollingCanary,
)
from plainsail.domain.traffic import GroupShare, Route, Traffic

HAD = Exposed(4000, 2)
BACK = (
    step("80 %", 8000, sizes={"live": 1, "candidate": 4}),
    step("60 %", 6000, sizes={"live": 2, "candidate": 3}),
    gone(4),
)


@pytest.mark.parametrize(
    ("chain", "takes", "there"),
    [
        ((Canary(),), True, True), ((Incremental(), Rolling()), True, True), ((Rolling(),), True, False),
        ((BlueGreen(), Canary()), True, False), ((RollingCanary(),), True, False),
        ((AB("conversion"),), False, False), ((BlueGreen(), AB("conversion")), False, False),
        ((Recreate(),), False, False),
    ],
)  # fmt: skip
def test_who_takes_over_and_who_begins_at_that_share(chain: Chain, takes: bool, there: bool) -> None:
    assert taken(chain, HAD) == (HAD if takes else None)
    assert taken(chain, None) is None
    assert begins_there(chain) == there


@pytest.mark.parametrize(
    ("share", "split"),
    [
        (0, [("warm", 4000), ("live", 6000)]),
        (1000, [("candidate", 1000), ("warm", 3000), ("live", 6000)]),
        (3999, [("candidate", 3999), ("warm", 1), ("live", 6000)]),
    ],
)
def test_below_what_they_had_users_are_taken_from_the_superseded_ones(
    share: int, split: list[tuple[str, int]]
) -> None:
    kept = keeping(step(share=share), HAD)
    assert [(part.role, part.share_bp) for part in kept.split] == split
    assert kept == replace(step(share=share), split=kept.split, sizes={"live": 4, "candidate": 1, "warm": 2})


@pytest.mark.parametrize("share", [4000, 4001, 9999])
def test_from_what_they_had_on_a_step_is_as_it_is(share: int) -> None:
    assert keeping(step(share=share), HAD) == step(share=share)
    for end in (finish(4), gone(4)):
        assert keeping(end, HAD) == end


def test_a_step_that_counts_instances_says_how_many_stay() -> None:
    counted = step(sizes={"live": 3, "candidate": 1, "warm": 1})
    assert keeping(counted, HAD).sizes == counted.sizes
    assert keeping(replace(counted, sizes={**counted.sizes, "warm": 0}), HAD).sizes["warm"] == 0


@pytest.mark.parametrize(
    ("had", "split"),
    [
        (4000, [("candidate", 1000), ("warm", 3000), ("baseline", 1000), ("live", 5000)]),
        (9500, [("candidate", 1000), ("warm", 8500), ("baseline", 500)]),
        (9000, [("candidate", 1000), ("warm", 8000), ("baseline", 1000)]),
    ],
)
def test_a_baseline_has_of_lives_users_what_there_is(had: int, split: list[tuple[str, int]]) -> None:
    compared = replace(step(), split=split_at(1000, True))
    assert [(part.role, part.share_bp) for part in keeping(compared, Exposed(had, 2)).split] == split


def test_what_is_given_up_is_lives_with_as_many_instances_as_it_had() -> None:
    there = (
        keeping(step("start", 0, sizes={"live": 4, "candidate": 1}), HAD),
        keeping(step("half", 1000, sizes={"live": 1, "candidate": 2}), HAD),
        step("80 %", 8000, sizes={"live": 1, "candidate": 4, "warm": 1}),
        finish(4),
    )
    rollout = part_way(course=Course(there, BACK), warm="g9")
    one, two, three, last = given_up(rollout).course.steps
    assert one == replace(there[0], sizes={"live": 4, "candidate": 1}, split=(Part("live", 10_000),))
    assert two == replace(
        there[1], sizes={"live": 3, "candidate": 2}, split=(Part("candidate", 1000), Part("live", 9000))
    )
    assert three == replace(there[2], sizes={"live": 2, "candidate": 4})
    assert last == finish(4)
    assert given_up(rollout) == replace(
        rollout, warm=None, course=Course((one, two, three, last), rollout.course.back)
    )


def test_in_full_live_is_there_while_users_keep_the_superseded_one() -> None:
    there = (
        keeping(step("start", 0, sizes={"live": 1, "candidate": 1}), HAD),
        step("80 %", 8000, sizes={"live": 1, "candidate": 4, "warm": 1}),
        finish(4),
    )
    rollout = part_way(course=Course(there, BACK), warm="g9")
    start = replace(there[0], sizes={"live": 4, "candidate": 1, "warm": 2})
    assert in_full(rollout) == replace(rollout, course=Course((start, *there[1:]), BACK))


def test_where_live_has_no_instances_it_is_given_none() -> None:
    bare = step("start", 0, sizes={"candidate": 1, "warm": 2}, leave=WATCHED)
    none = part_way(course=Course((replace(bare, split=(Part("warm", 10_000),)),), (gone(None),)), warm="g9")
    (given,) = given_up(none).course.steps
    assert (given.sizes, given.split) == ({"candidate": 1, "live": 0}, (Part("live", 10_000),))
    assert in_full(none).course.steps[0].sizes == {"candidate": 1, "warm": 2, "live": 0}
    four = part_way(course=Course(none.course.steps, BACK), warm="g9")
    assert given_up(four).course.steps[0].sizes == {"candidate": 1, "live": 2}


def test_what_users_have_is_known_before_anybody_s_wish_is_looked_at() -> None:
    def reached_with(shares: dict[str, int], **fields: Any) -> int:
        rollout = part_way(**fields)
        split = tuple(GroupShare(group, share) for group, share in shares.items())
        table = Traffic("shop", (), (Route(Match(), split),), {}, "g1", rollout.placement.shield, None, 1.0)
        after = reached(target_of(rollout), Seen(NOW, traffic=table))
        assert after.rollout is not None
        assert after == target_of(replace(rollout, reached_bp=after.rollout.reached_bp))
        return after.rollout.reached_bp

    assert reached_with({"g2": 1000, "g1": 9000}) == 1000
    assert reached_with({"g2": 1000, "g1": 9000}, reached_bp=3000) == 3000
    assert reached_with({"g1": 10_000}, candidate="g1") == 0, "a restart has no candidate of its own"
    assert reached(target_of(None), Seen(NOW)) == target_of(None)
