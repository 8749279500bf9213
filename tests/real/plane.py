"""A real control plane for tests: `plainsail up` as a process, driven through the command line as a user would."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from plainsail.testing.conformance.bench import free_port

SHOP = Path(__file__).parents[2] / "src" / "plainsail" / "local" / "demo_app" / "serve.py"

SPEC = """\
schema: 1
environments:
  production:
    router: {{haproxy: {{listen: {address}}}}}
services:
  shop:
    run:
      command: [{python}, serve.py, --port, "{{port}}"]
      ready: {{http: /healthz, within: 5s}}
      stop: {{drain: 2s, grace: 2s}}
    in:
      production:
        replicas: {replicas}
        strategy: {{canary: {{steps: {steps}}}}}
        pace: {{until: {until}, dwell: {dwell}, deadline: 60s, on_unsure: rollback}}
        evidence:
          errors: {{margin: 0.5%, max: 5%}}
          latency: {{bound: 500ms, margin: 2%}}
{more}"""


class Plane:
    """One data directory and the control plane on it."""

    def __init__(self, place: Path, **changes: Any) -> None:
        self.place = place
        self.address = f"127.0.0.1:{free_port()}"
        self.process: subprocess.Popen[bytes] | None = None
        settings: dict[str, Any] = {
            "replicas": 4, "steps": "[10%, 50%]", "until": "proven", "dwell": "1s", "more": "",
        }  # fmt: skip
        settings |= changes
        spec = SPEC.format(address=self.address, python=json.dumps(sys.executable), **settings)
        (place / "plainsail.yaml").write_text(spec)
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("PLAINSAIL_")}

    def __enter__(self) -> Plane:
        self.up()
        return self

    def __exit__(self, *_: object) -> None:
        self.cli("down", check=False)
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def up(self) -> None:
        """Start it and wait for its `ready` line."""
        with open(self.place / "up.log", "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "plainsail", "up", "--listen", "127.0.0.1:0"],
                cwd=self.place, env=self.env, stdout=subprocess.PIPE, stderr=log, start_new_session=True,
            )  # fmt: skip
        assert self.process.stdout is not None
        line = self.process.stdout.readline().decode()
        assert line.startswith("ready "), self.log()

    def kill(self) -> None:
        """SIGKILL: nothing is written any more, nobody is told."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def log(self) -> str:
        return (self.place / "up.log").read_text()

    def release(self, version: str, **behaviour: Any) -> str:
        """A directory with the demo's service that behaves like this."""
        tree = self.place / version
        tree.mkdir(exist_ok=True)
        (tree / "serve.py").write_bytes(SHOP.read_bytes())
        (tree / "behaviour.json").write_text(json.dumps({"version": version, **behaviour}))
        return str(tree)

    def cli(
        self, *arguments: str, check: bool = True, within: float = 150
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "plainsail", *arguments],
            cwd=self.place, env=self.env, capture_output=True, text=True, timeout=within, check=False,
        )  # fmt: skip
        assert not check or done.returncode == 0, (
            f"{arguments}: {done.returncode}\n{done.stderr}\n{self.log()[-3000:]}"
        )
        return done

    def deploy(self, tree: str, *options: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        version = Path(tree).name
        return self.cli(
            "deploy", "shop", tree, "--to", "production", "--version", version, *options, check=check
        )  # fmt: skip

    def json(self, *arguments: str) -> Any:
        return json.loads(self.cli(*arguments, "--json").stdout)

    def status(self) -> Any:
        return self.json("status", "shop", "--env", "production")

    def until(self, what: str, true: Any, within: float = 60.0) -> Any:
        """Poll the status until it is so."""
        end = time.monotonic() + within
        while time.monotonic() < end:
            status = self.status()
            if true(status):
                return status
            time.sleep(0.1)
        raise AssertionError(f"{what}: not within {within:g} s; {json.dumps(status)}\n{self.log()[-3000:]}")


def pids_below(place: Path) -> dict[int, str]:
    """Instances and routers of this data directory: pid -> command."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            inside = str((entry / "cwd").readlink()).startswith(str(place / ".plainsail"))
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if inside and state not in "ZX":
            found[int(entry.name)] = command
    return found
