"""The suite of metric sources notices sources that break one promise each."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from plainsail.drivers._kit import asking
from plainsail.drivers.metrics.json import Json
from plainsail.ports.errors import Failure, Rejected, Transient
from plainsail.ports.metrics import Ask, Reading
from plainsail.testing.conformance.metrics import test_trouble as trouble
from plainsail.testing.conformance.metrics import test_windows as windows
from plainsail.testing.conformance.metrics.bench import HIDDEN, MetricsBench
from plainsail.testing.conformance.metrics.plain import JsonBench

replace = msgspec.structs.replace


class SaysNoughtForNothing(Json):
    async def read(self, ask: Ask) -> Reading:
        read = await super().read(ask)
        return replace(read, parts=dict.fromkeys(ask.queries, 0.0), missing="") if read.missing else read


class FillsUpWithNoughts(Json):
    async def read(self, ask: Ask) -> Reading:
        read = await super().read(ask)
        return replace(read, parts={**dict.fromkeys(ask.queries, 0.0), **read.parts}) if read.parts else read


class AsksForThreeWindows(Json):
    async def read(self, ask: Ask) -> Reading:
        read = await super().read(replace(ask, since=ask.since - 2 * (ask.until - ask.since)))
        return replace(read, since=ask.since)


class AsksForAnEarlierWindow(Json):
    """As VictoriaMetrics does unless it is told not to."""

    async def read(self, ask: Ask) -> Reading:
        read = await super().read(replace(ask, since=ask.since - 5, until=ask.until - 5))
        return replace(read, since=ask.since, until=ask.until)


class AsksForOneGroup(Json):
    async def read(self, ask: Ask) -> Reading:
        return await super().read(replace(ask, group="one"))


class TakesNamesForQueries(Json):
    """Placeholders are replaced before the query is read."""

    async def read(self, ask: Ask) -> Reading:
        queries = {part: asking.filled(query, ask, str, ",".join) for part, query in ask.queries.items()}
        try:
            return await super().read(replace(ask, queries=queries))
        except Rejected:
            return Reading(ask.since, ask.until, missing="nothing")


class AddsInstancesUp(Json):
    async def read(self, ask: Ask) -> Reading:
        return await super().read(replace(ask, instances=ask.instances or ("10.0.0.1:80",)))


class TakesTheFirst(Json):
    async def read(self, ask: Ask) -> Reading:
        try:
            return await super().read(ask)
        except Rejected:
            return Reading(ask.since, ask.until, {"value": 1.0})


class KeepsTroubleToItself(Json):
    async def read(self, ask: Ask) -> Reading:
        try:
            return await super().read(ask)
        except Transient:
            return Reading(ask.since, ask.until, missing="it did not answer")


class GivesUpForGood(Json):
    gone = False

    async def read(self, ask: Ask) -> Reading:
        if self.gone:
            raise Transient("metrics_unreachable", "it was gone once")
        try:
            return await super().read(ask)
        except Transient:
            self.gone = True
            raise


class Chatters(Json):
    async def read(self, ask: Ask) -> Reading:
        try:
            return await super().read(ask)
        except Failure:
            logging.getLogger(__name__).warning("asked with %s", HIDDEN)
            raise


class AsksOneAfterTheOther(Json):
    """A single place for all answers."""

    async def read(self, ask: Ask) -> Reading:
        self.last = ask
        await asyncio.sleep(0)
        return await super().read(self.last)


NOTICED: list[tuple[type[Json], Callable[..., None]]] = [
    (SaysNoughtForNothing, windows.test_a_window_without_data_is_missing_and_never_nought),
    (SaysNoughtForNothing, windows.test_what_is_not_finite_is_missing),
    (FillsUpWithNoughts, windows.test_a_part_without_data_is_absent),
    (AsksForThreeWindows, windows.test_counts_are_of_the_window_and_of_the_group),
    (AsksForAnEarlierWindow, windows.test_a_window_that_has_just_ended),
    (AsksForOneGroup, windows.test_counts_are_of_the_window_and_of_the_group),
    (TakesNamesForQueries, windows.test_a_name_is_never_a_part_of_the_query),
    (AddsInstancesUp, windows.test_no_instances_are_not_all_instances),
    (TakesTheFirst, windows.test_more_than_one_number_is_rejected),
    (TakesTheFirst, windows.test_a_wrong_query_is_rejected),
    (AsksOneAfterTheOther, windows.test_two_reads_at_once),
    (KeepsTroubleToItself, trouble.test_a_source_that_is_gone_is_transient_and_comes_back),
    (KeepsTroubleToItself, trouble.test_a_source_that_is_silent_is_transient),
]


def named(value: object) -> str:
    return getattr(value, "__name__", "").removeprefix("test_")


@pytest.mark.parametrize(("driver", "test"), NOTICED, ids=named)
def test_of_a_metric_source(driver: type[Json], test: Callable[..., None], tmp_path: Path) -> None:
    placed = JsonBench("broken", driver, tmp_path)
    try:
        with pytest.raises((AssertionError, pytest.fail.Exception)):
            test(placed)
    finally:
        placed.clear()


def test_of_one_that_never_comes_back(tmp_path: Path) -> None:
    placed: MetricsBench = JsonBench("broken", GivesUpForGood, tmp_path)
    try:
        with pytest.raises(Transient, match="it was gone once"):
            trouble.test_a_source_that_is_gone_is_transient_and_comes_back(placed)
    finally:
        placed.clear()


def test_of_one_that_tells_its_token(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    placed = JsonBench("broken", Chatters, tmp_path)
    try:
        with pytest.raises(AssertionError):
            trouble.test_secrets_are_in_no_message_and_no_log(placed, "unwell", caplog)
    finally:
        placed.clear()
