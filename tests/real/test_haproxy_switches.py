"""Changes under load: nobody loses a request, and streams live until their drain ends."""

from __future__ import annotations

import asyncio

from tests.real.haproxy_world import (
    Backend,
    Place,
    Street,
    User,
    binaries,
    place,
    story,
    street,
    traffic,
    until,
    users,
)

from plainsail.domain.units import ALL
from plainsail.drivers.routers.haproxy import HAProxy
from plainsail.drivers.routers.haproxy.cli import session
from plainsail.local.load import Load

__all__ = ["place", "street"]
pytestmark = binaries

CHANGES, SWITCHES = 200, 20
UPGRADE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
RATE = 200.0


class Stream:
    """A WebSocket or an event stream that is held open and counts what comes."""

    def __init__(self, port: int, path: str) -> None:
        self._port, self._path = port, path
        self.ticks, self.over = 0, False
        self._reading: asyncio.Task[None] | None = None

    async def open(self) -> Stream:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        upgrade = UPGRADE if self._path == "/ws" else ""
        writer.write(f"GET {self._path} HTTP/1.1\r\nHost: shop.example\r\n{upgrade}\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.split(b" ")[1] == (b"101" if upgrade else b"200")
        self._reading = asyncio.create_task(self._read(reader, writer))
        return self

    async def flows(self) -> bool:
        """Something new has come since now."""
        before = self.ticks
        for _ in range(200):
            await asyncio.sleep(0.02)
            if self.ticks > before:
                return True
        return False

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(4096):
            self.ticks += 1
        self.over = True
        writer.close()


@story
async def test_200_changes_of_shares_lose_no_request(place: Place, street: Street) -> None:
    live, cand = street.group("g1", 2), street.group("g2", 2)
    async with place.router() as router:
        groups = {"g1": live, "g2": cand}
        await router.apply(traffic(groups, {"g1": ALL}, "g1"), 1)
        load = Load(place.address, RATE, fresh=0.25, path="/").start()
        for change in range(CHANGES):
            share = (0, 100, 5000, ALL)[change % 4]
            wanted = traffic(groups, {"g1": ALL - share, "g2": share}, "g1")
            await router.apply(wanted, 1)
            assert (await router.observe("shop")).traffic == wanted
            await asyncio.sleep(0.01)
        samples = await asyncio.to_thread(load.stop)
        assert not [sample for sample in samples if sample.outcome != "ok"]
        assert {sample.version for sample in samples} == {"g1", "g2"}
        assert len(samples) > CHANGES


@story
async def test_20_switches_of_versions_lose_no_request_and_no_stream(place: Place, street: Street) -> None:
    async with place.router() as router:
        first = live = street.group("g0", 2)
        await router.apply(traffic({"g0": live}, {"g0": ALL}, "g0"), 1)
        streams = [await Stream(place.port, path).open() for path in ("/ws", "/stream")]
        load = Load(place.address, RATE, fresh=0.25, path="/").start()
        for number in range(1, SWITCHES + 1):
            live = await _switch(router, street, live, number, keep=first)
            assert all([await stream.flows() for stream in streams])
        samples = await asyncio.to_thread(load.stop)
        assert not [sample for sample in samples if sample.outcome != "ok"]
        assert {sample.version for sample in samples} == {f"g{number}" for number in range(SWITCHES + 1)}

        held = (await router.observe("shop")).sessions
        assert sum(held[backend.name] for backend in first) == 2, "still known, with their streams"
        for backend in first:  # the drain deadline
            await asyncio.to_thread(street.shut, backend)

        async def forgotten() -> bool:
            return set((await router.observe("shop")).sessions) == {backend.name for backend in live}

        await until(forgotten)
        assert all(stream.over for stream in streams)


async def _switch(
    router: HAProxy, street: Street, live: list[Backend], number: int, keep: list[Backend]
) -> list[Backend]:
    """Add, try with 10 %, promote, let the old ones go, end them. Returns the new live ones."""
    old, new = f"g{number - 1}", f"g{number}"
    cand = await asyncio.to_thread(street.group, new, 2)
    both = {old: live, new: cand}
    for wanted in (
        traffic(both, {old: ALL}, old),
        traffic(both, {old: 9000, new: 1000}, old),
        traffic(both, {new: ALL}, new),
        traffic({new: cand}, {new: ALL}, new),
    ):
        await router.apply(wanted, 1)
        assert (await router.observe("shop")).traffic == wanted
        await asyncio.sleep(0.05)
    if live is not keep:

        async def unused() -> bool:
            sessions = (await router.observe("shop")).sessions
            return not any(sessions.get(backend.name) for backend in live)

        await until(unused)
        for backend in live:
            await asyncio.to_thread(street.shut, backend)
    return cand


@story
async def test_a_reload_for_another_service_loses_no_request(place: Place, street: Street) -> None:
    live, cand = street.group("g1", 2), street.group("g2", 1)
    async with place.router() as router:
        wanted = traffic({"g1": live, "g2": cand}, {"g1": 7500, "g2": 2500}, "g1")
        await router.apply(wanted, 1)
        streams = [await Stream(place.port, path).open() for path in ("/ws", "/stream")]
        load = Load(place.address, RATE, fresh=0.25, path="/").start()
        counted = 0
        for number in range(5):
            other = traffic(
                {"g1": live}, {"g1": ALL}, "g1", service=f"other-{number}", hosts=(f"{number}.example",)
            )
            await router.apply(other, 1)
            seen = await router.observe("shop")
            assert seen.traffic == wanted
            assert (await router.observe(other.service)).traffic == other
            assert sum(counts.requests for counts in seen.counts.values()) > counted, "counts go on"
            counted = sum(counts.requests for counts in seen.counts.values())
            await asyncio.sleep(0.3)
        samples = await asyncio.to_thread(load.stop)
        assert not [sample for sample in samples if sample.outcome != "ok"]
        assert all([await stream.flows() for stream in streams])


@story
async def test_connections_that_an_older_worker_holds_follow_the_traffic(
    place: Place, street: Street
) -> None:
    """An idle connection from before a reload is answered by the old worker once more: by the version of today."""
    live, cand = street.group("g1", 1), street.group("g2", 1)
    async with place.router() as router:
        await router.apply(traffic({"g1": live}, {"g1": ALL}, "g1"), 1)
        idle = [User(place.port) for _ in range(10)]
        assert {(await user.ask())[1] for user in idle} == {"g1-0"}
        stream = await Stream(place.port, "/ws").open()
        other = traffic({"g1": live}, {"g1": ALL}, "g1", service="other", hosts=("other.example",))
        await router.apply(other, 1)
        await router.apply(traffic({"g1": live, "g2": cand}, {"g2": ALL}, "g2"), 1)
        await router.apply(traffic({"g2": cand}, {"g2": ALL}, "g2"), 1)
        sessions = (await router.observe("shop")).sessions
        assert sessions["g1-0"] == 1, "the stream is held by the old worker, and counted"
        assert await stream.flows()
        await asyncio.to_thread(street.shut, live[0])
        assert {(await user.ask())[1] for user in idle} == {"g2-0"}
        assert await users(place.port, 20) == {(200, "g2-0"): 20}

        async def forgotten() -> bool:
            return not (await router.observe("shop")).sessions.get("g1-0")

        await until(forgotten)


@story
async def test_instances_die_and_come_back_without_a_control_plane(place: Place, street: Street) -> None:
    """HAProxy's own checks: a dead instance is out after a while, and in again when it lives."""
    live = street.group("g1", 2)
    async with place.router() as router:
        wanted = traffic({"g1": live}, {"g1": ALL}, "g1")
        await router.apply(traffic({"g1": live[:1]}, {"g1": ALL}, "g1"), 1)
        await router.apply(wanted, 1)  # one from the file, one added at run time
        for backend, other in zip(live, reversed(live), strict=True):
            await asyncio.to_thread(street.shut, backend)

            async def out(backend: Backend = backend) -> bool:
                return "DOWN" in await _status(place, backend)

            await until(out)
            assert await users(place.port, 50, "POST") == {(200, other.name): 50}
            await asyncio.to_thread(street.reopen, backend)

            async def back(backend: Backend = backend) -> bool:
                return await _status(place, backend) == "UP"

            await until(back)
            seen = await users(place.port, 50)
            assert seen == {(200, "g1-0"): 25, (200, "g1-1"): 25}
        assert (await router.observe("shop")).traffic == wanted


async def _status(place: Place, backend: Backend) -> str:
    async with session(place.directory) as line:
        rows = (row.split(",") for row in (await line.ask("show stat shop 4 -1")).splitlines())
        return next(row[17] for row in rows if len(row) > 17 and row[1] == backend.name)
