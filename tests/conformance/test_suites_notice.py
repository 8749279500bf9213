"""A suite is worth what it notices: drivers that break one promise each, and the test that must say so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.conformance.simulated import SimulatedProvider, SimulatedRouter, StoreInMemory

from plainsail.domain.actions import Fleet
from plainsail.domain.match import Match
from plainsail.domain.observation import GroupSeen
from plainsail.domain.traffic import Traffic
from plainsail.drivers.routers.haproxy import HAProxy
from plainsail.ports.router import RouterSeen
from plainsail.ports.store import Claimed, Key, Written
from plainsail.testing.conformance.bench import Bench
from plainsail.testing.conformance.provider import test_fleet as fleets
from plainsail.testing.conformance.provider import test_instances as instances
from plainsail.testing.conformance.router import test_held as held
from plainsail.testing.conformance.router import test_insiders as insiders
from plainsail.testing.conformance.router import test_traffic as tables
from plainsail.testing.conformance.router.bench import RouterBench
from plainsail.testing.conformance.store import test_records as records
from plainsail.testing.instances import SimProvider
from plainsail.testing.routing import SimRouter
from plainsail.testing.store import MemoryStore

replace = msgspec.structs.replace


class ForgetsEpochs(SimProvider):
    async def apply(self, fleet: Fleet, epoch: int) -> None:
        await super().apply(fleet, 10)


class StartsOneMore(SimProvider):
    async def apply(self, fleet: Fleet, epoch: int) -> None:
        more = tuple(replace(order, replicas=order.replicas + 1) for order in fleet.groups)
        await super().apply(replace(fleet, groups=more), epoch)


class AddsToWhatIsThere(SimProvider):
    """Not whole: what is not named stays."""

    async def apply(self, fleet: Fleet, epoch: int) -> None:
        named = {order.group for order in fleet.groups}
        kept = tuple(
            group.order for group in self._of(fleet.service) if group.order and group.name not in named
        )
        await super().apply(replace(fleet, groups=fleet.groups + kept), epoch)


class EndsAtOnce(SimProvider):
    async def apply(self, fleet: Fleet, epoch: int) -> None:
        everybody = tuple(one.id for one in self.instances(fleet.service))
        await super().apply(replace(fleet, released=everybody), epoch)


class ForgetsCrashes(SimProvider):
    async def observe(self, service: str) -> tuple[GroupSeen, ...]:
        return tuple(replace(group, crashes=0) for group in await super().observe(service))


class KeepsSilent(SimProvider):
    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, (lambda service: None) if name == "changed" else value)


class SaysWhatWasOrdered(SimProvider):
    """Ready, whatever the probe says."""

    async def observe(self, service: str) -> tuple[GroupSeen, ...]:
        return tuple(
            replace(group, instances=tuple(replace(one, state="ready") for one in group.instances))
            for group in await super().observe(service)
        )


class OneTableForAll(SimRouter):
    async def observe(self, service: str) -> RouterSeen:
        seen = await super().observe(service)
        return RouterSeen(seen.traffic or next(iter(self.tables.values()), None))


class TakesLateOrders(SimRouter):
    async def apply(self, traffic: Traffic, epoch: int) -> None:
        self._epochs.clear()
        await super().apply(traffic, epoch)


class DropsWarmMembers(SimRouter):
    async def apply(self, traffic: Traffic, epoch: int) -> None:
        serving = {group: its for group, its in traffic.members.items() if traffic.share(group)}
        await super().apply(replace(traffic, members=serving), epoch)


class LetsEverybodyClaim(MemoryStore):
    def claim(self, key: Key, holder: str, now: float, lease: float) -> Claimed | None:
        return super().claim(key, holder, float("inf"), lease)


class WritesForTheLate(MemoryStore):
    def save(self, target: Any, epoch: int, **more: Any) -> None:
        super().save(target, self._rows[Key(target.service, target.environment)].epoch, **more)


class CountsEventsFromTheEnd(MemoryStore):
    def events(self, *args: Any, **more: Any) -> tuple[Written, ...]:
        return tuple(reversed(super().events(*args, **more)))


class TellsOfEveryUpload(MemoryStore):
    def add_release(self, release: Any, events: Any) -> None:
        super().add_release(release, ())
        self._record(events)


class ForgetsWhoRulesAreFor(SimRouter):
    async def apply(self, traffic: Traffic, epoch: int) -> None:
        routes = tuple(replace(route, match=Match()) for route in traffic.routes)
        await super().apply(replace(traffic, routes=routes), epoch)


class KeepsTheDefaultOnly(SimRouter):
    async def apply(self, traffic: Traffic, epoch: int) -> None:
        await super().apply(replace(traffic, routes=traffic.routes[-1:]), epoch)


class TakesOneConditionForAll(HAProxy):
    """Its users are real ones."""

    async def apply(self, traffic: Traffic, epoch: int) -> None:
        *rules, default = traffic.routes
        less = [replace(route, match=replace(route.match, networks=(), cookie=None)) for route in rules]
        await super().apply(replace(traffic, routes=(*less, default)), epoch)


PROVIDERS: list[tuple[type[SimProvider], Callable[..., None]]] = [
    (ForgetsEpochs, fleets.test_an_order_of_an_older_epoch_is_refused_and_changes_nothing),
    (StartsOneMore, fleets.test_sizes_converge_up_and_down),
    (StartsOneMore, fleets.test_never_more_than_asked_besides_those_that_leave),
    (AddsToWhatIsThere, fleets.test_groups_that_are_not_named_end),
    (EndsAtOnce, fleets.test_who_leaves_drains_until_it_is_released),
    (ForgetsCrashes, instances.test_a_crashed_instance_is_counted_and_replaced),
    (KeepsSilent, fleets.test_the_engine_is_told_when_something_changed),
    (SaysWhatWasOrdered, instances.test_starting_until_the_probe_says_yes),
]
ROUTERS: list[tuple[type[SimRouter], Callable[..., None]]] = [
    (OneTableForAll, tables.test_of_a_service_it_was_never_told_of_it_knows_nothing),
    (TakesLateOrders, held.test_an_order_of_an_older_epoch_is_refused_and_changes_nothing),
    (ForgetsWhoRulesAreFor, insiders.test_rules_for_insiders_are_observed_as_they_were_asked_for),
    (KeepsTheDefaultOnly, insiders.test_rules_for_insiders_are_observed_as_they_were_asked_for),
    (DropsWarmMembers, tables.test_what_is_applied_is_what_is_observed),
]
STORES: list[tuple[type[MemoryStore], Callable[..., None]]] = [
    (LetsEverybodyClaim, records.test_a_lease_keeps_others_away_until_it_ends),
    (WritesForTheLate, records.test_who_was_overtaken_writes_nothing),
    (CountsEventsFromTheEnd, records.test_events_come_in_order_and_in_pages),
    (TellsOfEveryUpload, records.test_the_first_release_of_a_digest_stays),
]


def named(value: object) -> str:
    return getattr(value, "__name__", "").removeprefix("test_")


def notices(test: Callable[..., None], bench: Bench) -> None:
    """The test fails: by what it asserts, not by an accident."""
    try:
        with pytest.raises((AssertionError, pytest.fail.Exception)):
            test(bench)
    finally:
        bench.clear()


@pytest.mark.parametrize(("driver", "test"), PROVIDERS, ids=named)
def test_of_a_provider(
    driver: type[SimProvider], test: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plainsail.testing.conformance.bench.PATIENCE", 1.0)
    bench = SimulatedProvider("broken", driver, tmp_path)
    bench.world.provider = driver(bench.world)
    notices(test, bench)


@pytest.mark.parametrize(("driver", "test"), ROUTERS, ids=named)
def test_of_a_router(driver: type[SimRouter], test: Callable[..., None], tmp_path: Path) -> None:
    bench = SimulatedRouter("broken", driver, tmp_path)
    bench.world.router = driver(bench.world)
    notices(test, bench)


def test_of_a_router_with_users(tmp_path: Path) -> None:
    notices(
        insiders.test_all_that_a_rule_names_must_hold,
        RouterBench("broken", TakesOneConditionForAll, tmp_path),
    )


@pytest.mark.parametrize(("driver", "test"), STORES, ids=named)
def test_of_a_store(driver: type[MemoryStore], test: Callable[..., None], tmp_path: Path) -> None:
    bench = StoreInMemory("broken", driver, tmp_path)
    bench._store = driver()
    notices(test, bench)
