"""Scale, restart and remove over the API and by the page's buttons: what is done, and what is refused with a next step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
from tests.api.practice import Plane, practice, until
from tests.api.test_pages_steering import SCRIPT, SHOP, form, held

TARGET = "/services/shop/environments/production"


def problem(plane: Plane, verb: str, body: dict[str, Any]) -> tuple[int, str, str]:
    answer = plane.post(f"{TARGET}/{verb}", **body)
    document = answer.json()
    return answer.status_code, document.get("code", ""), document.get("next_step", "")


def test_what_cannot_be_done_is_refused_with_what_to_do(plane: Plane) -> None:
    assert problem(plane, "restart", {})[:2] == (409, "nothing_live")
    assert "plainsail deploy shop" in problem(plane, "scale", {"replicas": 3})[2]
    assert "plainsail remove shop --env production" in problem(plane, "scale", {"replicas": 0})[2]
    assert problem(plane, "scale", {"replicas": 1001})[1] == "replicas_range"
    held(plane)
    for verb, body in (("scale", {"replicas": 3}), ("restart", {}), ("remove", {})):
        _, code, next_step = problem(plane, verb, body)
        assert (code, "plainsail abort shop --env production" in next_step) == ("under_way", True)


def test_the_page_scales_and_restarts_and_removes(plane: Plane, client: httpx2.Client) -> None:
    plane.live("v1")

    def pressed(verb: str, **fields: str) -> str:
        asked = client.get(f"{SHOP}/ask/{verb}", headers=SCRIPT).text
        done = client.post(f"{SHOP}/{verb}", data={**form(asked, f"{SHOP}/{verb}"), **fields}, headers=SCRIPT)
        assert done.status_code == 200, done.text
        until(lambda: not plane.context.store.busy())
        last = plane.context.store.rollouts("shop", limit=1)[0]
        assert (last.kind, last.phase) == (verb, "succeeded")
        return asked

    pressed("scale", replicas="4")
    assert len(plane.world.provider.instances("shop")) == 4
    before = {one.id for one in plane.world.provider.instances("shop")}
    pressed("restart")
    until(lambda: len(plane.world.provider.instances("shop")) == 4)
    assert not before & {one.id for one in plane.world.provider.instances("shop")}
    assert "no longer registered in production" in pressed("remove")
    assert plane.world.provider.instances("shop") == []
    assert "shop" not in plane.world.router.tables
    assert client.get(SHOP).status_code == 404
    assert "production" not in str(plane.get("/services"))
    assert "plainsail apply with its file registers it again" in problem(plane, "restart", {})[2]
    kinds = [one["kind"] for one in plane.get("/history?service=shop")["rollouts"]]
    assert kinds == ["remove", "restart", "scale", "deploy"]


def test_only_what_was_seen_is_removed(plane: Plane) -> None:
    plane.live("v1")
    seen = next(one["group"] for one in plane.get(TARGET)["groups"] if one["role"] == "live")
    plane.live("v2")
    refused = problem(plane, "remove", {"expected": {"rollout": "", "live": seen}})
    assert refused[:2] == (409, "moved_on")
    assert [one["version"] for one in plane.get(TARGET)["groups"]] == ["v2"]


def test_the_page_refuses_what_is_no_number(plane: Plane, client: httpx2.Client) -> None:
    plane.live("v1")
    asked = client.get(f"{SHOP}/ask/scale", headers=SCRIPT).text
    for number, step, status in (
        *((number, "", 422) for number in ("", "-1", "0", "1.5", "²", "1001", "9" * 5000)),
        ("3", "²", 409),
    ):
        fields = {**form(asked, f"{SHOP}/scale"), "replicas": number, "step": step}
        done = client.post(f"{SHOP}/scale", data=fields, headers=SCRIPT)
        assert done.status_code == status, done.text
    assert len(plane.world.provider.instances("shop")) == 2


def test_an_abort_keeps_what_was_being_removed(tmp_path: Path) -> None:
    with practice(tmp_path, speed=0.5) as plane:
        plane.live("v1")
        id = plane.post(f"{TARGET}/remove").json()["id"]
        assert plane.post(f"/rollouts/{id}/abort").status_code == 202
        assert plane.ended(id)["phase"] == "aborted"
        assert plane.get(TARGET)["groups"][0]["ready"] == 2
        assert plane.world.router.tables["shop"].share(plane.get(TARGET)["groups"][0]["group"]) == 10_000
