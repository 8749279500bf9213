"""What a metric source answered, as the judge may see it: sound numbers of the window asked about, or why there are none."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import msgspec

from plainsail.domain.criteria import Metric
from plainsail.domain.observation import Measured, Unmeasured
from plainsail.ports.errors import Failure
from plainsail.ports.metrics import Ask, Reading

LONGEST = 200
"""Characters of a source's own words that are kept with the rollout, for each window."""
USER_OF_URL = re.compile(r"(?<=://)[^/\s@]*@")
"""What may hold a password (RFC 3986, 3.2.1)."""


def outcome(
    metric: Metric, asks: Sequence[Ask], answers: Sequence[Reading | BaseException]
) -> Measured | Unmeasured:
    """Of the candidate's answer, live's if it was asked about too, and those of a test's other variants."""
    since, until = asks[0].since, asks[0].until
    sound: list[Reading] = []
    named = ("the candidate", "live", *(f"the variant {ask.group}" for ask in asks[2:]))
    for whose, ask, answer in zip(named, asks, answers, strict=False):
        if isinstance(answer, BaseException):
            return Unmeasured(since, until, clause(answer) or f"its driver failed ({type(answer).__name__})")
        if wrong := _unsound(metric, answer, ask):
            return Unmeasured(since, until, f"{wrong} of {whose}")
        sound.append(_within(answer, ask))
    variants = {ask.group: reading for ask, reading in zip(asks[2:], sound[2:], strict=True)}
    return Measured(sound[0], sound[1] if len(sound) > 1 else None, variants)


def clause(failure: BaseException) -> str:
    """Why a source failed, in its own words, on one line; empty for a defect of its driver."""
    if not isinstance(failure, Failure):
        return ""
    return short(str(failure)) or failure.code


def short(text: str) -> str:
    """Without what may be a secret, and no longer than a clause."""
    plain = " ".join(USER_OF_URL.sub("", text).split())
    return plain if len(plain) <= LONGEST else f"{plain[: LONGEST - 3]}..."


def _unsound(metric: Metric, reading: Reading, ask: Ask) -> str:
    """What no source may say, as the beginning of a clause."""
    if not reading.since < reading.until or reading.until <= ask.since or reading.since >= ask.until:
        return "it answered for another time than was asked"
    for part, number in reading.parts.items():
        if not math.isfinite(number):
            return f"it answered {number:g} for {part}"
        if number < 0.0 and (metric.kind() == "counts" or part in ("count", "squares")):
            return f"it answered {number:g}, less than none, for {part}"
    for bound, number in reading.buckets:
        if math.isnan(bound) or not math.isfinite(number) or number < 0.0:
            return f"it answered a histogram with {number:g} up to {bound:g}"
    return ""


def _within(reading: Reading, ask: Ask) -> Reading:
    """No part of time is told twice, or ahead of its end."""
    since, until = max(reading.since, ask.since), min(reading.until, ask.until)
    return msgspec.structs.replace(
        reading, since=since, until=until, partial=short(reading.partial), missing=short(reading.missing)
    )
