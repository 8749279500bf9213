"""A person's yes or no over the API and from the pages: what was asked, once, and nothing else."""

from __future__ import annotations

import html
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from tests.api.practice import SPEC, Plane, practice, until
from tests.api.still import browser, sign_in
from tests.api.test_pages_steering import SCRIPT, SHOP, form, rollout

HOSTILE = "<script>alert(1)</script> \u202e & \x1b[31m"


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Plane]:
    with practice(tmp_path) as running:
        running.apply(
            SPEC.replace("        pace:", "        approvals: [10%, 50%]\n        pace:").replace(
                "dwell: 3s", "dwell: 1s"
            )
        )
        yield running


@pytest.fixture
def client(plane: Plane) -> Iterator[httpx2.Client]:
    with browser(plane.url) as one:
        sign_in(one)
        yield one


def asked(plane: Plane) -> str:
    """A rollout that waits for a person at 10 %, and for nothing else."""
    plane.live("v1")
    id = plane.deploy(plane.release("v2"))
    until(lambda: "waiting for approval" in rollout(plane, id)["reason"])
    return id


def step(plane: Plane, id: str) -> str:
    found = rollout(plane, id)
    return str(found["steps"][found["step"]]["name"])


def test_approve_goes_on_once_and_for_this_step_alone(plane: Plane) -> None:
    id = asked(plane)
    first = plane.post(f"/rollouts/{id}/approve", reason=HOSTILE)
    assert first.status_code == 202
    again = plane.post(f"/rollouts/{id}/approve")
    assert again.status_code == 202
    until(lambda: step(plane, id) == "50 %")
    until(lambda: "waiting for approval" in rollout(plane, id)["reason"])
    assert rollout(plane, id)["awaits_approval"]
    assert plane.post("/rollouts/shop/approve").status_code == 202  # a service's name does
    assert plane.ended(id)["phase"] == "succeeded"
    late = plane.post(f"/rollouts/{id}/approve")
    assert (late.status_code, late.json()["already"]) == (202, True), "twice is once, also when it is over"
    events = plane.get("/events", rollout=id)["events"]
    given = [event for event in events if event["kind"] == "approval_given"]
    assert [(one["by"], one["reason"][:18]) for one in given] == [
        ("owner", "approved by owner:"), ("owner", "approved by owner"),
    ]  # fmt: skip


def test_who_names_the_step_approves_no_other(plane: Plane) -> None:
    id = asked(plane)
    elsewhere = plane.post(f"/rollouts/{id}/approve", step="50%")
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (409, "moved_on")
    assert "at step 10 %, not at 50%" in elsewhere.json()["detail"]
    assert not plane.post(f"/rollouts/{id}/approve", step="10%").json()["already"]
    until(lambda: step(plane, id) == "50 %")
    until(lambda: "waiting for approval" in rollout(plane, id)["reason"])
    assert plane.post(f"/rollouts/{id}/approve", step="10%").json()["already"], (
        "it was, and the next one is not"
    )
    assert rollout(plane, id)["awaits_approval"]
    assert plane.post(f"/rollouts/{id}/reject", step="10%").json()["code"] == "moved_on"
    assert plane.post(f"/rollouts/{id}/reject", step="50 %").status_code == 202
    assert plane.ended(id)["phase"] == "aborted"
    assert plane.post(f"/rollouts/{id}/approve").json()["code"] == "rollout_ended"


def test_reject_takes_it_back_and_saying_it_twice_changes_nothing(plane: Plane) -> None:
    id = asked(plane)
    assert plane.post(f"/rollouts/{id}/reject", reason="the price is wrong").status_code == 202
    over = plane.ended(id)
    assert (over["phase"], over["reason"]) == ("aborted", "rejected by owner: the price is wrong")
    assert plane.post(f"/rollouts/{id}/reject").status_code == 202
    assert not [one for one in plane.get("/events", rollout=id)["events"] if one["kind"] == "intent_refused"]


def test_where_nobody_is_asked_it_is_refused_with_what_is_waited_for(plane: Plane) -> None:
    plane.apply(SPEC)
    plane.live("v1")
    id = plane.deploy(plane.release("v2"))
    until(lambda: step(plane, id) == "10 %")
    plane.post(f"/rollouts/{id}/pause")
    until(lambda: rollout(plane, id)["phase"] == "paused")
    for verb in ("approve", "reject"):
        refused = plane.post(f"/rollouts/{id}/{verb}")
        assert refused.status_code == 409
        assert refused.json()["code"] == "nothing_to_approve"
        assert "waits for no approval; it is at step 10 %: paused by owner" in refused.json()["detail"]
    assert rollout(plane, id)["phase"] == "paused"


def test_the_page_asks_and_takes_the_answer(plane: Plane, client: httpx2.Client) -> None:
    id = asked(plane)
    page = client.get(SHOP).text
    assert 'id="do-approve"' in page
    assert 'id="do-reject"' in page
    dialog = client.get(f"{SHOP}/ask/approve", headers=SCRIPT).text
    assert "Next is <strong>50 %</strong>" in dialog
    done = client.post(
        f"{SHOP}/approve", data={**form(dialog, f"{SHOP}/approve"), "reason": HOSTILE}, headers=SCRIPT
    )
    assert (done.status_code, "Approving" in done.text) == (200, True)
    until(lambda: step(plane, id) == "50 %" and "waiting" in rollout(plane, id)["reason"])
    stale = client.post(f"{SHOP}/approve", data=form(dialog, f"{SHOP}/approve"), headers=SCRIPT)
    assert stale.status_code == 409, "what was seen was another step"
    rejecting = client.get(f"{SHOP}/ask/reject", headers=SCRIPT).text
    assert "All users get <strong>v1</strong>" in rejecting
    said = {**form(rejecting, f"{SHOP}/reject"), "reason": HOSTILE}
    assert client.post(f"{SHOP}/reject", data=said, headers=SCRIPT).status_code == 200
    assert plane.ended(id)["phase"] == "aborted"
    shown = client.get(SHOP).text
    assert "<script>alert(1)" not in shown
    assert html.escape("<script>alert(1)") in shown
    assert 'id="do-approve"' not in shown
