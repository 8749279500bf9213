"""Shadows on real processes, a real HAProxy and a real load: they get copies, and users have nothing of it, whatever they do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from tests.real.plane import Plane, pids_below

from plainsail.local.load import Load

pytestmark = pytest.mark.timeout(300)

PACE = "until: dwell, dwell: 300ms, deadline: 60s, on_unsure: rollback"
CANARY = "{canary: {steps: [20%]}}"


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    """One for all, with v0 live."""
    with Plane(tmp_path_factory.mktemp("plane"), replicas=2) as made:
        made.deploy(made.release("v0"), "--wait")
        yield made


def test_a_good_one_gets_copies_and_then_users(plane: Plane) -> None:
    _asks(plane, f"[{{shadow: {{lasts: 10m}}}}, {CANARY}]")
    load = Load(plane.address, 100).start()
    plane.deploy(plane.release("v1"))
    seen = plane.until("copies are compared", lambda status: "copies: " in _said(status))
    assert seen["rollout"]["steps"][seen["rollout"]["step"]]["copies"]["methods"] == ["GET", "HEAD"]
    assert seen["rollout"]["reached_bp"] == 0
    while_shadow = {one.version for one in load.samples}
    plane.cli("advance", "shop")
    plane.until("it is live", lambda status: status["rollout"] is None)
    load.stop()
    assert while_shadow == {"v0"}
    assert [one for one in load.samples if one.outcome != "ok"] == []
    over = plane.status()["last_rollout"]
    assert (over["phase"], over["reached_bp"]) == ("succeeded", 10_000)
    assert [step["name"] for step in over["steps"]] == ["start", "shadow", "20 %", "100 %", "finish"]


BAD: dict[str, dict[str, Any]] = {
    "fails": {"fail_rate": 1.0},
    "hangs": {"hang_rate": 1.0},
    "is-slow": {"delay": 0.7},
    "crashes": {"crash_after": 2.0},
    "dies-when-asked": {"crash_after_requests": 3},
}


@pytest.mark.parametrize("version", BAD)
def test_a_bad_one_is_taken_back_before_any_user_saw_it(plane: Plane, version: str) -> None:
    _asks(plane, f"[{{shadow: {{lasts: 30s}}}}, {CANARY}]")
    before = plane.status()["groups"][0]["version"]
    load = Load(plane.address, 100).start()
    plane.deploy(plane.release(version, **BAD[version]))
    plane.until("it is taken back", lambda status: status["rollout"] is None, within=90)
    load.stop()
    over = plane.status()["last_rollout"]
    assert (over["version"], over["phase"], over["reached_bp"]) == (version, "failed", 0)
    why = plane.json("verdict", "shop")["explanation"]
    assert why["copies"] is not None, over["reason"]
    assert why["copies"]["asked"] > 0, "it got copies"
    assert [one for one in load.samples if one.outcome != "ok"] == []
    assert {one.version for one in load.samples} == {before}
    plane.until("its instances have ended", lambda _: len(_instances(plane)) == 2)


def test_a_control_plane_that_dies_changes_nothing(plane: Plane) -> None:
    """Copies go on without one, and what came of them is still known to the next."""
    _asks(plane, f"[{{shadow: {{lasts: 10m}}}}, {CANARY}]")
    load = Load(plane.address, 100).start()
    plane.deploy(plane.release("v2"))
    before = _copies(plane.until("copies are compared", lambda status: _copies(status) > 50))
    plane.kill()
    plane.up()
    after = _copies(plane.until("it is looked at again", lambda status: _copies(status) > before + 50))
    assert after > before
    plane.cli("advance", "shop")
    plane.until("it is live", lambda status: status["rollout"] is None)
    load.stop()
    assert [one for one in load.samples if one.outcome != "ok"] == []
    assert plane.status()["last_rollout"]["phase"] == "succeeded"


def _asks(plane: Plane, strategy: str) -> None:
    """From now on it is deployed like this."""
    spec = plane.place / "plainsail.yaml"
    text = re.sub(
        r"(?m)^( +strategy:) .*$",
        lambda found: f"{found[1]} {strategy}",
        spec.read_text().replace("within: 5s", "within: 30s"),
    )
    spec.write_text(re.sub(r"pace: \{.*\}", f"pace: {{{PACE}}}", text))
    plane.cli("apply")


def _said(status: Any) -> str:
    """Of the rollout under way."""
    verdict = (status["rollout"] or {}).get("verdict")
    return str(verdict["sentence"]) if verdict else ""


def _copies(status: Any) -> int:
    found = re.match(r"([0-9,]+) copies: ", _said(status))
    return int(found[1].replace(",", "")) if found else 0


def _instances(plane: Plane) -> list[int]:
    return [pid for pid, command in pids_below(plane.place).items() if "serve.py" in command]
