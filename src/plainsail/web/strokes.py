"""Strokes: path data of lines and markers. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

MARKS = 7
"""Markers on a long line; enough to tell it, too few to hide it."""


def path(places: Sequence[tuple[float, float | None]], step: bool) -> str:
    """Of neighbours that fall on the same spot only the first is drawn."""
    parts: list[str] = []
    last: tuple[str, str] | None = None
    for x, y in places:
        if y is None:
            last = None
            continue
        here = (number_text(x), number_text(y))
        if here == last:
            continue
        if last is None:
            parts.append(f"M{here[0]} {here[1]}")
        elif step:
            parts.append(f"H{here[0]}" + (f"V{here[1]}" if here[1] != last[1] else ""))
        else:
            parts.append(f"L{here[0]} {here[1]}")
        last = here
    return "".join(parts)


def spread(known: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """A few points, evenly along the axis, so that they tell the line."""
    if len(known) <= MARKS:
        return list(known)
    first, last = known[0][0], known[-1][0]
    wanted = [first + (last - first) * (n + 0.5) / MARKS for n in range(MARKS)]
    found = [min(known, key=lambda place: abs(place[0] - x)) for x in wanted]
    return [one for one, after in pairwise([*found, None]) if one is not None and one != after]


def marker(shape: str, x: float, y: float) -> str:
    a, b, c, d = number_text(x - 3.2), number_text(x + 3.2), number_text(y - 3.2), number_text(y + 3.2)
    match shape:
        case "circle":
            return f"M{a} {number_text(y)}a3.2 3.2 0 1 0 6.4 0a3.2 3.2 0 1 0 -6.4 0Z"
        case "square":
            return f"M{a} {c}H{b}V{d}H{a}Z"
        case "triangle":
            return f"M{number_text(x)} {number_text(y - 3.8)}L{number_text(x + 3.8)} {number_text(y + 3)}H{number_text(x - 3.8)}Z"
        case "diamond":
            return f"M{number_text(x)} {number_text(y - 4.4)}L{number_text(x + 4.4)} {number_text(y)}L{number_text(x)} {number_text(y + 4.4)}L{number_text(x - 4.4)} {number_text(y)}Z"
        case "plus":
            return f"M{number_text(x)} {number_text(y - 4)}V{number_text(y + 4)}M{number_text(x - 4)} {number_text(y)}H{number_text(x + 4)}"
        case _:
            return f"M{a} {c}L{b} {d}M{a} {d}L{b} {c}"


def number_text(value: float) -> str:
    """A place to a tenth of a pixel."""
    return f"{value:.1f}".removesuffix(".0")
