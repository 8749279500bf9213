"""A person's yes or no: which step asks for it, what it changes, and what is said where nobody is asked."""

from __future__ import annotations

import pytest
from tests.domain.part_way import (
    BY_HAND,
    GO,
    NO_GO,
    NOT_YET,
    NOW,
    SMOKE,
    part_way,
    step,
    target_of,
    told,
)
from tests.domain.stage import replace

from plainsail.domain import approval
from plainsail.domain.checks import Word
from plainsail.domain.intents import Approve, Reject
from plainsail.domain.lifecycle import Changed
from plainsail.domain.rollout import Phase
from plainsail.domain.strategy import Course, Ready, Step

ASKS = step(approve_within=100.0)
MANUAL = step(leave=BY_HAND)
SILENT = step()
LATER = step("50 %", 5000, approve_within=100.0)
ASKED = {"0/approval": NOT_YET}
GIVEN = {"0/approval": GO}


@pytest.mark.parametrize(
    ("one", "asks"),
    [
        (ASKS, True), (step(approve_within=0.0), True), (MANUAL, True), (SILENT, False),
        (step(leave=Ready("candidate", 9.0)), False), (step(leave=Ready("candidate", 9.0), approve_within=1.0), True),
    ],
)  # fmt: skip
def test_which_step_asks_a_person(one: Step, asks: bool) -> None:
    assert approval.asks(one) == asks


@pytest.mark.parametrize("phase", ["progressing", "paused"])
def test_a_person_is_waited_for_from_the_moment_they_were_asked_until_they_say_yes(phase: Phase) -> None:
    def awaited(one: Step, words: dict[str, Word]) -> bool:
        return approval.awaited(part_way(one, phase=phase, words=words))

    assert not awaited(ASKS, {}), "nobody was asked yet"
    assert not awaited(ASKS, {"1/approval": NOT_YET, "0/0": NOT_YET}), "that is another question"
    assert awaited(ASKS, ASKED)
    assert not awaited(ASKS, GIVEN)
    assert awaited(MANUAL, {}), "it asks as long as it lasts"
    assert not awaited(MANUAL, GIVEN)
    assert not awaited(SILENT, ASKED)


@pytest.mark.parametrize("phase", ["finishing", "rolling_back", "succeeded", "gated"])
def test_nobody_is_waited_for_when_it_is_decided(phase: Phase) -> None:
    course = Course((ASKS,), (ASKS,))
    assert not approval.awaited(part_way(phase=phase, words=ASKED, course=course))


def test_a_step_is_approved_by_a_yes_at_that_step() -> None:
    assert approval.approved(part_way(ASKS, words=GIVEN))
    assert not approval.approved(part_way(ASKS, words=ASKED))
    assert not approval.approved(part_way(ASKS, words={"0/0": GO, "1/approval": GO}))
    assert approval.approved(part_way(ASKS, LATER, step=1, words={"1/approval": GO}))


@pytest.mark.parametrize(
    ("verb", "code", "already"),
    [
        ("reject", "rejected", True), ("reject", "", False), ("reject", "aborted", False),
        ("approve", "rejected", False), ("approve", "", True), ("pause", "", False), ("pause", "rejected", False),
    ],
)  # fmt: skip
def test_saying_it_twice_is_known(verb: str, code: str, already: bool) -> None:
    """The step was approved, and nobody is asked any more."""
    assert approval.answered(verb, part_way(ASKS, words=GIVEN, reason_code=code)) == already


def test_a_yes_counts_for_the_step_it_was_given_at() -> None:
    """The first step was approved; the second one asks."""
    waiting = part_way(ASKS, LATER, step=1, words=GIVEN | {"1/approval": NOT_YET})
    assert approval.answered("approve", waiting, "10%")
    assert not approval.answered("approve", waiting, "50%")
    assert not approval.answered("approve", waiting, "start")
    assert not approval.answered("approve", waiting), "whoever names none means the present one"
    unasked = replace(waiting, words=GIVEN)
    assert approval.answered("approve", unasked)
    assert approval.answered("approve", unasked, "10 %")
    assert not approval.answered("approve", unasked, "50 %")
    assert not approval.answered("approve", replace(waiting, words={"0/0": GO}))


