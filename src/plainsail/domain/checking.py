"""What others say of a rollout: which questions are due, what is kept of an answer, and what follows from it.

No go, no next step: a check that said nothing, or "not yet", holds its step; a no takes the rollout back at once. Whoever
does not answer is no go either: after its retries the rollout holds for a person, or goes back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from plainsail.domain.checks import Errand, Moment, Question, State, Told, Word, called, terms
from plainsail.domain.driver import Driver
from plainsail.domain.events import Event
from plainsail.domain.lifecycle import Changed, event
from plainsail.domain.questions import question
from plainsail.domain.rollout import Phase, Rollout, Target
from plainsail.domain.strategy import Judged
from plainsail.domain.units import plural, seconds

replace = msgspec.structs.replace

HOOK_WITHIN = 3600.0
"""Seconds until a hook that says nothing but "not yet" is given up when its rollout is over."""
LONGEST = 200
"""Characters of somebody else's words that are kept."""


class Due(msgspec.Struct, frozen=True):
    """To be asked now."""

    question: Question
    driver: Driver
    word: Word | None
    """What is on record of it."""


def due(target: Target, now: float) -> tuple[Due, ...]:
    """What is to be asked at this moment, unless it is being asked already."""
    found = [
        Due(one.question, one.driver, one.word)
        for one in target.errands
        if _is_time(one.word, one.driver, now)
    ]
    rollout = target.rollout
    if rollout is not None and rollout.phase in ("progressing", "paused") and rollout.in_force_at is not None:
        moment: Moment = "before" if _hooked(rollout) else "check"
        found += [
            Due(question(target, rollout, moment, number), driver, word)
            for number, driver, word in asked(rollout)
            if _is_time(word, driver, now)
        ]
    return tuple(found)


def open_questions(target: Target) -> set[str]:
    """The keys of all that is to be known at present, be it due, asked or answered."""
    rollout = target.rollout
    here = {f"{rollout.id}/{rollout.step}/{number}" for number, _, _ in asked(rollout)} if rollout else set()
    return here | {one.question.key for one in target.errands}


def heard(target: Target, told: Mapping[str, Told], now: float) -> Changed:
    """With what was answered since the last look. What was answered for good is an event, and is not asked again."""
    changed = _errands(target, told, now)
    rollout = target.rollout
    if rollout is None or rollout.phase not in ("progressing", "paused"):
        return changed
    words, happened = dict(rollout.words), []
    for number, driver, before in asked(rollout):
        word = _kept(before, told.get(f"{rollout.id}/{rollout.step}/{number}"), driver)
        if word is not None and word is not before:
            words[f"{rollout.step}/{number}"] = word
            if word.final():
                happened.append(_answered(rollout, driver, word, now))
    rollout = replace(rollout, words=words)
    return changed.then(
        Changed(replace(changed.target, rollout=rollout), (rollout,) if happened else (), tuple(happened))
    )


def asked(rollout: Rollout) -> Iterator[tuple[int, Driver, Word | None]]:
    """The checks of the present step, by number, each with what it said so far."""
    if rollout.phase == "rolling_back":
        return
    for number, driver in enumerate(rollout.current().checks):
        yield number, driver, rollout.words.get(f"{rollout.step}/{number}")


def refused(rollout: Rollout) -> tuple[Phase, str, str] | None:
    """How it ends, why, and the code, if a check said no, or says nothing and is to be obeyed in that too."""
    ending: Phase = "rolled_back" if rollout.reached_bp else "failed"
    for _, driver, word in asked(rollout):
        if word is not None and word.state == "no_go":
            return ending, _said(rollout, driver, word), "check_refused"
        obeyed = _hooked(rollout) or terms(driver).on_error == "rollback"
        if word is not None and word.state == "silent" and obeyed:
            return ending, _said(rollout, driver, word), "check_silent"
    return None


def silent(rollout: Rollout) -> str:
    """Why it holds for a person; empty: it need not."""
    for _, driver, word in asked(rollout):
        if word is not None and word.state == "silent":
            return _said(rollout, driver, word)
    return ""


