"""What a step still lacks, in clauses for people, with their numbers; and what is left of those who are to go."""

from __future__ import annotations

import pytest
from tests.domain.handmade import parts, rollout, seen, step, there
from tests.domain.stage import replace

from plainsail.domain.lacking import emptied, instances, not_in_force, surplus, to_take_over, unready
from plainsail.domain.observation import Seen
from plainsail.domain.rollout import Rollout
from plainsail.domain.strategy import Role
from plainsail.domain.units import ALL

NO_ANSWER = "the traffic of this step is not in force: no instance is ready, or the router does not answer"


def world(ready: int, trouble: str = "") -> Seen:
    """Of the candidate."""
    return seen(there("g1", 4), replace(there("g2", ready), trouble=trouble))


# Instances of one role.


@pytest.mark.parametrize(
    ("ready", "said"), [(0, "0 of 2 instances ready"), (1, "1 of 2 instances ready"), (2, ""), (3, "")]
)
def test_those_that_are_ready_are_counted(ready: int, said: str) -> None:
    assert unready(rollout(step()), world(ready), "candidate", 2) == said


def test_with_what_happened_to_them() -> None:
    said = unready(rollout(step()), world(1, "exited with status 1 after 9 s"), "candidate", 4)
    assert said == "1 of 4 instances ready (exited with status 1 after 9 s)"


def test_of_a_group_that_nobody_has_seen_yet_none_is_ready() -> None:
    assert unready(rollout(step()), seen(), "candidate", 4) == "0 of 4 instances ready"


def test_a_role_that_nobody_has_lacks_nothing() -> None:
    assert unready(rollout(step()), seen(), "baseline", 4) == ""


# Those that the next step counts on.


def shrinking(live_now: int, live_next: int, share: int = 1000) -> Rollout:
    here = step(sizes={"live": live_now, "candidate": 2}, split=parts(candidate=share, live=ALL - share))
    return rollout(here, step(sizes={"live": live_next, "candidate": 4}))


def test_where_live_is_made_smaller_all_of_the_candidate_s_must_be_ready() -> None:
    assert to_take_over(shrinking(4, 3), world(1, "killed")) == "1 of 2 instances ready (killed)"
    assert to_take_over(shrinking(4, 3), world(2)) == ""
    assert to_take_over(shrinking(1, 0), world(1)) == "1 of 2 instances ready"


def test_where_live_stays_as_it_is_nobody_is_counted_on() -> None:
    assert to_take_over(shrinking(4, 4), world(1)) == ""
    assert to_take_over(shrinking(0, 0), world(1)) == ""
    assert to_take_over(shrinking(3, 4), world(1)) == ""


@pytest.mark.parametrize(("share", "counts"), [(0, False), (1, True), (ALL - 1, True), (ALL, False)])
def test_only_a_candidate_with_some_of_the_users_takes_over_more_of_them(share: int, counts: bool) -> None:
    """Where nobody has it yet, and where all have, a condition of its own says what is waited for."""
    assert bool(to_take_over(shrinking(4, 3, share), world(1))) is counts


def test_a_live_of_which_the_next_step_says_nothing_has_none_there() -> None:
    here, after = step(), step(sizes={"candidate": 4})
    assert to_take_over(rollout(here, after), world(1)) == "1 of 2 instances ready"
    nothing_said = step(sizes={"candidate": 2})
    assert to_take_over(rollout(nothing_said, after), world(1)) == ""
    one = step(sizes={"live": 1, "candidate": 2})
    assert to_take_over(rollout(one, after), world(1)) == "1 of 2 instances ready"


def test_the_present_step_is_the_one_that_is_asked() -> None:
    steps = (step(), step(sizes={"live": 4, "candidate": 3}), step(sizes={"live": 3, "candidate": 4}))
    assert to_take_over(rollout(*steps), world(1)) == ""
    assert to_take_over(rollout(*steps, step=1), world(1)) == "1 of 3 instances ready"


