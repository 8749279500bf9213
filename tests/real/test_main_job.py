"""The main job on real processes, a real HAProxy and a real load. What is counted is what users got."""

from __future__ import annotations

import os
import random
import signal
import statistics
import time
from pathlib import Path

import pytest
from tests.real.plane import Plane, pids_below

from plainsail.local.load import Load, Sample

pytestmark = pytest.mark.timeout(400)


def test_killed_twenty_times_in_a_rollout(tmp_path: Path) -> None:
    """SIGKILL at random, twenty times: no failed request, no instance restarted, and the rollout ends as it would."""
    dice = random.Random(20)
    with Plane(tmp_path, steps="[5%, 25%, 50%]", until="dwell", dwell="4s") as plane:
        plane.deploy(plane.release("v1"), "--wait")
        load = Load(plane.address, 200).start()
        before = {pid for pid, command in pids_below(tmp_path).items() if "serve.py" in command}
        assert len(before) == 4
        plane.deploy(plane.release("v2"))
        for _ in range(20):
            time.sleep(dice.uniform(0.05, 1.0))
            plane.kill()
            plane.up()

        plane.until("v2 is live", lambda status: status["rollout"] is None, within=90)
        assert plane.status()["last_rollout"]["phase"] == "succeeded"
        failed = _settled(load)
        assert failed == []
        instances = [line for line in pids_below(tmp_path).values() if "serve.py" in line]
        assert len(instances) == 4
        events = plane.json("history", "shop")
        assert "instance_failed" not in str(events), "no instance ended that was not asked to"


def test_everything_is_killed_and_comes_back(tmp_path: Path) -> None:
    """Control plane and instances gone at once, as after a power cut: the next `up` starts them without waiting."""
    with Plane(tmp_path, replicas=2) as plane:
        plane.deploy(plane.release("v1"), "--wait")
        instances = [pid for pid, command in pids_below(tmp_path).items() if "serve.py" in command]
        plane.kill()
        for pid in instances:
            os.kill(pid, signal.SIGKILL)
        plane.up()
        back = time.monotonic()
        plane.until("both are back", lambda status: status["groups"][0]["ready"] == 2, within=20)
        assert time.monotonic() - back < 20, "a lease of its own that still runs is not waited for (30 s)"


def test_a_lost_database_ends_nothing(tmp_path: Path) -> None:
    with Plane(tmp_path, replicas=2) as plane:
        plane.deploy(plane.release("v1"), "--wait")
        before = pids_below(tmp_path)
        plane.kill()
        for file in (tmp_path / ".plainsail").glob("plainsail.db*"):
            file.unlink()
        refused = plane.cli("up", "--listen", "127.0.0.1:0", check=False)
        assert refused.returncode == 1
        assert "plainsail.db is gone" in refused.stderr
        assert pids_below(tmp_path) == before
        assert plane.cli("down").returncode == 0
        assert pids_below(tmp_path) == {}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_all_requests_fail(method: str, tmp_path: Path) -> None:
    """A candidate that answers 500 to everything at 10 % of 1,000 requests/s."""
    seen, users = [], []
    with Plane(tmp_path, steps="[10%, 50%]", replicas=3) as plane:
        plane.deploy(plane.release("v1"), "--wait")
        load = Load(plane.address, 1000, connections=64, method=method).start()
        time.sleep(1.0)
        for number in range(5):
            had = len(load.samples)
            ended = plane.deploy(plane.release(f"bad{number}", fail_rate=1.0), "--wait", check=False)
            assert ended.returncode == 5, ended.stderr
            verdict = plane.json("verdict", "shop")["verdict"]
            seen.append(verdict["candidate"]["failures"])
            users.append(sum(sample.outcome == "app_error" for sample in load.samples[had:]))
        failed = _settled(load)
    print(f"{method}: failures seen by the candidate {seen}, by users {users}, of plainsail {len(failed)}")
    assert failed == []
    assert statistics.median(seen) <= 40
    if method == "GET":
        assert users == [0] * 5
    else:
        assert statistics.median(users) <= 40


def _settled(load: Load) -> list[Sample]:
    load.stop()
    return load.failed()
