"""How a rollout goes from step to step: what each kind of step waits for, and what is said meanwhile."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from tests.domain.onway import NOW, PLACE, V2, V3, as_wanted, course, found, on_way, said, table, target

from plainsail.domain.checks import Word
from plainsail.domain.decide import decide
from plainsail.domain.driver import Driver
from plainsail.domain.evidence import Arm
from plainsail.domain.lifecycle import Changed, end, enter, event, turn_back
from plainsail.domain.observation import Seen
from plainsail.domain.patience import hold
from plainsail.domain.progress import progress, tidy
from plainsail.domain.rollout import Group, Phase, Rollout
from plainsail.domain.strategy import Recreate, Rolling
from plainsail.domain.units import ALL


def look(one: Rollout, seen: Seen | None = None, now: float = NOW) -> Changed:
    """One look, by which the judge has nothing to say."""
    return progress(target(one), as_wanted(one) if seen is None else seen, None, now)


def stays(one: Rollout, reason: str = "") -> Changed:
    """Nothing but the reason is new."""
    return Changed(target(replace(one, reason=reason or one.reason)))


def goes_on(one: Rollout, now: float = NOW) -> Changed:
    entered = enter(one, one.step + 1, now)
    entered = replace(entered, decided_at=now if entered.phase == "finishing" else one.decided_at)
    return Changed(target(entered), (entered,), (event("step_entered", entered, now),))


def away(seen: Seen) -> Seen:
    """The router does not answer."""
    return replace(seen, router_up=False, traffic=None)


def lacking(one: Rollout, group: str, ready: int, **changes: Any) -> Seen:
    """As wanted, but of one group's instances only so many are ready."""
    seen = as_wanted(one)
    return replace(seen, groups={**seen.groups, group: found(group, number=ready, **changes)})


def test_without_a_rollout_nothing_moves() -> None:
    assert progress(target(), Seen(NOW), said("fail"), NOW) == Changed(target())


# Its traffic.


@pytest.mark.parametrize("step", ["start", "10 %", "100 %"])
def test_when_a_steps_traffic_is_in_force_its_time_begins(step: str) -> None:
    one = on_way(step, in_force_at=None, reason="0 of 1 instances ready", verdict=said(candidate=Arm(77)))
    moved = replace(one, in_force_at=NOW, had=77, reason="")
    event_of_it = Changed(target(moved), (moved,), (event("traffic_moved", moved, NOW),))
    changed = look(one)
    assert (changed.rollouts[:1], changed.events[:1]) == (event_of_it.rollouts, event_of_it.events)
    assert changed.target.rollout is not None
    assert (changed.target.rollout.in_force_at is None) == (step != "10 %"), "the others go on at once"
    assert look(replace(one, verdict=None)).rollouts[0].had == 0


@pytest.mark.parametrize(
    ("phase", "code", "kept"),
    [("rolling_back", "errors", True), ("rolling_back", "", True), ("paused", "paused", True), ("finishing", "", False)],
)  # fmt: skip
def test_why_it_waited_for_its_traffic_is_over_then_and_why_it_goes_back_is_not(
    phase: Phase, code: str, kept: bool
) -> None:
    steps: dict[Phase, Any] = {"rolling_back": 0, "paused": "10 %", "finishing": "finish"}
    one = on_way(
        steps[phase], phase=phase, reason="why", reason_code=code, in_force_at=None, held_at=NOW, live="g1"
    )
    busy = {"g1": found("g1"), "g2": found("g2")}
    changed = look(one, replace(as_wanted(one), groups=busy))
    assert [event.reason for event in changed.events] == ["why" if kept else ""]
    assert changed.target.rollout is not None
    assert replace(changed.target.rollout, reason=changed.rollouts[0].reason) == changed.rollouts[0]
    assert [(moved.in_force_at, moved.reason) for moved in changed.rollouts] == [(NOW, "why" if kept else "")]


def test_time_begins_anew_when_somebody_changes_its_traffic() -> None:
    one = on_way()
    changed = look(one, replace(as_wanted(one), traffic=table(g1=ALL)))
    assert changed == stays(
        replace(one, in_force_at=None),
        "the traffic of this step is not in force: no instance is ready, or the router does not answer",
    )


def test_while_the_router_does_not_answer_its_time_goes_on() -> None:
    one = on_way()
    after = look(one, away(as_wanted(one))).target.rollout
    assert after is not None
    assert after.in_force_at == one.in_force_at


def test_a_moment_that_is_yet_to_come_is_now() -> None:
    after = look(on_way(entered_at=NOW + 50.0, in_force_at=NOW + 60.0)).target.rollout
    assert after is not None
    assert (after.entered_at, after.in_force_at) == (NOW, NOW)


