"""What a kill costs users: SIGKILL at random moments of rollouts under load, and a disk that fills up in one.

Control plane, HAProxy's worker, its master, instances of both sides, a crowd of users. After each kind the state must be
right: no rollout is stuck, everybody is served by one whole release, and after `down` nothing of it runs.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.results import publish
from bench.rig.plane import Plane
from bench.rig.users import Order, Users
from bench.rig.victims import Victims
from bench.told.kills import DiskFull, Killed, disk_full, killed, told

RATE = 300.0
MIX = (0.6, 0.3, 0.1)
"""Parts of all requests: GET and POST over kept connections, GET over new ones."""
CONNECTIONS = (48, 32, 8)
REST = {
    "HAProxy's worker": 3.0,
    "HAProxy's master": 3.0,
    "an instance of live": 2.0,
    "an instance of the candidate": 2.0,
}
"""Seconds after a kill before the next, so that each is one of its own."""
DISK = "24m"
BAD_AFTER = 8.0
"""Seconds of its life in which the bad release of the full disk is good."""


def main(arguments: Sequence[str] = ()) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=20, help="of each kind")
    parser.add_argument("--quick", action="store_true", help="only see that it works; nothing is kept")
    options = parser.parse_args(arguments)
    kinds = list(Victims.KINDS[:2] if options.quick else Victims.KINDS)
    kills = 1 if options.quick else options.kills
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        place = Path(name)
        measured = [_kind(place / f"kind-{number}", kind, kills) for number, kind in enumerate(kinds)]
        full = None if options.quick or os.getuid() else _disk_full(place / "disk")
    publish(told(arguments, measured, full), keep=not options.quick)
    wrong = [one for one in measured if not one.right or one.left]
    return 1 if wrong or any(one.failed for one in measured if one.kind == "the control plane") else 0


def _kind(place: Path, kind: str, kills: int) -> Killed:
    dice = random.Random(kind)
    with Plane(place, replicas=3, until="dwell", dwell="2s") as plane:
        plane.deploy("v1")
        plane.settled()
        users = _users(plane.port, place)
        victims = Victims(plane, place)
        number = 1
        times: list[float] = []
        while len(times) < kills:
            if plane.status()["rollout"] is None:
                number += 1
                plane.deploy(f"v{number}")
            time.sleep(dice.uniform(0.05, 1.5))
            if victims.kill(kind):
                times.append(time.monotonic())
                time.sleep(REST.get(kind, 0.3))
        plane.settled()
        time.sleep(1.0)
        status = plane.until(_whole, within=30)
        samples, _ = users.stop()
    print(f"{kind}: {len(times)} kills, {len(samples):,} requests", flush=True)
    return killed(kind, times, samples, number, status, sorted(_below(place)))


def _whole(status: dict[str, object]) -> bool:
    """One release has all users, and all its instances are there."""
    groups = status["groups"]
    assert isinstance(groups, list)
    return [group["ready"] for group in groups if group["share_bp"] == 10_000] == [3]


def _disk_full(place: Path) -> DiskFull:
    """A release turns bad while nothing can be written."""
    place.mkdir()
    with _tmpfs(place), Plane(place / "plane", data=place / "data", until="dwell", dwell="60s") as plane:
        plane.deploy("v1")
        plane.settled()
        users = _users(plane.port, place / "plane")
        plane.deploy("v2", fail=0.5, after=BAD_AFTER)
        plane.until(lambda status: any(g["role"] == "candidate" and g["share_bp"] for g in status["groups"]))
        filled = _fill(place / "data" / "filler")
        full_from = time.monotonic()
        time.sleep(BAD_AFTER + 6.0)
        full_until = time.monotonic()
        phase_while_full = (plane.status()["rollout"] or {"phase": "none"})["phase"]
        filled.unlink()
        last = plane.settled()
        time.sleep(1.0)
        samples, _ = users.stop()
    return disk_full(samples, full_from, full_until, str(phase_while_full), str(last["phase"]))


def _users(port: int, place: Path) -> Users:
    return Users(
        Order(port, str(place / "samples"), CONNECTIONS, (RATE * MIX[0], RATE * MIX[1], RATE * MIX[2]))
    )


@contextmanager
def _tmpfs(place: Path) -> Iterator[None]:
    (place / "data").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "bench", str(place / "data")], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(place / "data")], check=True)


def _fill(file: Path) -> Path:
    with open(file, "wb", buffering=0) as filler:
        try:
            while True:
                filler.write(b"\0" * 4096)
        except OSError:
            return file


def _below(place: Path) -> list[str]:
    """What still works in this directory."""
    left = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if str((entry / "cwd").readlink()).startswith(str(place)):
                    left.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:
                continue
    return left
