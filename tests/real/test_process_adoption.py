"""Instances outlive the control plane: it is killed, others take over, and the instances do not notice."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.real.provider_site import (
    Place,
    a_place,
    eventually,
    fleet,
    order,
    place,
    ready,
    script_run,
    seen,
    story,
    until,
)

from plainsail.domain.service import Probe, Stop
from plainsail.drivers._kit import proc
from plainsail.drivers._kit.journal import InstanceRecord, Journal
from plainsail.ports.errors import Transient

HOLDER = """
import asyncio, sys
from pathlib import Path
import msgspec
from plainsail.domain.actions import Fleet
from tests.real.provider_site import Place

async def hold():
    provider = Place(Path(sys.argv[1])).provider()
    await provider.start()
    for line in iter(sys.stdin.readline, ""):
        await provider.apply(msgspec.json.decode(line, type=Fleet), 1)
        wanted = sum(order.replicas for order in msgspec.json.decode(line, type=Fleet).groups)
        while sum(group.ready() for group in await provider.observe("shop")) != wanted:
            await asyncio.sleep(0.05)
        print("ready", flush=True)
    await asyncio.sleep(1000)

asyncio.run(hold())
"""

__all__ = ["place"]


@contextlib.contextmanager
def holder(place: Place) -> Iterator[subprocess.Popen[str]]:
    """A control plane in a process of its own. A fleet a line goes in, `ready` comes out."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(place.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def hold(process: subprocess.Popen[str], *orders: object) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(msgspec.json.encode(fleet(*orders)).decode() + "\n")  # type: ignore[arg-type]
    process.stdin.flush()
    assert process.stdout.readline() == "ready\n"


def records(place: Place) -> dict[str, InstanceRecord]:
    return {record.id: record for record in Journal(place.directory).instances()}


def edit(place: Place, id: str, **changes: object) -> None:
    """Write an instance's record as another time, or a crash, might have left it."""
    journal = Journal(place.directory)
    journal.save(msgspec.structs.replace(records(place)[id], **changes))


@story
async def test_what_is_adopted_is_watched_and_replaced(place: Place) -> None:
    release = place.shop()
    with holder(place) as control_plane:
        await asyncio.to_thread(hold, control_plane, order(release, 2))
        control_plane.kill()
        control_plane.wait()
    async with place.running() as provider:
        group = await seen(provider)
        (victim,) = place.processes()[group.instances[0].id]
        await provider.apply(fleet(order(release, 2)), 2)
        os.kill(victim, signal.SIGKILL)
        group = await until(provider, lambda group: group.crashes == 1)
        assert group.trouble.startswith("ended after "), "its status was its parent's to know"
        await until(provider, ready(2))
        await provider.end()


@story
async def test_a_zombie_is_dead(place: Place) -> None:
    """Where PID 1 does not reap, a dead orphan keeps its number and start time for ever."""
    async with place.running() as provider:
        await provider.apply(fleet(order(place.shop())), 1)
        group = await until(provider, ready(1))
    (pid,) = place.processes()[group.instances[0].id]
    os.kill(pid, signal.SIGKILL)  # our child, and nobody waits for it
    await eventually(lambda: (now := proc.stat(pid)) is not None and now.state == "Z")
    async with place.running() as provider:
        group = await seen(provider)
        assert not group.instances
        assert group.crashes == 1
        await provider.end()


@story
async def test_a_number_that_is_another_processs_now_is_left_alone(place: Place) -> None:
    async with place.running() as provider:
        await provider.apply(fleet(order(place.shop())), 1)
        (instance,) = (await until(provider, ready(1))).instances
    place.clear()
    with a_bystander() as bystander:
        process = proc.identify(bystander.pid)
        assert process is not None
        edit(place, instance.id, process=proc.Identity(process.pid, process.started - 1, process.boot))
        async with place.running() as provider:
            assert not (await seen(provider)).instances
            await provider.end()
        assert bystander.poll() is None


@story
async def test_after_a_reboot_nothing_is_adopted_or_blamed(place: Place) -> None:
    release = place.shop()
    async with place.running() as provider:
        await provider.apply(fleet(order(release)), 1)
        (instance,) = (await until(provider, ready(1))).instances
    place.clear()
    with a_bystander() as bystander:  # has the number, and by chance the start time too
        process = proc.identify(bystander.pid)
        assert process is not None
        edit(place, instance.id, process=proc.Identity(process.pid, process.started, "another-boot"))
        async with place.running() as provider:
            group = await seen(provider)
            assert not group.instances
            assert (group.crashes, group.failed_starts) == (0, 0)
            await provider.apply(fleet(order(release)), 2)
            await until(provider, ready(1))
            await provider.end()
        assert bystander.poll() is None


@story
async def test_killed_between_the_start_and_its_record_the_stray_is_ended(place: Place) -> None:
    release = place.shop()
    async with place.running() as provider:
        await provider.apply(fleet(order(release, 2)), 1)
        group = await until(provider, ready(2))
    kept, stray = (one.id for one in group.instances)
    edit(place, stray, process=None, ready_at=None, well=False)
    before = place.processes()
    async with place.running() as provider:
        await eventually(lambda: set(place.processes()) == {kept})
        assert place.processes()[kept] == before[kept]
        group = await seen(provider)
        assert (group.crashes, group.failed_starts) == (0, 0)
        await provider.apply(fleet(order(release, 2)), 2)
        await until(provider, ready(2))
        await provider.end()


