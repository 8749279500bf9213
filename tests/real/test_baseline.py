"""A canary beside a fresh baseline, on real processes behind a real HAProxy: what users got."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from tests.real.plane import Plane, pids_below

from plainsail.local.load import Load

pytestmark = pytest.mark.timeout(300)

BASELINE = "          compare: baseline\n"


def test_a_baseline_under_load(tmp_path: Path) -> None:
    """Three groups have users at once, then one again: no failed request, and nothing is left of the two others."""
    with Plane(tmp_path, steps="[10%, 40%]", until="dwell", dwell="3s", more=BASELINE) as plane:
        plane.deploy(plane.release("v1"), "--wait")
        load = Load(plane.address, 200).start()
        plane.deploy(plane.release("v2"))
        shares = _shares_at(plane, 4000)
        assert shares == {"live": 2000, "candidate": 4000, "baseline": 4000}
        plane.until("v2 has all users", lambda status: status["rollout"] is None, within=90)
        status = plane.status()
        assert status["last_rollout"]["phase"] == "succeeded"
        assert [(group["version"], group["role"]) for group in status["groups"]] == [("v2", "live")]
        load.stop()
        assert load.failed() == []
        assert len(load.samples) > 1000
        assert len([one for one in pids_below(tmp_path).values() if "serve.py" in one]) == 4


def test_a_bad_candidate_is_taken_back_from_beside_its_baseline(tmp_path: Path) -> None:
    """Live answers what the candidate fails; the baseline ends with the candidate."""
    with Plane(tmp_path, steps="[10%, 50%]", more=BASELINE) as plane:
        plane.deploy(plane.release("v1"), "--wait")
        load = Load(plane.address, 300).start()
        time.sleep(0.5)
        ended = plane.deploy(plane.release("v2", fail_rate=1.0), "--wait", check=False)
        assert ended.returncode == 5, ended.stderr
        status = plane.until("nothing is left", lambda status: len(status["groups"]) == 1)
        assert status["groups"][0]["version"] == "v1"
        load.stop()
        assert load.failed() == []
        assert [sample for sample in load.samples if sample.outcome == "app_error"] == []


def _shares_at(plane: Plane, share: int) -> dict[str, int]:
    """Of all groups, at the moment when the candidate's share is this."""

    def shares(status: dict[str, list[dict[str, int | str]]]) -> dict[str, int]:
        return {str(group["role"]): int(group["share_bp"]) for group in status["groups"]}

    found = plane.until(f"{share} basis points", lambda status: shares(status).get("candidate") == share)
    return shares(found)
