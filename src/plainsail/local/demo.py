"""`plainsail demo`: the main job end to end on this machine, with real processes, a real router and a real load."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console

from plainsail.cli.options import Flag
from plainsail.local.load import Load

RATE = 300.0
"""Requests per second: enough to prove half a point in seconds, little enough for a laptop."""

SPEC = """\
schema: 1
environments:
  production:
    router: {{haproxy: {{listen: {address}}}}}
services:
  shop:
    run:
      command: [{python}, serve.py, --port, "{{port}}"]
      ready: {{http: /healthz, within: 4s}}
      stop: {{drain: 3s, grace: 3s}}
    in:
      production:
        replicas: 4
        strategy: {{canary: {{steps: [10%, 50%]}}}}
        pace: {{until: proven, dwell: 2s, deadline: 90s, on_unsure: rollback}}
        evidence:
          errors: {{margin: 0.5%, max: 5%}}
          latency: {{bound: 250ms, margin: 1%}}
"""


class Act(msgspec.Struct, frozen=True):
    """One release of the play, and how it must come out."""

    version: str
    about: str
    behaviour: dict[str, object]
    phase: str
    exit_code: int
    options: tuple[str, ...] = ()


ACTS = (
    Act("v1", "the first release", {}, "succeeded", 0),
    Act("v2", "a good one, by canary", {}, "succeeded", 0),
    Act("v3", "answers 500 to a tenth of its requests", {"fail_rate": 0.1}, "rolled_back", 5),
    Act("v4", "is slow", {"delay": 0.4}, "rolled_back", 5),
    Act("v5", "never becomes ready", {"never_ready": True}, "failed", 11),
    Act("v6", "crashes after three seconds", {"crash_after": 3.0}, "rolled_back", 5),
    Act("v7", "a good one, by blue-green", {}, "succeeded", 0, ("--strategy", "blue-green")),
)


class Row(msgspec.Struct, frozen=True):
    """What became of one act."""

    name: str
    requests: int
    errors: int
    reached_bp: int
    seconds: float | None
    phase: str
    sentence: str
    right: bool


def demo(*, keep: Flag = False) -> int:
    """Play the main job end to end on this machine.

    A service of its own with four instances behind a real HAProxy, 300 requests a second on it, a good release,
    then a bad one which is taken back by itself. It takes a minute or two, uses free ports and a directory of
    its own, and clears up.

    Example: `plainsail demo`
    Example: `plainsail demo --keep`

    Parameters
    ----------
    keep
        Leave it running and say how to look at it.
    """
    console = Console(stderr=True)
    place = Path(tempfile.mkdtemp(prefix="plainsail-demo-"))
    stage = Stage(place, console)
    left: list[str] = []
    try:
        stage.begin()
        rows = [stage.play(act) for act in ACTS]
        rows.append(stage.roll_back(to="v2"))
        samples = stage.load.stop()
        lost = [sample for sample in samples if sample.outcome in ("router_error", "no_answer")]
        _print_table(rows, len(samples), len(lost))
        for sample in lost[:5]:
            console.print(
                f"lost at {sample.at:.1f} s: {sample.outcome} {sample.status} {sample.detail}", style="red"
            )
        right = all(row.right for row in rows) and not lost
    finally:
        if not keep:
            left = stage.end()
    if left:
        console.print(f"still running: {', '.join(left)}", style="red")
    if keep:
        console.print(f"left running: cd {place} && plainsail status shop; plainsail down stops it")
    return 0 if right and not left else 1


class Stage:
    """The machine it is played on: a data directory, a control plane, a load."""

    def __init__(self, place: Path, console: Console) -> None:
        self.place, self.console = place, console
        self.address = f"127.0.0.1:{_free_port()}"
        self.load = Load(self.address, RATE, retry_reused=False)
        self._plane: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        spec = SPEC.format(address=self.address, python=json.dumps(sys.executable))
        (self.place / "plainsail.yaml").write_text(spec)
        with open(self.place / "up.log", "wb") as log:
            self._plane = subprocess.Popen(
                [*_program(), "up", "--listen", "127.0.0.1:0"],
                cwd=self.place, stdout=subprocess.PIPE, stderr=log, start_new_session=True, env=self._env(),
            )  # fmt: skip
        assert self._plane.stdout is not None
        line = self._plane.stdout.readline().decode()
        if not line.startswith("ready"):
            sys.exit(f"the control plane did not start:\n{(self.place / 'up.log').read_text()}")
        self.console.print(
            f"control plane {line.strip()}, service on http://{self.address}, load {RATE:g} requests/s"
        )

    def play(self, act: Act) -> Row:
        self.console.print(f"\n[bold]{act.version}[/] {act.about}")
        tree = self.place / act.version
        tree.mkdir()
        shutil.copy(Path(__file__).parent / "demo_app" / "serve.py", tree)
        (tree / "behaviour.json").write_text(json.dumps({"version": act.version, **act.behaviour}))
        code = self._plainsail(
            "deploy", "shop", str(tree), "--to", "production", "--version", act.version, "--wait", "--timeout", "2m",
            *act.options,
        )  # fmt: skip
        if act is ACTS[0]:
            self.load.start()  # Users come when there is something to come to.
        return self._row(act.version, act.version, lambda phase: phase == act.phase and code == act.exit_code)

    def roll_back(self, to: str) -> Row:
        self.console.print(f"\n[bold]rollback[/] to {to}, the good one before")
        code = self._plainsail("rollback", "shop", "--wait")
        time.sleep(2.0)
        live = [group["version"] for group in self._status()["groups"] if group["share_bp"] == 10_000]
        return self._row("rollback", to, lambda phase: phase == "succeeded" and code == 0 and live == [to])

    def end(self) -> list[str]:
        """Stop everything; what is left running in spite of that."""
        self.load.stop()
        self._plainsail("down")
        if self._plane is not None:
            try:
                self._plane.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self._plane.pid, signal.SIGKILL)
        left = _running_below(self.place)
        shutil.rmtree(self.place, ignore_errors=True)
        return left

    def _row(self, name: str, version: str, right: Callable[[str], bool]) -> Row:
        last = self._status()["last_rollout"]
        time.sleep(0.3)  # The last answers of a release that was just taken back.
        count = self.load.count()
        mine = {outcome: n for (by, outcome), n in count.items() if by == version}
        decided = last.get("decided_at")
        return Row(
            name, sum(mine.values()) if name == version else 0, mine.get("app_error", 0) if name == version else 0,
            last["reached_bp"], decided - last["started_at"] if decided else None,
            last["phase"], last["reason"], right(last["phase"]),
        )  # fmt: skip

    def _status(self) -> dict[str, Any]:
        asked = [*_program(), "status", "shop", "--env", "production", "--json"]
        answer = subprocess.run(asked, cwd=self.place, env=self._env(), check=True, stdout=subprocess.PIPE)
        document: dict[str, Any] = json.loads(answer.stdout)
        return document

    def _plainsail(self, *arguments: str) -> int:
        self.console.print(f"$ plainsail {' '.join(arguments)}".replace(f"{self.place}/", ""), style="dim")
        return subprocess.run(
            [*_program(), *arguments], cwd=self.place, env=self._env(), check=False, stdout=sys.stderr
        ).returncode

    def _env(self) -> dict[str, str]:
        """Ours, without what would lead the commands to another control plane."""
        return {name: value for name, value in os.environ.items() if not name.startswith("PLAINSAIL_")}


def _print_table(rows: list[Row], requests: int, lost: int) -> None:
    """Each release in a line, and under it why; so that it can be read in 80 columns."""
    line = "{:<9} {:>8} {:>14} {:>14} {:>11}  {}"
    print(
        "\n" + line.format("release", "requests", "users' errors", "share reached", "to verdict", "verdict")
    )
    for row in rows:
        took = f"{row.seconds:.1f} s" if row.seconds is not None else ""
        verdict = row.phase.replace("_", " ") + ("" if row.right else "  <- unexpected")
        reached = f"{row.reached_bp / 100:g} %"
        print(line.format(row.name, f"{row.requests:,}", f"{row.errors:,}", reached, took, verdict))
        print(textwrap.fill(row.sentence, 80, initial_indent=" " * 10, subsequent_indent=" " * 10))
    print(f"\n{requests:,} requests in all; failed because of plainsail: {lost}")


def _program() -> list[str]:
    return [sys.executable, "-m", "plainsail"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _running_below(place: Path) -> list[str]:
    """Processes that work in, or were started from, this directory."""
    left = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            inside = str((entry / "cwd").readlink()).startswith(str(place)) or str(place) in command
        except OSError:
            continue
        if inside and command:
            left.append(f"{entry.name} ({command[:60]})")
    return left
