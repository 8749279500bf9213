"""Checks: what is asked of somebody else before a rollout goes on, and what they said.

A check is a driver of the port `ports/verifier.py` with its settings. Hooks are the same, asked at other moments. Which
are due, and what follows from an answer, is decided in `checking`; where they stand on a rollout's way, in `checkpoints`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from plainsail.domain.driver import Driver
from plainsail.domain.units import Duration

Moment = Literal["check", "before", "after", "failure"]
"""What a question is asked for: a step, or one of the hooks."""
State = Literal["go", "no_go", "not_yet", "silent"]

MOST_RETRIES = 100
"""Of one check: beyond it a number was meant as a time."""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What every check has in its settings, whoever is asked: how often, and what follows from silence."""

    name: str = ""
    """What it is called in sentences and events; absent: its driver's name."""
    every: Duration = 10.0
    """Time to the next question after "not yet", or after none was answered."""
    retries: int = 3
    """How many more times it is asked after a failure (no connection, no answer in time, no sense in it). Failures are
    counted in a row: any answer ends the row."""
    on_error: Literal["hold", "rollback"] = "hold"
    """When nothing answers after all retries: wait for a person, or go back. Of a check alone: a hook `before` that is
    silent ends the rollout, and other hooks change nothing."""

    def wrong(self) -> str | None:
        """What is wrong with these terms beyond their types, after the key and a colon."""
        if not 0 <= self.retries <= MOST_RETRIES:
            return f"retries: it must be from 0 to {MOST_RETRIES}, and is {self.retries}"
        if self.every < 1.0:
            return "every: it must be at least 1s"
        if len(self.name) > 60 or not self.name.isprintable():
            return "name: it must be at most 60 characters, all of which can be seen"
        return None


class Hooks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who is asked or told at the ends of a rollout (of a deploy; going back asks nobody)."""

    before: tuple[Driver, ...] = ()
    """Before the first instance is started. All must say go, or the rollout ends `failed` and nothing was changed."""
    after: tuple[Driver, ...] = ()
    """When it has succeeded. An answer changes nothing."""
    failure: tuple[Driver, ...] = ()
    """When it was rolled back or aborted, or has failed, and all users have the release before. An answer changes
    nothing, and nothing waits for it."""


class Question(msgspec.Struct, frozen=True):
    """One question, as it is asked: all that the other side needs to know."""

    key: str
    """The same whenever this is asked again (after a failure, "not yet" or a restart): `r-1/3/0`, `r-1/after/0`."""
    moment: Moment
    service: str
    environment: str
    rollout: str
    strategy: str
    step: str
    share_bp: int
    """Users who have the new release at this step, in basis points; of a hook afterwards, the most that it had."""
    release: str
    """Digest of the new one."""
    version: str
    live: str | None
    """Version of the one before."""
    live_release: str | None
    """Its digest."""
    by: str
    """Who deployed."""
    outcome: str = ""
    """Of a hook afterwards: the phase in which the rollout ended."""
    reason: str = ""
    """Why, in a sentence."""


class Answer(msgspec.Struct, frozen=True):
    """What was said to a question."""

    verdict: Literal["go", "no_go", "not_yet"]
    reason: str = ""
    """In somebody else's words: untrusted text, one line, limited in length by the engine."""


class Told(msgspec.Struct, frozen=True):
    """What came of one question: an answer, or why there is none."""

    at: float
    """When it was asked: answers are taken once, in this order."""
    verdict: Literal["go", "no_go", "not_yet", "none"]
    why: str = ""
    """Of `none`: what failed, in one clause."""


class Word(msgspec.Struct, frozen=True):
    """What is kept of all that was said about one question."""

    state: State
    at: float
    """When it was last asked."""
    why: str = ""
    failures: int = 0
    """In a row, so far."""
    by: str = ""
    """Of an approval: who gave it."""

    def final(self) -> bool:
        """Nobody has to be asked again."""
        return self.state in ("go", "no_go", "silent")


class Errand(msgspec.Struct, frozen=True):
    """A hook of a rollout that is over: asked until it has answered, beside whatever comes next."""

    question: Question
    driver: Driver
    since: float
    word: Word | None = None


def terms(driver: Driver) -> Terms:
    """Those of a check; of a driver that knows none of them, the defaults."""
    known = {name: value for name, value in driver.config.items() if name in Terms.__struct_fields__}
    return msgspec.convert(known, Terms)


def called(driver: Driver) -> str:
    """What it is called in sentences."""
    return terms(driver).name or driver.name


def names(drivers: Sequence[Driver]) -> tuple[str, ...]:
    return tuple(called(driver) for driver in drivers)


def listed(drivers: Sequence[Driver]) -> str:
    """`smoke, the load test and webhook`"""
    *others, last = names(drivers)
    return f"{', '.join(others)} and {last}" if others else last
