"""Units of the numbers people write: durations, shares, ratios, rates and sizes.

The annotated types tell the spec decoder how a scalar is read; the functions write a number back as people do.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

ALL = 10_000
"""All users, in basis points."""

Duration = Annotated[float, msgspec.Meta(ge=0, extra={"scalar": "duration"})]
"""Seconds; written `250ms`, `30s`, `5m`, `2h`, `14d`."""

Share = Annotated[int, msgspec.Meta(ge=0, le=ALL, extra={"scalar": "share"})]
"""Part of the users in basis points (10,000 = all); written `1%`, `0.5%`."""

Ratio = Annotated[float, msgspec.Meta(ge=0, le=1, extra={"scalar": "ratio"})]
"""A part of one, not rounded to basis points; written `0.5%`."""

Level = Annotated[float, msgspec.Meta(extra={"scalar": "level"})]
"""A number in whatever unit a metric has; of what is counted, also a part, written `0.5%`."""

Rate = Annotated[float, msgspec.Meta(ge=0, extra={"scalar": "rate"})]
"""Events per second; written `500/s`, `30/m`."""

Size = Annotated[int, msgspec.Meta(ge=0, extra={"scalar": "size"})]
"""Bytes; written `10MB` (10^6) or `10MiB` (2^20)."""


def percent(share_bp: float) -> str:
    """A share in basis points as people write it: 50 -> `0.5 %`."""
    return f"{share_bp / 100:.4g} %"


def percent_of(ratio: float) -> str:
    """A ratio as people write it: 0.012 -> `1.2 %`."""
    return f"{ratio * 100:.3g} %"


def number(value: float) -> str:
    """A number without a unit as people write it: 201579170.4 -> `201,579,170`, 0.12345 -> `0.1235`."""
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e15 else f"{value:.4g}"


def seconds(duration: float) -> str:
    """A duration as people say it: 0.25 -> `250 ms`, 163 -> `2 min 43 s`, 3900 -> `1 h 5 min`; rounded to its second unit."""
    if round(duration * 1000) < 1000:
        return f"{duration * 1000:.0f} ms"
    if float(f"{duration:.3g}") < 60:
        return f"{duration:.3g} s"
    minutes, rest = divmod(round(duration), 60)
    if minutes < 60:
        return _both(minutes, "min", rest, "s")
    hours, rest = divmod(round(duration / 60), 60)
    if hours < 24:
        return _both(hours, "h", rest, "min")
    days, rest = divmod(round(duration / 3600), 24)
    return _both(days, "d", rest, "h")


def plural(n: int, noun: str, many: str = "") -> str:
    """`1 request`, `1,212 requests`; `many` where an s is not enough."""
    return f"{n:,} {noun if n == 1 else many or f'{noun}s'}"


def _both(many: int, unit: str, rest: int, smaller: str) -> str:
    return f"{many:,} {unit} {rest} {smaller}" if rest else f"{many:,} {unit}"