@pytest.mark.parametrize(("before", "share", "after"), [(0, 1000, 1000), (3000, 1000, 3000), (0, 0, 0)])
def test_the_most_it_has_had_is_what_was_seen(before: int, share: int, after: int) -> None:
    one = on_way(reached_bp=before)
    seen = replace(as_wanted(one), traffic=table(g2=share, g1=ALL - share))
    assert (decide(target(one), None, (), seen, NOW).target.rollout or one).reached_bp == after
    upkeep = on_way(kind="scale", candidate="g1", reached_bp=before)
    seen = replace(as_wanted(upkeep), traffic=table(g1=ALL))
    assert (decide(target(upkeep), None, (), seen, NOW).target.rollout or one).reached_bp == before


# Instances.


@pytest.mark.parametrize(
    ("ready", "changes", "why"),
    [
        (1, {}, "1 of 2 instances ready"),
        (0, {"failed_starts": 2, "trouble": "exited with status 1"},
         "0 of 2 instances ready (exited with status 1)"),
    ],
)  # fmt: skip
def test_a_start_says_how_many_are_ready(ready: int, changes: dict[str, Any], why: str) -> None:
    way = course((Rolling(max_surge=2),))
    one = on_way("start", course=way)
    assert one.current().sizes["candidate"] == 2
    assert look(one, lacking(one, "g2", ready, **changes)) == stays(one, why)


@pytest.mark.parametrize("step", ["start", "100 %"])
def test_when_all_are_ready_and_have_their_users_it_goes_on(step: str) -> None:
    one = on_way(step)
    assert look(one) == goes_on(one)
    more = lacking(one, "g2", 5)
    assert look(one, more) == goes_on(one)


def test_when_all_are_ready_and_the_router_is_away_it_says_nothing_new() -> None:
    one = on_way("100 %", in_force_at=None, reason="why")
    assert look(one, away(as_wanted(one))) == stays(one)


@pytest.mark.parametrize(("reached", "ending"), [(0, "failed"), (1, "rolled_back"), (5000, "rolled_back")])
def test_instances_that_never_come_take_it_back(reached: int, ending: Phase) -> None:
    one = on_way("100 %", reached_bp=reached, entered_at=NOW - 600.0)
    seen = away(lacking(one, "g2", 3, trouble="not ready within 5 s"))
    why = "3 of 4 instances ready (not ready within 5 s)"
    assert look(one, seen, NOW) == stays(one, why)
    late = f"v2: {why} after 10 min"
    back = turn_back(target(one), one, ending, late, "deadline", "plainsail", NOW + 0.1)
    assert look(one, seen, NOW + 0.1) == back


def test_traffic_that_never_comes_takes_it_back() -> None:
    one = on_way("100 %", in_force_at=None, entered_at=NOW - 601.0, reached_bp=0)
    seen = away(as_wanted(one))
    late = "v2: its traffic is not in force after 10 min"
    assert look(one, seen) == turn_back(target(one), one, "failed", late, "deadline", "plainsail", NOW)


RECREATED = course((Recreate(),))


@pytest.mark.parametrize(
    ("ready", "changes", "lacks"),
    [
        (3, {"trouble": "exited with status 2"}, "3 of 4 instances ready (exited with status 2)"),
        (4, {}, "no traffic"),
    ],
)
def test_when_the_release_before_does_not_start_again_it_ends_and_says_so(
    ready: int, changes: dict[str, Any], lacks: str
) -> None:
    one = on_way(
        1, course=RECREATED, phase="rolling_back", reason="v2 never became ready", entered_at=NOW - 600.0,
        in_force_at=None,
    )  # fmt: skip
    assert one.current().name == "start old"
    seen = away(lacking(one, "g1", ready, **changes))
    assert look(one, seen) == stays(one), "what it waits for on a way back is no reason of it"
    why = f"v2 never became ready; and the release before does not start again: {lacks}"
    ended = end(target(one), one, "failed", why, "nothing_starts", NOW + 0.1)
    assert look(one, seen, NOW + 0.1) == ended


# What is to end.


@pytest.mark.parametrize(
    ("left", "why"),
    [(1, "waiting for 1 old instance to end"), (2, "waiting for 2 old instances to end")],
)
def test_old_instances_have_time_to_end(left: int, why: str) -> None:
    one = on_way("finish", phase="finishing", in_force_at=NOW - 900.0)
    seen = lacking(one, "g1", left)
    assert look(one, seen) == stays(one, why)
    assert look(one, seen, NOW + 0.1).events[-1].kind == "rollout_ended"
    unseen = replace(one, in_force_at=None)
    assert look(unseen, away(seen), NOW + 900.0) == stays(unseen, why)
    none = away(as_wanted(unseen))
    assert look(unseen, none) == stays(unseen)


