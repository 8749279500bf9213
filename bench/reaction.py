"""How soon a bad release is off: real rollouts, a real HAProxy, real bad releases, and the deciding request as zero.

Nobody can react before there is evidence. So each run finds the request whose count made the judge's evidence cross its
line, and measures from there: to the look that saw it, to the router's table saying 0, to the last request that the
candidate was still asked. In looks of the loop, a tenth of a second each.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bench.results import publish
from bench.rig.deciding import asked, deciding, verdict_at
from bench.rig.users import OK, Order, Users
from bench.rig.watched import Watched
from bench.told.reaction import Run, told

BOUND = 0.25
"""Seconds; the latency bound of the rig's services."""
MIX = (0.7, 0.2, 0.1)
"""Parts of all requests: GET and POST over kept connections, GET over new ones."""
AFTER = 4.0
"""Seconds of load after the end, in which a request that hangs gets whatever answer it gets."""
WRONG = 2 * BOUND
"""Seconds; a user who waited longer, or got an error, saw something go wrong, whoever answered."""


class Fault(msgspec.Struct, frozen=True):
    """A bad release, and how many requests per second the service has."""

    name: str
    rate: float
    behaviour: dict[str, float]


FAULTS = (
    Fault("all fail", 1000, {"fail": 1.0}),
    Fault("all fail", 100, {"fail": 1.0}),
    Fault("20 % fail", 400, {"fail": 0.2}),
    Fault("5 % fail", 400, {"fail": 0.05}),
    Fault("all hang", 200, {"hang": 1.0}),
    Fault("all slow", 400, {"slow": 1.0}),
    Fault("20 % slow", 400, {"slow": 0.2}),
)


def main(arguments: Sequence[str] = ()) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench reaction", description=__doc__)
    parser.add_argument("--runs", type=int, default=4, help="of each fault")
    parser.add_argument("--quick", action="store_true", help="only see that it works; nothing is kept")
    options = parser.parse_args(arguments)
    faults, runs = (FAULTS[:1], 1) if options.quick else (FAULTS, options.runs)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        measured = asyncio.run(_measured(Path(name), faults, runs))
    publish(told(arguments, measured), keep=not options.quick)
    return 0 if all(run.phase == "rolled_back" for run in measured) else 1


async def _measured(place: Path, faults: Sequence[Fault], runs: int) -> list[Run]:
    watched = Watched(place / "watched")
    await watched.up()
    try:
        await watched.release("v1")
        number, measured = 1, []
        for _ in range(runs):
            for fault in faults:
                number += 1
                measured.append(await _run(watched, fault, number, place / "samples"))
        return measured
    finally:
        await watched.down()


async def _run(watched: Watched, fault: Fault, number: int, file: Path) -> Run:
    version = f"v{number}"
    rates = (fault.rate * MIX[0], fault.rate * MIX[1], fault.rate * MIX[2])
    connections = 400 if fault.behaviour.get("hang") or fault.behaviour.get("slow") else 60
    users = Users(Order(watched.port, str(file), (connections, connections, connections // 4), rates))
    await asyncio.sleep(1.0)
    rollout = await watched.release(version, **fault.behaviour)
    await asyncio.sleep(AFTER)
    samples, _ = await asyncio.to_thread(users.stop)
    ours, theirs = asked(watched.asked, version, BOUND), asked(watched.asked, "v1", BOUND)
    if rollout.phase != "rolled_back":
        return Run(fault.name, fault.rate, rollout.phase)
    zero, replayed = deciding(watched.looks, ours, theirs)
    off = next(
        one.done for one in watched.sent if one.done > zero and not one.traffic.share(rollout.candidate)
    )
    began = min(one.came for one in ours)
    bad = sum(samples.outcome[n] != OK or samples.took[n] > WRONG for n in range(len(samples)))
    return Run(
        fault.name, fault.rate, rollout.phase, replayed, verdict_at(watched.looks) - zero, off - zero,
        max(0.0, max(one.came for one in ours) - zero), off - began, len(ours),
        sum(one.failed or one.slow for one in ours), bad,
    )  # fmt: skip
