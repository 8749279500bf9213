"""The exit codes are a contract: each is reached by what it stands for."""

from __future__ import annotations

import json
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
from tests.api.practice import SPEC, Plane, until
from tests.cli.terminal import Terminal

from plainsail.cli import waiting
from plainsail.client import Client, Json, ProblemError, Unreachable
from plainsail.testing.world import Behaviour

STATUS = "/services/shop/environments/production"
SLOWLY = SPEC.replace("dwell: 3s", "dwell: 9m")
DEPLOY = ("--to", "production", "--wait")


def during(plane: Plane, act: Callable[[], object]) -> threading.Thread:
    """Do it as soon as a candidate has users."""

    def wait_and_act() -> None:
        until(lambda: (plane.get(STATUS)["rollout"] or {}).get("reached_bp"))
        act()

    thread = threading.Thread(target=wait_and_act, daemon=True)
    thread.start()
    return thread


def behaves(plane: Plane, tree: Path, behaviour: Behaviour) -> None:
    """Instances of what is in this directory behave like this."""
    from plainsail.cli.packing import pack

    packed = pack(tree)
    packed.tar.close()
    plane.world.behaviours[packed.digest] = behaviour


def test_0_succeeded(terminal: Terminal, plane: Plane) -> None:
    said = terminal.use(plane)("deploy", "shop", str(terminal.tree("v1")), *DEPLOY, "--version", "1.0")
    assert said.code == 0
    assert "shop 1.0 in production succeeded" in said.out
    assert plane.get(STATUS)["groups"][0]["version"] == "1.0"


def test_1_internal(terminal: Terminal, plane: Plane, caplog: pytest.LogCaptureFixture) -> None:
    (plane.directory / "plainsail.db").rename(plane.directory / "gone")
    (plane.directory / "plainsail.db").write_bytes(b"no database at all" * 500)
    plane.context.store.close()
    said = terminal.use(plane)("status", "shop")
    assert said.code == 1
    assert "Traceback" not in said.err


def test_2_usage_and_invalid_input(terminal: Terminal, plane: Plane) -> None:
    use = terminal.use(plane)
    tree = str(terminal.tree("v1"))
    assert use("deploy", "shop").code == 2
    assert use("deploi", "shop").err == "There is no command deploi; did you mean deploy?\n"
    assert use("deploy", "shop", tree, "--to", "production", "--timeout", "1m").code == 2
    assert use("deploy", "shop", tree, "--to", "production", "--wait", "--timeout", "1").code == 2
    assert use("deploy", "shop", tree, "--to", "production", "--label", "x").code == 2
    assert use("deploy", "shop", tree, "--to", "production", "--strategy", "canari").code == 2
    assert use("deploy", "shop", f"{tree}/bin/serve", "--to", "production").code == 2
    assert use("abort").code == 2
    assert use("abort", "shop", "--all").code == 2
    (terminal.directory / "plainsail.yaml").write_text(SPEC.replace("replicas", "replica"))
    wrong = use("apply")
    assert wrong.code == 2
    assert wrong.err.startswith("plainsail.yaml:14:9: ")


def test_3_not_found(terminal: Terminal, plane: Plane) -> None:
    use = terminal.use(plane)
    assert use("status", "shopp").code == 3
    assert use("status", "shop", "--env", "nowhere").code == 3
    assert use("status", "--env", "nowhere").code == 3
    assert use("deploy", "shop", "9.9", "--to", "production").code == 3
    assert use("deploy", "shopp", str(terminal.tree("v1")), "--to", "production").code == 3
    assert use("abort", "r-nothing").code == 3
    assert use("verdict", "shop").code == 3
    assert use("apply", "missing.yaml").code == 3


def test_4_refused_and_5_rolled_back(terminal: Terminal, plane: Plane) -> None:
    plane.live("1.0")
    use = terminal.use(plane)
    tree = terminal.tree("v2")
    behaves(plane, tree, Behaviour(errors=0.5))
    back = use("deploy", "shop", str(tree), *DEPLOY, "--version", "1.1")
    assert back.code == 5
    assert "shop 1.1 in production rolled back at 10 %" in back.out
    quarantined = use("deploy", "shop", str(tree), "--to", "production")
    assert quarantined.code == 4
    assert "--again" in quarantined.err
    assert use("deploy", "shop", str(tree), "--to", "production", "--again").code == 0
    terminal.set("PLAINSAIL_TOKEN", "ps_wrong")
    assert use("status").code == 4


def test_6_aborted(terminal: Terminal, plane: Plane) -> None:
    plane.live("1.0")
    plane.apply(SLOWLY)
    during(plane, lambda: plane.post("/rollouts/shop/abort", reason="fire"))
    said = terminal.use(plane)("deploy", "shop", str(terminal.tree("v2")), *DEPLOY)
    assert said.code == 6
    assert "fire" in said.out


def test_7_timed_out(terminal: Terminal, plane: Plane) -> None:
    plane.live("1.0")
    plane.apply(SLOWLY)
    said = terminal.use(plane)("deploy", "shop", str(terminal.tree("v2")), *DEPLOY, "--timeout", "1s")
    assert said.code == 7
    assert "plainsail abort shop --env production" in said.err
    assert plane.get(STATUS)["rollout"]["phase"] == "progressing"


