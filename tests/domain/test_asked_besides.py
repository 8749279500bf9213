"""A step that asks others besides the evidence: a check, a person; who waits for whom, and for how long."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from tests.domain.onway import (
    NOW,
    PACE,
    as_wanted,
    found,
    goes_on,
    late,
    look,
    paced,
    said,
    target,
    why,
)

from plainsail.domain.checks import Hooks, Word
from plainsail.domain.driver import Driver
from plainsail.domain.lifecycle import Changed, event, turn_back
from plainsail.domain.patience import hold
from plainsail.domain.rollout import Phase
from plainsail.domain.strategy import Rolling

PASSED = said("pass", "proven for 50 % of users", proven_bp=5000)
UNSURE = said("unsure", "needs 12 more requests")
WATCHING = "watching until 5 s are over"
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


def test_the_hook_before_is_waited_for_and_nothing_else_is() -> None:
    one = paced("before", place={"hooks": Hooks(before=CHECK["10%"])})
    assert why(one) == "waiting for the hook 'before' smoke"
    said_go = replace(one, words={"0/0": Word("go", NOW)})
    assert look(said_go) == goes_on(said_go)
    over = late(one)
    told = "not answered after 1 min: waiting for the hook 'before' smoke"
    assert look(over) == turn_back(target(over), over, "failed", told, "unsure", "plainsail", NOW)


ASKS = "waiting for approval: 'plainsail approve shop' goes on, 'plainsail reject shop' takes it back"


def test_a_person_is_asked_when_nothing_else_is_lacking() -> None:
    one = paced(place={"approvals": ("10%",)})
    assert why(one, UNSURE) == UNSURE.sentence
    assert why(replace(one, in_force_at=NOW), PASSED) == WATCHING
    one = replace(one, in_force_at=NOW - 5.0)
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
        (9.0, 4.9, False, UNSURE.sentence),
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


def test_the_evidence_has_no_more_time_for_a_person_who_could_be_asked() -> None:
    one = late(paced(place={"approvals": ("10%",)}))
    known = replace(one, verdict=UNSURE)
    told = "not proven after 1 min: needs 12 more requests"
    assert look(one, UNSURE) == hold(target(known), known, told, "unsure", NOW)


def test_who_goes_on_unsure_has_the_persons_time_for_a_check_too() -> None:
    pace = replace(PACE, on_unsure="advance")
    one = late(paced(pace=pace, place={"approvals": ("10%",), "checks": CHECK}))
    assert why(one, UNSURE) == UNSURE.sentence


def test_a_person_is_asked_though_the_traffic_never_comes() -> None:
    one = paced(pace=replace(PACE, on_unsure="advance"), place={"approvals": ("10%",)}, in_force_at=None)
    changed = look(one, UNSURE, replace(as_wanted(one), router_up=False, traffic=None))
    assert [event.kind for event in changed.events] == ["approval_asked"]
    early = replace(one, entered_at=NOW - 4.9)
    assert not look(early, UNSURE, replace(as_wanted(one), router_up=False, traffic=None)).events


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
