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


def seconds(duration: float) -> str:
    """A duration as people say it: 0.25 -> `250 ms`, 90 -> `1.5 min`."""
    if duration < 1:
        return f"{duration * 1000:.0f} ms"
    if duration < 60:
        return f"{duration:.3g} s"
    if duration < 3600:
        return f"{duration / 60:.3g} min"
    return f"{duration / 3600:.3g} h"


def plural(n: int, noun: str, many: str = "") -> str:
    """`1 request`, `1,212 requests`; `many` where an s is not enough."""
    return f"{n:,} {noun if n == 1 else many or f'{noun}s'}"
