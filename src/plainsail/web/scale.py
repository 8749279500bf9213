"""Scales: from numbers to places on an axis, with ticks at round numbers. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import msgspec

ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)
"""Ticks are apart by one of these times a power of ten."""
SIXTIES = (1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0)
"""The same for seconds and minutes, up to a minute or an hour."""
DECADES_AT_MOST = 7
"""Labelled powers of ten on a logarithmic axis; beyond that every second, third, ... has a label."""

FARTHEST = 30
"""Powers of ten, either way, that a logarithmic axis goes to; nobody reads beyond."""


class Scale(msgspec.Struct, frozen=True):
    """An axis: values from `low` to `high` lie between the places `start` and `end`."""

    low: float
    high: float
    start: float
    end: float
    log: bool
    ticks: tuple[float, ...]

    def place(self, value: float) -> float:
        """Values beyond the axis lie on its end; on a logarithmic one, so does whatever is not above 0."""
        return self.start + self._part(min(max(value, self.low), self.high)) * (self.end - self.start)

    def label(self, value: float) -> str:
        """A tick in as few digits as tell it from its neighbours."""
        if self.log:
            return number(value)
        apart = self.ticks[1] - self.ticks[0] if len(self.ticks) > 1 else abs(value) or 1.0
        digits = max(
            0, next((n for n in range(12) if math.isclose(apart, round(apart, n), rel_tol=1e-9)), 12)
        )
        return f"{value:,.{digits}f}"

    def _part(self, value: float) -> float:
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


def linear(
    values: Iterable[float], start: float, end: float, wanted: int = 5,
    low: float | None = None, high: float | None = None, steps: Sequence[float] = ROUND,
) -> Scale:  # fmt: skip
    """From `low` to `high` if they are given; the other ends are round numbers around all values."""
    found = [value for value in values if math.isfinite(value)]
    least = min(found, default=0.0) if low is None else low
    most = max(found, default=1.0) if high is None else high
    if most - least <= 1e-9 * max(abs(least), abs(most), 1e-9):  # nothing to tell apart
        least, most = (least, least + 1.0) if high is None else (most - 1.0, most)
    apart = _apart((most - least) / wanted, steps)
    bottom = least if low is not None else min(least, math.floor(least / apart + 1e-9) * apart)
    top = most if high is not None else max(most, math.ceil(most / apart - 1e-9) * apart)
    first = math.ceil(bottom / apart - 1e-9)
    ticks = tuple(apart * n for n in range(first, math.floor(top / apart + 1e-9) + 1))
    return Scale(bottom, top, start, end, False, ticks)


def logarithmic(
    values: Iterable[float], start: float, end: float, low: float | None = None, high: float | None = None
) -> Scale:
    """Between whole powers of ten, ticks at them; what is not above 0 has no say."""
    found = [value for value in values if value > 0 and math.isfinite(value)]
    least = low if low is not None and low > 0 else min(found, default=1.0)
    most = high if high is not None and high > 0 else max(found, default=10.0)
    bottom = max(-FARTHEST, min(FARTHEST, math.floor(math.log10(least) + 1e-9)))
    top = max(bottom + 1, min(FARTHEST, math.ceil(math.log10(most) - 1e-9)))
    every = math.ceil((top - bottom) / DECADES_AT_MOST)
    ticks = tuple(10.0**power for power in range(bottom, top + 1, every))
    return Scale(10.0**bottom, 10.0**top, start, end, True, ticks)


def number(value: float) -> str:
    """`0.001`, `20`, `1,000`, and beyond a million `1e9`."""
    if value and not 1e-4 <= abs(value) < 1e7:
        return f"{value:.3g}".replace("e+0", "e").replace("e-0", "e-").replace("e+", "e")
    return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"


def _apart(least: float, steps: Sequence[float]) -> float:
    """The nearest round distance that is not below."""
    if steps is SIXTIES and 1.0 <= least <= steps[-1]:
        return next(step for step in steps if step >= least - 1e-9)
    power = 10.0 ** math.floor(math.log10(least))
    return next(step * power for step in ROUND if step * power >= least - 1e-9 * power)