def test_those_on_their_way_out_are_not_gone() -> None:
    one = on_way("finish", phase="finishing")
    leaving = replace(as_wanted(one), groups={"g1": found("g1", "leaving", 1), "g2": found("g2")})
    assert look(one, leaving) == stays(one, "waiting for 1 old instance to end")


def test_a_live_group_that_is_made_smaller_waits_for_those_too_many() -> None:
    way = course()
    small = replace(way, steps=tuple(replace(step, sizes={"live": 2}) for step in way.steps))
    one = on_way("finish", course=small, kind="scale", candidate="g1", replicas=2, phase="finishing")
    before = replace(target(), rollout=one)
    seen = Seen(NOW, {"g1": found("g1", number=3)}, traffic=table(g1=ALL))
    waits = replace(before, rollout=replace(one, reason="waiting for 1 old instance to end"))
    assert progress(before, seen, None, NOW) == Changed(waits)


# Time, and others.


def test_a_share_on_the_way_back_lasts_as_long_as_it_says() -> None:
    there = on_way("50 %")
    back = turn_back(target(there), there, "aborted", "enough", "aborted", "bob", NOW, gradual=True)
    one = replace(back.rollouts[0], in_force_at=NOW)
    seen = as_wanted(one)
    assert look(one, seen, NOW + 4.9) == stays(one)
    assert look(one, seen, NOW + 5.0) == goes_on(one, NOW + 5.0)


def test_a_silent_check_holds_it_wherever_it_is() -> None:
    asked = course(checks={"10%": (Driver("webhook", {"name": "smoke"}),)})
    silent = Word("silent", NOW, "no connection", failures=4)
    one = on_way(course=asked, words={"1/0": silent})
    why = "the check smoke does not answer, asked 4 times: no connection"
    assert look(one) == hold(target(one), one, why, "check_silent", NOW)
    no = replace(one, words={"1/0": Word("no_go", NOW, "too slow")})
    refused = "the check smoke says no-go: too slow"
    for phase in ("progressing", "paused"):
        held = replace(no, phase=phase, held_at=NOW)
        expected = turn_back(target(held), held, "rolled_back", refused, "check_refused", "plainsail", NOW)
        assert look(held) == expected


def test_what_is_paused_stays_as_it_is() -> None:
    one = on_way(phase="paused", held_at=NOW, reason="lunch", reason_code="paused", entered_at=NOW - 9e5)
    assert look(one) == stays(one)


def test_clearing_up_is_when_it_was_decided() -> None:
    one = on_way("bake", course=course(pace=replace(PLACE.pace, bake=2.0)), verdict=said("pass", ""))
    entered = look(one).target.rollout
    assert entered is not None
    assert (entered.phase, entered.decided_at, entered.baked) == ("finishing", NOW, 9.0)
    before = replace(one, decided_at=NOW - 50.0)
    assert (look(before).target.rollout or one).decided_at == NOW - 50.0
    assert (look(on_way("start")).target.rollout or one).decided_at is None


def test_a_way_back_ends_as_it_was_meant_to() -> None:
    one = on_way(0, phase="rolling_back", ending="aborted", reason="enough", reason_code="aborted")
    assert look(one) == end(target(one), one, "aborted", "enough", "aborted", NOW)


# Groups that nothing is left of.


def test_what_nothing_is_left_of_is_forgotten() -> None:
    old = (Group("g8", "warm", V3, 1), Group("g9", "warm", V3, 1), Group("g7", "warm", V3, 1))
    before = target(on_way(), groups=(*target(on_way()).groups, *old))
    seen = Seen(
        NOW, {"g8": found("g8", "leaving", 1), "g7": found("g7", number=0)}, traffic=table(g9=1, g1=9_999)
    )
    assert tidy(before, seen) == replace(before, groups=(*target(on_way()).groups, *old[:2]))
    assert tidy(before, replace(seen, router_up=False)) == before
    whole = target(on_way())
    assert tidy(whole, seen) is whole
    assert tidy(target(), Seen(NOW)) == target(), "live is kept without an instance"


@pytest.mark.parametrize("role", ["candidate", "live", "baseline", "warm"])
def test_whom_a_rollout_needs_is_kept(role: str) -> None:
    needed = on_way(**{role: "g5"})
    before = replace(target(on_way()), rollout=needed, live="g1", groups=(Group("g5", "warm", V2, 1),))
    assert tidy(before, Seen(NOW)) == before
    assert tidy(replace(before, rollout=on_way()), Seen(NOW)).groups == ()
