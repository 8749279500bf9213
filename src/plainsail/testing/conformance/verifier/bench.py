"""What the verifier suite works with: somebody who can be asked, and says what the test wants."""

from __future__ import annotations

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from plainsail.domain.checks import Question
from plainsail.ports.verifier import Verifier
from plainsail.testing.conformance.bench import SiteBench

HIDDEN = "s3cr3t-of-the-check"
"""The secret that nobody but the other side may see."""
HANGS_FOR = 60.0
"""Seconds that one hangs, if nobody ends it: far beyond every timeout of the suite."""


class VerifierBench(SiteBench):
    """Its methods are the other side's doings; a driver of yours needs a bench that has them (`plainsail.conformance`)."""

    kind = "verifier"
    keeps_a_secret: ClassVar[bool] = False
    """It is given a secret (`HIDDEN`) to show to the other side."""

    def ask(self) -> Verifier:
        """A driver that is ready to ask."""
        made: Verifier = self.make()
        return made

    def says(self, verdict: str, reason: str = "") -> None:
        """From now on the other side answers `go`, `no_go` or `not_yet`."""
        raise NotImplementedError

    def fails(self) -> None:
        """From now on it breaks before it can answer."""
        raise NotImplementedError

    def hangs(self) -> None:
        """From now on it says nothing, for far longer than anybody waits."""
        raise NotImplementedError

    def floods(self) -> None:
        """From now on it says more than anybody wants to hear."""
        raise NotImplementedError

    def heard(self) -> list[dict[str, Any]]:
        """The questions that came, by the names of `Question`'s fields."""
        raise NotImplementedError


class WebhookBench(VerifierBench):
    """A server on this machine."""

    keeps_a_secret = True

    def __init__(self, name: str, driver: Any, directory: Path) -> None:
        self.answer: tuple[int, bytes] = (204, b"")
        self.asked: list[dict[str, Any]] = []
        self._let_go = threading.Event()
        self._hangs = False
        bench = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                bench.asked.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                if bench._hangs:
                    bench._let_go.wait(HANGS_FOR)
                status, body = bench.answer
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True).start()
        (directory / "secret").write_text(f"{HIDDEN}\n")
        super().__init__(name, driver, directory)

    def config(self) -> dict[str, object]:
        url = f"http://127.0.0.1:{self._server.server_port}/checks/shop"
        return {"url": url, "token": str(self.directory / "secret"), "timeout": 0.5}

    def says(self, verdict: str, reason: str = "") -> None:
        go = {"go": True, "no_go": False, "not_yet": None}[verdict]
        self.answer = (200, json.dumps({"go": go, "reason": reason}).encode())

    def fails(self) -> None:
        self.answer = (500, b"broken")

    def hangs(self) -> None:
        self._hangs = True

    def floods(self) -> None:
        self.answer = (200, b'{"go": true, "reason": "' + b"x" * 1_000_000 + b'"}')

    def heard(self) -> list[dict[str, Any]]:
        return self.asked

    def clear(self) -> None:
        self._let_go.set()
        self._server.shutdown()
        self._server.server_close()


SCRIPT = """\
import json, os, pathlib, sys, time
place = pathlib.Path(sys.argv[1])
asked = {name[10:].lower(): value for name, value in os.environ.items() if name.startswith("PLAINSAIL_")}
with open(place / "asked", "a") as file:
    file.write(json.dumps(asked) + "\\n")
said = json.loads((place / "says").read_text())
if said.get("hangs"):
    time.sleep(said["hangs"])
if said.get("floods"):
    print("x" * said["floods"])
if said.get("fails"):
    os.kill(os.getpid(), 9)
sys.stderr.buffer.write(said["reason"].encode("utf-8", "surrogatepass"))
sys.exit(said["code"])
"""


class CommandBench(VerifierBench):
    """A program that does what stands in a file."""

    def __init__(self, name: str, driver: Any, directory: Path) -> None:
        (directory / "check.py").write_text(SCRIPT)
        super().__init__(name, driver, directory)
        self.says("go")

    def config(self) -> dict[str, object]:
        run = [sys.executable, "-S", str(self.directory / "check.py"), str(self.directory)]
        return {"run": run, "timeout": 3.0}

    def says(self, verdict: str, reason: str = "") -> None:
        self._do(code={"go": 0, "no_go": 1, "not_yet": 75}[verdict], reason=reason)

    def fails(self) -> None:
        self._do(code=0, reason="", fails=True)

    def hangs(self) -> None:
        self._do(code=0, reason="", hangs=HANGS_FOR)

    def floods(self) -> None:
        self._do(code=0, reason="", floods=1_000_000)

    def heard(self) -> list[dict[str, Any]]:
        found = self.directory / "asked"
        return [json.loads(line) for line in found.read_text().splitlines()] if found.exists() else []

    def _do(self, **what: object) -> None:
        (self.directory / "says").write_text(json.dumps(what))


def question(**changes: Any) -> Question:
    """As the engine asks before half of the users get it."""
    asked = Question(
        key="r-1/3/0", moment="check", service="shop", environment="production", rollout="r-1", strategy="canary",
        step="10 %", share_bp=1000, release="sha256:ab", version="1.4", live="1.3", live_release="sha256:cd", by="owner",
    )  # fmt: skip
    return msgspec.structs.replace(asked, **changes)
