"""Small pictures of one test's evidence over time against its line: SVG path data, drawn by the server."""

from __future__ import annotations

import msgspec

from plainsail.domain.explain import Explanation, with_users
from plainsail.domain.telling import part
from plainsail.domain.units import plural
from plainsail.web.curves import CEILING, FLOOR
from plainsail.web.strokes import number_text, path

WIDTH, HEIGHT = 240.0, 56.0
"""Of the drawing; on the page it is as wide as there is room."""


class Spark(msgspec.Struct, frozen=True):
    """What the template puts into an `svg`."""

    d: str
    line: str
    """Where evidence decides, ..."""
    zero: str
    """... and where it says nothing."""
    label: str
    """The same for those who can't see it."""
    over: bool
    """It ended on the line or over it."""


def spark(why: Explanation, name: str) -> Spark | None:
    """Of the test of harm by this name; None when nothing was drawn of it."""
    points = with_users(why)
    if name not in why.tests or len(points) < 2:
        return None
    index = why.tests.index(name)
    seen = [(point.at, point.each[index]) for point in points if index < len(point.each)]
    if len(seen) < 2 or seen[-1][0] <= seen[0][0]:
        return None
    first, last = seen[0][0], seen[-1][0]
    places = [((at - first) / (last - first) * WIDTH, _up(value)) for at, value in seen]
    most = max(value for _, value in seen)
    now = seen[-1][1]
    return Spark(
        d=path(places, step=False),
        line=f"M0 {number_text(_up(1.0))}H{number_text(WIDTH)}",
        zero=f"M0 {number_text(_up(0.0))}H{number_text(WIDTH)}",
        label=f"Evidence of harm in {plural(len(seen), 'look')}: at most {part(most)}, at last {part(now)}; the line is at 1",
        over=now >= 1.0,
    )


def _up(value: float) -> float:
    return (CEILING - min(max(value, FLOOR), CEILING)) / (CEILING - FLOOR) * HEIGHT
