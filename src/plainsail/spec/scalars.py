"""Numbers with their units, as people write them: `1h30m`, `0.5%`, `500/s`, `10MiB`.

Each reader takes the text of a scalar and raises `Unreadable`, which shows a right example. All arithmetic is on
whole numbers and decimals, so nothing is rounded on the way: `0.1%` is 10 basis points, not 9.99.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from decimal import Decimal
from itertools import pairwise

from plainsail.domain.units import ALL
from plainsail.spec.diagnostics import shown


class Unreadable(ValueError):
    """What is wrong with the text, as the end of a sentence (`is '30', which has no unit`), and what to write."""

    def __init__(self, problem: str, hint: str) -> None:
        super().__init__(f"{problem}; {hint}")
        self.problem = problem
        self.hint = hint


SECONDS = {"ms": Decimal("0.001"), "s": Decimal(1), "m": Decimal(60), "h": Decimal(3600), "d": Decimal(86400)}
LONGEST = Decimal(3650 * 86400)
"""Ten years, in seconds: past this a zero too many is likelier than a wish, and dates overflow."""

BYTES = {
    "B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
    "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40,
}  # fmt: skip

# Twelve digits are a petabyte or 30,000 years: enough, and no text can make the arithmetic long.
NUMBER = r"[0-9]{1,12}(?:\.[0-9]{1,12})?"
DURATION = re.compile(rf"(?:{NUMBER}(?:ms|s|m|h|d))+")
PERCENTAGE = re.compile(rf"{NUMBER}%")
RATE = re.compile(rf"{NUMBER}/(?:s|m|h)")


def duration(text: str) -> float:
    """Seconds from `250ms`, `1.5s`, `30s`, `5m`, `2h`, `14d`, or several, largest unit first: `1h30m`."""
    if not DURATION.fullmatch(text):
        raise _not_a("duration", text, "30s, 5m or 1h30m", _meant(duration, DURATION, text, "s"))
    parts = re.findall(rf"({NUMBER})(ms|s|m|h|d)", text)
    units = [SECONDS[unit] for _, unit in parts]
    if any(after >= before for before, after in pairwise(units)):
        raise Unreadable(
            f"is {shown(text)}, with its units out of order", "write the largest first, such as 1h30m"
        )
    total = sum((Decimal(number) * SECONDS[unit] for number, unit in parts), Decimal(0))
    if total > LONGEST:
        raise Unreadable(
            f"is {shown(text)}, which is more than ten years", "write a shorter one, such as 14d"
        )
    return float(total)


def share(text: str) -> int:
    """Basis points from `1%`, `0.5%`. Finer than 0.01 % is refused: no router could keep it."""
    if not PERCENTAGE.fullmatch(text):
        raise _not_a(
            "share",
            text,
            "1%, 0.5% or 50%",
            "" if text.startswith("0.") else _meant(share, PERCENTAGE, text, "%"),
        )
    points = Decimal(text[:-1]) * 100
    if points != int(points):
        raise Unreadable(
            f"is {shown(text)}, finer than a basis point (0.01%)", "write a share such as 0.01% or 0.5%"
        )
    if points > ALL:
        raise Unreadable(f"is {shown(text)}, more than all (100%)", "write a share such as 1% or 50%")
    return int(points)


def ratio(text: str) -> float:
    """A part of one from `0.5%`, or from a plain number between 0 and 1."""
    if PERCENTAGE.fullmatch(text):
        number = Decimal(text[:-1]) / 100
    elif re.fullmatch(NUMBER, text):
        number = Decimal(text)
    else:
        raise _not_a("part of a whole", text, "0.5% or 0.005", _meant(ratio, PERCENTAGE, text, "%"))
    if number > 1:
        raise Unreadable(
            f"is {shown(text)}, more than the whole (100%)",
            _meant(ratio, PERCENTAGE, text, "%") or "write a part such as 0.5% or 0.005",
        )
    return float(number)


def level(text: str) -> float:
    """A number, or the part that `0.5%` is."""
    if PERCENTAGE.fullmatch(text.removeprefix("-")):
        return float(Decimal(text[:-1]) / 100)
    if re.fullmatch(rf"-?{NUMBER}(?:[eE][+-]?[0-9]{{1,2}})?", text):
        return float(text)
    raise _not_a("number", text, "0.01, 1% or 250", _meant(level, re.compile(NUMBER), text, ""))


def rate(text: str) -> float:
    """Events per second from `500/s`, `30/m`, `1000/h`."""
    if not RATE.fullmatch(text):
        raise _not_a("rate", text, "500/s or 30/m", _meant(rate, RATE, text, "/s"))
    number, _, unit = text.partition("/")
    return float(Decimal(number) / SECONDS[unit])


def size(text: str) -> int:
    """Bytes from `10MB` (10^6), `10MiB` (2^20), `512KiB`."""
    match = re.fullmatch(rf"({NUMBER})({'|'.join(BYTES)})", text)
    if not match:
        raise _not_a("size", text, "10MB, 10MiB or 512KiB", _size_meant(text))
    count = Decimal(match[1]) * BYTES[match[2]]
    if count != int(count):
        raise Unreadable(
            f"is {shown(text)}, which is not a whole number of bytes", "write a size such as 512KiB"
        )
    return int(count)


READERS: Mapping[str, Callable[[str], float | int]] = {
    "duration": duration,
    "share": share,
    "ratio": ratio,
    "level": level,
    "rate": rate,
    "size": size,
}
"""By the name that the annotated types of `domain.units` carry in their Meta."""


def _not_a(noun: str, text: str, examples: str, meant: str = "") -> Unreadable:
    return Unreadable(f"is {shown(text)}, which is not a {noun}", meant or f"write one such as {examples}")


def _meant(read: Callable[[str], object], pattern: re.Pattern[str], text: str, unit: str) -> str:
    """Is it only the unit that is missing, or a space or the case that is wrong?"""
    bare = text.replace(" ", "").lower()
    for guess in (bare, bare + unit):
        if guess != text and pattern.fullmatch(guess):
            with suppress(Unreadable):
                read(guess)
                return f"did you mean '{guess}'?"
    return ""


def _size_meant(text: str) -> str:
    match = re.fullmatch(rf"({NUMBER})\s?([kKmMgGtT]?)(i?)[bB]?", text)
    if not match:
        return ""
    number, letter, binary = match.groups()
    return f"did you mean '{number}{(letter.upper() or 'M')}{binary}B'?"
