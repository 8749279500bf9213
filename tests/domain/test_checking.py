"""Checks and hooks one by one: when each is asked, what is kept of its answer, and what is said of it."""

from __future__ import annotations

import pytest
from tests.domain.part_way import (
    GO,
    NO_GO,
    NOT_YET,
    NOW,
    SMOKE,
    STRICT,
    part_way,
    says,
    step,
    target_of,
    told,
)
from tests.domain.stage import replace

from plainsail.domain import checking
from plainsail.domain.checking import HOOK_WITHIN, Due
from plainsail.domain.checks import Errand, Question, Told, Word
from plainsail.domain.driver import Driver
from plainsail.domain.events import Event
from plainsail.domain.lifecycle import Changed
from plainsail.domain.questions import question
from plainsail.domain.rollout import Phase
from plainsail.domain.strategy import Course, Judged, Ready, Step

CHECKED = step(checks=(SMOKE, STRICT))
HOOKED = step("before", 0, leave=Judged("hooked", 0, 0.0, 60.0, "rollback"), checks=(SMOKE,))
SILENT = Word("silent", 900.0, "no connection", 3)
FAILED = Word("not_yet", 900.0, "no connection", 1)
THIRD = Driver("job")
AFTER = Question(
    "r1/after/0", "after", "shop", "production", "r1", "canary", "bake", 10_000, "sha256:1", "v1", None, None, "ada",
    "succeeded",
)  # fmt: skip
ERRAND = Errand(AFTER, SMOKE, 800.0)


@pytest.mark.parametrize(
    ("word", "now", "is_due"),
    [
        (None, 900.0, True), (NOT_YET, 904.9, False), (NOT_YET, 905.0, True), (NOT_YET, 900.0, False),
        (NOT_YET, 899.9, True), (GO, 999.0, False), (GO, 800.0, False), (NO_GO, 999.0, False), (SILENT, 999.0, False),
    ],
)  # fmt: skip
def test_a_check_is_asked_at_once_and_again_in_its_time_until_it_has_answered(
    word: Word | None, now: float, is_due: bool
) -> None:
    """Asked at 900 s, every 5 s. What was asked later than now was written down by another clock: it is asked at once."""
    target = target_of(part_way(step(checks=(SMOKE,)), words={"0/0": word} if word else {}))
    assert [one.word for one in checking.due(target, now)] == ([word] if is_due else [])
    errand = target_of(None, errands=(replace(ERRAND, word=word),))
    assert [one.word for one in checking.due(errand, now)] == ([word] if is_due else [])


def test_what_is_due_is_errands_first_and_then_the_checks_of_the_step() -> None:
    rollout = part_way(CHECKED, words={"0/1": NOT_YET})
    target = target_of(rollout, errands=(ERRAND,))
    assert checking.due(target, NOW) == (
        Due(AFTER, SMOKE, None),
        Due(question(target, rollout, "check", 0), SMOKE, None),
        Due(question(target, rollout, "check", 1), STRICT, NOT_YET),
    )
    hooked = part_way(HOOKED)
    assert [one.question.moment for one in checking.due(target_of(hooked), NOW)] == ["before"]
    assert checking.due(target_of(None), NOW) == ()


@pytest.mark.parametrize(
    ("phase", "in_force_at", "asked"),
    [
        ("progressing", 0.0, True), ("paused", 860.0, True), ("progressing", None, False), ("finishing", 860.0, False),
        ("rolling_back", 860.0, False),
    ],
)  # fmt: skip
def test_nobody_is_asked_before_the_traffic_is_in_force_or_on_the_way_back(
    phase: Phase, in_force_at: float | None, asked: bool
) -> None:
    rollout = part_way(phase=phase, in_force_at=in_force_at, course=Course((CHECKED,), (CHECKED,)))
    assert len(checking.due(target_of(rollout), NOW)) == (2 if asked else 0)


