"""More instances, fewer, new ones, none: on real processes and a real HAProxy, while users ask."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from tests.real.plane import Plane, pids_below

from plainsail.local.load import Load

pytestmark = pytest.mark.timeout(300)


def test_more_and_fewer_and_new_instances_under_load(tmp_path: Path) -> None:
    """Up, down and a restart: each is told as a rollout of its own, and no request fails."""
    with Plane(tmp_path, replicas=2) as plane:
        plane.deploy(plane.release("v1"), "--wait")
        load = Load(plane.address, 300).start()
        plane.cli("scale", "shop", "5", "--wait")
        assert len(_instances(tmp_path)) == 5
        down = plane.json("scale", "shop", "2", "--wait", "--reason", "night")
        assert (down["kind"], down["phase"]) == ("scale", "succeeded")
        two = _instances(tmp_path)
        assert len(two) == 2
        again = plane.json("restart", "shop", "--wait")
        assert (again["kind"], again["phase"], again["version"]) == ("restart", "succeeded", "v1")
        assert len(_instances(tmp_path)) == 2
        assert not _instances(tmp_path) & two, "all of them are new"
        load.stop()
        assert load.failed() == []
        kinds = [one["kind"] for one in plane.json("history", "shop")["rollouts"]]
        assert kinds == ["restart", "scale", "scale", "deploy"]
        assert plane.status()["rollout"] is None


def test_restarted_in_batches_under_load_while_the_control_plane_is_killed(tmp_path: Path) -> None:
    plane = Plane(tmp_path, replicas=4)
    text = (tmp_path / "plainsail.yaml").read_text()
    (tmp_path / "plainsail.yaml").write_text(text.replace("{canary: {steps: [10%, 50%]}}", "rolling"))
    with plane:
        plane.deploy(plane.release("v1"), "--wait")
        before = _instances(tmp_path)
        load = Load(plane.address, 300).start()
        assert plane.json("restart", "shop")["phase"] in ("pending", "progressing")
        plane.until("it is in the middle", lambda status: status["rollout"] and status["rollout"]["step"])
        plane.kill()
        plane.up()
        status = plane.until("it is over", lambda status: status["rollout"] is None)
        load.stop()
        last = status["last_rollout"]
        assert (last["kind"], last["strategy"], last["phase"]) == ("restart", "rolling", "succeeded")
        assert load.failed() == []
        assert len(_instances(tmp_path) - before) == 4
        assert not _instances(tmp_path) & before


def test_a_scaled_number_is_kept_until_the_file_says_another(tmp_path: Path) -> None:
    with Plane(tmp_path, replicas=1, steps="[50%]", until="dwell", dwell="0s") as plane:
        plane.deploy(plane.release("v1"), "--wait")
        plane.cli("scale", "shop", "3", "--wait")
        plane.deploy(plane.release("v2"), "--wait")
        assert len(_instances(tmp_path)) == 3
        text = (tmp_path / "plainsail.yaml").read_text()
        (tmp_path / "plainsail.yaml").write_text(text.replace("replicas: 1", "replicas: 2"))
        plane.cli("apply")
        plane.deploy(plane.release("v3"), "--wait")
        plane.until("two", lambda status: status["groups"][0]["ready"] == 2)
        assert len(_instances(tmp_path)) == 2


def test_removed_and_deployed_again(tmp_path: Path) -> None:
    """What was asked before the end is answered; then nothing of it is left but its releases and its history."""
    with Plane(tmp_path, replicas=2) as plane:
        plane.deploy(plane.release("v1"), "--wait")
        load = Load(plane.address, 200, retry_reused=True).start()
        asked = plane.cli("remove", "shop", check=False)
        assert asked.returncode == 2, "nobody is there to confirm it"
        assert "--yes" in asked.stderr
        time.sleep(1.0)
        gone = plane.json("remove", "shop", "--yes", "--wait")
        load.stop()
        assert (gone["kind"], gone["phase"]) == ("remove", "succeeded")
        before = [one for one in load.samples if one.version == "v1"]
        after = [one for one in load.samples if one.at > before[-1].at]
        assert len(before) > 100
        assert {one.outcome for one in before} == {"ok"}
        assert not [one for one in load.samples if one.outcome == "no_answer"], (
            "nobody is cut off or waits in vain"
        )
        assert {one.status for one in after} <= {503, 404}, "no instance; then no such service"
        assert [one for one in load.failed() if one.at < before[-1].at] == []
        assert _instances(tmp_path) == set()
        assert plane.cli("status", "shop", check=False).returncode == 3
        assert [one["kind"] for one in plane.json("history", "shop")["rollouts"]] == ["remove", "deploy"]
        plane.cli("apply")
        plane.cli("deploy", "shop", "v1", "--to", "production", "--wait")
        load = Load(plane.address, 200).start()
        time.sleep(1.0)
        load.stop()
        assert load.failed() == []


def _instances(place: Path) -> set[int]:
    return {pid for pid, command in pids_below(place).items() if "serve.py" in command}