@pytest.mark.parametrize(
    ("live", "warm", "said"),
    [(4, 2, ""), (5, 1, ""), (4, 1, "1 of 2 instances ready"), (3, 2, "1 of 2 instances ready")],
)
def test_instances_of_a_superseded_candidate_count_with_live_s(live: int, warm: int, said: str) -> None:
    """Whoever has fewer users then: what the new one does not have yet, these carry together."""
    here, after = step(sizes={"live": 4, "candidate": 2, "warm": 2}), step(sizes={"live": live, "warm": warm})
    assert to_take_over(rollout(here, after), world(1)) == said


def test_one_that_is_gone_in_the_next_step_is_counted_on() -> None:
    here = step(sizes={"live": 4, "candidate": 2, "warm": 1})
    assert to_take_over(rollout(here, step()), world(1)) == "1 of 2 instances ready"
    assert to_take_over(rollout(step(), here), world(1)) == ""


# Traffic.


def test_a_step_without_its_traffic_says_which_instances_lack() -> None:
    said = not_in_force(rollout(step()), world(1, "killed"))
    assert said == "the traffic of this step is not in force: 1 of 2 instances ready (killed)"


def test_where_all_are_ready_it_is_the_router_that_does_not_answer() -> None:
    assert not_in_force(rollout(step()), world(2)) == NO_ANSWER
    away = replace(world(1), router_up=False)
    assert not_in_force(rollout(step()), away) == NO_ANSWER


def test_a_baseline_that_lacks_is_named_first() -> None:
    sizes: dict[Role, int] = {"live": 4, "candidate": 2, "baseline": 2}
    compared = rollout(step(sizes=sizes), baseline="g3")
    both_lack = seen(there("g1", 4), there("g2", 1), there("g3", 1))
    assert not_in_force(compared, both_lack) == (
        "the baseline, which it is compared with, is not there: 1 of 2 instances ready"
    )
    it_is_there = seen(there("g1", 4), there("g2", 1), there("g3", 2))
    assert not_in_force(compared, it_is_there) == (
        "the traffic of this step is not in force: 1 of 2 instances ready"
    )
    given_up = replace(compared, baseline=None)
    assert not_in_force(given_up, it_is_there) == (
        "the traffic of this step is not in force: 1 of 2 instances ready"
    )


def test_a_step_that_asks_for_no_instances_of_theirs_lacks_none() -> None:
    nobody = rollout(step(sizes={"live": 4}), baseline="g3")
    assert not_in_force(nobody, world(0)) == NO_ANSWER


# Who is to go.


def test_groups_without_instances_are_those_of_which_the_step_wants_none() -> None:
    sizes: dict[Role, int] = {"live": 0, "candidate": 4, "baseline": 0}
    assert emptied(rollout(step(sizes=sizes))) == ("g1",)
    assert emptied(rollout(step(sizes=sizes), baseline="g3")) == ("g1", "g3")
    assert emptied(rollout(step())) == ()


@pytest.mark.parametrize(("asked", "left"), [(6, 0), (5, 0), (4, 1), (1, 4), (0, 0)])
def test_of_a_live_that_is_made_smaller_those_too_many_are_left(asked: int, left: int) -> None:
    """Also those that leave already; and one of which nothing stays is not made smaller, it ends."""
    scaled = rollout(step(sizes={"live": asked}), kind="scale", candidate="g1")
    assert surplus(scaled, seen(there("g1", 3, leaving=2))) == left


def test_only_a_change_of_size_leaves_too_many() -> None:
    other = rollout(step(sizes={"live": 1}), candidate="g1")
    assert surplus(other, seen(there("g1", 4))) == 0
    nothing_said = rollout(step(sizes={}), kind="scale", candidate="g1")
    assert surplus(nothing_said, seen(there("g1", 4))) == 0


def test_instances_are_counted_whatever_their_state() -> None:
    assert instances(seen(there("g1", 1, starting=1, unready=1, leaving=1)), "g1") == 4
    assert instances(seen(there("g1", 1)), "g2") == 0
