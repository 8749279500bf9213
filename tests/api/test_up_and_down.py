"""Where `plainsail up` says it listens, and whom `plainsail down` stops."""

from __future__ import annotations

import fcntl
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import httpx2
import pytest

from plainsail.local import down, up
from plainsail.ports.errors import Rejected


def test_an_ipv6_address_has_its_brackets(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "plainsail",
        "up",
        "--data",
        str(tmp_path / "data"),
        "--listen",
        "[::1]:0",
    ]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as plane:
        try:
            assert plane.stdout is not None
            said = plane.stdout.readline()
            assert re.fullmatch(r"ready http://\[::1\]:\d+\n", said)
            url = (tmp_path / "data" / "url").read_text().strip()
            assert said == f"ready {url}\n"
            assert httpx2.get(f"{url}/api/v1/health", trust_env=False).json()["status"] == "ok"
        finally:
            plane.send_signal(signal.SIGTERM)


def test_a_stranger_with_the_number_in_the_lock_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock is held, and the number in it is still that of a process which is long gone."""
    monkeypatch.setattr(down, "WITHIN", 0.5)
    with subprocess.Popen(["sleep", "1000"]) as stranger:
        try:
            for stale in (str(stranger.pid), "4194305"):  # the latter is more than any process can have
                with open(tmp_path / "lock", "w") as held, open(tmp_path / "lock", "a+") as asked:
                    held.write(stale)
                    held.flush()
                    fcntl.flock(held, fcntl.LOCK_EX)
                    assert not down._stop_control_plane(asked.fileno(), tmp_path)
            assert stranger.poll() is None
        finally:
            stranger.kill()


def test_a_look_at_the_lock_keeps_nobody_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(up, "GLANCE", 60.0)
    with open(tmp_path / "lock", "w") as looking:  # as doctor does
        fcntl.flock(looking, fcntl.LOCK_SH)
        done = threading.Timer(0.2, fcntl.flock, (looking, fcntl.LOCK_UN))
        done.start()
        with up._alone(tmp_path):
            done.join()
            monkeypatch.setattr(up, "GLANCE", 0.1)
            with pytest.raises(Rejected, match=r"runs on .* already"), up._alone(tmp_path):
                pass
