"""What the notifier suite works with: a receiver that writes down what it hears, and events worth telling."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from plainsail.domain.events import Event, Kind
from plainsail.ports.notifier import Notifier
from plainsail.testing.conformance.bench import Bench

HIDDEN = "s3cr3t-of-the-address"
"""The part of the address that nobody else may see."""


class NotifierBench(Bench):
    """The defaults fit a notifier that is made with `Driver(address)` and posts over HTTP."""

    kind = "notifier"

    def __init__(self, name: str, driver: Any, directory: Path) -> None:
        super().__init__(name, driver, directory)
        self._receiver = Receiver()

    def make(self) -> Notifier:
        made: Notifier = self.driver(self.address())
        return made

    def address(self) -> str:
        """Where the receiver is, with a secret in it."""
        return self._receiver.url

    def heard(self) -> list[bytes]:
        """What has arrived, one entry for each that was told."""
        return self._receiver.heard

    def refuse(self) -> None:
        """From now on the receiver says no."""
        self._receiver.status = 500

    def die(self) -> None:
        """From now on there is nobody."""
        self._receiver.close()

    def clear(self) -> None:
        self._receiver.close()


class Receiver:
    """An HTTP server that takes what is posted."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.status = 200
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.heard.append(self.rfile.read(int(self.headers["content-length"])))
                self.send_response(receiver.status)
                self.send_header("content-length", "0")
                self.send_header("location", "/elsewhere")
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self._server: ThreadingHTTPServer | None = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/{HIDDEN}"
        threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True).start()

    def close(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()


def event(kind: Kind = "rollout_ended", reason: str = "12 of 300 requests failed") -> Event:
    """As the engine tells it when a release was taken back."""
    return Event(
        kind, 1_000_000.0, "shop", "production", "r-1", reason=reason,
        data={"phase": "rolled_back", "version": "1.4", "reached_bp": 1000},
    )  # fmt: skip