def test_8_unreachable(terminal: Terminal) -> None:
    assert terminal("status").code == 8
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    assert terminal("status", "--url", url).code == 8
    assert terminal("status", "--url", url, "--json").json()["code"] == "unreachable"


def test_8_unreachable_for_long(plane: Plane, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused")

    monkeypatch.setattr(waiting, "AWAY_WITHIN", 0.5)
    rollout = plane.get(f"/rollouts/{plane.deploy(plane.release('1.0'))}")
    with (
        Client("http://127.0.0.1:1", transport=httpx2.MockTransport(away)) as client,
        pytest.raises(Unreachable),
    ):
        waiting.wait(client, rollout, None, "")


def test_9_still_gated() -> None:
    """No gate can be shut yet, so the control plane is a script here."""
    gated: Json = {
        "id": "r-1", "service": "shop", "environment": "production", "phase": "gated", "step": 0, "steps": [],
        "reason": "no go yet", "reason_code": "approval", "ended_at": None, "verdict": None, "live": None,
        "candidate": "g1", "kind": "deploy", "version": "1.0", "started_at": 0.0, "strategy": "canary", "by": "owner",
    }  # fmt: skip

    def answer(request: httpx2.Request) -> httpx2.Response:
        path = request.url.path
        status: Json = {"groups": [], "routes": []}
        events: Json = {"events": [], "last": 0}
        body = gated if "/rollouts/" in path else events if path.endswith("/events") else status
        return httpx2.Response(200, json=body)

    with Client("http://127.0.0.1:1", transport=httpx2.MockTransport(answer)) as client:
        assert waiting.wait(client, gated, 0.3, "plainsail abort shop").exit_code == 9


def test_3_a_removal_that_nobody_knows_any_more(plane: Plane) -> None:
    """Between the end of a removal and its last word its service is unknown; who never hears that word is told so."""
    asked: list[str] = []

    def unknown(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.url.path)
        return httpx2.Response(404, json={"title": "Unknown", "code": "rollout_unknown", "status": 404})

    rollout = plane.get(f"/rollouts/{plane.deploy(plane.release('1.0'))}") | {"kind": "remove"}
    with (
        Client("http://127.0.0.1:1", transport=httpx2.MockTransport(unknown)) as client,
        pytest.raises(ProblemError),
    ):
        waiting.wait(client, rollout, None, "")
    assert len(asked) == 2


def test_10_superseded(terminal: Terminal, plane: Plane) -> None:
    plane.live("1.0")
    plane.apply(SLOWLY)
    newer = plane.release("1.2")
    during(plane, lambda: plane.deploy(newer))
    assert terminal.use(plane)("deploy", "shop", str(terminal.tree("v2")), *DEPLOY).code == 10


def test_11_failed_with_its_last_words(terminal: Terminal, plane: Plane) -> None:
    plane.apply(SPEC.replace("      stop:", "      ready: {tcp: true, within: 3s}\n      stop:"))
    tree = terminal.tree("v1")
    behaves(plane, tree, Behaviour(never_ready=True))
    said = terminal.use(plane)("deploy", "shop", str(tree), *DEPLOY)
    assert said.code == 11
    assert "line 100" in said.err
    told = terminal("deploy", "shop", str(tree), *DEPLOY, "--json")
    assert told.code == 11
    assert told.json()["output"][-1]["text"] == "line 100"


def test_ctrl_c_detaches(terminal: Terminal, plane: Plane) -> None:
    plane.live("1.0")
    plane.apply(SLOWLY)
    terminal.use(plane)
    process = terminal.start("deploy", "shop", str(terminal.tree("v2")), *DEPLOY)
    until(lambda: (plane.get(STATUS)["rollout"] or {}).get("reached_bp"))
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Abort it with: plainsail abort shop --env production" in err
    assert plane.get(STATUS)["rollout"]["phase"] == "progressing"


def test_a_control_plane_that_is_away_for_a_moment(terminal: Terminal, plane: Plane) -> None:
    """Waiting goes on when an answer is missing; here every third is."""
    count = 0

    def flaky(request: httpx2.Request) -> httpx2.Response:
        nonlocal count
        count += 1
        if count % 3 == 0:
            raise httpx2.ConnectError("refused")
        query = request.url.query.decode()
        return plane.http.request(request.method, f"{request.url.path.removeprefix('/api/v1')}?{query}")

    rollout = plane.get(f"/rollouts/{plane.deploy(plane.release('1.0'))}")
    with Client("http://127.0.0.1:1", transport=httpx2.MockTransport(flaky)) as client:
        assert waiting.wait(client, rollout, 60, "").exit_code == 0
    assert count >= 3


def test_codes_are_in_the_document_too(terminal: Terminal, plane: Plane) -> None:
    said = terminal.use(plane)("status", "shopp", "--json")
    assert (said.code, said.json()["exit_code"], said.json()["status"]) == (3, 3, 404)
    assert said.err == ""
    assert json.loads(terminal("deploi", "--json").out)["exit_code"] == 2
