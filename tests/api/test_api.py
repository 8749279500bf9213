"""The main job over HTTP, and what the API refuses."""

from __future__ import annotations

from pathlib import Path

import httpx2
from tests.api.practice import SPEC, Plane, archive, practice, until

from plainsail.testing.world import Behaviour

STATUS = "/services/shop/environments/production"


def problem(answer: httpx2.Response) -> tuple[int, str]:
    """Status and code, after a look at the rest of the problem."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    told = answer.json()
    assert told["status"] == answer.status_code
    assert told["type"] == f"urn:plainsail:problem:{told['code']}"
    assert told["title"]
    assert told["detail"]
    assert told["next_step"] or told["status"] >= 500
    return answer.status_code, told["code"]


def test_a_release_reaches_all_users_and_a_worse_one_is_taken_back(plane: Plane) -> None:
    first = plane.live("1.0")
    status = plane.get(STATUS)
    assert [
        (group["role"], group["version"], group["ready"], group["share_bp"]) for group in status["groups"]
    ] == [("live", "1.0", 2, 10_000)]
    assert status["routes"] == [{"match": {}, "split": [{"group": "g1", "share_bp": 10_000}]}]
    assert status["rollout"] is None
    assert status["last_rollout"]["release"] == first
    assert status["url"] == "http://127.0.0.1:8081"

    bad = plane.release("1.1", Behaviour(errors=0.5))
    ended = plane.ended(plane.deploy(bad))
    assert ended["phase"] == "rolled_back"
    assert ended["decided_at"] >= ended["started_at"]
    verdict = plane.get(f"/rollouts/{ended['id']}/verdict")
    assert verdict["verdict"]["outcome"] == "fail"
    assert verdict["verdict"]["candidate"]["failures"] > 0
    assert plane.get(STATUS)["quarantine"] == [bad]
    again = plane.post(f"{STATUS}/rollouts", release=bad)
    assert problem(again) == (403, "quarantined")
    assert plane.deploy(bad, again=True)


def test_a_plan_shows_the_steps_and_starts_nothing(plane: Plane) -> None:
    plane.live("1.0")
    release = plane.release("1.1")
    plan = plane.post(f"{STATUS}/rollouts", release="1.1", plan=True).json()
    assert [(step["name"], step["share_bp"]) for step in plan["steps"]] == [
        ("start", 0), ("10 %", 1000), ("50 %", 5000), ("100 %", 10_000), ("finish", 10_000),
    ]  # fmt: skip
    assert (plan["live"], plan["release"], plan["strategy"]) == ("1.0", release, "canary")
    assert len(plane.get("/rollouts")["rollouts"]) == 1
    direct = plane.post(f"{STATUS}/rollouts", release=release[7:19], plan=True, strategy="blue-green").json()
    assert [step["name"] for step in direct["steps"]] == ["start", "100 %", "finish"]


def test_steering_by_service_name(plane: Plane) -> None:
    plane.live("1.0")
    plane.apply(SPEC.replace("dwell: 3s", "dwell: 9m"))
    rollout = plane.deploy(plane.release("1.1"))
    until(lambda: {"group": "g2", "share_bp": 1000} in plane.get(STATUS)["routes"][-1]["split"])
    assert plane.post("/rollouts/shop/pause", reason="lunch").status_code == 202
    until(lambda: plane.get(STATUS)["rollout"]["phase"] == "paused")
    assert plane.get(STATUS)["rollout"]["reason"] == "lunch"
    assert problem(plane.post(f"/rollouts/{rollout}/pause")) == (409, "not_progressing")
    assert plane.post(f"/rollouts/{rollout}/resume").status_code == 202
    until(lambda: plane.get(STATUS)["rollout"]["phase"] == "progressing")
    assert plane.post("/rollouts/shop/advance", environment="production").status_code == 202
    until(lambda: plane.get(STATUS)["rollout"]["step"] == 2)
    assert [one["id"] for one in plane.post("/abort-all", reason="fire").json()["rollouts"]] == [rollout]
    ended = plane.ended(rollout)
    assert (ended["phase"], ended["reason"]) == ("aborted", "fire")
    assert problem(plane.post(f"/rollouts/{rollout}/abort")) == (409, "rollout_ended")
    assert plane.post("/abort-all").json() == {"rollouts": []}


def test_rollback_goes_to_the_last_good_release(plane: Plane) -> None:
    assert problem(plane.post(f"{STATUS}/rollback")) == (409, "nothing_to_go_back_to")
    first = plane.live("1.0")
    second = plane.live("1.1")
    back = plane.post(f"{STATUS}/rollback", reason="it smells").json()
    assert back["kind"] == "rollback"
    impatient = plane.post(f"{STATUS}/rollback").json()
    assert impatient.get("id") == back["id"] or plane.get(f"/rollouts/{back['id']}")["ended_at"]
    assert plane.ended(back["id"])["phase"] == "succeeded"
    status = plane.get(STATUS)
    live = next(group for group in status["groups"] if group["role"] == "live")
    assert (live["release"], live["share_bp"]) == (first, 10_000)
    assert status["quarantine"] == [second]


def test_rollback_in_mid_rollout_keeps_the_live_release(plane: Plane) -> None:
    plane.live("1.0")
    second = plane.live("1.1")
    plane.apply(SPEC.replace("dwell: 3s", "dwell: 9m"))
    rollout = plane.deploy(plane.release("1.2"))
    until(lambda: (plane.get(STATUS)["rollout"] or {}).get("reached_bp"))
    assert plane.post(f"{STATUS}/rollback").json()["id"] == rollout
    assert plane.ended(rollout)["phase"] == "aborted"
    live = next(group for group in plane.get(STATUS)["groups"] if group["role"] == "live")
    assert live["release"] == second


def test_rollback_of_what_has_not_begun_keeps_the_live_release(plane: Plane) -> None:
    plane.live("1.0")
    second = plane.live("1.1")
    rollout = plane.deploy(plane.release("1.2"))
    assert plane.post(f"{STATUS}/rollback").json()["id"] == rollout
    assert plane.ended(rollout)["phase"] == "aborted"
    live = next(group for group in plane.get(STATUS)["groups"] if group["role"] == "live")
    assert live["release"] == second


def test_a_release_walks_the_chain(plane: Plane) -> None:
    chained = SPEC.replace("  production:\n    router", "  production:\n    after: staging\n    router")
    chained = chained.replace("    in:\n", "    in:\n      staging: {}\n")
    plane.apply(chained)
    release = plane.release("1.0")
    refused = plane.post(f"{STATUS}/rollouts", release=release)
    assert problem(refused) == (403, "predecessor")
    assert "plainsail deploy shop" in refused.json()["next_step"]
    assert plane.ended(plane.deploy(release, "staging"))["phase"] == "succeeded"
    assert plane.ended(plane.deploy(release))["phase"] == "succeeded"
    assert problem(plane.http.get("/rollouts/shop/verdict", params={"environment": "stagin"})) == (
        404,
        "environment_unknown",
    )


def test_what_is_not_there(plane: Plane) -> None:
    assert problem(plane.http.get("/services/shopp/environments/production")) == (404, "service_unknown")
    assert "shop" in plane.http.get("/services/shopp/environments/production").json()["next_step"]
    assert problem(plane.http.get("/services/shop/environments/productoin")) == (404, "environment_unknown")
    assert problem(plane.http.get("/services/shop/environments/staging")) == (404, "not_placed")
    assert problem(plane.post(f"{STATUS}/rollouts", release="9.9")) == (404, "release_unknown")
    assert problem(plane.http.get("/rollouts/r-nothing")) == (404, "rollout_unknown")
    assert problem(plane.http.get("/rollouts/shop")) == (404, "rollout_unknown")
    assert problem(plane.http.get("/nothing")) == (404, "not_found")
    assert problem(plane.http.delete("/spec")) == (405, "method_not_allowed")
    plane.release("1.0")
    assert problem(plane.post(f"{STATUS}/rollouts", release="1.0", strategy="canari")) == (
        422,
        "strategy_unknown",
    )
    assert problem(plane.post(f"{STATUS}/rollouts", relaese="1.0")) == (400, "request_invalid")
    assert problem(plane.post("/rollouts/shop/promote")) == (400, "request_invalid")


def test_who_may_come_in(plane: Plane) -> None:
    bare = httpx2.Client(base_url=plane.url + "/api/v1", trust_env=False)
    assert bare.get("/health").json()["status"] == "ok"
    assert bare.get("/openapi.json").json()["openapi"].startswith("3.")
    assert problem(bare.get("/releases/openapi.json?service=shop")) == (401, "token_missing")
    missing = bare.get("/services")
    assert problem(missing) == (401, "token_missing")
    assert missing.headers["www-authenticate"] == "Bearer"
    assert problem(bare.get("/services", headers={"Authorization": "Bearer ps_guess"})) == (
        401,
        "token_wrong",
    )
    assert problem(bare.get("/services", headers={"Authorization": "Basic b3duZXI6"})) == (
        401,
        "token_missing",
    )
    assert problem(bare.get("/health", headers={"Host": "evil.example"})) == (403, "host_unknown")
    assert problem(plane.http.get("/services", headers={"Host": "evil.example:80"})) == (403, "host_unknown")
    for host in ("localhost:7676", "127.0.0.1", "[::1]:80", "10.0.0.7:7676"):
        assert plane.http.get("/services", headers={"Host": host}).status_code == 200
    assert (
        "access-control-allow-origin"
        not in plane.http.get("/services", headers={"Origin": "http://evil.example"}).headers
    )


def test_every_path_is_described(plane: Plane) -> None:
    paths = plane.get("/openapi.json")["paths"]
    assert all(
        operation.get("summary") or operation.get("description")
        for operations in paths.values() for operation in operations.values()
    )  # fmt: skip
    assert f"/api/v1{STATUS}".replace("shop", "{service}").replace("production", "{environment}") in paths


def test_applying_says_what_changes(plane: Plane) -> None:
    assert plane.apply() == {"changes": [], "unchanged": 3, "dry_run": False, "warnings": [], "awaiting": []}
    longer = SPEC.replace("replicas: 2", "replicas: 3")
    dry = plane.post("/spec", files=[{"name": "a.yaml", "text": longer}], dry_run=True).json()
    assert dry["changes"] == [{
        "noun": "service", "name": "shop", "change": "changed",
        "fields": [{"path": "in.production.replicas", "before": 2, "after": 3}],
    }]  # fmt: skip
    assert plane.get("/spec")["services"]["shop"]["in"]["production"]["replicas"] == 2
    plane.apply(longer)
    assert plane.get("/spec")["services"]["shop"]["in"]["production"]["replicas"] == 3
    last = plane.get("/events", after=-1, limit=1)["events"][0]
    assert (last["kind"], last["by"], last["reason"]) == (
        "spec_applied", "owner", "service shop changed: in.production.replicas",
    )  # fmt: skip
    wrong = plane.post("/spec", files=[{"name": "a.yaml", "text": SPEC.replace("replicas", "replica")}])
    assert problem(wrong) == (422, "spec_invalid")
    (told,) = wrong.json()["diagnostics"]
    assert (told["file"], told["line"], told["path"]) == ("a.yaml", 14, "services.shop.in.production.replica")


def test_an_archive_must_be_what_its_digest_says(plane: Plane) -> None:
    body, digest = archive({"bin/serve": b"1"})
    other = archive({"bin/serve": b"2"})[1]
    put = plane.http.put
    assert problem(put(f"/releases/{other}", params={"service": "shop"}, content=body)) == (
        422,
        "digest_mismatch",
    )
    assert problem(put("/releases/latest", params={"service": "shop"}, content=body)) == (422, "bad_digest")
    assert problem(put(f"/releases/{digest}", params={"service": "shop"}, content=b"no tar")) == (
        422,
        "bad_archive",
    )
    assert problem(put(f"/releases/{digest}", params={"service": "shopp"}, content=body)) == (
        404,
        "service_unknown",
    )
    assert problem(put(f"/releases/{digest}", params={"service": "shop", "label": "x"}, content=body)) == (
        422,
        "label_malformed",
    )
    query = {"service": "shop", "version": "1.0", "label": ["team=blue", "tier=1"]}
    made = put(f"/releases/{digest}", params=query, content=body).json()
    assert (made["version"], made["labels"]) == ("1.0", {"team": "blue", "tier": "1"})
    assert (
        put(f"/releases/{digest}", params={"service": "shop", "version": "1.1"}, content=body).json() == made
    )
    assert plane.get("/releases/1.0", service="shop") == made
    assert list((plane.directory / "spool").iterdir()) == []


def test_an_archive_has_a_limit(tmp_path: Path) -> None:
    with practice(tmp_path, upload_limit=20_000) as plane:
        body, digest = archive({"bin/serve": b"x" * 30_000})
        assert problem(plane.http.put(f"/releases/{digest}", params={"service": "shop"}, content=body)) == (
            413,
            "too_large",
        )
        assert problem(plane.post("/spec", files=[{"name": "a", "text": "x" * 17_000_000}])) == (
            413,
            "request_entity_too_large",
        )


def test_events_can_be_waited_for(plane: Plane) -> None:
    last = plane.get("/events", after=-1, limit=1)["last"]
    assert plane.get("/events", after=last, wait=0.3) == {"events": [], "last": last}
    plane.release("1.0")
    heard = plane.get("/events", after=last, wait=20)["events"]
    assert [one["kind"] for one in heard] == ["release_made"]
    rollout = plane.deploy("1.0")
    plane.ended(rollout)
    kinds = [one["kind"] for one in plane.get("/events", rollout=rollout)["events"]]
    assert (kinds[0], kinds[-1]) == ("rollout_started", "rollout_ended")
    history = plane.get("/history", service="shop")
    assert [one["version"] for one in history["releases"]] == ["1.0"]
    assert [one["id"] for one in history["rollouts"]] == [rollout]
    assert [one["id"] for one in history["events"]] == sorted(one["id"] for one in history["events"])


def test_output(plane: Plane) -> None:
    lines = plane.get(f"{STATUS}/output", lines=2)["lines"]
    assert [line["text"] for line in lines] == ["line 99", "line 100"]
    assert problem(plane.http.get(f"{STATUS}/output", params={"lines": 0})) == (400, "request_invalid")
