"""Limits, ports and a full disk, as the machine gives them."""

import asyncio
import contextlib
import logging
import os
import resource
import socket
import subprocess
import sys
from collections.abc import Awaitable, Iterator
from pathlib import Path

import pytest
from tests.real.provider_site import (
    Place,
    eventually,
    fleet,
    order,
    place,
    ready,
    script_run,
    seen,
    shop_run,
    story,
    until,
)

from plainsail.domain.service import Limits
from plainsail.drivers._kit import limits, proc
from plainsail.drivers._kit.ports import Ports
from plainsail.drivers.providers.process import Config
from plainsail.ports.errors import Broken, Transient

# Limits.

GREEDY = "import time\nkept = bytearray(%d)\nkept[::4096] = b'x' * len(kept[::4096])\nprint('had it', flush=True)\ntime.sleep(1000)"

__all__ = ["place"]


@story
async def test_an_instance_that_wants_more_memory_than_its_limit_does_not_get_it(place: Place) -> None:
    """By a control group, or by an rlimit where none may be written: it never lives with more."""
    run = script_run(command=(sys.executable, "-c", GREEDY % 400_000_000), limits=Limits(memory=100_000_000))
    release = place.script("")
    async with place.running() as provider:
        await provider.apply(fleet(order(release, run=run)), 1)
        group = await until(provider, lambda group: group.failed_starts > 0)
        by_group = group.trouble.startswith("killed for using more memory than its limit after ")
        assert by_group or group.trouble.startswith("exited with status 1 after "), group.trouble
        assert "had it" not in [line.text for line in await provider.output("shop")]
        await provider.end()
    assert not made_groups()


@story
async def test_an_instance_within_its_limits_is_not_disturbed(place: Place) -> None:
    run = shop_run(limits=Limits(memory=200_000_000, cpu=0.5, files=123))
    async with place.running() as provider:
        await provider.apply(fleet(order(place.shop(), run=run)), 1)
        (instance,) = (await until(provider, ready(1))).instances
        (pid,) = place.processes()[instance.id]
        assert resource.prlimit(pid, resource.RLIMIT_NOFILE) == (123, 123)
        held = resource.prlimit(pid, resource.RLIMIT_DATA)[0] == 200_000_000
        assert held or instance.id in groups_of(pid)
        await provider.end()
    assert not made_groups()


