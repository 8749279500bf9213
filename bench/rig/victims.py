"""Who is killed: SIGKILL, so that nobody can say goodbye."""

from __future__ import annotations

import json
import os
import random
import signal
from pathlib import Path

from bench.rig.machine import family
from bench.rig.plane import APP, Plane
from bench.rig.users import Order, Users


class Victims:
    """Of one control plane and what it runs."""

    KINDS = (
        "the control plane", "HAProxy's worker", "HAProxy's master", "an instance of live", "an instance of the candidate",
        "a crowd of users",
    )  # fmt: skip

    def __init__(self, plane: Plane, place: Path) -> None:
        self._plane, self._place = plane, place
        self._dice = random.Random(1)

    def kill(self, kind: str) -> bool:
        """False: there is none just now."""
        match kind:
            case "the control plane":
                self._plane.kill()
                self._plane.up()
                return True
            case "HAProxy's worker":
                return self._end(family(self._plane.router_pid())[1:])
            case "HAProxy's master":
                return self._end(family(self._plane.router_pid())[:1])
            case "a crowd of users":
                crowd = Users(Order(self._plane.port, str(self._place / "ended"), (40, 20, 4), streams=4))
                return self._end([crowd.pid])
            case _:
                role = "live" if kind.endswith("live") else "candidate"
                versions = {
                    group["version"] for group in self._plane.status()["groups"] if group["role"] == role
                }
                return self._end([pid for pid, version in self._instances().items() if version in versions])

    def _end(self, pids: list[int]) -> bool:
        if not pids:
            return False
        os.kill(self._dice.choice(pids), signal.SIGKILL)
        return True

    def _instances(self) -> dict[int, str]:
        """By process: the version it runs, as the release's own file says."""
        found = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    ours = APP.name.encode() in (entry / "cmdline").read_bytes()
                    tree = (entry / "cwd").readlink()
                    if ours and str(tree).startswith(str(self._place)):
                        found[int(entry.name)] = str(
                            json.loads((tree / "behaviour.json").read_text())["version"]
                        )
                except OSError:
                    continue
        return found