def test_what_is_to_be_known_at_present_has_keys() -> None:
    rollout = part_way(CHECKED, step("50 %", 5000, checks=(SMOKE,)), words={"0/0": GO})
    assert checking.open_questions(target_of(rollout, errands=(ERRAND,))) == {
        "r2/0/0",
        "r2/0/1",
        "r1/after/0",
    }
    assert checking.open_questions(target_of(replace(rollout, step=1))) == {"r2/1/0"}
    assert checking.open_questions(target_of(None)) == set()
    back = replace(rollout, phase="rolling_back", course=Course((CHECKED,), (CHECKED,)))
    assert checking.open_questions(target_of(back)) == set()


@pytest.mark.parametrize(
    ("before", "answer", "word"),
    [
        (None, says("go", "done"), Word("go", NOW, "done")),
        (FAILED, says("no_go", "bad"), Word("no_go", NOW, "bad")),
        (FAILED, says("not_yet"), Word("not_yet", NOW)),  # an answer ends a row of failures
        (None, says("none", "no connection"), Word("not_yet", NOW, "no connection", 1)),
        (FAILED, says("none", "again"), Word("not_yet", NOW, "again", 2)),
        (Word("not_yet", 900.0, "", 2), says("none", "again"), Word("silent", NOW, "again", 3)),
        (NOT_YET, says("none"), Word("not_yet", NOW, "", 1)),
        (NOT_YET, says("go", at=900.0), NOT_YET),  # each answer is taken once
        (NOT_YET, None, NOT_YET),
        (GO, says("no_go"), GO), (NO_GO, says("go"), NO_GO), (SILENT, says("go"), SILENT),
        (None, says("go", "x" * 201), Word("go", NOW, "x" * 200)),
        (None, says("none", "x" * 201), Word("not_yet", NOW, "x" * 200, 1)),
    ],
)  # fmt: skip
def test_what_is_kept_of_an_answer(before: Word | None, answer: Told | None, word: Word) -> None:
    """Of a check that is asked twice more after a failure; a hook afterwards is kept in the same way."""
    rollout = part_way(CHECKED, words={"0/0": before} if before else {})
    said = {"r2/0/0": answer} if answer else {}
    heard = checking.heard(target_of(rollout), said, NOW)
    assert heard.target.rollout == replace(rollout, words={"0/0": word})
    assert bool(heard.events) == (word.final() and word != before), "that is told once"
    errand = target_of(None, errands=(replace(ERRAND, word=before),))
    left = checking.heard(errand, {"r1/after/0": answer} if answer else {}, NOW).target.errands
    assert left == (() if word.final() else (replace(ERRAND, word=word),))


def test_what_was_answered_for_good_is_told_and_recorded() -> None:
    rollout, target = part_way(CHECKED), target_of(part_way(CHECKED))
    heard = checking.heard(target, {"r2/0/0": says("go", "all well"), "r2/0/1": says("not_yet", "soon")}, NOW)
    words = {"0/0": Word("go", NOW, "all well"), "0/1": Word("not_yet", NOW, "soon")}
    known = replace(rollout, words=words)
    assert heard == Changed(target_of(known), (known,), heard.events)
    assert told(heard.events) == [
        ("check_answered", "plainsail", "the check smoke says go: all well", "check_go")
    ]
    (happened,) = heard.events
    assert (happened.at, happened.data["check"], happened.data["answer"], happened.data["version"]) == (
        NOW, "smoke", "go", "v2",
    )  # fmt: skip
    not_yet = checking.heard(target, {"r2/0/0": says("not_yet")}, NOW)
    assert not_yet == Changed(target_of(replace(rollout, words={"0/0": Word("not_yet", NOW)})))
    assert checking.heard(target, {"r2/1/0": says("go"), "r1/0/0": says("go")}, NOW) == Changed(target)


@pytest.mark.parametrize(
    ("before", "answer", "sentence", "code"),
    [
        (None, says("no_go", "bad"), "the check webhook says no-go: bad", "check_no_go"),
        (None, says("no_go"), "the check webhook says no-go", "check_no_go"),
        (FAILED, says("none", "down"), "the check webhook does not answer, asked 2 times: down", "check_silent"),
    ],
)  # fmt: skip
def test_what_is_said_of_an_answer_for_good(
    before: Word | None, answer: Told, sentence: str, code: str
) -> None:
    rollout = part_way(CHECKED, words={"0/1": before} if before else {})
    heard = checking.heard(target_of(rollout), {"r2/0/1": answer}, NOW)
    assert [(one.reason, one.code) for one in heard.events] == [(sentence, code)]
    assert heard.rollouts == (heard.target.rollout,)


