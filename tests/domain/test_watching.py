"""A step at which users are watched: what it still lacks, how long it waits for that, and what follows then."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from tests.domain.onway import (
    CANARY,
    NOW,
    PACE,
    PLACE,
    V1,
    V3,
    as_wanted,
    course,
    found,
    on_way,
    said,
    table,
    target,
)

from plainsail.domain.checks import Word
from plainsail.domain.criteria import EvidenceCriteria, Metric
from plainsail.domain.driver import Driver
from plainsail.domain.evidence import Arm, Evidence, Verdict, Without
from plainsail.domain.judge import begin
from plainsail.domain.lifecycle import Changed, end, enter, event, turn_back
from plainsail.domain.observation import Counts, Seen
from plainsail.domain.patience import hold
from plainsail.domain.progress import progress
from plainsail.domain.rollout import Against, Group, Phase, Rollout
from plainsail.domain.strategy import BlueGreen, Rolling
from plainsail.domain.units import ALL

PASSED = said("pass", "proven for 50 % of users", proven_bp=5000)
UNSURE = said("unsure", "needs 12 more requests")
WATCHING = "watching until 5 s are over"


def look(
    one: Rollout, verdict: Verdict | None = None, seen: Seen | None = None, evidence: Evidence | None = None,
    now: float = NOW,
) -> Changed:  # fmt: skip
    return progress(target(one), as_wanted(one) if seen is None else seen, verdict, now, evidence)


def why(one: Rollout, verdict: Verdict | None = None, **look_of_it: Any) -> str:
    """It stays, for this reason."""
    changed = look(one, verdict, **look_of_it)
    after = changed.target.rollout
    assert after is not None
    known = replace(one, verdict=verdict or one.verdict, reached_bp=after.reached_bp)
    assert changed == Changed(target(replace(known, reason=after.reason)))
    return after.reason


def goes_on(one: Rollout, now: float = NOW, **changes: Any) -> Changed:
    entered = enter(replace(one, **changes), one.step + 1, now)
    entered = replace(entered, decided_at=now if entered.phase == "finishing" else one.decided_at)
    return Changed(target(entered), (entered,), (event("step_entered", entered, now),))


def paced(step: str = "10 %", pace: Any = PACE, **changes: Any) -> Rollout:
    """By this pace."""
    chain = changes.pop("chain", CANARY)
    place = replace(PLACE, pace=pace, **changes.pop("place", {}))
    way = course(
        chain, **{name: getattr(place, name) for name in ("pace", "evidence", "approvals", "checks")}
    )
    return on_way(step, course=way, placement=place, **changes)


def late(one: Rollout, by: float = 0.0) -> Rollout:
    """Its deadline was so long ago."""
    return replace(one, entered_at=NOW - 60.0 - by, in_force_at=NOW - 59.0 - by)


# What it lacks.


@pytest.mark.parametrize(("since", "goes"), [(4.9, False), (5.0, True)])
def test_what_is_proven_is_left_when_its_time_is_over(since: float, goes: bool) -> None:
    one = on_way(in_force_at=NOW - since)
    if goes:
        assert look(one, PASSED) == goes_on(one, verdict=PASSED)
    else:
        assert why(one, PASSED) == WATCHING


@pytest.mark.parametrize(("proven", "goes"), [(4_999, False), (5_000, True)])
def test_it_is_the_next_exposure_that_is_to_be_proven(proven: int, goes: bool) -> None:
    verdict = replace(UNSURE, proven_bp=proven)
    if goes:
        assert look(on_way(), verdict) == goes_on(on_way(), verdict=verdict)
    else:
        assert why(on_way(), verdict) == UNSURE.sentence


def test_nothing_is_proven_before_the_judge_has_looked() -> None:
    assert why(on_way()) == "the judge has not looked yet"
    by_time = paced(pace=replace(PACE, until="dwell"))
    assert look(by_time) == goes_on(by_time)


@pytest.mark.parametrize(
    ("step", "code", "goes"),
    [
        ("10 %", "few_requests", True),
        ("10 %", "no_data", False),
        ("10 %", "mismatch", False),
        ("bake", "no_data", False),
        ("bake", "mismatch", True),
    ],
)
def test_what_is_not_measured_or_not_alike_has_not_gone_well(step: str, code: str, goes: bool) -> None:
    one = paced(step, replace(PACE, until="dwell", bake=5.0))
    verdict = replace(UNSURE, code=code)
    if goes:
        baked = 9.0 if step == "bake" else 0.0
        assert look(one, verdict) == goes_on(one, verdict=verdict, baked=baked)
    else:
        assert why(one, verdict) == UNSURE.sentence


@pytest.mark.parametrize(
    ("requests", "lacks"),
    [(1_311, "1,211 of 1,212 requests of the candidate at this step"), (1_312, "")],
)
def test_so_many_requests_are_waited_for_at_each_step(requests: int, lacks: str) -> None:
    one = paced(pace=replace(PACE, requests=1_212), had=100)
    verdict = replace(PASSED, candidate=Arm(requests))
    if lacks:
        assert why(one, verdict) == lacks
    else:
        assert look(one, verdict) == goes_on(one, verdict=verdict)
    fewest = paced(pace=replace(PACE, until="dwell", requests=1))
    assert why(fewest, said(candidate=Arm(0))) == "0 of 1 request of the candidate at this step"


def test_a_person_is_waited_for_by_name_of_what_to_say() -> None:
    one = on_way("preview", course=course((BlueGreen(switch="manual"),)))
    wants = "waiting for a person: 'plainsail advance shop' goes on, 'plainsail abort shop' goes back"
    assert why(one) == wants
    by_hand = replace(one, words={f"{one.step}/approval": Word("go", NOW, by="bob")})
    assert look(by_hand) == goes_on(by_hand)


def test_metrics_before_the_first_user_are_waited_for() -> None:
    metric = Metric(source="s", value="q", max=1.0, during=("start",))
    one = paced("analysis", place={"evidence": EvidenceCriteria(metrics={"smoke": metric})})
    assert why(one) == "waiting for smoke (no window yet)"
    other = paced("analysis", place={"evidence": EvidenceCriteria(metrics={"smoke": metric})})
    bare = replace(other, placement=PLACE)
    assert look(bare) == goes_on(bare)


def test_the_others_of_a_replaced_instance_are_not_known_yet() -> None:
    one = on_way(retired=("g2-7", "g2-8"))
    evidence = replace(begin(NOW - 9.0), without=Without(NOW - 1.0, NOW, Counts()))
    wants = "waiting until g2-8, which is replaced, has answered what it was asked"
    assert why(one, PASSED, evidence=evidence) == wants


@pytest.mark.parametrize(
    ("exposed", "lacks"), [(5.1, ""), (5.0, ""), (4.75, "250 ms"), (0.0, "5 s"), (None, "")]
)
def test_nothing_is_left_while_the_candidate_warms_up(exposed: float | None, lacks: str) -> None:
    one = paced(place={"evidence": EvidenceCriteria(warm_up=5.0)})
    evidence = replace(begin(NOW - 9.0), exposed_at=None if exposed is None else NOW - exposed)
    if lacks:
        expected = f"the candidate warms up for another {lacks}, and nothing is compared before"
        assert why(one, PASSED, evidence=evidence) == expected
    else:
        assert look(one, PASSED, evidence=evidence) == goes_on(one, verdict=PASSED)
    assert look(one, PASSED) == goes_on(one, verdict=PASSED)


def test_what_is_not_in_force_is_not_watched() -> None:
    one = on_way(in_force_at=None)
    seen = replace(as_wanted(one), traffic=table(g1=ALL))
    nothing = "the traffic of this step is not in force: no instance is ready, or the router does not answer"
    assert why(one, PASSED, seen=seen) == nothing
    held = on_way()
    assert why(held, PASSED, seen=replace(seen, router_up=False, traffic=None)) == nothing


def test_the_next_step_takes_instances_away_so_these_have_to_be_there() -> None:
    one = on_way("2 of 4", course=course((Rolling(),)))
    seen = as_wanted(one)
    seen = replace(seen, groups={**seen.groups, "g2": found("g2", number=1)})
    verdict = replace(PASSED, proven_bp=ALL)
    assert why(one, verdict, seen=seen) == "1 of 2 instances ready"
    over = late(one)
    expected = "not proven after 1 min: 1 of 2 instances ready"
    held = replace(over, verdict=verdict)
    assert look(over, verdict, seen) == hold(target(held), held, expected, "unsure", NOW)


# Its deadline.


@pytest.mark.parametrize(
    ("by", "over"),
    [(-0.1, False), (0.0, True), (5.0, True)],
)
def test_at_the_deadline_policy_says_what_follows(by: float, over: bool) -> None:
    for does in ("hold", "rollback", "advance"):
        one = late(paced(pace=replace(PACE, on_unsure=does)), by)
        known = replace(one, verdict=UNSURE)
        if not over:
            assert why(one, UNSURE) == UNSURE.sentence
        elif does == "advance":
            assert look(one, UNSURE) == goes_on(known)
        elif does == "hold":
            told = "not proven after 1 min: needs 12 more requests"
            assert look(one, UNSURE) == hold(target(known), known, told, "unsure", NOW)
        else:
            told = "not proven after 1 min: needed 12 more requests"
            back = turn_back(target(known), known, "rolled_back", told, "unsure", "plainsail", NOW)
            assert look(one, UNSURE) == back


@pytest.mark.parametrize(("in_force", "over"), [(NOW - 59.9, False), (NOW - 60.0, True), (None, True)])
def test_what_is_watched_as_long_as_its_deadline_is_watched_from_when_it_was_in_force(
    in_force: float | None, over: bool
) -> None:
    one = paced(pace=replace(PACE, dwell=60.0), entered_at=NOW - 61.0, in_force_at=in_force)
    seen = as_wanted(one) if in_force else replace(as_wanted(one), router_up=False, traffic=None)
    after = look(one, UNSURE, seen).target.rollout
    assert after is not None
    assert (after.phase == "paused") == over


def test_a_longer_time_than_the_deadline_is_the_one_that_is_named() -> None:
    one = paced(pace=replace(PACE, dwell=90.0), entered_at=NOW - 120.0, in_force_at=NOW - 90.0)
    after = look(one, UNSURE).target.rollout
    assert after is not None
    assert after.reason.startswith("not proven after 1 min 30 s: needs 12 more requests; resume")


def test_who_goes_on_unsure_gives_up_a_baseline_that_never_came() -> None:
    one = paced(
        pace=replace(PACE, on_unsure="advance"), baseline="g3", entered_at=NOW - 60.0, in_force_at=None
    )
    seen = replace(as_wanted(one), router_up=False, traffic=None)
    assert look(one, UNSURE, seen) == goes_on(one, verdict=UNSURE, baseline=None)
    there = late(replace(one, in_force_at=NOW))
    assert look(there, UNSURE) == goes_on(there, verdict=UNSURE)


def test_how_long_all_users_had_it_is_known_then() -> None:
    one = paced("bake", replace(PACE, bake=5.0), in_force_at=NOW - 8.0)
    assert look(one, UNSURE) == goes_on(one, verdict=UNSURE, baked=8.0)


# Others, besides.

CHECK = {"10%": (Driver("webhook", {"name": "smoke"}),)}


def test_a_check_that_has_not_answered_is_waited_for_when_all_else_is_well() -> None:
    one = paced(place={"checks": CHECK})
    assert why(one, UNSURE) == UNSURE.sentence
    assert why(replace(one, in_force_at=NOW), PASSED) == WATCHING
    assert why(one, PASSED) == "waiting for the check smoke"
    said_go = replace(one, words={"1/0": Word("go", NOW)})
    assert look(said_go, PASSED) == goes_on(said_go, verdict=PASSED)


@pytest.mark.parametrize(
    ("does", "ending"), [("hold", None), ("rollback", "rolled_back"), ("advance", "rolled_back")]
)
def test_nobody_goes_on_unsure_past_a_check(does: Any, ending: Phase | None) -> None:
    one = late(paced(pace=replace(PACE, on_unsure=does), place={"checks": CHECK}))
    known = replace(one, verdict=PASSED)
    told = "not answered after 1 min: waiting for the check smoke"
    if ending is None:
        assert look(one, PASSED) == hold(target(known), known, told, "unsure", NOW)
    else:
        assert look(one, PASSED) == turn_back(target(known), known, ending, told, "unsure", "plainsail", NOW)


def test_a_check_before_the_first_user_fails_it() -> None:
    pace = replace(PACE, on_unsure="rollback")
    one = late(paced("confirm", pace, place={"checks": {"start": CHECK["10%"]}}))
    told = "not answered after 1 min: waiting for the check smoke"
    assert look(one) == turn_back(target(one), one, "failed", told, "unsure", "plainsail", NOW)


ASKS = "waiting for approval: 'plainsail approve shop' goes on, 'plainsail reject shop' takes it back"


def test_a_person_is_asked_when_nothing_else_is_lacking() -> None:
    one = paced(place={"approvals": ("10%",)})
    assert why(one, UNSURE) == UNSURE.sentence
    assert why(replace(one, in_force_at=NOW), PASSED) == WATCHING
    asked = replace(one, verdict=PASSED, words={"1/approval": Word("not_yet", NOW)}, reason=ASKS)
    told = event("approval_asked", replace(asked, reason_code="approval"), NOW)
    assert look(one, PASSED) == Changed(target(asked), (), (told,))
    assert why(asked, PASSED) == ASKS
    yes = replace(asked, words={"1/approval": Word("go", NOW)}, reason="")
    assert look(yes, PASSED) == goes_on(yes)


DAYS = 7 * 86_400.0


@pytest.mark.parametrize("does", ["hold", "rollback", "advance"])
def test_a_person_has_more_time_than_the_evidence(does: Any) -> None:
    pace = replace(PACE, on_unsure=does)
    one = paced(pace=pace, place={"approvals": ("10%",)}, words={"1/approval": Word("not_yet", 1.0)})
    one = replace(one, entered_at=NOW - DAYS + 1.0, in_force_at=NOW - DAYS + 2.0)
    assert why(one, PASSED) == ASKS
    known = replace(one, verdict=PASSED)
    told = f"not answered after 7 d: {ASKS}"
    at, changed = NOW + 1.0, look(one, PASSED, now=NOW + 1.0)
    if does == "hold":
        assert changed == hold(target(known), known, told, "unsure", at)
    else:
        assert changed == turn_back(target(known), known, "rolled_back", told, "unsure", "plainsail", at)


@pytest.mark.parametrize(
    ("entered", "in_force", "asked", "reason"),
    [
        (4.9, 4.9, False, UNSURE.sentence),  # it is watched first
        (5.0, 5.0, True, UNSURE.sentence),  # then asked, whatever the evidence
        (60.0, 59.0, True, ASKS),  # which is waited for no longer
        (59.9, 59.0, True, UNSURE.sentence),
    ],
)
def test_who_goes_on_unsure_is_asked_meanwhile(
    entered: float, in_force: float, asked: bool, reason: str
) -> None:
    one = paced(pace=replace(PACE, on_unsure="advance"), place={"approvals": ("10%",)})
    one = replace(one, entered_at=NOW - entered, in_force_at=NOW - in_force)
    after = replace(one, verdict=UNSURE, reason=reason)
    if asked:
        after = replace(after, words={"1/approval": Word("not_yet", NOW)})
    changed = look(one, UNSURE)
    told = replace(after, reason=ASKS, reason_code="approval")
    assert changed == Changed(target(after), (), (event("approval_asked", told, NOW),) if asked else ())


def test_nobody_is_asked_while_instances_are_missing_or_a_check_is() -> None:
    pace = replace(PACE, on_unsure="advance")
    both = paced(pace=pace, place={"approvals": ("10%",), "checks": CHECK})
    assert why(both, UNSURE) == UNSURE.sentence
    short = paced("2 of 4", pace, chain=(Rolling(),), place={"approvals": ("2of4",)})
    seen = as_wanted(short)
    seen = replace(seen, groups={**seen.groups, "g2": found("g2", number=1)})
    assert why(short, UNSURE, seen=seen) == "1 of 2 instances ready"


def test_at_the_deadline_nobody_goes_on_without_the_person_who_was_asked() -> None:
    """A no, in effect: it goes back although what is unsure may go on."""
    pace = replace(PACE, on_unsure="advance")
    one = paced(pace=pace, place={"approvals": ("10%",)}, words={"1/approval": Word("not_yet", 1.0)})
    one = replace(one, entered_at=NOW - DAYS, in_force_at=NOW - DAYS + 1.0)
    known = replace(one, verdict=UNSURE)
    told = f"not answered after 7 d: {ASKS}"
    assert look(one, UNSURE) == turn_back(
        target(known), known, "rolled_back", told, "unsure", "plainsail", NOW
    )


# How it ends.


@pytest.mark.parametrize(
    ("changes", "verdict", "told"),
    [
        ({}, None, "v2 has all users"),
        ({}, replace(UNSURE, candidate=Arm(0)), "v2 has all users"),
        ({}, said("pass", "proven for 100 % of users"), "v2 has all users: proven for 100 % of users"),
        ({"baked": 90.0}, None, "v2 has all users, and was watched with them for 1 min 30 s"),
        ({"retired": ("g2-0",)}, None, "v2 has all users, after 1 bad instance was replaced"),
        ({"retired": ("g2-0", "g2-1")}, None, "v2 has all users, after 2 bad instances were replaced"),
        ({"against": Against(failed=True)}, said("fail", "it needs 2; it needs more"),
         "v2 has all users: it needs 2; it needed more"),
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
