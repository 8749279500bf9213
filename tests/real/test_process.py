"""The process provider with real processes: what is ordered runs, what is not ordered ends."""

import asyncio
import os
import signal
import stat
import sys
from pathlib import Path

import pytest
from tests.real.provider_site import (
    Place,
    eventually,
    fleet,
    order,
    pids,
    place,
    ready,
    script_run,
    seen,
    shop_run,
    story,
    until,
)

from plainsail.domain.service import Probe, Stop
from plainsail.drivers._kit import proc
from plainsail.drivers.providers.process import Process
from plainsail.ports.errors import Rejected

__all__ = ["place"]


@story
async def test_who_is_leaving_is_taken_back_when_more_are_wanted(place: Place) -> None:
    run = shop_run(stop=Stop(drain=600, grace=5))
    async with place.running() as provider:
        release = place.shop()
        await provider.apply(fleet(order(release, 2, run)), 1)
        before = pids(place, (await until(provider, ready(2))).instances)
        await provider.apply(fleet(), 1)
        assert (await seen(provider)).alive() == 0
        await provider.apply(fleet(order(release, 2, run)), 1)
        assert pids(place, (await until(provider, ready(2))).instances) == before
        await provider.end()


@story
async def test_who_ignores_sigterm_is_killed_with_its_children(place: Place) -> None:
    release = place.script("trap '' TERM\nsleep 1000 &\nwhile :; do sleep 0.1; done")
    async with place.running() as provider:
        await provider.apply(fleet(order(release, run=script_run(stop=Stop(drain=0, grace=0.3)))), 1)
        group = await until(provider, ready(1))
        assert len(place.processes()[group.instances[0].id]) >= 2
        await provider.apply(fleet(), 1)
        await eventually(lambda: not place.processes())


@story
async def test_what_a_dead_instance_started_ends_with_it(place: Place) -> None:
    release = place.script("sleep 1000 &\nsleep 1001 &\nsleep 1.5; exit 3")
    async with place.running() as provider:
        await provider.apply(fleet(order(release, run=script_run())), 1)
        first = (await until(provider, ready(1))).instances[0].id
        await until(provider, lambda group: group.crashes == 1)
        await eventually(lambda: first not in place.processes())
        await provider.end()


@story
async def test_a_crashed_instance_is_counted_and_replaced(place: Place) -> None:
    async with place.running() as provider:
        await provider.apply(fleet(order(place.shop(), 2)), 1)
        group = await until(provider, ready(2))
        (victim,) = place.processes()[group.instances[0].id]
        os.kill(victim, signal.SIGKILL)
        group = await until(provider, lambda group: group.crashes == 1)
        assert group.trouble.startswith("killed by signal 9 after ")
        assert "before it was ready" not in group.trouble
        group = await until(provider, ready(2))
        assert (group.crashes, group.failed_starts) == (1, 0)
        await provider.end()


@story
async def test_a_release_that_cannot_start_is_tried_seldom_and_says_why(place: Place) -> None:
    async with place.running() as provider:
        await provider.apply(fleet(order(place.script("echo no; exit 4"), 2, script_run())), 1)
        group = await until(provider, lambda group: group.failed_starts >= 4)
        assert group.trouble.startswith("exited with status 4 after ")
        assert group.trouble.endswith(" before it was ready")
        assert group.crashes == 0
        await asyncio.sleep(2)
        assert (await seen(provider)).failed_starts <= 10, "it waits longer each time"
        assert {line.text for line in await provider.output("shop")} == {"no"}
        await provider.end()


@pytest.mark.parametrize(
    ("command", "trouble"),
    [
        (("bin/missing",), "command not found: bin/missing"),
        (("no-such-program-anywhere",), "command not found: no-such-program-anywhere"),
        (("data.txt",), "command not found: data.txt"),
        (("./data.txt",), "command is not executable: ./data.txt"),
        (("bin/lost",), "cannot run bin/lost: its interpreter (first line) is not found"),
    ],
)
@story
async def test_a_command_that_cannot_run_is_a_failed_start(
    place: Place, command: tuple[str, ...], trouble: str
) -> None:
    release = place.release({"data.txt": "", "bin/lost": "#!/no/such/shell\n"})
    async with place.running() as provider:
        await provider.apply(fleet(order(release, run=script_run(command=command))), 1)
        group = await until(provider, lambda group: group.failed_starts > 0)
        assert group.trouble == trouble
        await asyncio.sleep(1)
        assert (await seen(provider)).failed_starts <= 3
        await provider.end()


PRINT_ALL = "env; echo pwd=$(pwd); echo args=$*; umask; sleep 1000"