@pytest.mark.parametrize(
    ("phase", "heard"),
    [("progressing", True), ("paused", True), ("finishing", False), ("rolling_back", False)],
)
def test_answers_count_while_it_can_still_be_decided(phase: Phase, heard: bool) -> None:
    rollout = part_way(phase=phase, course=Course((CHECKED,), (CHECKED,)))
    target = target_of(rollout, errands=(ERRAND,))
    said = {"r2/0/0": says("go"), "r1/after/0": says("not_yet")}
    after = checking.heard(target, said, NOW)
    assert bool(after.target.rollout and after.target.rollout.words) == heard
    assert [one.word for one in after.target.errands] == [Word("not_yet", NOW)], "hooks are heard at any time"
    without = checking.heard(target_of(None, errands=(ERRAND,)), said, NOW)
    assert without == Changed(target_of(None, errands=after.target.errands))


@pytest.mark.parametrize(
    ("word", "now", "sentence", "code", "answer"),
    [
        (GO, NOW, "the hook 'after' smoke is done", "hook_go", "go"),
        (replace(GO, why="sent"), NOW, "the hook 'after' smoke is done: sent", "hook_go", "go"),
        (replace(NO_GO, why="full"), NOW, "the hook 'after' smoke failed: full", "hook_no_go", "no_go"),
        (SILENT, NOW, "the hook 'after' smoke does not answer: no connection", "hook_silent", "silent"),
        (None, 4400.1, "the hook 'after' smoke does not answer", "hook_silent", "silent"),
        (NOT_YET, 4400.1, "the hook 'after' smoke was not done after 1 h", "hook_not_yet", "not_yet"),
        (FAILED, 4400.1, "the hook 'after' smoke was not done after 1 h: no connection", "hook_not_yet", "not_yet"),
    ],
)  # fmt: skip
def test_a_hook_that_is_over_is_told_and_forgotten(
    word: Word | None, now: float, sentence: str, code: str, answer: str
) -> None:
    """It has answered, or an hour is over."""
    other = replace(ERRAND, since=now)
    target = target_of(None, errands=(replace(ERRAND, word=word), other))
    heard = checking.heard(target, {}, now)
    assert heard == Changed(target_of(None, errands=(other,)), (), heard.events)
    (one,) = heard.events
    assert one == Event(
        "hook_ended", now, "shop", "production", "r1", "plainsail", sentence, code,
        {"hook": "after", "check": "smoke", "answer": answer, "version": "v1"},
    )  # fmt: skip


def test_a_hook_has_an_hour_and_no_less() -> None:
    target = target_of(None, errands=(replace(ERRAND, word=NOT_YET),))
    assert checking.heard(target, {}, ERRAND.since + HOOK_WITHIN) == Changed(target)
    assert not checking.heard(target, {}, ERRAND.since + HOOK_WITHIN + 0.1).target.errands


def test_what_is_asked_is_the_present_steps_by_number() -> None:
    rollout = part_way(
        CHECKED, step("50 %", 5000, checks=(THIRD, SMOKE)), step=1, words={"0/0": NO_GO, "1/1": GO}
    )
    assert list(checking.asked(rollout)) == [(0, THIRD, None), (1, SMOKE, GO)]
    back = replace(rollout, phase="rolling_back", step=0, course=Course((CHECKED,), (CHECKED,)))
    assert list(checking.asked(back)) == []


