"""Counts over reloads of a HAProxy that has, or had, many groups and services."""

from __future__ import annotations

import msgspec
import pytest
from tests.real.haproxy_world import Place, Street, binaries, place, story, street, traffic, users

from plainsail.domain.observation import Counts
from plainsail.domain.units import ALL
from plainsail.drivers.routers.haproxy import ledger
from plainsail.drivers.routers.haproxy.ledger import GONE, TOGETHER
from plainsail.drivers.routers.haproxy.shelf import STATE, State
from plainsail.drivers.routers.haproxy.template import GROUPS_KEPT, Kept

__all__ = ["place", "street"]
pytestmark = binaries


@story
async def test_a_live_group_that_outlived_many_candidates_keeps_its_counts(
    place: Place, street: Street
) -> None:
    live = street.group("g1", 1)
    wanted = traffic({"g1": live}, {"g1": ALL}, "g1")
    before = {"g1": Counts(1000), **{f"old-{number}": Counts(number) for number in range(GROUPS_KEPT)}}
    async with place.router() as router:
        await router.apply(wanted, 1)
        await users(place.port, 20)
        assert (await router.observe("shop")).counts["g1"] == Counts(20)
        state = msgspec.json.decode((place.directory / STATE).read_bytes(), type=State)
        earlier = msgspec.structs.replace(state.earlier, before={GONE: {"shop": before}})
        (place.directory / STATE).write_bytes(
            msgspec.json.encode(msgspec.structs.replace(state, earlier=earlier))
        )
        for number in range(2):
            host = (f"{number}.example",)
            other = traffic({"g1": live}, {"g1": ALL}, "g1", service=f"other-{number}", hosts=host)
            await router.apply(other, 1)
            found = (await router.observe("shop")).counts
            assert found["g1"] == Counts(1020)
        assert found[f"old-{GROUPS_KEPT - 1}"] == Counts(GROUPS_KEPT - 1)
        assert "old-0" not in found, "the oldest gives way"


@pytest.mark.parametrize("time_to_read", [True, False])
@story
async def test_a_reload_keeps_the_counts_of_more_services_than_are_read_at_once(
    place: Place, street: Street, monkeypatch: pytest.MonkeyPatch, time_to_read: bool
) -> None:
    """Without time to read, what was told before stays, and what nobody was told of is read all the same."""
    live, cand = street.group("g1", 1), street.group("g2", 1, "500")
    shop = traffic({"g1": live, "g2": cand}, {"g1": 5000, "g2": 5000}, "g1")
    services = {"shop": Kept(shop, 1)}
    for number in range(TOGETHER * 2):
        name = f"other-{number:03}"
        one = traffic({"g1": live}, {"g1": ALL}, "g1", service=name, hosts=(f"{name}.example",))
        services[name] = Kept(one, 1)
    unread, changed = ("other-000", f"other-{TOGETHER:03}"), f"other-{TOGETHER * 2 - 1:03}"
    (place.directory / STATE).write_bytes(msgspec.json.encode(State(services=services)))
    if not time_to_read:
        monkeypatch.setattr(ledger, "READ_WITHIN", -1.0)
    async with place.router() as router:
        told = {"g1": Counts(20), "g2": Counts(20, 20, 20)}
        await users(place.port, 40)
        for name in unread:
            await users(place.port, 10, host=f"{name}.example")
        assert (await router.observe("shop")).counts == told
        await router.apply(msgspec.structs.replace(services[changed].traffic, hosts=("new.example",)), 2)
        assert (await router.observe("shop")).counts == told
        await users(place.port, 40)
        assert (await router.observe("shop")).counts["g2"] == Counts(40, 40, 40)
        for name in unread:
            assert (await router.observe(name)).counts["g1"] == Counts(10)
