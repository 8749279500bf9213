"""Counts over reloads of a HAProxy that has, or had, many groups and services."""

from __future__ import annotations

import msgspec
from tests.real.haproxy_world import Place, Street, binaries, place, story, street, traffic, users

from plainsail.domain.observation import Counts
from plainsail.domain.units import ALL
from plainsail.drivers.routers.haproxy.ledger import GONE
from plainsail.drivers.routers.haproxy.shelf import STATE, State
from plainsail.drivers.routers.haproxy.template import GROUPS_KEPT

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
