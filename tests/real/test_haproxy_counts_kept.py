"""Counts over reloads, a HAProxy that dies, and control planes that come and go: nothing twice, nothing lost but what a
killed HAProxy alone knew."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import msgspec
import pytest
from tests.real.haproxy_world import (
    SLOW_AFTER,
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
)  # fmt: skip

from plainsail.domain.observation import Counts
from plainsail.domain.units import ALL
from plainsail.drivers._kit import proc
from plainsail.drivers.routers.haproxy import HAProxy, process
from plainsail.local.load import Load
from plainsail.ports.errors import Broken

__all__ = ["place", "street"]
pytestmark = binaries


class Control:
    """Control planes that come one after the other; each knows nothing but what is on disk."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.router = HAProxy(place.config, place.site)

    async def __aenter__(self) -> Control:
        await self.router.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.router.end()

    async def next(self) -> None:
        await self.router.stop()
        self.router = HAProxy(self.place.config, self.place.site)
        await self.router.start()

    async def counts(self) -> dict[str, Counts]:
        return (await self.router.observe("shop")).counts


async def reload(control: Control, live: list[Backend], number: int) -> None:
    """Another service comes, which takes a reload."""
    host = (f"{number}.example",)
    await control.router.apply(
        traffic({"g1": live}, {"g1": ALL}, "g1", service=f"other-{number}", hosts=host), 1
    )


async def kill_haproxy(place: Place) -> None:
    """Master and worker, at once."""
    recorded = msgspec.json.decode((place.directory / "process.json").read_bytes(), type=proc.Identity)
    os.killpg(recorded.pid, signal.SIGKILL)
    await proc.ended(recorded)


@story
async def test_reloads_and_restarts_of_the_control_plane_in_turn(place: Place, street: Street) -> None:
    live, cand = street.group("g1", 1), street.group("g2", 1, "500")
    async with Control(place) as control:
        await control.router.apply(traffic({"g1": live, "g2": cand}, {"g1": 5000, "g2": 5000}, "g1"), 1)
        each = 0
        for number in range(3):
            await users(place.port, 40)
            await reload(control, live, number)
            await users(place.port, 20)
            each += 30
            wanted = {"g1": Counts(each), "g2": Counts(each, failures=each, shielded=each)}
            assert await control.counts() == wanted
            for _ in range(2):
                await control.next()
                assert await control.counts() == wanted
        await users(place.port, 40)
        assert (await control.counts())["g1"] == Counts(each + 20)


@story
async def test_what_was_under_way_in_a_reload_is_counted(place: Place, street: Street) -> None:
    """Slow answers that the old worker gives after the reload, seen by this control plane and by the next."""
    live, cand = street.group("g1", 1), street.group("g2", 1, "slow")
    async with Control(place) as control:
        await control.router.apply(traffic({"g1": live, "g2": cand}, {"g1": 5000, "g2": 5000}, "g1"), 1)
        waiting = [asyncio.create_task(User(place.port, within=30).ask()) for _ in range(20)]
        await until(lambda: _asked(cand, 10))
        await reload(control, live, 1)
        assert [status for status, _, _ in await asyncio.gather(*waiting)] == [200] * 20
        wanted = {"g1": Counts(10), "g2": Counts(10, slow=10)}
        assert await control.counts() == wanted
        await control.next()
        assert await control.counts() == wanted


@story
async def test_a_stream_in_the_old_worker_holds_what_it_counts_later(
    binary: str, tmp_path: Path, street: Street
) -> None:
    """A worker that lives on for a stream is asked for what it counts, by the next control plane too."""
    live, cand = street.group("g1", 1), street.group("g2", 1, "hang")
    place = Place(tmp_path, binary, server=4.0)
    async with Control(place) as control:
        await control.router.apply(traffic({"g1": live, "g2": cand}, {"g1": 5000, "g2": 5000}, "g1"), 1)
        waiting = [asyncio.create_task(User(place.port, within=30).ask()) for _ in range(20)]
        await until(lambda: _asked(cand, 10))
        await reload(control, live, 1)
        await control.next()

        async def noticed() -> bool:
            return (await control.counts())["g2"] == Counts(10, slow=10)

        await until(noticed)
        await control.next()
        await until(noticed)
        assert [status for status, _, _ in await asyncio.gather(*waiting)] == [200] * 20
        await reload(control, live, 2)
        assert (await control.counts())["g2"].requests == 10
        assert (await control.counts())["g1"].requests == 10


