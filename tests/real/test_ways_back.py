"""Ways back that take their time, on real processes and under real load."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.real.plane import Plane

from plainsail.local.load import Load

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Plane]:
    with Plane(tmp_path, until="dwell", dwell="1s", more="        shield: {budget: 100%}\n") as made:
        made.deploy(made.release("v1"), "--wait")
        yield made


def test_users_go_back_by_the_shares_they_came_by(plane: Plane) -> None:
    _paced(plane, "dwell: 1s", "dwell: 15s")
    load = Load(plane.address, 200).start()
    plane.deploy(plane.release("v2"))
    plane.until("a tenth has it", lambda status: _share(status, "v2") == 1000)
    plane.cli("advance", "shop")
    plane.until("a half has it", lambda status: _share(status, "v2") == 5000)
    assert "Gradually aborting" in plane.cli("abort", "shop", "--gradual", "--reason", "cold caches").stdout
    shares: list[int] = []

    def over(status: Any) -> bool:
        shares.append(_share(status, "v2"))
        return status["rollout"] is None

    status = plane.until("it is back", over)
    load.stop()
    assert [one for one in load.samples if one.outcome != "ok"] == []
    assert shares == sorted(shares, reverse=True)
    assert set(shares) >= {1000, 0}
    last = status["last_rollout"]
    assert (last["phase"], last["reason"], status["quarantine"]) == ("aborted", "cold caches", [])


def test_a_gradual_way_back_can_be_told_to_be_quick(plane: Plane) -> None:
    _paced(plane, "dwell: 1s", "dwell: 50s")
    plane.deploy(plane.release("v2"))
    for name in ("10 %", "50 %"):
        plane.until(name, lambda status, name=name: _stands(status, name))
        if name == "10 %":
            plane.cli("advance", "shop")
    plane.cli("abort", "shop", "--gradual")
    going = plane.until("a tenth has it", lambda status: _share(status, "v2") == 1000)
    assert going["rollout"]["gradual"]
    shown = plane.cli("status", "shop").stdout
    assert "plainsail abort shop" in shown
    assert "plainsail pause" not in shown
    assert plane.cli("abort", "shop", "--gradual", check=False).returncode != 0
    plane.cli("abort", "shop")
    plane.until("it is back", lambda status: status["rollout"] is None, within=20)
    assert plane.status()["last_rollout"]["phase"] == "aborted"


def test_what_is_worse_is_held_for_a_person(plane: Plane) -> None:
    """The share stays; status says until when; it is not resumed, and an abort takes users back."""
    _paced(plane, "on_unsure: rollback", "on_unsure: rollback, on_failure: hold")
    load = Load(plane.address, 200).start()
    plane.deploy(plane.release("v2", fail_rate=0.4))
    held = plane.until("it is held", lambda status: (status["rollout"] or {}).get("phase") == "paused")
    load.stop()
    rollout = held["rollout"]
    assert rollout["worse"]
    assert "advance or abort it within 1 min, or it goes back" in rollout["reason"]
    assert 0 < rollout["back_at"] - held["observed_at"] <= 60
    assert _share(held, "v2") > 0
    assert _share(plane.status(), "v2") == _share(held, "v2"), "nobody moved"
    assert "goes back by itself in" in plane.cli("status", "shop").stdout
    refused = plane.cli("resume", "shop", "--json", check=False)
    assert refused.returncode != 0
    assert json.loads(refused.stdout)["code"] == "held_for_harm"
    plane.cli("abort", "shop")
    status = plane.until("it is back", lambda status: status["rollout"] is None)
    assert (status["last_rollout"]["phase"], _share(status, "v1")) == ("aborted", 10_000)


def test_a_service_that_nothing_ran_of_is_unregistered(plane: Plane) -> None:
    """And one of which something did is none of its business."""
    text = (plane.place / "plainsail.yaml").read_text()
    place = text.partition("      production:\n")[2]
    more = text.replace("  shop:\n", "  blog:\n").replace(place, place + "        hosts: [blog.example]\n")
    (plane.place / "blog.yaml").write_text("services:\n" + more.partition("services:\n")[2])
    (plane.place / "blog.yaml").write_text("schema: 1\n" + (plane.place / "blog.yaml").read_text())
    (plane.place / "plainsail.yaml").write_text(text + "        hosts: [shop.example]\n")
    plane.cli("apply", "plainsail.yaml", "blog.yaml")
    done = plane.json("remove", "blog", "--yes", "--wait")
    assert (done["phase"], done["kind"], done["reason_code"]) == ("succeeded", "remove", "removed")
    assert [one["service"] for one in plane.json("status")["services"]] == ["shop"]
    assert any("not registered there any more" in one["reason"] for one in plane.json("history")["events"])
    assert plane.cli("remove", "blog", "--yes", check=False).returncode == 3
    assert _share(plane.status(), "v1") == 10_000


def _paced(plane: Plane, old: str, new: str) -> None:
    file = plane.place / "plainsail.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    plane.cli("apply")


def _stands(status: Any, name: str) -> bool:
    rollout = status["rollout"]
    return bool(rollout) and rollout["steps"][rollout["step"]]["name"] == name and _share(status, "v2") > 0


def _share(status: Any, version: str) -> int:
    return sum(group["share_bp"] for group in status["groups"] if group["version"] == version)
