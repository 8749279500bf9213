"""The command: what is run, printed and kept."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import msgspec

from bench.blast import told
from bench.blast.cases import CASES, GRID, SLOWNESS
from bench.blast.cost import measured
from bench.blast.day import BAD, CLUSTERED, GOOD, UNPROMISED, Day, Kind, day
from bench.blast.rows import compared, systems
from bench.results import publish

QUICK_RUNS, QUICK_DAYS, QUICK_DAY = 5, 1, 7200.0


def main(arguments: Sequence[str] = ()) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.blast", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few runs of the cases; nothing is kept")
    parser.add_argument(
        "--json", action="store_true", help="print the rows as JSON and nothing else; nothing is kept"
    )
    parser.add_argument("--cost", action="store_true", help="only what a judgement costs; nothing is kept")
    parser.add_argument("--runs", type=int, default=21, help="of each case")
    parser.add_argument("--days", type=int, default=10_000, help="good releases that are watched for a day")
    options = parser.parse_args(arguments)
    if options.cost:
        publish(told.cost(arguments, *measured()), keep=False)
        return 0
    runs = QUICK_RUNS if options.quick else options.runs
    if options.json:
        rows = compared(CASES if options.quick else (*CASES, *SLOWNESS, *GRID), runs, systems())
        print(msgspec.json.format(msgspec.json.encode({"rows": rows}), indent=1).decode())
        return 0
    if options.quick:
        rows, grid = compared(CASES[:1], 1, systems()), compared(GRID[:1], 1, systems()[:1])
        days = watched(QUICK_DAYS * len(GOOD), QUICK_DAY)
        price = measured(20, 1)
    else:
        rows = compared((*CASES, *SLOWNESS), runs, systems())
        grid = compared(GRID, max(3, runs // 3), systems()[:1])
        days, price = watched(options.days), measured()
    result = told.blast(arguments, rows, grid, days, price)
    publish(result, keep=not options.quick)
    return 0


def watched(count: int, long: float = 86_400.0) -> dict[str, list[Day]]:
    """So many good releases, shared among the kinds, and as many of each other kind, by name."""
    each = max(1, count // len(GOOD))

    def some(kind: Kind) -> list[Day]:
        return [day(kind, seed, long) for seed in range(each)]

    return {kind.name: some(kind) for kind in (*GOOD, *UNPROMISED, *BAD, *CLUSTERED)}
