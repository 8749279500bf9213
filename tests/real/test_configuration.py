"""Code and configuration go together, on real processes: a new configuration of the very same release is a rollout, judged
as any other, and what is taken back is the configuration."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.real.plane import Plane, pids_below

from plainsail.local.load import Load

pytestmark = pytest.mark.timeout(300)

NONE = "        shield: {budget: 100%}\n"
BAD = NONE + '        env: {SHOP_FAIL_RATE: "0.5"}\n'
FINE = NONE + '        env: {SHOP_DELAY: "0.001"}\n'


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Plane]:
    with Plane(tmp_path, dwell="300ms", more=NONE) as made:
        made.deploy(made.release("v1"), "--wait")
        yield made


def test_only_the_configuration_is_taken_back(plane: Plane) -> None:
    before, instances = _live(plane), _instances(plane)
    told = _configured(plane, NONE, BAD)
    assert _instances(plane) == instances, "to apply changes nothing that runs"
    digest = before["release"].removeprefix("sha256:")[:12]
    command = f"plainsail deploy shop {digest} --to production"
    assert (
        f"shop in production: v1 runs with the configuration it was deployed with; bring it the new one: {command}"
        in told
    )
    again = plane.cli("diff").stdout
    assert command in again, "as long as it is so"

    shown = plane.cli(*command.split()[1:], "--plan").stdout
    assert shown.startswith(f"shop in production, v1 ({digest}) with its new configuration, canary:")
    load = Load(plane.address, 200).start()
    taken = plane.cli(*command.split()[1:], "--wait", check=False)
    load.stop()
    assert taken.returncode == 5, taken.stdout
    assert [one for one in load.samples if one.outcome != "ok"] == [], "what failed was asked of live again"
    status = plane.status()
    assert (_live(plane)["release"], _live(plane)["config"]) == (before["release"], before["config"])
    assert status["last_rollout"]["config"] != before["config"]
    assert status["quarantine"] == [], "the release is live, and well"
    assert [one["release"] for one in status["misconfigured"]] == [before["release"]]

    refused = plane.cli(*command.split()[1:], check=False)
    assert refused.returncode == 4
    assert "v1 was taken back from production before with this configuration" in refused.stderr
    assert "deploy another configuration" in refused.stderr


def test_a_good_configuration_takes_all_users_and_can_be_gone_back_from(plane: Plane) -> None:
    before = _live(plane)
    _configured(plane, NONE, FINE)
    load = Load(plane.address, 200).start()
    done = plane.deploy(plane.release("v1"), "--wait")
    assert "v1 has all users with its new configuration" in done.stdout
    after = _live(plane)
    assert after["release"] == before["release"]
    assert after["config"] != before["config"]
    assert "Nothing changes" in plane.cli("apply").stdout
    assert "nothing to do" in plane.deploy(plane.release("v1")).stdout, "now it is live"
    plane.cli("rollback", "shop", "--wait")
    assert (_live(plane)["release"], _live(plane)["config"]) == (before["release"], before["config"])
    assert plane.status()["quarantine"] == []
    refused = plane.deploy(plane.release("v1"), check=False)
    assert refused.returncode == 4, "the file still says what was gone back from"
    plane.deploy(plane.release("v1"), "--again", "--wait")
    load.stop()
    assert [one for one in load.samples if one.outcome != "ok"] == []
    assert _live(plane)["config"] == after["config"]


def _configured(plane: Plane, old: str, new: str) -> str:
    """Another configuration is applied; what that says."""
    file = plane.place / "plainsail.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    return plane.cli("apply").stdout


def _live(plane: Plane) -> Any:
    (found,) = [one for one in plane.status()["groups"] if one["role"] == "live"]
    return found


def _instances(plane: Plane) -> set[int]:
    return {pid for pid, command in pids_below(plane.place).items() if "serve.py" in command}
