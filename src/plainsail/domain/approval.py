"""Approval: a step that is left only when a person says so, and what their yes or no does."""

from __future__ import annotations

import msgspec

from plainsail.domain.checking import unanswered
from plainsail.domain.checks import Word
from plainsail.domain.events import Event
from plainsail.domain.intents import Approve, Reject
from plainsail.domain.lifecycle import Changed, event, refused, turn_back
from plainsail.domain.rollout import Rollout, Target
from plainsail.domain.strategy import Judged, Step

replace = msgspec.structs.replace


def asks(step: Step) -> bool:
    """It waits for a person, besides whatever else it waits for."""
    return step.approve_within is not None or _by_hand(step)


def awaited(rollout: Rollout) -> bool:
    """A person was asked at the present step, and nobody has answered. What is still to be asked can't be answered: an
    approval that is sent twice would be a yes to a step that nobody has looked at."""
    if rollout.phase not in ("progressing", "paused") or not asks(rollout.current()):
        return False
    word = rollout.words.get(_place(rollout.step))
    return _by_hand(rollout.current()) if word is None else word.state != "go"


def approved(rollout: Rollout) -> bool:
    """The present step, by somebody."""
    return _approved_at(rollout, rollout.step)


def answered(verb: str, rollout: Rollout, step: str | None = None) -> bool:
    """Somebody has said it already (at that step, if one is named), and nobody is asked again: saying it twice changes
    nothing."""
    rejected = rollout.reason_code == "rejected"
    if verb == "reject":
        return rejected
    if verb != "approve" or rejected or (awaited(rollout) and is_at(rollout, step)):
        return False
    return any(
        _approved_at(rollout, number) and (step is None or _same(step, one.name))
        for number, one in enumerate(rollout.course.steps)
    )


def is_at(rollout: Rollout, step: str | None) -> bool:
    """At the step of this name; blanks in it make no difference. None: any."""
    return step is None or _same(step, rollout.current().name)


def unapproved(rollout: Rollout) -> str:
    """What a step that asks a person (`approval: true`) still lacks; empty: nothing."""
    if rollout.current().approve_within is None or approved(rollout):
        return ""
    service = rollout.service
    return f"waiting for approval: 'plainsail approve {service}' goes on, 'plainsail reject {service}' takes it back"


def called_for(rollout: Rollout, now: float) -> tuple[Rollout, tuple[Event, ...]]:
    """Where nothing else is lacking any more: the person is told, once."""
    if unanswered(rollout) or not unapproved(rollout) or _place(rollout.step) in rollout.words:
        return rollout, ()
    noted = replace(rollout, words={**rollout.words, _place(rollout.step): Word("not_yet", now)})
    told = replace(noted, reason=unapproved(rollout), reason_code="approval")
    return noted, (event("approval_asked", told, now),)


def instead(rollout: Rollout) -> str:
    """What it waits for, where that is no approval."""
    where = f"step {rollout.current().name}"
    return f"{where}: {rollout.reason}" if rollout.reason else where


def may_answer_until(rollout: Rollout) -> float:
    """A moment; of a step that asks nobody, long ago."""
    within = rollout.current().approve_within
    return rollout.entered_at + within if within is not None and not approved(rollout) else 0.0


def answer(target: Target, rollout: Rollout, intent: Approve | Reject, now: float) -> Changed:
    """A person's yes or no."""
    if rollout.phase == "rolling_back":
        if isinstance(intent, Reject) and rollout.reason_code == "rejected":
            return Changed(target)
        return refused(target, intent, now, f"rollout {rollout.id} is on its way back already")
    if intent.step is not None and intent.step != rollout.step:
        return refused(target, intent, now, f"rollout {rollout.id} has left that step already")
    return (
        _approve(target, rollout, intent, now)
        if isinstance(intent, Approve)
        else _reject(target, rollout, intent, now)
    )


def _approve(target: Target, rollout: Rollout, intent: Approve, now: float) -> Changed:
    """Once is enough."""
    if approved(rollout):
        return Changed(target)
    if not awaited(rollout):
        what = f"no approval is waited for; rollout {rollout.id} is at {instead(rollout)}"
        return refused(target, intent, now, what)
    word = Word("go", now, intent.reason, by=intent.by)
    given = replace(rollout, words={**rollout.words, _place(rollout.step): word})
    if rollout.phase == "paused" and rollout.reason_code == "unsure":  # held because nobody answered
        given = replace(given, phase="progressing", reason="", reason_code="", entered_at=now,
                        held_at=None, called_at=None)  # fmt: skip
    said = f"approved by {intent.by}{f': {intent.reason}' if intent.reason else ''}"
    told = event("approval_given", replace(given, reason=said, reason_code="approved"), now, by=intent.by)
    return Changed(replace(target, rollout=given), (given,), (told,))


def _reject(target: Target, rollout: Rollout, intent: Reject, now: float) -> Changed:
    if not asks(rollout.current()):
        what = (
            f"no approval is waited for; rollout {rollout.id} is at {instead(rollout)}; abort takes it back"
        )
        return refused(target, intent, now, what)
    reason = f"rejected by {intent.by}{f': {intent.reason}' if intent.reason else ''}"
    return turn_back(target, rollout, "aborted", reason, "rejected", intent.by, now)


def _approved_at(rollout: Rollout, number: int) -> bool:
    word = rollout.words.get(_place(number))
    return word is not None and word.state == "go"


def _by_hand(step: Step) -> bool:
    """It is left only when somebody says so: it asks as long as it lasts."""
    return isinstance(step.leave, Judged) and step.leave.until == "advanced"


def _same(one: str, other: str) -> bool:
    return one.replace(" ", "") == other.replace(" ", "")


def _place(step: int) -> str:
    """Of a word in `Rollout.words`."""
    return f"{step}/approval"