@story
async def test_an_instance_sees_its_own_environment_and_no_more(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN_OF_THE_CONTROL_PLANE", "hidden")
    secret = place.root / "password"
    secret.write_text("s3cr3t\n")
    run = script_run(
        command=("bin/serve", "--port={port}", "$HOME; ls"),
        env={"LOG_LEVEL": "debug"},
        secrets={"DB_PASSWORD": str(secret)},
    )
    release = place.script(PRINT_ALL)
    async with place.running() as provider:
        await provider.apply(fleet(order(release, run=run)), 1)
        group = await until(provider, ready(1))
        instance = group.instances[0]
        lines = [line.text for line in await provider.output("shop")]
        port = instance.address.partition(":")[2]
        tree = place.store.tree(release)
        assert f"pwd={tree}" in lines
        assert f"args=--port={port} $HOME; ls" in lines, "no shell touched it"
        for expected in (
            f"PORT={port}",
            "PLAINSAIL_SERVICE=shop",
            "PLAINSAIL_ENVIRONMENT=production",
            "PLAINSAIL_GROUP=g1",
            f"PLAINSAIL_INSTANCE={instance.id}",
            "PLAINSAIL_VERSION=v1",
            "PYTHONUNBUFFERED=1",
            "LOG_LEVEL=debug",
            "DB_PASSWORD=s3cr3t",
        ):
            assert expected in lines
        assert not any("hidden" in line for line in lines)
        scratch = next(line.partition("=")[2] for line in lines if line.startswith("TMPDIR="))
        assert os.listdir(scratch) == []
        (pid, *_) = place.processes()[instance.id]
        assert "s3cr3t" not in command_line(pid)
        await provider.end()
        assert not (place.directory / "scratch" / instance.id).exists()
    for path in place.directory.rglob("*"):
        if path.is_file() and path.suffix != ".log":
            assert b"s3cr3t" not in path.read_bytes()


@story
async def test_a_secret_that_is_missing_is_a_failed_start_that_tells_no_secret(place: Place) -> None:
    there = place.root / "there"
    there.write_text("s3cr3t")
    run = shop_run(secrets={"A": str(there), "B": str(place.root / "absent")})
    async with place.running() as provider:
        release = place.shop()
        await provider.apply(fleet(order(release, run=run)), 1)
        group = await until(provider, lambda group: group.failed_starts > 0)
        assert group.trouble.startswith("secret_missing: B cannot be read from ")
        assert "s3cr3t" not in group.trouble
        (place.root / "absent").write_text("now it is there")
        await until(provider, ready(1))
        await provider.end()


@story
async def test_python_leaves_no_caches_in_the_release(place: Place) -> None:
    release = place.release(
        {"serve.py": "import other\nother.wait()", "other.py": "import time\ndef wait(): time.sleep(1000)"}
    )
    async with place.running() as provider:
        await provider.apply(fleet(order(release, run=script_run(command=(sys.executable, "serve.py")))), 1)
        await until(provider, ready(1))
        place.store.check(release)
        assert not list(place.store.tree(release).rglob("*.pyc"))
        assert list((place.directory / "compiled").rglob("other*.pyc"))
        await provider.apply(fleet(), 1)
        await eventually(lambda: is_unknown(provider))
        assert not list((place.directory / "compiled").iterdir())


@story
async def test_a_name_that_leaves_its_directory_is_refused(place: Place) -> None:
    async with place.running() as provider:
        with pytest.raises(Rejected):
            await provider.output("../../etc")


@story
async def test_everything_on_disk_is_the_owners_alone(place: Place) -> None:
    async with place.running() as provider:
        await provider.apply(fleet(order(place.shop(), 1)), 1)
        await until(provider, ready(1))
        assert stat.S_IMODE(place.directory.stat().st_mode) == 0o700
        for path in place.directory.rglob("*"):
            assert not path.stat().st_mode & 0o077 or "compiled" in path.parts, path
        await provider.end()


@story
async def test_a_dead_child_is_noticed_at_once_and_buried(place: Place) -> None:
    """Noticed by the kernel's word, not by looking now and then: sooner than any probe could."""
    run = shop_run(ready=Probe(http="/healthz", every=600))
    async with place.running() as provider:
        await provider.apply(fleet(order(place.shop(), 1, run)), 1)
        group = await until(provider, ready(1))
        (pid,) = place.processes()[group.instances[0].id]
        os.kill(pid, signal.SIGKILL)
        await until(provider, lambda group: group.crashes == 1, within=5)
        assert proc.stat(pid) is None, "no zombie is left"
        await provider.end()


async def is_unknown(provider: Process) -> bool:
    return not await provider.observe("shop")


def command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text()
