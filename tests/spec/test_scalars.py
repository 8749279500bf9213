"""Numbers with units: exact, and refused with an example that is right."""

import re
from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plainsail.domain.units import ALL
from plainsail.spec.scalars import LONGEST, READERS, Unreadable, duration, rate, ratio, share, size


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (duration, "250ms", 0.25), (duration, "30s", 30), (duration, "5m", 300), (duration, "2h", 7200),
        (duration, "14d", 14 * 86400), (duration, "1h30m", 5400), (duration, "1.5s", 1.5), (duration, "0s", 0),
        (duration, "1d2h3m4s5ms", 93784.005),
        (share, "1%", 100), (share, "0.5%", 50), (share, "0.01%", 1), (share, "100%", ALL), (share, "0.10%", 10),
        (ratio, "0.5%", 0.005), (ratio, "0.003", 0.003), (ratio, "0.001%", 0.00001), (ratio, "0", 0), (ratio, "1", 1),
        (rate, "500/s", 500), (rate, "30/m", 0.5), (rate, "36/h", 0.01),
        (size, "10MB", 10_000_000), (size, "10MiB", 10_485_760), (size, "512KiB", 524_288), (size, "1.5kB", 1500),
    ],
)  # fmt: skip
def test_what_people_write(read: Callable[[str], float], text: str, value: float) -> None:
    assert read(text) == value


UNITS = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)]


@given(st.integers(0, int(LONGEST) * 1000))
def test_durations_round_trip(milliseconds: int) -> None:
    text, rest = "", milliseconds
    for unit, worth in UNITS:
        count, rest = divmod(rest, worth)
        text += f"{count}{unit}" if count else ""
    assert duration(text or "0s") == milliseconds / 1000


@given(st.integers(0, ALL))
def test_shares_round_trip(points: int) -> None:
    assert share(f"{Decimal(points) / 100}%") == points
    assert ratio(f"{Decimal(points) / 100}%") == points / ALL
    assert ratio(f"{Decimal(points) / ALL:f}") == points / ALL


@given(st.integers(0, 10**9), st.sampled_from(["B", "kB", "KiB", "MB", "MiB", "GB", "GiB"]))
def test_sizes_round_trip(count: int, unit: str) -> None:
    base = 1024 if "i" in unit else 1000
    assert size(f"{count}{unit}") == count * base ** " kMG".index(unit[0].replace("K", "k").replace("B", " "))


@given(st.integers(0, 10**9))
def test_rates_round_trip(count: int) -> None:
    assert rate(f"{count}/s") == count
    assert rate(f"{count * 60}/m") == count


@given(
    st.sampled_from(sorted(READERS)),
    st.text() | st.from_regex(r"[0-9.]{0,4} ?[a-zA-Z%/]{0,3}", fullmatch=True),
)
def test_a_refusal_shows_something_that_is_read(unit: str, text: str) -> None:
    hint = ""
    try:
        READERS[unit](text)
    except Unreadable as error:
        hint = error.hint
    for example in re.findall(r"(?<=did you mean ').*(?='\?)|(?<=such as )[^ ,]+", hint):
        READERS[unit](example)
    assert not hint or re.search(r"did you mean '|such as ", hint)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s",
        "30",
        "-1s",
        "1 s",
        "1e3s",
        "\u0661s",
        "1s1m",
        "1m1m",
        "1.s",
        ".5s",
        "9" * 13 + "s",
        "99999d",
        "1s\n",
    ],
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(Unreadable):
        duration(text)


@pytest.mark.parametrize("text", ["1", "0.5", "0.005%", "100.01%", "-1%", "1 %", "%", "\u0661%", "1%%"])
def test_what_is_no_share(text: str) -> None:
    with pytest.raises(Unreadable):
        share(text)