def unanswered(rollout: Rollout) -> str:
    """What the present step still lacks of others' word; empty: nothing."""
    lacking = [(driver, word) for _, driver, word in asked(rollout) if word is None or word.state != "go"]
    if not lacking:
        return ""
    driver, word = lacking[0]
    more = f" and {plural(len(lacking) - 1, 'other')}" if len(lacking) > 1 else ""
    return f"waiting for {_noun(rollout)} {called(driver)}{more}{_so_far(driver, word)}"


def forgiven(rollout: Rollout) -> dict[str, Word]:
    """Its words without the present step's silences: whoever resumes asks anew."""
    at = f"{rollout.step}/"
    return {
        place: word
        for place, word in rollout.words.items()
        if not (place.startswith(at) and word.state == "silent")
    }


def _is_time(word: Word | None, driver: Driver, now: float) -> bool:
    if word is None:
        return True
    # A clock may be behind what another control plane wrote down: rather ask at once than never.
    return not word.final() and (now >= word.at + terms(driver).every or now < word.at)


def _kept(word: Word | None, told: Told | None, driver: Driver) -> Word | None:
    """What is known after an answer; each is taken once."""
    if told is None or (word is not None and (word.final() or told.at == word.at)):
        return word
    why = told.why[:LONGEST]
    if told.verdict != "none":
        return Word(told.verdict, told.at, why)
    failures = (word.failures if word is not None else 0) + 1
    state: State = "silent" if failures > terms(driver).retries else "not_yet"
    return Word(state, told.at, why, failures)


def _errands(target: Target, told: Mapping[str, Told], now: float) -> Changed:
    """The hooks of rollouts that are over. Whatever they say changes nothing but what is written down."""
    left: list[Errand] = []
    happened: list[Event] = []
    for one in target.errands:
        word = _kept(one.word, told.get(one.question.key), one.driver)
        if (word is not None and word.final()) or now > one.since + HOOK_WITHIN:
            happened.append(_hook_ended(one, word, now))
        else:
            left.append(replace(one, word=word))
    return Changed(replace(target, errands=tuple(left)), (), tuple(happened))


def _answered(rollout: Rollout, driver: Driver, word: Word, now: float) -> Event:
    told = replace(rollout, reason=_said(rollout, driver, word), reason_code=f"check_{word.state}")
    found = event("check_answered", told, now)
    return replace(found, data={**found.data, "check": called(driver), "answer": word.state})


def _hook_ended(errand: Errand, word: Word | None, now: float) -> Event:
    asked, name = errand.question, called(errand.driver)
    state = word.state if word is not None else "silent"
    why = f": {word.why}" if word is not None and word.why else ""
    said = {
        "go": f"the hook '{asked.moment}' {name} is done{why}",
        "no_go": f"the hook '{asked.moment}' {name} failed{why}",
        "silent": f"the hook '{asked.moment}' {name} does not answer{why}",
        "not_yet": f"the hook '{asked.moment}' {name} was not done after {seconds(HOOK_WITHIN)}{why}",
    }[state]
    return Event(
        "hook_ended", now, asked.service, asked.environment, asked.rollout, "plainsail", said, f"hook_{state}",
        {"hook": asked.moment, "check": name, "answer": state, "version": asked.version},
    )  # fmt: skip


def _said(rollout: Rollout, driver: Driver, word: Word) -> str:
    why = f": {word.why}" if word.why else ""
    says = {
        "go": "says go",
        "no_go": "says no-go",
        "silent": f"does not answer, asked {plural(word.failures, 'time')}",
    }[word.state]
    return f"{_noun(rollout)} {called(driver)} {says}{why}"


def _so_far(driver: Driver, word: Word | None) -> str:
    if word is None:
        return ""
    why = f": {word.why}" if word.why else ""
    if not word.failures:
        return f", which says not yet{why}"
    return f", which failed {word.failures} of {plural(terms(driver).retries + 1, 'time')}{why}"


def _noun(rollout: Rollout) -> str:
    return "the hook 'before'" if _hooked(rollout) else "the check"


def _hooked(rollout: Rollout) -> bool:
    leave = rollout.current().leave
    return isinstance(leave, Judged) and leave.until == "hooked"
