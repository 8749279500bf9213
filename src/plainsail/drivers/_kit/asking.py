"""What all metric sources have in common: placeholders in queries, numbers that are numbers, and parts of a Reading."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, TypeVar

from plainsail.domain.measurement import Ask, Reading
from plainsail.ports.errors import Rejected

T = TypeVar("T")
Buckets = tuple[tuple[float, float], ...]
Known = float | Buckets | str
"""What a source answered for a part: a number, a histogram, or in one clause why there is nothing."""

NUMBERS = frozenset({"window", "since", "until"})
"""Words that stand for numbers of ours; the others are text that somebody else may have chosen."""
WORDS = NUMBERS | {"service", "environment", "group", "release", "version", "instances"}
PLACEHOLDER = re.compile(r"\{(" + "|".join(sorted(WORDS)) + r")\}")
MISSPELT = re.compile(r"\{([a-z_]+)\}")
"""A lone word in braces is nothing in PromQL, URLs or JSONPath, so it was meant as a placeholder."""
LONGEST = 300
"""Characters of somebody else's text in a message of ours."""


def filled(
    query: str, ask: Ask, escape: Callable[[str], str], listed: Callable[[tuple[str, ...]], str]
) -> str:
    """The query with its placeholders replaced, each value escaped; all other braces stay as they are.

    `listed` writes the addresses of the instances. One pass, so that no value is taken for a placeholder.
    """
    words = ask.words()

    def value(found: re.Match[str]) -> str:
        return listed(ask.instances) if found[1] == "instances" else escape(words[found[1]])

    return PLACEHOLDER.sub(value, query)


def misspelt(query: str) -> str | None:
    """A word in braces that stands for nothing, and what to write."""
    for word in MISSPELT.findall(query):
        if word not in WORDS:
            return f"there is no placeholder {{{word}}}; there are {', '.join(sorted(WORDS))}"
    return None


def checked(queries: Mapping[str, str], look: Callable[[str, str], str | None]) -> str | None:
    """The first problem that `look(part, query)` finds, after the name of its part."""
    for part, query in queries.items():
        problem = "the query is empty" if not query.strip() else look(part, query)
        if problem:
            return f"{part}: {problem}"
    return None


def refuse(metric: str, problem: str | None) -> None:
    """Raises Rejected for what `check` finds, so that nothing wrong is asked if nobody checked before."""
    if problem:
        raise Rejected("metrics_query", f"The query of {metric} is refused: {problem}", "mend it")


def lonely(ask: Ask) -> str:
    """Why it makes no sense to ask: a list of no addresses, which would match something else or everything."""
    wanted = any("{instances}" in query for query in ask.queries.values())
    return "the group has no instances" if wanted and not ask.instances else ""


def alternation(addresses: tuple[str, ...]) -> str:
    """A regular expression that matches these addresses and no others: `10[.]0[.]0[.]1:80|...`.

    With classes instead of backslashes it means the same in every kind of quotes.
    """
    return "|".join(re.sub(r"([^A-Za-z0-9:_%-])", r"[\1]", address) for address in addresses)


def number(value: object) -> float | None:
    """A number as JSON has it, or a text that is one. None: null, or not finite. ValueError: it is something else."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"it is {said_kind(value)}")
    try:
        found = float(value)
    except (ValueError, OverflowError):
        raise ValueError(f"it is {brief(repr(value), 40)}") from None
    return found if math.isfinite(found) else None


def histogram(value: object) -> Buckets | None:
    """Counts by upper bound: `{"0.1": 12, "0.5": 3, "+Inf": 1}`, or pairs of both, each count of its bucket alone.

    None: null, empty, or a count that is not finite. ValueError: it is something else.
    """
    if value is None:
        return None
    pairs: Iterable[Any] = (
        value.items() if isinstance(value, dict) else value if isinstance(value, list) else ()
    )
    if not isinstance(value, dict | list) or any(
        not isinstance(one, tuple | list) or len(one) != 2 for one in pairs
    ):
        raise ValueError("it is no histogram")
    found = [(bound_of(bound), number(count)) for bound, count in list(pairs)]
    counts = [(bound, count) for bound, count in found if count is not None]
    if len(counts) < len(found) or not counts:
        return None
    if any(count < 0 for _, count in counts) or len(dict(counts)) < len(counts):
        raise ValueError("it is a histogram with a negative count, or a bound twice")
    return tuple(sorted(counts))


def bound_of(text: object) -> float:
    """An upper bound: a number, or infinity as `+Inf`. ValueError otherwise."""
    if isinstance(text, bool) or not isinstance(text, int | float | str) or math.isnan(float(text)):
        raise ValueError(f"{brief(repr(text), 40)} is no bound")
    return float(text)


def reading(ask: Ask, answers: Mapping[str, Known], partial: str = "") -> Reading:
    """What is known of the parts. A part without an answer is absent; if all are, the first one's reason is said."""
    parts = {part: answer for part, answer in answers.items() if isinstance(answer, float)}
    buckets = next((answer for answer in answers.values() if isinstance(answer, tuple)), ())
    reasons = [answer for answer in answers.values() if isinstance(answer, str)]
    missing = "" if parts or buckets else (reasons[0] if reasons else "nothing was asked")
    return Reading(ask.since, ask.until, parts, buckets, brief(partial), brief(missing))


async def all_of(questions: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """All at once. The first that fails ends the others, and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in questions]
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [task.result() for task in tasks]


def brief(text: str, longest: int = LONGEST) -> str:
    """Somebody else's text as a part of a sentence of ours: one line, not long, nothing that steers a terminal."""
    plain = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    return plain if len(plain) <= longest else plain[: longest - 1] + "…"


def said_kind(value: object) -> str:
    """What JSON calls it."""
    match value:
        case bool():
            return "true or false"
        case dict():
            return "an object"
        case list():
            return "a list"
        case _:
            return "no number"