def test_blanks_in_the_name_of_a_step_make_no_difference() -> None:
    there = part_way(step("1 of 4"))
    assert approval.is_at(there, None)
    assert all(approval.is_at(there, name) for name in ("1 of 4", "1of4", "1 of4"))
    assert not approval.is_at(there, "2 of 4")


def test_what_a_step_that_asks_still_lacks() -> None:
    lacks = "waiting for approval: 'plainsail approve shop' goes on, 'plainsail reject shop' takes it back"
    assert approval.unapproved(part_way(ASKS)) == lacks
    assert approval.unapproved(part_way(ASKS, words=ASKED)) == lacks
    assert approval.unapproved(part_way(ASKS, words=GIVEN)) == ""
    assert approval.unapproved(part_way(SILENT)) == ""
    assert approval.unapproved(part_way(MANUAL)) == "", "that is said in other words"


def test_a_person_is_asked_once_and_last() -> None:
    checked = step(approve_within=100.0, checks=(SMOKE,))
    asked, events = approval.called_for(part_way(checked, words={"0/0": GO}), NOW)
    assert asked == part_way(checked, words={"0/0": GO, "0/approval": Word("not_yet", NOW)})
    why = "waiting for approval: 'plainsail approve shop' goes on, 'plainsail reject shop' takes it back"
    assert told(events) == [("approval_asked", "plainsail", why, "approval")]
    assert [one.at for one in events] == [NOW]
    for nothing_to_ask in (
        asked, part_way(checked), part_way(checked, words={"0/0": NO_GO}), part_way(SILENT), part_way(ASKS, words=GIVEN),
    ):  # fmt: skip
        assert approval.called_for(nothing_to_ask, NOW) == (nothing_to_ask, ())


def test_until_when_a_person_may_answer() -> None:
    assert approval.may_answer_until(part_way(ASKS, entered_at=850.0)) == 950.0
    assert approval.may_answer_until(part_way(step(approve_within=0.0), entered_at=850.0)) == 850.0
    assert approval.may_answer_until(part_way(ASKS, words=GIVEN)) == 0.0
    assert approval.may_answer_until(part_way(SILENT)) == 0.0


def test_a_yes_is_written_down_with_who_gave_it_and_why() -> None:
    rollout = part_way(ASKS, words=ASKED | {"0/0": GO}, reason="waiting", reason_code="x")
    yes = approval.answer(target_of(rollout), rollout, Approve("r2", "bob", "seen it"), NOW)
    given = replace(
        rollout, words={"0/0": GO, "0/approval": Word("go", NOW, "seen it", by="bob")}
    )  # and it goes on at the next look
    assert yes == Changed(target_of(given), (given,), yes.events)
    assert told(yes.events) == [("approval_given", "bob", "approved by bob: seen it", "approved")]
    assert [one.at for one in yes.events] == [NOW]
    without = approval.answer(target_of(rollout), rollout, Approve("r2", "bob"), NOW)
    assert told(without.events) == [("approval_given", "bob", "approved by bob", "approved")]


def test_a_yes_lets_go_on_what_was_held_because_nobody_had_answered() -> None:
    held = part_way(
        ASKS, words=ASKED, phase="paused", reason="not answered", reason_code="unsure", held_at=900.0, called_at=950.0
    )  # fmt: skip
    yes = approval.answer(target_of(held), held, Approve("r2", "bob"), NOW)
    given = replace(
        held, words={"0/approval": Word("go", NOW, by="bob")}, phase="progressing", reason="", reason_code="",
        entered_at=NOW, held_at=None, called_at=None,
    )  # fmt: skip
    assert yes.target.rollout == given
    paused = replace(held, reason="paused by eve", reason_code="paused")
    still = approval.answer(target_of(paused), paused, Approve("r2", "bob"), NOW).target.rollout
    assert still == replace(paused, words=given.words), "whoever paused it resumes it"
    unsure = replace(held, phase="progressing")
    goes_on = approval.answer(target_of(unsure), unsure, Approve("r2", "bob"), NOW).target.rollout
    assert goes_on == replace(unsure, words=given.words)


