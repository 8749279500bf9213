"""What the control plane costs: fifty idle services, the start of the command line, a turn of the engine."""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench.results import publish
from bench.rig.machine import cpu, cpu_with_ended, family, rss_mb
from bench.rig.plane import Plane
from bench.rig.turns import turns
from bench.told.cost import Idle, Start, told


def main(arguments: Sequence[str] = ()) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench cost", description=__doc__)
    parser.add_argument("--services", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--starts", type=int, default=21)
    parser.add_argument("--quick", action="store_true", help="only see that it works; nothing is kept")
    options = parser.parse_args(arguments)
    services, seconds, starts, many, ticks = (
        options.services,
        options.seconds,
        options.starts,
        (1, 10, 50),
        100,
    )
    if options.quick:
        services, seconds, starts, many, ticks = 2, 1.0, 1, (1, 2, 3), 5
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        start = Start(*zip(*(_started() for _ in range(starts)), strict=True))
        costs = [turns(Path(name) / f"turns-{number}", number, ticks) for number in many]
        at_rest = _idle(Path(name) / "idle", services, seconds)
    publish(told(arguments, at_rest, start, costs), keep=not options.quick)
    return 0


def _started() -> tuple[float, float]:
    """Seconds of `plainsail --help`, and of Python with nothing to do, one right after the other."""
    took = []
    for words in ([sys.executable, "-m", "plainsail", "--help"], [sys.executable, "-c", "pass"]):
        began = time.perf_counter()
        subprocess.run(words, stdout=subprocess.DEVNULL, check=True)
        took.append(time.perf_counter() - began)
    return took[0], took[1]


def _idle(place: Path, services: int, seconds: float) -> Idle:
    names = tuple(f"s{number:02}" for number in range(services))
    with Plane(place, names, replicas=1) as plane:
        for name in names:
            plane.deploy("v1", name)
        for name in names:
            plane.settled(within=300, service=name)
        time.sleep(min(5.0, seconds))
        router = family(plane.router_pid())
        began, ours, theirs = time.monotonic(), cpu_with_ended(plane.pid), sum(cpu(pid) for pid in router)
        time.sleep(seconds)
        took = time.monotonic() - began
        instances = [pid for pid in _below(place) if pid not in (plane.pid, *router)]
        return Idle(
            services, took, (cpu_with_ended(plane.pid) - ours) / took, rss_mb(plane.pid),
            (sum(cpu(pid) for pid in router) - theirs) / took, sum(rss_mb(pid) for pid in router),
            statistics.mean(rss_mb(pid) for pid in instances),
        )  # fmt: skip


def _below(place: Path) -> list[int]:
    """Processes that work in this directory."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                inside = str((entry / "cwd").readlink()).startswith(str(place / ".plainsail"))
            except OSError:
                continue
            if inside:
                found.append(int(entry.name))
    return found
