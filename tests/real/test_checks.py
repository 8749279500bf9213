"""Checks, approvals and hooks on a real control plane, with a real server that answers, refuses, hangs and breaks."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.real.plane import Plane, pids_below

SECRET = "s3cr3t-of-the-check"


class Checks:
    """A server on this machine: what it says, by path, and what it was asked."""

    def __init__(self) -> None:
        self.says: dict[str, tuple[int, bytes]] = {}
        self.hangs: dict[str, threading.Event] = {}
        self.asked: list[tuple[str, dict[str, Any], str]] = []
        checks = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                checks.asked.append((self.path, body, self.headers.get("authorization", "")))
                if event := checks.hangs.get(self.path):
                    event.wait(120)
                status, answer = checks.says.get(self.path, (204, b""))
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("location", "/elsewhere")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                try:
                    self.wfile.write(answer)
                except OSError:
                    return  # who asked is gone

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True).start()

    def keys(self, path: str) -> list[str]:
        return [body["key"] for where, body, _ in self.asked if where == path]

    def close(self) -> None:
        for event in self.hangs.values():
            event.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def checks() -> Iterator[Checks]:
    made = Checks()
    try:
        yield made
    finally:
        made.close()


def more(place: Path, checks: Checks, *lines: str) -> str:
    """Lines of the placement. `{url}` is the server, `{token}` the file of the secret."""
    (place / "secret").write_text(f"{SECRET}\n")
    return "".join(f"        {line}\n" for line in lines).replace("{url}", checks.url).replace("{token}", str(place / "secret"))  # fmt: skip


def until(true: Any, within: float = 30.0) -> None:
    end = time.monotonic() + within
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_rollout_with_everybody_asked(tmp_path: Path, checks: Checks) -> None:
    """The hooks, a check at each step with a token, a person: in order, told, and the token seen by nobody else."""
    lines = (
        "checks: {each: {webhook: {url: '{url}/check', token: '{token}', name: smoke}}}",
        "approvals: [10%]",
        "hooks: {before: {webhook: {url: '{url}/before'}}, after: {webhook: {url: '{url}/after'}}, failure: {webhook: {url: '{url}/failure'}}}",
    )
    with Plane(tmp_path, until="dwell", replicas=2, more=more(tmp_path, checks, *lines)) as plane:
        plane.cli("apply")
        plane.deploy(plane.release("1"), "--wait")
        plan = plane.json("deploy", "shop", plane.release("2"), "--to", "production", "--plan")
        assert [(one["name"], one["checks"], one["approval"]) for one in plan["steps"]][:4] == [
            ("before", ["webhook"], False), ("start", [], False), ("confirm", ["smoke"], False), ("10 %", ["smoke"], True),
        ]  # fmt: skip
        assert plan["hooks"] == {"after": ["webhook"], "failure": ["webhook"]}
        assert plane.cli("approve", "shop", check=False).returncode != 0
        plane.deploy(plane.release("2"))
        found = plane.until(
            "a person is asked",
            lambda now: now["rollout"] and "waiting for approval" in now["rollout"]["reason"],
        )
        rollout = found["rollout"]["id"]
        assert found["rollout"]["awaits_approval"]
        assert [(one["name"], one["state"]) for one in found["rollout"]["checks"]] == [("smoke", "go")]
        shown = plane.cli("status").stdout
        assert "plainsail approve shop --env production" in shown
        assert "plainsail reject shop --env production" in shown
        for _ in range(2):  # twice is once
            assert plane.cli("approve", "shop", "--reason", "seen").returncode == 0
        plane.until("it is over", lambda now: now["rollout"] is None)
        until(lambda: f"{rollout}/after/0" in checks.keys("/after"))
        assert checks.keys("/before")[-1] == f"{rollout}/0/0"
        assert checks.keys("/check")[-3:] == [f"{rollout}/{step}/0" for step in (2, 3, 4)]
        assert checks.keys("/failure") == []
        assert {token for path, _, token in checks.asked if path == "/check"} == {f"Bearer {SECRET}"}
        events = plane.json("history", "shop")
        told = (
            json.dumps(events)
            + plane.log()
            + json.dumps(plane.status())
            + plane.cli("verdict", rollout, check=False).stdout
        )
        assert SECRET not in told
        assert not [one for one in pids_below(tmp_path).values() if SECRET in one]
        assert plane.process is not None
        proc = Path(f"/proc/{plane.process.pid}")
        assert SECRET.encode() not in (proc / "cmdline").read_bytes() + (proc / "environ").read_bytes()
        stored = b"".join(one.read_bytes() for one in (tmp_path / ".plainsail").glob("plainsail.db*"))
        assert SECRET.encode() not in stored


@pytest.mark.parametrize(
    ("status", "body", "phase", "reason"),
    [
        (200, b'{"go": false, "reason": "12 of \\u001b[31m 300 failed"}', "rolled_back", "smoke says no-go: 12 of [31m 300 failed"),
        (500, b"", "rolled_back", "smoke does not answer, asked 2 times: The webhook at 127.0.0.1 answers 500"),
        (200, b'{"go": fal', "rolled_back", "is no JSON object"),
        (200, b"x" * 200_000, "rolled_back", "more than 65,536 bytes"),
        (302, b"", "rolled_back", "a redirect (302)"),
    ],
)  # fmt: skip
def test_what_is_no_go_takes_it_back(
    tmp_path: Path, checks: Checks, status: int, body: bytes, phase: str, reason: str
) -> None:
    line = "checks: {10%: {webhook: {url: '{url}/check', name: smoke, every: 1s, retries: 1, on_error: rollback}}}"
    with Plane(tmp_path, until="dwell", replicas=1, more=more(tmp_path, checks, line)) as plane:
        plane.cli("apply")
        plane.deploy(plane.release("1"), "--wait")
        checks.says["/check"] = (status, body)
        assert plane.deploy(plane.release("2"), "--wait", check=False).returncode != 0
        last = plane.status()["last_rollout"]
        assert last["phase"] == phase
        assert reason in last["reason"]
        assert last["reason"].isprintable()
        assert "/elsewhere" not in [path for path, _, _ in checks.asked]


def test_one_that_hangs_holds_nothing_else_and_a_killed_plane_asks_once_more(
    tmp_path: Path, checks: Checks
) -> None:
    """While it hangs: killed with SIGKILL, started again, asked again with the same key; what was answered is not. Then an
    abort takes users back although it still hangs."""
    lines = (
        "checks: {start: {webhook: {url: '{url}/first'}}, 10%: {webhook: {url: '{url}/check', name: smoke, timeout: 60s}}}",
    )
    with Plane(tmp_path, until="dwell", replicas=1, more=more(tmp_path, checks, *lines)) as plane:
        plane.cli("apply")
        plane.deploy(plane.release("1"), "--wait")
        checks.hangs["/check"] = threading.Event()
        plane.deploy(plane.release("2"))
        until(lambda: len(checks.keys("/check")) == 1)
        plane.until("it waits", lambda now: "check smoke" in now["rollout"]["reason"])
        plane.kill()
        plane.up()
        until(lambda: len(checks.keys("/check")) == 2)
        first, again = checks.keys("/check")
        assert first == again
        assert len(set(checks.keys("/first"))) == len(checks.keys("/first"))
        plane.cli("abort", "shop")
        found = plane.until("it is over", lambda now: now["rollout"] is None, within=20.0)
        assert found["last_rollout"]["phase"] == "aborted"
        assert len(checks.keys("/check")) == 2
