"""Durations and numbers are written as people say them."""

from __future__ import annotations

import re

import hypothesis.strategies as st
import pytest
from hypothesis import given

from plainsail.domain.units import number, seconds

SIZES = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


@pytest.mark.parametrize(
    ("duration", "said"),
    [
        (0.0, "0 ms"), (0.25, "250 ms"), (0.9996, "1 s"), (2.13, "2.13 s"), (59.94, "59.9 s"), (59.96, "1 min"),
        (90.0, "1 min 30 s"), (163.0, "2 min 43 s"), (600.0, "10 min"), (3599.6, "1 h"), (3900.0, "1 h 5 min"),
        (86_399.0, "1 d"), (100_000.0, "1 d 4 h"), (14 * 86_400.0, "14 d"), (4e8, "4,629 d 15 h"),
    ],
)  # fmt: skip
def test_as_people_say_it(duration: float, said: str) -> None:
    assert seconds(duration) == said


@given(st.floats(0.001, 1e9))
def test_what_is_written_is_about_what_it_is(duration: float) -> None:
    said = seconds(duration)
    parts = re.findall(r"([\d.,]+) ([a-z]+)", said)
    assert " ".join(f"{many} {unit}" for many, unit in parts) == said
    back = sum(float(many.replace(",", "")) * SIZES[unit] for many, unit in parts)
    assert abs(back - duration) <= max(0.0005, 0.0084 * duration)
    for many, unit in parts[1:]:
        assert 0 < float(many) < {"s": 60, "min": 60, "h": 24}[unit]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.0, "0"), (0.12345, "0.1235"), (14.98, "14.98"), (999.96, "1000"), (1000.0, "1,000"), (201_579_170.4, "201,579,170"),
        (-1.5e8, "-150,000,000"), (2.5e-7, "2.5e-07"), (3e20, "3e+20"),
    ],
)  # fmt: skip
def test_numbers_as_people_write_them(value: float, said: str) -> None:
    assert number(value) == said
