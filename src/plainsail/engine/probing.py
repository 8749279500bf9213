"""Does a metric source answer? Asked once for people, before a rollout depends on it; nothing is decided by it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping

import msgspec

from plainsail.domain.criteria import Metric
from plainsail.domain.driver import Driver
from plainsail.domain.service import Environment, Service
from plainsail.engine.readings import clause, short
from plainsail.engine.sources import Source
from plainsail.ports.errors import Failure
from plainsail.ports.metrics import Ask, Metrics

WITHIN = 5.0
"""Seconds that all sources together may take: a person waits."""
NOBODY = "127.0.0.1:1"
"""Stands for the instances of a group that there is not: a query with them is whole, and finds nothing."""


class Answer(msgspec.Struct, frozen=True):
    """What became of one question."""

    environment: str
    source: str
    asked: str
    """`SERVICE's METRIC`; empty: no metric asks it anything, so it was only started."""
    trouble: str = ""
    """Why it does not answer, in one clause; empty: it does."""


async def probe(
    environments: Mapping[str, Environment],
    services: Mapping[str, Service],
    make: Callable[[str, str, Driver], Metrics],
    now: float,
) -> tuple[Answer, ...]:
    """Each source that these environments declare, with the first metric of these services that asks it. Raises nothing."""
    questions = [
        (place, name, make(place, name, driver), next(_asking(services, place, name), None))
        for place, environment in environments.items()
        for name, driver in environment.metrics.items()
    ]
    return tuple(await asyncio.gather(*(_answer(*question, now) for question in questions)))


async def _answer(
    place: str, name: str, source: Metrics, question: tuple[str, str, Metric] | None, now: float
) -> Answer:
    asked = f"{question[0]}'s {question[1]}" if question else ""
    trouble = ""
    try:
        async with asyncio.timeout(WITHIN):
            if question is not None:
                await source.read(_ask(place, *question, now))
            elif isinstance(source, Source):
                await source.begin()
    except TimeoutError:
        trouble = f"no answer within {WITHIN:g} s"
    except Exception as failure:
        trouble = clause(failure) or f"its driver failed ({type(failure).__name__})"
    try:
        async with asyncio.timeout(WITHIN):
            await source.stop()
    except (Failure, OSError, TimeoutError) as failure:
        trouble = trouble or short(str(failure))
    return Answer(place, name, asked, trouble)


def _asking(services: Mapping[str, Service], place: str, source: str) -> Iterator[tuple[str, str, Metric]]:
    for service, declared in services.items():
        placement = declared.placements.get(place)
        for name, metric in placement.evidence.metrics.items() if placement else ():
            if metric.source == source:
                yield service, name, metric


def _ask(place: str, service: str, name: str, metric: Metric, now: float) -> Ask:
    until = now - metric.delay
    return Ask(
        metric=name, queries=metric.queries(), service=service, environment=place, group="nobody", release="",
        version="", instances=(NOBODY,), since=until - metric.every, until=until,
    )  # fmt: skip