def test_a_second_yes_changes_nothing() -> None:
    rollout = part_way(ASKS, words=GIVEN)
    assert approval.answer(target_of(rollout), rollout, Approve("r2", "bob"), NOW) == Changed(
        target_of(rollout)
    )


def test_a_no_takes_it_back_as_aborted() -> None:
    for one, words in ((ASKS, {}), (ASKS, ASKED), (MANUAL, {})):
        rollout = part_way(one, words=words)
        no = approval.answer(target_of(rollout), rollout, Reject("r2", "bob", "too dear"), NOW)
        back = no.target.rollout
        assert back is not None
        assert (back.phase, back.ending, back.reason, back.reason_code, back.decided_at) == (
            "rolling_back", "aborted", "rejected by bob: too dear", "rejected", NOW,
        )  # fmt: skip
        assert told(no.events) == [("rollout_turned_back", "bob", "rejected by bob: too dear", "rejected")]
    shortly = approval.answer(target_of(rollout), rollout, Reject("r2", "bob"), NOW)
    assert [one.reason for one in shortly.events] == ["rejected by bob"]


@pytest.mark.parametrize("intent", [Approve("r2", "bob"), Reject("r2", "bob")])
def test_nobody_is_heard_on_the_way_back(intent: Approve | Reject) -> None:
    rollout = part_way(phase="rolling_back", reason_code="aborted")
    said = approval.answer(target_of(rollout), rollout, intent, NOW)
    assert said.target == target_of(rollout)
    assert told(said.events) == [
        ("intent_refused", "bob", "rollout r2 is on its way back already", "refused")
    ]
    assert [one.at for one in said.events] == [NOW]


def test_whoever_rejects_what_was_rejected_has_what_they_want() -> None:
    rollout = part_way(phase="rolling_back", reason_code="rejected")
    assert approval.answer(target_of(rollout), rollout, Reject("r2", "eve"), NOW) == Changed(
        target_of(rollout)
    )
    too_late = approval.answer(target_of(rollout), rollout, Approve("r2", "eve"), NOW)
    assert [one.kind for one in too_late.events] == ["intent_refused"]


@pytest.mark.parametrize("intent", [Approve, Reject])
def test_what_was_meant_for_another_step_is_refused(intent: type[Approve] | type[Reject]) -> None:
    rollout = part_way(ASKS, LATER, step=1, words=GIVEN | {"1/approval": NOT_YET})
    late = approval.answer(target_of(rollout), rollout, intent("r2", "bob", step=0), NOW)
    assert late.target == target_of(rollout)
    assert told(late.events) == [
        ("intent_refused", "bob", "rollout r2 has left that step already", "refused")
    ]
    assert [one.at for one in late.events] == [NOW]
    meant = approval.answer(target_of(rollout), rollout, intent("r2", "bob", step=1), NOW)
    assert [one.kind for one in meant.events] != ["intent_refused"]


@pytest.mark.parametrize(
    ("reason", "where"),
    [("", "step 10 %"), ("watching until 10 s are over", "step 10 %: watching until 10 s are over")],
)
def test_where_no_approval_is_waited_for_it_is_said_what_is(reason: str, where: str) -> None:
    rollout = part_way(reason=reason)
    target = target_of(rollout)
    yes = approval.answer(target, rollout, Approve("r2", "bob"), NOW)
    assert yes == Changed(target, (), yes.events)
    assert told(yes.events) == [
        ("intent_refused", "bob", f"no approval is waited for; rollout r2 is at {where}", "refused")
    ]
    no = approval.answer(target, rollout, Reject("r2", "bob"), NOW)
    assert no == Changed(target, (), no.events)
    assert told(no.events) == [
        (
            "intent_refused", "bob",
            f"no approval is waited for; rollout r2 is at {where}; abort takes it back", "refused",
        )
    ]  # fmt: skip
    assert [one.at for one in (*yes.events, *no.events)] == [NOW, NOW]
