"""Steering from the pages: what the command line does, and never on what has moved on since it was shown."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.api.practice import Plane, practice, until
from tests.api.still import browser, sign_in

from plainsail.testing.world import Behaviour

SHOP = "/services/shop/production"
TARGET = "/services/shop/environments/production"
SCRIPT = {"HX-Request": "true"}


MARK = r'<li class="(done|now|later|last|never)"'


def form(text: str, action: str) -> dict[str, str]:
    """The fields of the form that posts there, as a browser reads them."""
    found = re.search(rf'<form [^>]*(?:action|hx-post)="{re.escape(action)}"[^>]*>(.*?)</form>', text, re.S)
    assert found, text
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', found[1]))


def held(plane: Plane) -> str:
    """A rollout that stays at 10 % until somebody moves it."""
    plane.live("v1")
    rollout = plane.deploy(plane.release("v2"))
    until(lambda: plane.get(f"/rollouts/{rollout}")["step"] == 1)
    assert plane.post(f"/rollouts/{rollout}/pause").status_code == 202
    until(lambda: plane.get(f"/rollouts/{rollout}")["phase"] == "paused")
    return rollout


def rollout(plane: Plane, id: str) -> Any:
    return plane.get(f"/rollouts/{id}")


def test_abort_all_keeps_nobody_on_a_bad_release(tmp_path: Path) -> None:
    """A rollback goes on, also while the release to go back to is still starting; it is stopped by name only."""
    with practice(tmp_path, speed=0.5) as plane, browser(plane.url) as client:
        sign_in(client)
        plane.ended(plane.deploy(plane.release("v1", Behaviour(starts_in=3.0))))
        plane.live("v2")
        until(
            lambda: plane.get(TARGET)["groups"][0]["role"] == "live" and len(plane.get(TARGET)["groups"]) == 1
        )
        id = plane.post(f"{TARGET}/rollback", reason="fire").json()["id"]
        asked = client.get("/ask/abort-all", headers=SCRIPT).text
        assert "that does not go back already" in asked
        assert plane.post("/abort-all", reason="fire").json() == {"rollouts": []}
        assert plane.ended(id)["phase"] == "succeeded"
        assert plane.get(TARGET)["groups"][0]["version"] == "v1"


def test_pause_and_resume_are_one_click(plane: Plane, client: httpx2.Client) -> None:
    id = held(plane)
    seen = form(client.get(SHOP).text, f"{SHOP}/resume")
    done = client.post(f"{SHOP}/resume", data=seen, headers=SCRIPT)
    assert (done.status_code, "Resuming" in done.text) == (200, True)
    until(lambda: rollout(plane, id)["phase"] != "paused")


def test_abort_asks_first_and_says_what_will_happen(plane: Plane, client: httpx2.Client) -> None:
    id = held(plane)
    asked = client.get(f"{SHOP}/ask/abort", headers=SCRIPT).text
    assert "All users get <strong>v1</strong>: 2 of 2 instances are ready" in asked
    assert "<strong>v2</strong> loses its 10 % of the users, and its 1 instance end" in asked
    assert "<html" not in asked
    done = client.post(f"{SHOP}/abort", data={**form(asked, f"{SHOP}/abort"), "reason": "too slow"})
    assert done.status_code == 303
    ended = plane.ended(id)
    assert (ended["phase"], ended["reason"]) == ("aborted", "too slow")


def test_a_page_that_is_stale_steers_nothing(plane: Plane, client: httpx2.Client) -> None:
    id = held(plane)
    seen = form(client.get(f"{SHOP}/ask/advance").text, f"{SHOP}/advance")
    assert client.post(f"{SHOP}/advance", data=seen).status_code == 303
    until(lambda: rollout(plane, id)["step"] == 2)
    plane.post(f"/rollouts/{id}/pause")
    until(lambda: rollout(plane, id)["phase"] == "paused")
    for headers in (SCRIPT, {}):
        refused = client.post(f"{SHOP}/advance", data=seen, headers=headers)
        assert refused.status_code == 409
        assert "is paused at step 3 of 5 (50 %) now, which is not what you saw" in refused.text
    assert "v2 has 50 % of the users" in refused.text  # without a script: the whole page, as things are now
    assert rollout(plane, id)["step"] == 2


def test_a_page_of_an_older_rollout_does_not_abort_the_newer(plane: Plane, client: httpx2.Client) -> None:
    held(plane)
    seen = form(client.get(f"{SHOP}/ask/abort").text, f"{SHOP}/abort")
    newer = plane.deploy(plane.release("v3"))
    until(lambda: rollout(plane, newer)["started_at"])
    assert client.post(f"{SHOP}/abort", data=seen).status_code == 409
    assert rollout(plane, newer)["phase"] in ("progressing", "finishing")


@pytest.mark.parametrize("carried_out", [False, True])
def test_an_abort_stops_the_rollout_however_far_it_has_come_meanwhile(
    plane: Plane, client: httpx2.Client, carried_out: bool
) -> None:
    id = held(plane)
    seen = form(client.get(f"{SHOP}/ask/abort").text, f"{SHOP}/abort")
    plane.post(f"/rollouts/{id}/advance")
    if carried_out:
        until(lambda: rollout(plane, id)["step"] == 2)
    assert client.post(f"{SHOP}/abort", data=seen).status_code == 303
    assert plane.ended(id)["phase"] == "aborted"


def test_two_tabs_that_advance_at_once_advance_once(plane: Plane, client: httpx2.Client) -> None:
    id = held(plane)
    seen = form(client.get(f"{SHOP}/ask/advance").text, f"{SHOP}/advance")

    def tab(_: int) -> int:
        with browser(plane.url) as other:
            other.cookies.update(dict(client.cookies))
            return other.post(f"{SHOP}/advance", data=seen, headers=SCRIPT).status_code

    with ThreadPoolExecutor(6) as pool:
        codes = sorted(pool.map(tab, range(6)))
    assert codes == [200, 409, 409, 409, 409, 409]
    by_hand = until(
        lambda: [
            event
            for event in plane.get("/events", rollout=id)["events"]
            if event["kind"] == "step_entered" and event["by"] == "owner"
        ]
    )
    assert [event["data"]["step"] for event in by_hand] == ["50 %"]


def test_a_rollback_names_where_it_goes_and_goes_there(plane: Plane, client: httpx2.Client) -> None:
    for version in ("v1", "v2", "v3"):
        plane.live(version)
    asked = client.get(f"{SHOP}/ask/rollback").text
    releases = re.findall(r'name="to" value="([^"]+)"', asked)
    assert re.findall(r"<strong>(v\d)</strong>", asked.partition("<fieldset")[2])[:2] == ["v2", "v1"]
    seen = form(asked, f"{SHOP}/rollback")
    assert client.post(f"{SHOP}/rollback", data={**seen, "to": releases[1]}).status_code == 303
    until(lambda: plane.get("/services/shop/environments/production")["groups"][0]["version"] == "v1")
    plane.ended(plane.get("/rollouts")["rollouts"][0]["id"])
    assert client.post(f"{SHOP}/rollback", data={**seen, "to": releases[0]}).status_code == 409


def test_a_known_release_is_deployed_and_one_in_quarantine_only_if_meant(
    plane: Plane, client: httpx2.Client
) -> None:
    plane.live("v1")
    digest = plane.release("v2")
    plane.ended(plane.deploy(digest))
    plane.post(f"{SHOP}/rollback".replace(SHOP, "/services/shop/environments/production"))
    until(lambda: plane.get("/services/shop/environments/production")["quarantine"])
    plane.ended(plane.get("/rollouts")["rollouts"][0]["id"])
    asked = client.get(f"{SHOP}/ask/deploy", params={"release": digest}).text
    assert "in quarantine" in asked
    seen = {**form(asked, f"{SHOP}/deploy"), "release": digest}
    assert client.post(f"{SHOP}/deploy", data=seen, headers=SCRIPT).status_code == 403
    done = client.post(f"{SHOP}/deploy", data={**seen, "again": "1"}, headers=SCRIPT)
    assert done.status_code == 200
    assert "of shop v2 in production" in done.text


def test_everything_is_stopped_in_one_move(plane: Plane, client: httpx2.Client) -> None:
    id = held(plane)
    asked = client.get("/ask/abort-all", headers=SCRIPT).text
    assert "1 rollout under way" in asked
    assert "<strong>shop</strong> in production" in asked
    done = client.post("/abort-all", data=form(asked, "/abort-all"), headers=SCRIPT)
    assert "Aborting 1 of them: shop in production" in done.text
    assert plane.ended(id)["phase"] == "aborted"
    nothing = client.get("/ask/abort-all", headers=SCRIPT).text
    assert "nothing to abort" in nothing


def test_what_can_not_be_done_says_why(plane: Plane, client: httpx2.Client) -> None:
    plane.live("v1")
    text = client.get(SHOP).text
    assert 'aria-disabled="true" data-why="shop in production has no good release before v1"' in text
    asked = client.get(f"{SHOP}/ask/rollback").text
    assert "has no good release before v1" in asked
    assert ">Roll back</button>" not in asked
    seen = form(asked, f"{SHOP}/rollback")
    assert client.post(f"{SHOP}/rollback", data=seen, headers=SCRIPT).status_code == 409
    assert client.post(f"{SHOP}/explode", data=seen, headers=SCRIPT).status_code == 400


@pytest.mark.parametrize("missing", ["rollout", "live"])
def test_a_form_that_does_not_say_what_was_seen_does_nothing(
    plane: Plane, client: httpx2.Client, missing: str
) -> None:
    id = held(plane)
    seen = form(client.get(f"{SHOP}/ask/abort").text, f"{SHOP}/abort")
    del seen[missing]
    assert client.post(f"{SHOP}/abort", data=seen, headers=SCRIPT).status_code == 409
    assert rollout(plane, id)["phase"] == "paused"


def test_the_api_takes_what_was_seen_too(plane: Plane) -> None:
    id = held(plane)
    stale = plane.post(f"/rollouts/{id}/advance", expected={"rollout": id, "step": 0})
    assert (stale.status_code, stale.json()["code"]) == (409, "moved_on")
    assert rollout(plane, id)["phase"] == "paused"
    fresh = plane.post(f"/rollouts/{id}/abort", expected={"rollout": id, "step": 1, "phase": "paused"})
    assert fresh.status_code == 202
    assert plane.ended(id)["phase"] == "aborted"


def test_the_steps_of_what_was_taken_back_say_how_far_it_came(plane: Plane, client: httpx2.Client) -> None:
    id = held(plane)
    plane.post(f"/rollouts/{id}/abort")
    plane.ended(id)
    text = client.get(f"/rollouts/{id}").text
    marks = re.findall(MARK, text)
    assert marks == ["done", "last", "never", "never", "never"]
    assert "aborted here" in text
    until(lambda: "v1 has all users" in client.get(SHOP).text)
    assert re.findall(MARK, client.get(SHOP).text)[:5] == marks
