"""Charts: series in, SVG text out. Pure and deterministic; the same chart is the same bytes.

One chart has one or more panels above each other that share the horizontal axis. A series can be told without colour: by
its label at its end, its dashes and its markers. Colours are CSS variables, for light and for dark; a page that shows
the SVG inline may set them itself on `.plainsail-chart`.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from html import escape
from typing import Literal

import msgspec

from plainsail.web.scale import ROUND, SIXTIES, Scale, linear, logarithmic
from plainsail.web.strokes import marker, path, spread
from plainsail.web.strokes import number_text as _n

Point = tuple[float, float | None]
"""Where, and how much; None: nothing is known there, and the line has a gap."""


class Series(msgspec.Struct, frozen=True):
    """A line with its name. `step`: a value holds until the next. `dots`: points alone."""

    name: str
    points: Sequence[Point]
    kind: Literal["line", "step", "dots"] = "line"
    style: int | None = None
    """Colour, dashes and marker; by its place in the panel if left out, and the same number looks the same everywhere."""


class Level(msgspec.Struct, frozen=True):
    """A horizontal line to compare with, such as a limit."""

    value: float
    name: str


class Moment(msgspec.Struct, frozen=True):
    """A vertical line through all panels: something happened there."""

    at: float
    name: str


class Panel(msgspec.Struct, frozen=True):
    """One vertical axis and what is drawn on it. `title` names the quantity with its unit: `Requests failed (%)`."""

    title: str
    series: Sequence[Series]
    levels: Sequence[Level] = ()
    log: bool = False
    low: float | None = None
    high: float | None = None
    """Ends of the axis; round numbers around the values if left out."""
    height: int = 150


class Chart(msgspec.Struct, frozen=True):
    """What is drawn, with `about`: what it shows in a sentence, for those who can't see it."""

    title: str
    about: str
    x_title: str
    """With its unit: `Time since the deploy (min)`."""
    panels: Sequence[Panel]
    moments: Sequence[Moment] = ()
    x_low: float | None = None
    x_high: float | None = None
    x_log: bool = False
    sixties: bool = False
    """The horizontal axis is in seconds or minutes, so that ticks are at quarters and halves rather than tenths."""
    width: int = 760


COLOURS = {
    "ink": ("#1f2328", "#e6edf3"),
    "quiet": ("#59636e", "#9198a1"),
    "grid": ("#d8dee4", "#30363d"),
    "paper": ("#ffffff", "#0d1117"),
    "s0": ("#0550ae", "#79c0ff"),
    "s1": ("#bc4c00", "#ffa657"),
    "s2": ("#1a7f37", "#7ee787"),
    "s3": ("#8250df", "#d2a8ff"),
    "s4": ("#9a6700", "#e3b341"),
    "s5": ("#57606a", "#b1bac4"),
}
"""On light and on dark paper; all but the grid have a contrast of at least 4.5 to it (WCAG 2.2, 1.4.3)."""
STYLES = 6
DASHES = ("", "7 4", "2 3", "10 3 2 3", "4 2", "12 4")
MARKERS = ("circle", "square", "triangle", "diamond", "plus", "cross")
LEFT, TOP, BETWEEN, BOTTOM, RIGHT = 64, 48, 40, 44, 14
LETTER = 6.4
"""Pixels of a letter of 11.5, a bit more than they mostly are."""
LINE = 14
"""Pixels between two lines of text."""


def draw(chart: Chart) -> str:
    """An SVG document that can stand alone or in a page."""
    names = [series.name for panel in chart.panels for series in panel.series]
    right = RIGHT + max((len(name) for name in names), default=0) * LETTER + 10
    rows = _rows(chart, LEFT, chart.width - right)
    top = TOP + LINE * (max(rows, default=-1) + 1)
    tops = [top]
    for panel in chart.panels:
        tops.append(tops[-1] + panel.height + BETWEEN)
    height = tops[-1] - BETWEEN + BOTTOM
    across = _across(chart, LEFT, chart.width - right)
    drawn = [_panel(panel, across, place) for panel, place in zip(chart.panels, tops, strict=False)]
    lines, notes = _moments(chart, across, rows, tops[0], height - BOTTOM)
    body = [
        *lines,
        *(line for panel in drawn for line in panel),
        *notes,
        *_bottom(chart, across, height - BOTTOM),
    ]
    key = f"chart-{zlib.crc32(repr(msgspec.to_builtins(chart)).encode()):08x}"
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" class="plainsail-chart" viewBox="0 0 {chart.width} {height}" '
        f'width="{chart.width}" height="{height}" role="img" aria-labelledby="{key}-title {key}-about">',
        f'<title id="{key}-title">{_said(chart.title)}</title>',
        f'<desc id="{key}-about">{_said(chart.about)}</desc>',
        f"<style>{_style()}</style>",
        f'<rect class="paper" width="{chart.width}" height="{height}"/>',
        f'<text class="name" x="{LEFT}" y="20">{_said(chart.title)}</text>',
        *body,
        "</svg>",
        "",
    ])  # fmt: skip


