"""How a simulation's text is laid out: lines of a bounded width, numbers beside their units, and times."""

from __future__ import annotations

import re
import textwrap
from typing import Any

from plainsail.domain.units import seconds

Json = dict[str, Any]

UNIT = re.compile(r"(?<=\d) (?=(?:%|ms|s|min|h|d)(?!\w))")
"""The space between a number and its unit."""
WIDEST, NARROWEST = 100, 76
"""Columns of text for people."""


def width_of(columns: int) -> int:
    return max(NARROWEST, min(WIDEST, columns))


def wrapped(line: str, width: int, first: str = "", other: str = "") -> list[str]:
    """A number stays with its unit."""
    glued = UNIT.sub("\N{NO-BREAK SPACE}", line)
    lines = textwrap.wrap(
        glued,
        width,
        initial_indent=first,
        subsequent_indent=other,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [one.replace("\N{NO-BREAK SPACE}", " ") for one in lines]


def since(at: float) -> str:
    return "0 s" if at < 0.0005 else seconds(at)


def time(at: float) -> float:
    """To the millisecond."""
    return round(at, 3)
