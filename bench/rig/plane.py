"""A real control plane: `plainsail up` as a process of its own, driven over its API."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from plainsail.cli.packing import pack
from plainsail.client import Client
from plainsail.testing.conformance.bench import free_port

APP = Path(__file__).with_name("app.py")

SPEC = """\
schema: 1
environments:
  production:
    router: {{haproxy: {{listen: {address}}}}}
services:
"""
SERVICE = """\
  {name}:
    run:
      command: [{python}, -S, -E, app.py, --port, "{{port}}"]
      env: {{BENCH_LOG: {log}}}
      ready: {{http: /healthz, within: 20s}}
      stop: {{drain: 3s, grace: 3s}}
    in:
      production:
        replicas: {replicas}
        hosts: [{name}.example]
        strategy: {{canary: {{steps: {steps}}}}}
        pace: {{until: {until}, dwell: {dwell}, deadline: 5m, on_unsure: advance}}
        evidence:
          errors: {{margin: 0.5%, max: 5%}}
          latency: {{bound: 250ms, margin: 1%}}
"""


class Plane:
    """One data directory and the control plane on it. `down` is asked for at the end, whatever happened."""

    def __init__(
        self, place: Path, services: tuple[str, ...] = ("shop",), *, replicas: int = 2, steps: str = "[10%, 50%]",
        until: str = "proven", dwell: str = "1s", data: Path | None = None,
    ) -> None:  # fmt: skip
        place.mkdir(parents=True, exist_ok=True)
        self.place, self.data = place, data or place / ".plainsail"
        self.port = free_port()
        self.log = place / "asked"
        self.log.mkdir(exist_ok=True)
        text = SPEC.format(address=f"127.0.0.1:{self.port}")
        for name in services:
            text += SERVICE.format(
                name=name, python=json.dumps(sys.executable), replicas=replicas, steps=steps, until=until, dwell=dwell,
                log=json.dumps(str(self.log)),
            )  # fmt: skip
        (place / "plainsail.yaml").write_text(text)
        self._env = {name: value for name, value in os.environ.items() if not name.startswith("PLAINSAIL_")}
        self._env["PLAINSAIL_DATA"] = str(self.data)
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Plane:
        self.up()
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(
            self._plainsail("down"), cwd=self.place, env=self._env, capture_output=True, check=False
        )
        if self.process is not None and self.process.poll() is None:
            self.kill()

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def up(self) -> None:
        """Start it and wait for its `ready` line."""
        with open(self.place / "up.log", "ab") as log:
            self.process = subprocess.Popen(
                self._plainsail("up", "--listen", "127.0.0.1:0"),
                cwd=self.place, env=self._env, stdout=subprocess.PIPE, stderr=log, start_new_session=True,
            )  # fmt: skip
        assert self.process.stdout is not None
        line = self.process.stdout.readline().decode()
        assert line.startswith("ready "), (self.place / "up.log").read_text()
        self.client = Client(line.split()[1], (self.data / "token").read_text().strip())

    def kill(self) -> None:
        """SIGKILL: nothing is written any more, nobody is told."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def deploy(self, version: str, service: str = "shop", **behaviour: object) -> dict[str, Any]:
        """Upload a release that behaves like this, and start its rollout."""
        tree = self.place / "releases" / f"{service}-{version}"
        tree.mkdir(parents=True, exist_ok=True)
        shutil.copy(APP, tree / "app.py")
        (tree / "behaviour.json").write_text(json.dumps({"version": version, **behaviour}))
        packed = pack(tree)
        with packed.tar:
            self.client.upload(service, packed.digest, packed.tar, packed.size, version, "", [])
        return self.client.deploy(service, "production", packed.digest)

    def status(self, service: str = "shop") -> dict[str, Any]:
        return self.client.status(service, "production")

    def until(
        self, true: Callable[[dict[str, Any]], bool], within: float = 90.0, service: str = "shop"
    ) -> dict[str, Any]:
        """Poll the status until it is so."""
        end = time.monotonic() + within
        while True:
            status = self.status(service)
            if true(status):
                return status
            if time.monotonic() > end:
                raise AssertionError(f"not within {within:g} s: {json.dumps(status)[:2000]}")
            time.sleep(0.1)

    def settled(self, within: float = 90.0, service: str = "shop") -> dict[str, Any]:
        """The status when no rollout is under way; the last one's record."""
        last: dict[str, Any] = self.until(lambda status: status["rollout"] is None, within, service)[
            "last_rollout"
        ]
        return last

    def router_pid(self) -> int:
        """Of HAProxy's master."""
        record = json.loads((self.data / "sites" / "production" / "router" / "process.json").read_text())
        return int(record["pid"])

    def _plainsail(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "plainsail", *arguments]
