"""`python -m bench`: all measurements; `python -m bench NAME`: one; `... soak`: the long ones; `... list`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from bench import false_alarms, reaction, safety

BENCHES = {"reaction": reaction.main, "false_alarms": false_alarms.main}
SOAKS = {"safety": safety.main}


def main(arguments: Sequence[str]) -> int:
    chosen, *rest = arguments or ["all"]
    every = BENCHES | SOAKS
    if chosen == "list":
        print("\n".join(every))
        return 0
    names = list(BENCHES) if chosen == "all" else list(SOAKS) if chosen == "soak" else [chosen]
    if not set(names) <= set(every):
        print(f"there is no {chosen}; there are {', '.join(every)}", file=sys.stderr)
        return 2
    worst = 0
    for name in names:
        print(f"## {name}")
        worst = max(worst, every[name](rest))
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
