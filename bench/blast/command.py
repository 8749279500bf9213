"""The command: what is run, printed and kept."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from itertools import repeat

import msgspec

from bench.blast import told
from bench.blast.cases import CASES, GRID, SLOWNESS, Case
from bench.blast.cost import measured
from bench.blast.day import BAD, CLUSTERED, GOOD, UNPROMISED, Day, day
from bench.blast.rows import Row, System, compared, systems
from bench.results import publish

QUICK_RUNS, QUICK_DAYS, QUICK_DAY = 3, 1, 7200.0
"""Some 13 s of one core, so that it is done within a minute where others have most of it."""


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
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        if options.json:
            rows = beside(pool, CASES if options.quick else (*CASES, *SLOWNESS, *GRID), runs, systems())
            print(msgspec.json.format(msgspec.json.encode({"rows": rows}), indent=1).decode())
            return 0
        if options.quick:
            rows, grid = compared(CASES[:1], 1, systems()), compared(GRID[:1], 1, systems()[:1])
            days = watched(pool, QUICK_DAYS * len(GOOD), QUICK_DAY)
        else:
            rows = beside(pool, (*CASES, *SLOWNESS), runs, systems())
            grid = beside(pool, GRID, max(3, runs // 3), systems()[:1])
            days = watched(pool, options.days)
    price = measured(20, 1) if options.quick else measured()
    result = told.blast(arguments, rows, grid, days, price)
    publish(result, keep=not options.quick)
    return 0


def beside(pool: Executor, cases: Sequence[Case], runs: int, chosen: Sequence[System]) -> list[Row]:
    """`compared`, a case at a time in each process."""
    return [
        row
        for rows in pool.map(compared, [(case,) for case in cases], repeat(runs), repeat(chosen))
        for row in rows
    ]


def watched(pool: Executor, count: int, long: float = 86_400.0) -> dict[str, list[Day]]:
    """So many good releases, shared among the kinds, and half as many of each other kind, by name."""
    each = max(2, count // len(GOOD))
    asked = [(kind, seed) for kind in GOOD for seed in range(each)]
    asked += [(kind, seed) for kind in (*UNPROMISED, *BAD, *CLUSTERED) for seed in range(each // 2)]
    kinds, seeds = zip(*asked, strict=True)
    ends: dict[str, list[Day]] = {kind.name: [] for kind in kinds}
    for kind, end in zip(kinds, pool.map(day, kinds, seeds, repeat(long), chunksize=5), strict=True):
        ends[kind.name].append(end)
    return ends