def _across(chart: Chart, left: float, right: float) -> Scale:
    values = [x for panel in chart.panels for series in panel.series for x, _ in series.points]
    values += [moment.at for moment in chart.moments]
    if chart.x_log:
        return logarithmic(values, left, right, chart.x_low, chart.x_high)
    low = min(values, default=0.0) if chart.x_low is None else chart.x_low
    high = max(values, default=1.0) if chart.x_high is None else chart.x_high
    steps = SIXTIES if chart.sixties else ROUND
    return linear((), left, right, wanted=8, low=low, high=max(high, low + 1e-9), steps=steps)


def _panel(panel: Panel, across: Scale, top: float) -> list[str]:
    bottom = top + panel.height
    values = [y for series in panel.series for _, y in series.points if y is not None]
    values += [level.value for level in panel.levels]
    if panel.log:
        up = logarithmic(values, bottom, top, panel.low, panel.high)
    else:
        up = linear(values, bottom, top, max(2, panel.height // 34), panel.low, panel.high)
    lines = [f'<text class="axis" x="{LEFT}" y="{_n(top - 8)}">{_said(panel.title)}</text>']
    for tick in up.ticks:
        at = _n(up.place(tick))
        lines.append(f'<path class="grid" d="M{_n(across.start)} {at}H{_n(across.end)}"/>')
        lines.append(
            f'<text class="tick" x="{LEFT - 8}" y="{at}" dy="4" text-anchor="end">{up.label(tick)}</text>'
        )
    for tick in across.ticks:
        lines.append(f'<path class="grid" d="M{_n(across.place(tick))} {_n(top)}V{_n(bottom)}"/>')
    for number, series in enumerate(panel.series):
        lines += _series(series, (number if series.style is None else series.style) % STYLES, across, up)
    for level in panel.levels:
        y = up.place(level.value)
        lines.append(f'<path class="level" d="M{_n(across.start)} {_n(y)}H{_n(across.end)}"/>')
        below = y - top < LINE
        lines.append(
            f'<text class="note" x="{_n(across.start + 6)}" y="{_n(y + 12 if below else y - 4)}">{_said(level.name)}</text>'
        )
    return lines + _labels(panel, across, up)


def _series(series: Series, style: int, across: Scale, up: Scale) -> list[str]:
    places = [(across.place(x), None if y is None else up.place(y)) for x, y in series.points]
    known = [(x, y) for x, y in places if y is not None]
    lines = []
    if series.kind != "dots":
        dashes = f' stroke-dasharray="{DASHES[style]}"' if DASHES[style] else ""
        lines.append(f'<path class="line s{style}"{dashes} d="{path(places, series.kind == "step")}"/>')
    shown = known if series.kind == "dots" else spread(known)
    marks = "".join(marker(MARKERS[style], x, y) for x, y in shown)
    return [*lines, f'<path class="mark s{style}" d="{marks}"/>'] if marks else lines


def _labels(panel: Panel, across: Scale, up: Scale) -> list[str]:
    """The series' names at their ends, moved apart where they would lie on each other."""
    ends: list[tuple[float, int, str, float]] = []
    for number, series in enumerate(panel.series):
        known = [(x, y) for x, y in series.points if y is not None]
        if known:
            style = (number if series.style is None else series.style) % STYLES
            ends.append((up.place(known[-1][1]), style, series.name, across.place(known[-1][0])))
    ends.sort()
    lines, taken = [], -1e9
    overflow = len(ends) * LINE - (up.start - up.end) if ends else 0.0
    for index, (wanted, style, name, x) in enumerate(ends):
        below = (len(ends) - 1 - index) * LINE
        y = max(min(wanted, up.start + max(0.0, overflow) - below), taken + LINE)
        taken = y
        if across.end - x > 1 or abs(y - wanted) > 1:
            lines.append(f'<path class="lead" d="M{_n(x)} {_n(wanted)}L{_n(across.end + 6)} {_n(y)}"/>')
        lines.append(
            f'<text class="label s{style}" x="{_n(across.end + 9)}" y="{_n(y)}" dy="4">{_said(name)}</text>'
        )
    return lines


def _rows(chart: Chart, left: float, right: float) -> list[int]:
    """Which line of text above the first panel each moment's name is written on, so that none is on another."""
    across = _across(chart, left, right)
    rows: list[int] = []
    ends: list[float] = []
    for moment in chart.moments:
        x = across.place(moment.at)
        begin, end = _extent(x, moment.name, across)
        row = next((row for row, until in enumerate(ends) if begin > until + LETTER), len(ends))
        ends[row:] = [end, *ends[row + 1 :]]
        rows.append(row)
    return rows


def _extent(x: float, name: str, across: Scale) -> tuple[float, float]:
    """From where to where a moment's name goes: to the right of its line, or to the left where there is no room."""
    long = len(name) * LETTER
    return (x, x + long) if x + long <= across.end + 40 else (x - long, x)


def _moments(
    chart: Chart, across: Scale, rows: Sequence[int], top: float, bottom: float
) -> tuple[list[str], list[str]]:
    """The lines, which lie under all else, and their names."""
    lines, notes = [], []
    for moment, row in zip(chart.moments, rows, strict=True):
        x = across.place(moment.at)
        high = top - 26 - LINE * row
        right = _extent(x, moment.name, across)[0] == x
        anchor = "start" if right else "end"
        lines.append(f'<path class="moment" d="M{_n(x)} {_n(high + 4)}V{_n(bottom)}"/>')
        notes.append(
            f'<text class="note" x="{_n(x)}" y="{_n(high)}" text-anchor="{anchor}">{_said(moment.name)}</text>'
        )
    return lines, notes


def _bottom(chart: Chart, across: Scale, bottom: float) -> list[str]:
    middle = (across.start + across.end) / 2
    return [
        f'<path class="base" d="M{_n(across.start)} {_n(bottom)}H{_n(across.end)}"/>',
        *(
            f'<text class="tick" x="{_n(across.place(tick))}" y="{_n(bottom + 16)}" text-anchor="middle">'
            f"{across.label(tick)}</text>"
            for tick in across.ticks
        ),
        f'<text class="axis" x="{_n(middle)}" y="{_n(bottom + 34)}" text-anchor="middle">{_said(chart.x_title)}</text>',
    ]


def _style() -> str:
    light, dark = ("".join(f"--{name}:{pair[which]};" for name, pair in COLOURS.items()) for which in (0, 1))
    series = "".join(
        f".plainsail-chart .s{n}{{stroke:var(--s{n})}}.plainsail-chart .label.s{n}{{fill:var(--s{n});stroke:var(--paper)}}"
        for n in range(STYLES)
    )
    return (
        f":where(.plainsail-chart){{{light}}}"
        f"@media (prefers-color-scheme:dark){{:where(.plainsail-chart){{{dark}}}}}"
        ".plainsail-chart text{font:11.5px system-ui,sans-serif;fill:var(--ink);font-variant-numeric:tabular-nums;stroke:none}"
        ".plainsail-chart .paper{fill:var(--paper)}.plainsail-chart path{fill:none}"
        ".plainsail-chart text.name{font-size:14px;font-weight:600}"
        ".plainsail-chart text.tick,.plainsail-chart text.note{fill:var(--quiet)}"
        ".plainsail-chart .grid{stroke:var(--grid)}.plainsail-chart .base{stroke:var(--quiet)}"
        ".plainsail-chart .line{stroke-width:2;stroke-linejoin:round}"
        ".plainsail-chart .mark{stroke-width:1.6;fill:var(--paper)}"
        ".plainsail-chart .lead{stroke:var(--quiet);stroke-width:.8;stroke-dasharray:1 3}"
        ".plainsail-chart .level{stroke:var(--ink);stroke-width:1;stroke-dasharray:6 3}"
        ".plainsail-chart .moment{stroke:var(--quiet);stroke-width:1;stroke-dasharray:2 2}"
        ".plainsail-chart text:is(.label,.note,.axis){paint-order:stroke;stroke:var(--paper);stroke-width:3px}"
        f"{series}"
        ".plainsail-chart text.label{font-weight:600}"
    )


def _said(text: str) -> str:
    """Anybody's words as text of the document; XML has no place for control characters, escaped or not."""
    return escape("".join(letter if letter.isprintable() else "?" for letter in text))
