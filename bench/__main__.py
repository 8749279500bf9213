"""`python -m bench`: all measurements, and the page made of them; `python -m bench NAME`: one; `... --quick`: only see
that it works; `... report`: the page; `... soak`: the long ones; `... list`."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

BENCHES = ("switching", "reaction", "kills", "cost", "looks", "copies", "false_alarms", "blast")
SOAKS = ("safety",)
OTHERS = ("report",)


def main(arguments: Sequence[str]) -> int:
    chosen, *rest = arguments or ["all"]
    every = (*BENCHES, *SOAKS, *OTHERS)
    if chosen == "list":
        print("\n".join(every))
        return 0
    names = (*BENCHES, *OTHERS) if chosen == "all" else SOAKS if chosen == "soak" else (chosen,)
    if not set(names) <= set(every):
        print(f"there is no {chosen}; there are {', '.join(every)}", file=sys.stderr)
        return 2
    worst = 0
    for name in names:
        print(f"## {name}", flush=True)
        worst = max(worst, importlib.import_module(f"bench.{name}").main(rest))
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