@pytest.mark.parametrize(
    ("one", "words", "found"),
    [
        (CHECKED, {}, None),
        (CHECKED, {"0/0": GO, "0/1": NOT_YET}, None),
        (CHECKED, {"0/0": NO_GO}, ("the check smoke says no-go", "check_refused")),
        (CHECKED, {"0/0": GO, "0/1": replace(NO_GO, why="bad")}, ("the check webhook says no-go: bad", "check_refused")),
        (CHECKED, {"0/0": SILENT}, None),  # it holds for a person
        (CHECKED, {"0/0": SILENT, "0/1": NO_GO}, ("the check webhook says no-go", "check_refused")),
        (CHECKED, {"0/1": SILENT},
         ("the check webhook does not answer, asked 3 times: no connection", "check_silent")),
        (HOOKED, {"0/0": SILENT},
         ("the hook 'before' smoke does not answer, asked 3 times: no connection", "check_silent")),
        (HOOKED, {"0/0": NOT_YET}, None), (HOOKED, {"0/0": GO}, None), (HOOKED, {}, None),
        (step(checks=(STRICT,)), {"0/0": GO}, None),
        (step(checks=(STRICT,)), {"0/0": FAILED}, None),
    ],
)  # fmt: skip
def test_a_no_ends_it_and_so_does_silence_where_it_was_asked_to(
    one: Step, words: dict[str, Word], found: tuple[str, str] | None
) -> None:
    unseen, seen = part_way(one, words=words), part_way(one, words=words, reached_bp=1)
    assert checking.refused(unseen) == (found and ("failed", *found))
    assert checking.refused(seen) == (found and ("rolled_back", *found)), "users have had it"


def test_silence_holds_and_is_forgiven_to_whoever_resumes() -> None:
    rollout = part_way(CHECKED, words={"0/0": GO, "0/1": SILENT, "1/0": SILENT, "00/0": SILENT})
    assert checking.silent(rollout) == "the check webhook does not answer, asked 3 times: no connection"
    assert checking.silent(part_way(CHECKED, words={"0/0": NO_GO, "0/1": NOT_YET})) == ""
    assert checking.silent(part_way(CHECKED)) == ""
    once = part_way(CHECKED, words={"0/0": Word("silent", 900.0, "", 1)})
    assert checking.silent(once) == "the check smoke does not answer, asked 1 time"
    assert checking.forgiven(rollout) == {"0/0": GO, "1/0": SILENT, "00/0": SILENT}
    assert checking.forgiven(part_way(CHECKED, words={"0/0": NO_GO, "0/1": NOT_YET})) == {
        "0/0": NO_GO, "0/1": NOT_YET,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("one", "words", "lacks"),
    [
        (step(), {}, ""),
        (CHECKED, {"0/0": GO, "0/1": GO}, ""),
        (CHECKED, {}, "waiting for the check smoke and 1 other"),
        (CHECKED, {"0/0": GO}, "waiting for the check webhook"),
        (CHECKED, {"0/1": GO}, "waiting for the check smoke"),
        (step(checks=(SMOKE, STRICT, THIRD)), {}, "waiting for the check smoke and 2 others"),
        (HOOKED, {}, "waiting for the hook 'before' smoke"),
        (CHECKED, {"0/0": NOT_YET, "0/1": GO}, "waiting for the check smoke, which says not yet"),
        (CHECKED, {"0/0": replace(NOT_YET, why="soon"), "0/1": GO},
         "waiting for the check smoke, which says not yet: soon"),
        (CHECKED, {"0/0": FAILED, "0/1": GO},
         "waiting for the check smoke, which failed 1 of 3 times: no connection"),
        (CHECKED, {"0/0": GO, "0/1": replace(FAILED, why="")},
         "waiting for the check webhook, which failed 1 of 2 times"),
        (CHECKED, {"0/0": FAILED}, "waiting for the check smoke and 1 other, which failed 1 of 3 times: no connection"),
    ],
)  # fmt: skip
def test_what_a_step_still_lacks_of_others_word(one: Step, words: dict[str, Word], lacks: str) -> None:
    assert checking.unanswered(part_way(one, words=words)) == lacks


def test_a_step_that_nobody_judges_is_no_hook() -> None:
    ready = step(leave=Ready("candidate", 9.0), checks=(SMOKE,))
    assert checking.unanswered(part_way(ready)) == "waiting for the check smoke"
