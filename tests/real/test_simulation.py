"""What `plainsail simulate` says of a file is what becomes of it on real processes, a real HAProxy and a real load."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.real.plane import Plane

from plainsail.local.load import Load

pytestmark = pytest.mark.timeout(400)

RATE = 150
RUNS = 20


def simulated(plane: Plane, release: str) -> Any:
    words = ("simulate", "--release", release, "--traffic", f"{RATE}/s", "--runs", str(RUNS))
    return plane.json(*words)


@pytest.mark.parametrize(
    ("release", "behaviour"),
    [
        ("good", {}),
        ("errors:10%", {"fail_rate": 0.1}),
        ("crash:3s", {"crash_after": 3.0}),
    ],
    ids=["good", "errors", "crash"],
)
def test_the_real_rollout_is_one_that_was_foreseen(
    tmp_path: Path, release: str, behaviour: dict[str, object]
) -> None:
    with Plane(tmp_path) as plane:
        foreseen = simulated(plane, release)
        plane.deploy(plane.release("v1"), "--wait")
        load = Load(plane.address, RATE).start()
        try:
            plane.deploy(plane.release("v2", **behaviour), "--wait", check=False)
        finally:
            samples = load.stop()
        last = plane.status()["last_rollout"]
        took = last["ended_at"] - last["started_at"]
        assert last["phase"] in foreseen["outcomes"], (last["reason"], foreseen["outcomes"])
        seconds = foreseen["seconds"]
        # Instances really take from a tenth of a second to some seconds to start and to end, on a busy machine.
        assert min(each["seconds"] for each in foreseen["each"]) / 3 - 1 < took < 3 * seconds["max"] + 10
        if foreseen["users_hurt"]["max"] == 0:
            assert [sample for sample in samples if sample.outcome != "ok"] == []


def test_simulating_needs_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    """No data directory, no process, no file but the picture that was asked for."""
    with Plane(tmp_path) as plane:
        plane.kill()
        plane.cli("down")
        before = sorted(tmp_path.rglob("*"))
        code = subprocess.run(
            [sys.executable, "-m", "plainsail", "simulate", "--json", "--plot", "shop.svg"],
            cwd=tmp_path, env=plane.env, capture_output=True, check=True,
        )  # fmt: skip
        assert json.loads(code.stdout)["outcome"] == "succeeded"
        assert sorted(set(tmp_path.rglob("*")) - set(before)) == [tmp_path / "shop.svg"]