@story
async def test_what_a_dead_instance_left_behind_is_ended_at_the_next_start(place: Place) -> None:
    release = place.script("sleep 1000 &\necho $! > $TMPDIR/child\nwait")
    async with place.running() as provider:
        await provider.apply(fleet(order(release, run=script_run())), 1)
        (instance,) = (await until(provider, ready(1))).instances
    child = int((place.directory / "scratch" / instance.id / "child").read_text())
    (leader,) = place.processes()[instance.id] - {child}
    os.kill(leader, signal.SIGKILL)
    await eventually(lambda: proc.identify(leader) is None)
    assert proc.identify(child) is not None
    async with place.running() as provider:
        await eventually(lambda: proc.identify(child) is None)
        await provider.end()


@story
async def test_counts_and_waiting_survive_a_restart(place: Place) -> None:
    async with place.running() as provider:
        await provider.apply(fleet(order(place.script("exit 7"), run=script_run())), 1)
        before = await until(provider, lambda group: group.failed_starts == 4)
    async with place.running() as provider:
        after = await seen(provider)
        assert (after.failed_starts, after.trouble) == (before.failed_starts, before.trouble)
        await provider.apply(fleet(order(place.script("exit 7"), run=script_run())), 1)
        await asyncio.sleep(1)
        assert (await seen(provider)).failed_starts == 4, "it waits four seconds by now"
        await provider.end()


@story
async def test_who_was_ending_is_killed_when_its_grace_is_over(place: Place) -> None:
    release = place.script("trap 'echo told >> told' TERM\ncd $TMPDIR\nwhile :; do sleep 0.1; done")
    async with place.running() as provider:
        await provider.apply(fleet(order(release, run=script_run(stop=Stop(drain=0, grace=2)))), 1)
        (instance,) = (await until(provider, ready(1))).instances
        await provider.apply(fleet(), 1)
        told = place.directory / "scratch" / instance.id / "told"
        await eventually(told.exists)
    async with place.running():
        await asyncio.sleep(0.3)
        assert told.read_text() == "told\n", "it was told once"
        await eventually(lambda: not place.processes())


@story
async def test_a_start_is_written_down_even_if_the_provider_stops_in_it(place: Place) -> None:
    release = place.shop()
    async with place.running() as provider:
        await provider.apply(fleet(order(release, 3)), 1)
        for _ in range(5):  # turns of the loop: the starts are under way
            await asyncio.sleep(0)
    assert len([record for record in records(place).values() if record.process]) == 3
    await eventually(lambda: len(place.processes()) == 3)  # environments show a moment after the start
    async with place.running() as provider:
        assert {one.state for one in (await seen(provider)).instances} == {"starting"}
        await until(provider, ready(3))
        await provider.end()


@story
async def test_a_probe_command_of_a_killed_control_plane_is_ended(place: Place) -> None:
    release = place.release(
        {"bin/serve": "#!/bin/sh\nsleep 1000\n", "bin/check": "#!/bin/sh\nexec sleep 1004\n"}
    )
    run = script_run(ready=Probe(command=("bin/check",), timeout=600, within=600))
    with holder(place) as control_plane:
        assert control_plane.stdin is not None
        control_plane.stdin.write(msgspec.json.encode(fleet(order(release, run=run))).decode() + "\n")
        control_plane.stdin.flush()
        await eventually(lambda: any("sleep1004" in line for line in command_lines(place)))
        control_plane.kill()
        control_plane.wait()
    orphan = {pid for pids in place.processes().values() for pid in pids if "sleep1004" in command_line(pid)}
    async with place.running() as provider:
        await eventually(lambda: all(proc.identify(pid) is None for pid in orphan))
        assert (await seen(provider)).instances
        await provider.end()


@story
async def test_one_control_plane_at_a_time(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plainsail.drivers.providers.process.PREDECESSOR", 0.2)
    async with place.running():
        with pytest.raises(Transient) as refused:
            await place.provider().start()
        assert refused.value.code == "provider_held"
    async with place.running():
        pass


@story
async def test_two_sites_do_not_touch_each_other(place: Place, tmp_path: Path) -> None:
    with a_place(tmp_path / "other") as other:
        async with place.running() as mine, other.running() as theirs:
            await mine.apply(fleet(order(place.shop(), 3)), 1)
            await theirs.apply(fleet(order(other.shop(), 3)), 1)
            here, there = await until(mine, ready(3)), await until(theirs, ready(3))
            assert not {one.address for one in here.instances} & {one.address for one in there.instances}
            await mine.end()
            assert len(other.processes()) == 3
            await theirs.end()


def test_a_record_from_another_time_is_no_obstacle(place: Place) -> None:
    journal = Journal(place.directory)
    torn = place.directory / "services/shop/g1/shop-g1-1.json"
    torn.parent.mkdir(parents=True)
    torn.write_text(json.dumps({"id": "shop-g1-1"}))
    assert not list(journal.instances())


@contextlib.contextmanager
def a_bystander() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "1000"]) as bystander:
        yield bystander
        bystander.kill()


def command_lines(place: Place) -> list[str]:
    return [command_line(pid) for pids in place.processes().values() for pid in pids]


def command_line(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", "")
    return ""
