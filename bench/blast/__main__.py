"""`python -m bench.blast`: all runs, kept for the page; `--quick --json`: a few, and only the JSON document; `--cost`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import msgspec

from bench.blast.cases import CASES
from bench.blast.rows import compared, systems

QUICK = 11
"""Runs of each case."""


def main(arguments: Sequence[str] = ()) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.blast", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few runs; nothing is kept")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON and nothing else")
    options = parser.parse_args(arguments)
    rows = compared(CASES, QUICK, systems())
    if options.json:
        print(msgspec.json.format(msgspec.json.encode({"rows": rows}), indent=1).decode())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
