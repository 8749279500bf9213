"""What the webhook takes for an answer, and what it shows to whom."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from plainsail.domain.checks import Answer
from plainsail.drivers.verifiers.webhook import Config, Webhook
from plainsail.ports.errors import Broken, Failure, Rejected, Transient
from plainsail.ports.site import Site
from plainsail.testing.conformance.verifier.bench import question

SECRET = "s3cr3t-of-the-check"


class Server:
    """Answers as it is told, and keeps what was asked."""

    def __init__(self) -> None:
        self.status, self.kind, self.body = 200, "application/json", b""
        self.location = ""
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                server.asked.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(server.status)
                if server.kind:
                    self.send_header("content-type", server.kind)
                if server.location:
                    self.send_header("location", server.location)
                self.send_header("content-length", str(len(server.body)))
                self.end_headers()
                self.wfile.write(server.body)

            do_GET = do_POST

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/checks/shop"
        threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    try:
        yield made
    finally:
        made.close()


def ask(url: str, tmp_path: Path, **settings: Any) -> Answer:
    site = Site("production", tmp_path, None)  # type: ignore[arg-type]  # nothing of it is used
    return asyncio.run(Webhook(Config(url=url, **settings), site).ask(question()))


@pytest.mark.parametrize(
    ("status", "kind", "body", "verdict"),
    [
        (200, "", b"", "go"),
        (204, "", b"", "go"),
        (200, "text/plain", b"ok\n", "go"),
        (201, "application/json", b"{}", "go"),
        (200, "application/json", b'{"status": "fine"}', "go"),
        (200, "application/json", b'{"go": true}', "go"),
        (202, "application/json", b'{"go": true}', "go"),
        (200, "application/json", b'{"go": false}', "no_go"),
        (202, "application/json", b'{"go": false}', "no_go"),
        (409, "application/json", b'{"go": false, "reason": "frozen"}', "no_go"),
        (202, "", b"", "not_yet"),
        (202, "text/plain", b"accepted", "not_yet"),
        (200, "application/json", b'{"go": null, "reason": "3 of 10 minutes"}', "not_yet"),
    ],
)
def test_what_is_an_answer(
    server: Server, tmp_path: Path, status: int, kind: str, body: bytes, verdict: str
) -> None:
    server.status, server.kind, server.body = status, kind, body
    assert ask(server.url, tmp_path).verdict == verdict


@pytest.mark.parametrize(
    ("status", "kind", "body", "error", "code"),
    [
        (400, "", b"", Transient, "check_unwell"),
        (404, "text/html", b"<h1>Not found</h1>", Transient, "check_unwell"),
        (429, "", b"", Transient, "check_unwell"),
        (500, "", b"", Transient, "check_unwell"),
        (503, "application/json", b'{"go": false}', Transient, "check_unwell"),
        (401, "", b"", Broken, "check_denied"),
        (403, "", b"", Broken, "check_denied"),
        (301, "", b"", Broken, "check_foreign"),
        (200, "text/html", b"<html>Please sign in</html>", Rejected, "check_unreadable"),
        (200, "application/json", b'{"go": fal', Rejected, "check_unreadable"),
        (200, "text/plain", b'{"go": fal', Rejected, "check_unreadable"),
        (200, "application/json", b'"go"', Rejected, "check_unreadable"),
        (200, "application/json", b'{"go": "no"}', Rejected, "check_unreadable"),
        (200, "application/json", b'{"go": 0}', Rejected, "check_unreadable"),
        (200, "application/json", b"[" * 60_000, Rejected, "check_unreadable"),
        (200, "application/json", b'{"go": true, "reason": "' + b"x" * 70_000 + b'"}', Rejected, "check_unreadable"),
    ],
)  # fmt: skip
def test_what_is_none(
    server: Server, tmp_path: Path, status: int, kind: str, body: bytes, error: type[Failure], code: str
) -> None:
    """Neither a go nor a no: asked again, and then as `on_error` says."""
    server.status, server.kind, server.body = status, kind, body
    with pytest.raises(error) as failed:
        ask(server.url, tmp_path)
    assert failed.value.code == code


def test_a_redirect_is_not_followed_and_the_token_goes_nowhere_else(server: Server, tmp_path: Path) -> None:
    other = Server()
    try:
        (tmp_path / "token").write_text(f"{SECRET}\n")
        for server.status in (301, 302, 307, 308):
            server.location = other.url
            with pytest.raises(Broken):
                ask(server.url, tmp_path, token=str(tmp_path / "token"))
        assert other.asked == []
    finally:
        other.close()


def test_the_body_says_all_that_the_page_promises(server: Server, tmp_path: Path) -> None:
    ask(server.url, tmp_path)
    ((path, headers, body),) = server.asked
    assert path == "/checks/shop"
    assert json.loads(body) == {
        "key": "r-1/3/0", "moment": "check", "service": "shop", "environment": "production", "rollout": "r-1",
        "strategy": "canary", "step": "10 %", "share_bp": 1000, "share": 0.1, "release": "sha256:ab", "version": "1.4",
        "live": "1.3", "live_release": "sha256:cd", "by": "owner", "outcome": "", "reason": "",
    }  # fmt: skip
    assert headers["idempotency-key"] == "r-1/3/0"
    assert "authorization" not in headers


def test_a_token_is_sent_or_signs(server: Server, tmp_path: Path) -> None:
    """Read anew for each question; where it signs, it is not sent."""
    token = tmp_path / "token"
    token.write_text("first\n")
    ask(server.url, tmp_path, token=str(token))
    token.write_text(f"{SECRET}\n")
    ask(server.url, tmp_path, token=str(token))
    ask(server.url, tmp_path, token=str(token), sign=True)
    first, second, (_, headers, body) = server.asked
    assert first[1]["authorization"] == "Bearer first"
    assert second[1]["authorization"] == f"Bearer {SECRET}"
    assert "authorization" not in headers
    assert SECRET not in json.dumps(headers)
    signed = f"{headers['x-plainsail-asked-at']}.".encode() + body
    expected = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert headers["x-plainsail-signature"] == f"sha256={expected}"


def test_the_environments_proxy_is_not_its(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert ask(server.url, tmp_path).verdict == "go"


@pytest.mark.parametrize("content", [None, b"", b"\n", b"a\nb\n", b"\x00\x01", b"x" * 20_000, "ü\n".encode()])
def test_a_token_that_cant_be_read_is_no_answer(
    server: Server, tmp_path: Path, content: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token = tmp_path / "token"
    if content is not None:
        token.write_bytes(content)
    with pytest.raises(Broken) as failed:
        ask(server.url, tmp_path, token=str(token))
    assert failed.value.code == "check_token"
    assert server.asked == []


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"url": "http://checks.example/x"}, "url: it is neither https nor http on this machine"),
        ({"url": "http://10.0.0.1/x"}, "url: it is neither https nor http on this machine"),
        ({"url": "ftp://localhost/x"}, "url: it is no address"),
        ({"url": "https://user:pass@checks.example/"}, "url: neither a password nor"),
        ({"url": "https://checks.example/?token=x"}, "url: neither a password nor"),
        ({"url": "https://[::1/"}, "url: it is no address"),
        ({"url": "https://checks.example/a b"}, "url: it is no address"),
        ({"url": "https://checks.example", "token": "secret"}, "token: it is the path of a file"),
        ({"url": "https://checks.example", "sign": True}, "sign: there is nothing to sign with"),
        ({"url": "https://checks.example", "timeout": 0.0}, "timeout: it must be more than 0"),
        ({"url": "https://checks.example", "timeout": 301.0}, "timeout: it must be more than 0"),
        ({"url": "https://checks.example", "retries": -1}, "retries: it must be from 0 to 100"),
        ({"url": "https://checks.example", "every": 0.1}, "every: it must be at least 1s"),
        ({"url": "https://checks.example", "name": "\x1b[31m"}, "name: it must be"),
    ],
)
def test_settings_that_are_refused(settings: dict[str, Any], told: str, tmp_path: Path) -> None:
    problem = Config(**settings).check()
    assert problem is not None
    assert problem.startswith(told)
    with pytest.raises(Rejected):
        Webhook(Config(**settings), Site("production", tmp_path, None))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "url", ["https://checks.example/x", "http://127.0.0.1:8080/x", "http://localhost/x", "http://[::1]:80/"]
)
def test_addresses_that_are_taken(url: str) -> None:
    assert Config(url=url).check() is None
