"""The door of a source: what stands between a driver and the real server, asks for a token, and can be in trouble."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

from plainsail.testing.conformance.bench import free_port

Trouble = Literal["", "unwell", "silent", "endless", "redirect", "foreign"]
Behind = Callable[[str, str, bytes, dict[str, str]], tuple[int, bytes]]
"""Method, path, body and headers to status and body."""
DIRECT = build_opener(ProxyHandler({}))


def server_at(base: str) -> Behind:
    """A real server, asked as the driver asked."""

    def ask(method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        kind = {"content-type": headers["content-type"]} if "content-type" in headers else {}
        data = body if method == "POST" else None
        request = Request(base + path, data, kind, method=method)  # noqa: S310  (http, ours)
        try:
            with DIRECT.open(request, timeout=20) as answer:
                return int(answer.status), answer.read()
        except HTTPError as refusal:
            return refusal.code, refusal.read()

    return ask


class Door:
    """Opens at once. Its port stays the same when it is shut and opened again."""

    def __init__(self, behind: Behind, token: str = "") -> None:
        self.behind, self.token = behind, token
        self.trouble: Trouble = ""
        self.leads_to = ""
        """Where a redirect leads."""
        self.asked = 0
        """How often somebody came with the token, or to a door that asks for none."""
        self._free = threading.Event()
        self._sockets: list[socket.socket] = []
        self._server: ThreadingHTTPServer | None = None
        self.port = free_port()
        self.open()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def open(self) -> None:
        self._free.clear()
        door = self

        class Visit(_Visit):
            at = door

        self._server = _Server(("127.0.0.1", self.port), Visit)
        threading.Thread(target=self._server.serve_forever, args=[0.02], daemon=True).start()

    def shut(self) -> None:
        """Nobody listens any more, and open connections are cut."""
        server, self._server = self._server, None
        if server is None:
            return
        self._free.set()
        server.shutdown()
        server.server_close()
        for one in self._sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self._sockets.clear()

    def answer(self, visit: _Visit, method: str) -> None:
        body = visit.rfile.read(int(visit.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in visit.headers.items()}
        if self.token and headers.get("authorization") != f"Bearer {self.token}":
            visit.say(401, b"who are you?")
            return
        self.asked += 1
        match self.trouble:
            case "unwell":
                visit.say(503, b"too many users")
            case "silent":
                self._free.wait()
            case "redirect":
                visit.say(302, b"", self.leads_to)
            case "foreign":
                visit.say(200, b"<html>Sign in</html>")
            case "endless":
                visit.send_response(200)
                visit.end_headers()
                while not self._free.is_set():
                    visit.wfile.write(b"7" * 65536)
            case "":
                visit.say(*self.behind(method, visit.path, body, headers))

    def expect(self, token: str) -> None:
        self.token = token

    def met(self, connection: socket.socket) -> None:
        self._sockets.append(connection)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # the default of 5 lets those who come together wait a second

    def handle_error(self, *_: object) -> None:
        """Who asked has gone; nothing to print."""


class _Visit(BaseHTTPRequestHandler):
    at: Door
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.at.met(self.connection)

    def handle(self) -> None:
        with contextlib.suppress(OSError):  # who asked has gone, or the door was shut
            super().handle()

    def do_GET(self) -> None:
        self.at.answer(self, "GET")

    def do_POST(self) -> None:
        self.at.answer(self, "POST")

    def say(self, status: int, body: bytes, location: str = "") -> None:
        self.send_response(status)
        if location:
            self.send_header("location", location)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...
