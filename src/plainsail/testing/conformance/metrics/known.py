"""What was put in, and what there is of it in a window. Also a program, for sources that run commands; imports only Python's own.

known.py FILE WHAT GROUP SINCE UNTIL [INSTANCES]      prints the number; exit code 3 if there is none
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

GAUGE = "memory"
"""The one whose last value counts; all others add up."""


def found(
    history: list[dict[str, Any]], what: str, group: str, window: tuple[float, float], instances: str
) -> Any:
    """A number, counts by bound, or None: there is nothing in (since, until]."""
    since, until = window
    wanted = instances.split(",") if instances else []
    points: list[tuple[float, str, float]] = []
    for one in history:
        if one["name"] == what and one["group"] == group and (not wanted or one["instance"] in wanted):
            inside = [(float(at), one["le"], amount) for at, amount in one["points"].items()]
            points += [point for point in inside if since < point[0] <= until]
    if not points:
        return None
    if what == GAUGE:
        return max(points)[2]
    if any(bound for _, bound, _ in points):
        return {bound: sum(n for _, at, n in points if at == bound) for _, bound, _ in points}
    return sum(amount for _, _, amount in points)


def main(words: list[str]) -> int:
    file, what, group, since, until, *instances = words
    kept = json.loads(Path(file).read_text())
    match kept["trouble"] or what:
        case "gone":
            print("connection refused: no such database", file=sys.stderr)
            return 1
        case "silent":
            time.sleep(600)
        case "endless":
            while True:
                print("7" * 4096)
        case "infinite":
            print("NaN")
            return 0
        case "wrong":
            print("how many?")
            return 0
        case _:
            pass
    answer = found(kept["history"], what, group, (float(since), float(until)), "".join(instances))
    if answer is None:
        print(f"nothing is known of {what}", file=sys.stderr)
        return 3
    print(json.dumps(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