@story
async def test_what_cannot_be_limited_is_said_once_and_starts_all_the_same(
    place: Place, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(limits, "_parents", lambda *_: [])
    run = script_run(limits=Limits(cpu=0.5, files=10**9))
    caplog.set_level(logging.WARNING)
    async with place.running() as provider:
        await provider.apply(fleet(order(place.script("sleep 1000"), 3, run)), 1)
        await until(provider, ready(3))
        await provider.end()
    said = [record.getMessage() for record in caplog.records]
    assert len([text for text in said if "processor time is not limited" in text]) == 1
    assert len([text for text in said if "open files limited to " in text]) == 1


def test_a_group_of_version_two_is_made_below_our_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a directory that looks like it: this kernel may have version 1."""
    own = tmp_path / next(
        line.split(":", 2)[2].lstrip("/")
        for line in Path("/proc/self/cgroup").read_text().splitlines()
        if line[0] == "0"
    )
    own.mkdir(parents=True, exist_ok=True)
    (own / "cgroup.subtree_control").write_text("memory cpu")
    imposed = limits.impose(Limits(memory=1000, cpu=1.5), "one", 42, tmp_path)
    group = own / "plainsail-one"
    assert imposed == limits.Imposed((str(group),), ())
    assert {path.name: path.read_text() for path in group.iterdir()} == {
        "memory.max": "1000",
        "cpu.max": "150000 100000",
        "cgroup.procs": "42",
    }
    (group / "memory.events").write_text("low 0\noom 3\noom_kill 1\n")
    assert limits.ran_out_of_memory(imposed.groups)


def groups_of(pid: int) -> str:
    return Path(f"/proc/{pid}/cgroup").read_text()


def made_groups() -> list[Path]:
    found = subprocess.run(
        ["find", "/sys/fs/cgroup", "-name", "plainsail-shop-g1-*"],
        capture_output=True,
        text=True,
        check=False,
    )
    return [Path(line) for line in found.stdout.splitlines()]


# Ports.


def test_a_port_is_given_once_and_not_if_somebody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ports = Ports(port - 1, port + 1)
        given: list[int] = []
        while (found := take(ports)) is not None:
            given.append(found)
        assert port not in given
        assert len(set(given)) == len(given)
        ports.close()


def take(ports: Ports) -> int | None:
    try:
        return ports.take()
    except Broken:
        return None


def test_two_control_planes_do_not_give_the_same_port() -> None:
    first, second = Ports(31_000, 31_020), Ports(31_000, 31_020)
    given = [(first if number % 2 else second).take() for number in range(12)]
    assert len(set(given)) == 12
    first.close()
    second.close()


def test_a_returned_port_is_given_last() -> None:
    ports = Ports(31_100, 31_110)
    port = ports.take()
    ports.give_back(port)
    assert ports.take() != port
    ports.close()


@story
async def test_without_a_free_port_it_says_so_and_goes_on_later(place: Place) -> None:
    release = place.shop()
    async with place.running(Config(first_port=31_200, last_port=31_200)) as provider:
        with pytest.raises(Broken) as full:
            await provider.apply(fleet(order(release, 2)), 1)
        assert full.value.code == "no_port"
        group = await until(provider, lambda group: group.ready() == 1)
        assert group.failed_starts == 0
        await provider.apply(fleet(order(release, 1)), 1)
        await provider.end()


# A full disk.


@pytest.fixture
def small_place(tmp_path: Path) -> Iterator[Place]:
    """A place whose provider has a file system of its own, of a quarter of a megabyte."""
    place = Place(tmp_path)
    place.directory.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(place.directory)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a full disk needs the right to mount one: sudo -E make test")
    yield place
    place.clear()
    subprocess.run(["umount", "-l", str(place.directory)], check=True)


@story
async def test_a_full_disk_stops_no_instance_and_blames_no_release(small_place: Place) -> None:
    place, release = small_place, small_place.shop()
    run = shop_run(env={"PYTHONDONTWRITEBYTECODE": "1"})
    async with place.running() as provider:
        await provider.apply(fleet(order(release, 1, run)), 1)
        (first,) = (await until(provider, ready(1))).instances
        fill(place.directory / "ballast")
        with pytest.raises(Transient) as full:
            await provider.apply(fleet(order(release, 1, run)), 2)  # the epoch cannot be written down
        assert full.value.code == "disk_full"
        await provider.apply(fleet(order(release, 3, run)), 1)
        await eventually(lambda: refuses(provider.apply(fleet(order(release, 3, run)), 1)))
        group = await seen(provider)
        assert group.failed_starts == 0
        assert [one.state for one in group.instances if one.id == first.id] == ["ready"]
        (place.directory / "ballast").unlink()
        await until(provider, ready(3))
        await provider.apply(fleet(order(release, 3, run)), 2)
        await provider.end()


async def refuses(attempt: Awaitable[None]) -> bool:
    try:
        await attempt
    except Transient as full:
        return full.code == "disk_full"
    return False


def fill(path: Path) -> None:
    """Take all the room there is."""
    with open(path, "wb", buffering=0) as file:
        for size in (4096, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(b"x" * size)


# What a process is.


def test_a_process_that_is_gone_has_no_identity() -> None:
    child = subprocess.Popen(["true"])
    child.wait()
    assert proc.identify(child.pid) is None
    assert proc.stat(child.pid) is None


@story
async def test_the_end_is_noticed_where_the_kernel_has_no_pidfd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "pidfd_open")
    child = await asyncio.to_thread(subprocess.Popen, ["sleep", "0.3"])
    process = proc.identify(child.pid)
    assert process is not None
    await asyncio.wait_for(proc.ended(process), 30)
    assert not proc.lives(process)
    assert proc.reap(process) == 0
    child.returncode = 0
