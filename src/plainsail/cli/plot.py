"""Evidence over time against its line, in plain characters: the same on a terminal, in a pipe and in a mail."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from plainsail.domain.trail import Point
from plainsail.domain.units import seconds

STEP = 0.25
"""Of a row, as a part of the line: so the line itself and zero are whole rows."""
LOWEST, HIGHEST = -1.0, 1.5
"""Beyond these evidence is drawn at the edge: it would only squeeze what matters."""
LEFT = 6
HARM, SAFE, BOTH, LINE, ZERO = "x", "o", "*", "-", "."


def plot(trail: Sequence[Point], width: int) -> list[str]:
    """Lines of text, at most `width` wide; none if there is nothing to draw."""
    if len(trail) < 2 or trail[-1].at <= trail[0].at:
        return []
    columns = max(10, width - LEFT)
    harm = _column_values(trail, columns, lambda point: point.harm)
    safe = _column_values(trail, columns, lambda point: point.good)
    top = max(1, *(_row(value) for value in (*harm, *safe)), _row(1.25))
    bottom = min(-1, *(_row(value) for value in (*harm, *safe)))
    rows = [_drawn(row, harm, safe) for row in range(top, bottom - 1, -1)]
    lasted = seconds(trail[-1].at - trail[0].at)
    return [*rows, f"{'':{LEFT}}0 s{lasted.rjust(columns - 3)}"]


LEGEND = (
    f"{HARM} harm  {SAFE} safe  {BOTH} both. On the line at 1, harm is taken back and what is safe goes on."
)


def _drawn(row: int, harm: Sequence[float], safe: Sequence[float]) -> str:
    value = row * STEP
    ground = LINE if value == 1.0 else ZERO if value == 0.0 else " "
    label = f"{value:g}" if value == int(value) else ""
    marks = "".join(
        {(True, True): BOTH, (True, False): HARM, (False, True): SAFE}.get(
            (_row(bad) == row, _row(good) == row), ground
        )
        for bad, good in zip(harm, safe, strict=True)
    )
    return f"{label:>{LEFT - 1}} {marks}".rstrip()


def _column_values(trail: Sequence[Point], columns: int, of: Callable[[Point], float]) -> list[float]:
    """In each column the newest point until then."""
    first, lasted = trail[0].at, trail[-1].at - trail[0].at
    found, index = [], 0
    for column in range(columns):
        until = first + lasted * column / (columns - 1)
        while index + 1 < len(trail) and trail[index + 1].at <= until + 1e-9:
            index += 1
        found.append(of(trail[index]))
    return found


def _row(value: float) -> int:
    """The nearest that is not above: what touches the line is on it, what nearly does is not."""
    return math.floor(min(max(value, LOWEST), HIGHEST) / STEP + 1e-9)