@story
async def test_under_load_no_request_is_counted_twice(place: Place, street: Street) -> None:
    live, cand = street.group("g1", 2), street.group("g2", 1)
    async with Control(place) as control:
        await control.router.apply(traffic({"g1": live, "g2": cand}, {"g1": 7500, "g2": 2500}, "g1"), 1)
        load = Load(place.address, 150, fresh=0.25, path="/").start()
        for number in range(4):
            await reload(control, live, number)
            await control.next()
            await asyncio.sleep(0.3)
        samples = await asyncio.to_thread(load.stop)
        assert not [sample for sample in samples if sample.outcome != "ok"]
        found = await control.counts()
        for name, group in ("g1", live), ("g2", cand):
            truth = sum(backend.total for backend in group)
            assert 0.7 * truth < found[name].requests <= truth, (
                "the last milliseconds before it ends are lost"
            )


@story
async def test_a_haproxy_that_was_killed_takes_only_what_nobody_had_read(
    place: Place, street: Street
) -> None:
    live = street.group("g1", 1)
    async with Control(place) as control:
        await control.router.apply(traffic({"g1": live}, {"g1": ALL}, "g1"), 1)
        await users(place.port, 40)
        await reload(control, live, 1)
        await users(place.port, 20)
        assert (await control.counts())["g1"] == Counts(60)
        await users(place.port, 5)  # nobody reads these
        await kill_haproxy(place)

        async def served() -> bool:
            return (await User(place.port).ask())[0] == 200

        await until(served)
        assert (await control.counts())["g1"] == Counts(61)
        await control.next()
        await users(place.port, 9)
        assert (await control.counts())["g1"] == Counts(70)


@story
async def test_when_both_die_the_counts_begin_anew_at_zero(place: Place, street: Street) -> None:
    """What the dead HAProxy had counted last is not known, so a smaller number must not hold what was counted before."""
    live = street.group("g1", 1)
    async with Control(place) as control:
        await control.router.apply(traffic({"g1": live}, {"g1": ALL}, "g1"), 1)
        await users(place.port, 40)
        await reload(control, live, 1)
        await users(place.port, 20)
        assert (await control.counts())["g1"] == Counts(60)
        await control.router.stop()
        await kill_haproxy(place)
        await control.next()
        await users(place.port, 7)
        assert (await control.counts())["g1"] == Counts(7)
        await reload(control, live, 2)
        await control.next()
        assert (await control.counts())["g1"] == Counts(7)


@story
async def test_a_reload_that_does_not_happen_leaves_the_counts(
    place: Place, street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last word was taken down, and then the worker went on."""
    live = street.group("g1", 1)

    async def refuse(*_: object) -> None:
        raise Broken("haproxy_failed", "HAProxy did not reload")

    async with Control(place) as control:
        await control.router.apply(traffic({"g1": live}, {"g1": ALL}, "g1"), 1)
        await users(place.port, 10)
        with monkeypatch.context() as patch:
            patch.setattr(process.Process, "reload", refuse)
            with pytest.raises(Broken):
                await reload(control, live, 1)
        await users(place.port, 10)
        assert (await control.counts())["g1"] == Counts(20)
        with monkeypatch.context() as patch:
            patch.setattr(process.Process, "reload", refuse)
            with pytest.raises(Broken):
                await reload(control, live, 1)
        await control.next()  # it finds the last word taken down, and reloads
        await users(place.port, 10)
        assert (await control.counts())["g1"] == Counts(30)
        await control.next()
        assert (await control.counts())["g1"] == Counts(30)


async def _asked(group: list[Backend], number: int) -> bool:
    await asyncio.sleep(SLOW_AFTER / 10)
    return sum(backend.total for backend in group) >= number
