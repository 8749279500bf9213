"""What is asked of checks and hooks: in the background, so that no turn, and no other service, ever waits for an answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from weakref import WeakValueDictionary

import msgspec

from plainsail.domain.checking import Due, due, open_questions
from plainsail.domain.checks import Answer, Told
from plainsail.domain.driver import Driver
from plainsail.domain.rollout import Target
from plainsail.domain.units import seconds
from plainsail.engine.readings import clause, short
from plainsail.ports.errors import Broken
from plainsail.ports.store import Key
from plainsail.ports.verifier import Verifier

log = logging.getLogger(__name__)

WITHIN = 330.0
"""Seconds after which nobody waits for a driver any more: the longest timeout that one may be given (5 minutes), and time
to end what it started. One that heeds its own timeout never gets there."""
OF_ONE = 8
"""Questions to one and the same check at once, by all services; others wait for their turn. So one that hangs leaves room."""
AT_ONCE = 64
"""Questions to all of them together: seven that hang, each asked by eight services or more, leave room for the others."""

Verifiers = Callable[[Driver], Verifier]


def nobody(driver: Driver) -> Verifier:
    """For a site without drivers to ask."""
    raise Broken(
        "driver_missing", f"there is no verifier {driver.name} here", "install the package that has it"
    )


class Places:
    """How many questions are asked at once, by all targets of one control plane."""

    def __init__(self) -> None:
        self._all = asyncio.Semaphore(AT_ONCE)
        self._of: WeakValueDictionary[bytes, asyncio.Semaphore] = WeakValueDictionary()

    def of(self, driver: Driver) -> tuple[asyncio.Semaphore, asyncio.Semaphore]:
        """To be taken in this order."""
        mine = self._of.setdefault(msgspec.json.encode(driver), asyncio.Semaphore(OF_ONE))
        return mine, self._all


class _Asked:
    """A question that is under way."""

    def __init__(self, at: float) -> None:
        self.at = at
        self.began_at: float | None = None
        """None while it waits for its turn."""
        self.task: asyncio.Task[Told] | None = None


class Checking:
    """Of one target: each question at most once at a time."""

    def __init__(self, key: Key, verifiers: Verifiers, places: Places) -> None:
        self._key, self._verifiers, self._places = key, verifiers, places
        self._now = 0.0
        self._under_way: dict[str, _Asked] = {}
        self._told: dict[str, Told] = {}
        """The last answer to each question. It stays until what follows from it is on record."""

    def look(self, target: Target, now: float) -> dict[str, Told]:
        """What is known by now; begins to ask what is due. Returns at once, and raises nothing."""
        self._now = now
        wanted = open_questions(target)
        for key in self._told.keys() - wanted:
            del self._told[key]
        for key in self._under_way.keys() - wanted:
            self._drop(self._under_way.pop(key))
        self._gather()
        for one in due(target, now):
            if one.question.key not in self._under_way and self._heard(one):
                asked = self._under_way[one.question.key] = _Asked(now)
                asked.task = asyncio.create_task(
                    self._ask(asked, one), name=f"{self._key} {one.question.key}"
                )
        return dict(self._told)

    def stop(self) -> None:
        """Nobody listens any more: what is under way is dropped, and asked again by whoever comes next."""
        for asked in self._under_way.values():
            self._drop(asked)
        self._under_way.clear()
        self._told.clear()

    def _heard(self, one: Due) -> bool:
        """An answer that is not on record yet is not asked for again."""
        told = self._told.get(one.question.key)
        return told is None or (one.word is not None and one.word.at == told.at)

    def _gather(self) -> None:
        for key, asked in list(self._under_way.items()):
            assert asked.task is not None
            if asked.task.done():
                del self._under_way[key]
                self._told[key] = self._said(asked, asked.task)
            elif asked.began_at is not None and self._now - asked.began_at > WITHIN + 1.0:
                del self._under_way[key]  # it heeds no cancellation: its place is lost, and nothing else
                self._told[key] = Told(asked.at, "none", f"no answer within {seconds(WITHIN)}")

    def _said(self, asked: _Asked, task: asyncio.Task[Told]) -> Told:
        if task.cancelled():
            return Told(asked.at, "none", "it was broken off")
        defect = task.exception()
        if defect is None:
            return task.result()
        log.error("a check of %s failed", self._key, exc_info=defect)
        return Told(asked.at, "none", f"its driver failed ({type(defect).__name__})")

    async def _ask(self, asked: _Asked, one: Due) -> Told:
        mine, everybodys = self._places.of(one.driver)
        async with mine, everybodys:
            asked.began_at = self._now
            try:
                async with asyncio.timeout(WITHIN):
                    answer: object = await self._verifiers(one.driver).ask(one.question)
            except TimeoutError:
                return Told(asked.at, "none", f"no answer within {seconds(WITHIN)}")
            except Exception as failure:
                if why := _harmless(clause(failure)):
                    return Told(asked.at, "none", why)
                raise
        if not isinstance(answer, Answer) or answer.verdict not in ("go", "no_go", "not_yet"):
            return Told(asked.at, "none", "its driver gave no answer")
        return Told(asked.at, answer.verdict, _harmless(answer.reason))

    def _drop(self, asked: _Asked) -> None:
        if asked.task is not None:
            asked.task.cancel()


def _harmless(text: str) -> str:
    """Somebody else's words as a clause of ours: one line, not long, nothing that steers a terminal."""
    return short("".join(each if each.isprintable() else " " for each in text))
