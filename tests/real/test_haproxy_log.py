"""HAProxy's log: anybody on the machine can write to it, and what nobody knows is nobody's."""

from __future__ import annotations

import socket

from tests.real.haproxy_world import Place, Street, binaries, place, story, street, traffic, until, users

from plainsail.domain.observation import Counts

__all__ = ["place", "street"]
pytestmark = binaries

LIES = (
    b"shop g1 - nobody 500 1000 1 1000000",
    b"shop g2 nobody g1-0 500 1000 1 1000000",
    b"blog g1 - g1-0 500 1000 1 1000000",
    b"shop g1 - g1-0 500 1000 1",
    b"shop g1 - g1-0 \xb2 1000 1 1000000",
    b"shop g1 - g1-0 200 -5 1 1000000",
    b"shop g1 - g1-0 200 " + b"9" * 300 + b" 1 1000000",
    b"shop g1 - g1-0 200 1000 1 -",
    b"",
    b"\x00\xff" * 200,
)


@story
async def test_lines_of_nobody_are_dropped(place: Place, street: Street) -> None:
    one = street.group("g1", 2)
    async with place.router() as router:
        await router.apply(traffic({"g1": one}, {"g1": 10_000}, "g1"), 1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as liar:
            for line in LIES * 3:
                liar.sendto(line, ("127.0.0.1", router._log.port or 0))
        await users(place.port, 20)

        async def told() -> bool:
            return sum(one.requests for one in (await router.observe("shop")).instances.values()) == 20

        await until(told)
        assert (await router.observe("shop")).instances == {"g1-0": Counts(10), "g1-1": Counts(10)}


@story
async def test_who_has_left_is_forgotten(place: Place, street: Street) -> None:
    one = street.group("g1", 2)
    async with place.router() as router:
        await router.apply(traffic({"g1": one}, {"g1": 10_000}, "g1"), 1)
        await users(place.port, 20)
        await router.apply(traffic({"g1": one[:1]}, {"g1": 10_000}, "g1"), 1)

        async def gone() -> bool:
            return set((await router.observe("shop")).instances) == {"g1-0"}

        await until(gone)
