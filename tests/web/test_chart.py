"""Charts: what is drawn is well formed, says its words, is the same bytes each time, and stays on its axes."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from xml.etree import ElementTree

import hypothesis.strategies as st
from hypothesis import HealthCheck, given, settings

from plainsail.web.chart import COLOURS, Chart, Level, Moment, Panel, Series, draw
from plainsail.web.scale import SIXTIES, linear, logarithmic

SVG = "{http://www.w3.org/2000/svg}"
numbers = st.floats(-1e9, 1e9) | st.floats(-10, 10)
points = st.lists(st.tuples(st.floats(0, 1e6), st.none() | numbers), max_size=30).map(
    lambda found: tuple(sorted(found, key=lambda point: point[0]))
)
names = st.text(max_size=12)
panels = st.builds(
    Panel,
    title=names,
    series=st.lists(
        st.builds(Series, name=names, points=points, kind=st.sampled_from(["line", "step", "dots"])),
        max_size=8,
    ),
    levels=st.lists(st.builds(Level, value=numbers, name=names), max_size=2),
    log=st.booleans(),
)
charts = st.builds(
    Chart,
    title=names,
    about=names,
    x_title=names,
    panels=st.lists(panels, min_size=1, max_size=3),
    moments=st.lists(st.builds(Moment, at=st.floats(0, 1e6), name=names), max_size=4),
    sixties=st.booleans(),
)


def one(**changed: object) -> Chart:
    series = (
        Series("live", ((0, 100), (1, 90), (3, 0)), "step"),
        Series("candidate", ((0, 0), (1, 10), (3, 100)), "step"),
    )
    panel = Panel("Share of users (%)", series, (Level(50, "half"),), low=0, high=100)
    given = {"title": "shop", "about": "Shares", "x_title": "Time (s)", "panels": (panel,), **changed}
    return Chart(**given)  # type: ignore[arg-type]  # a test's shorthand


def texts(svg: str) -> list[str]:
    return [text.text or "" for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # whole charts take a while to make up
@given(charts)
def test_any_chart_is_one_well_formed_document_within_its_frame(chart: Chart) -> None:
    svg = draw(chart)
    root = ElementTree.fromstring(svg)
    assert root.find(f"{SVG}title") is not None
    assert root.find(f"{SVG}desc") is not None
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    for line in root.iter(f"{SVG}path"):
        for x, y in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", line.attrib["d"]):
            assert -5 <= float(x) <= width + 5
            assert -5 <= float(y) <= height + 5
    assert "nan" not in svg
    assert svg == draw(chart)


def test_words_of_others_are_text() -> None:
    svg = draw(one(title="<script>alert('&')</script>"))
    assert texts(svg)[0] == "<script>alert('&')</script>"
    assert "<script" not in svg


def test_every_series_and_level_is_named_beside_it() -> None:
    assert {"live", "candidate", "half", "Share of users (%)", "Time (s)"} <= set(texts(draw(one())))


def test_series_are_told_without_colour() -> None:
    root = ElementTree.fromstring(draw(one()))
    lines = [line for line in root.iter(f"{SVG}path") if line.attrib["class"].startswith("line")]
    assert len({line.attrib.get("stroke-dasharray") for line in lines}) == len(lines)


def test_a_step_holds_its_value_until_the_next() -> None:
    root = ElementTree.fromstring(draw(one()))
    line = next(line for line in root.iter(f"{SVG}path") if line.attrib["class"] == "line s0")
    assert re.fullmatch(r"M[\d.]+ [\d.]+(H[\d.]+(V[\d.]+)?)+", line.attrib["d"])


def test_a_gap_is_no_line() -> None:
    series = Series("found", ((0, 1.0), (1, None), (2, 2.0), (3, 3.0)))
    root = ElementTree.fromstring(draw(one(panels=(Panel("n", (series,)),))))
    line = next(line for line in root.iter(f"{SVG}path") if line.attrib["class"] == "line s0")
    assert line.attrib["d"].count("M") == 2


def test_names_that_end_at_the_same_place_do_not_lie_on_each_other() -> None:
    series = tuple(Series(f"s{n}", ((0, 1), (1, 5))) for n in range(5))
    root = ElementTree.fromstring(draw(one(panels=(Panel("n", series),))))
    places = sorted(
        float(text.attrib["y"]) for text in root.iter(f"{SVG}text") if "label" in text.attrib["class"]
    )
    assert all(after - before >= 13 for before, after in pairwise(places))


@given(st.lists(numbers, min_size=1, max_size=20))
def test_a_linear_axis_holds_all_values_and_its_ticks_are_even(values: list[float]) -> None:
    scale = linear(values, 100, 0)
    assert scale.low <= min(values) + 1e-6
    assert scale.high >= max(values) - 1e-6
    assert 2 <= len(scale.ticks) <= 12
    assert all(0 <= scale.place(value) <= 100 for value in values)
    assert len({scale.label(tick) for tick in scale.ticks}) == len(scale.ticks)


@given(st.lists(st.floats(1e-12, 1e12), min_size=1, max_size=20))
def test_a_logarithmic_axis_goes_from_power_to_power(values: list[float]) -> None:
    scale = logarithmic(values, 0, 100)
    assert scale.low <= min(values) * (1 + 1e-6)
    assert scale.high >= max(values) * (1 - 1e-6)
    assert all(math.isclose(math.log10(tick), round(math.log10(tick)), abs_tol=1e-9) for tick in scale.ticks)
    assert scale.place(0.0) == 0


def test_seconds_have_ticks_at_quarters_of_a_minute() -> None:
    assert linear((), 0, 100, 8, low=0, high=100, steps=SIXTIES).ticks == (0, 15, 30, 45, 60, 75, 90)


def test_colours_can_be_read_on_their_paper() -> None:
    for which in (0, 1):
        paper = luminance(COLOURS["paper"][which])
        for name, pair in COLOURS.items():
            dark, light = sorted((luminance(pair[which]), paper))
            assert name in ("paper", "grid") or (light + 0.05) / (dark + 0.05) >= 4.5, (name, pair[which])


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
