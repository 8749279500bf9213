"""The ways in which a simulated release can be like, each with how it is written, read and told."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from plainsail.domain.units import percent_of, seconds
from plainsail.spec.diagnostics import shown
from plainsail.spec.scalars import NUMBER, Unreadable, duration, ratio
from plainsail.testing.behaviour import CLUSTERED, LEAK_ERRORS, LEAK_SLOWER, TAIL, Behaviour

SLOWEST = 1000.0
"""A hundred thousand percent; past this a zero too many is likelier than a wish."""
BAD = 0.25
"""Part of the instances that are bad, of a release with a bad instance."""
OUTAGE = 60.0
"""Seconds for which a dependency is away."""
OUTAGE_AFTER = 30.0
"""Seconds from the deploy until it goes, if nobody says when: the candidate of most canaries has users by then."""
LARGEST_CLUSTER = 1000
MOST_GAIN = 9.0
"""Of a KPI, as a part of live's."""


class Kind(msgspec.Struct, frozen=True):
    """A way to behave."""

    example: str
    read: Callable[[str], Behaviour]
    """From what follows the colon. Raises Unreadable."""
    told: Callable[[Behaviour], str]
    both: bool = False
    """The live release is like this as well."""
    later: bool = True
    """It may begin later (`@after=10m`)."""
    harmless: bool = False
    """As good as the live release in all that the judge sees."""
    begins: float = 0.0
    """Seconds after the deploy, if nobody says when."""


def _errors(value: str) -> Behaviour:
    if not value.endswith("%"):
        raise Unreadable(f"is {shown(value)}, which is not a share such as 2%", "")
    return Behaviour(errors=ratio(value))


def _growth(value: str) -> float:
    found = re.fullmatch(rf"\+({NUMBER})%", value)
    if not found:
        raise Unreadable(f"is {shown(value)}, which is not a growth such as +50%", "")
    slower = float(found[1]) / 100
    if slower > SLOWEST:
        raise Unreadable(f"is {shown(value)}, more than a thousand times as long", "")
    return slower


def _gain(value: str) -> Behaviour:
    found = re.fullmatch(rf"([+-])({NUMBER})%", value)
    if not found:
        raise Unreadable(f"is {shown(value)}, which is not a change such as +10%", "")
    part = float(found[2]) / 100
    if part > MOST_GAIN:
        raise Unreadable(f"is {shown(value)}, more than ten times as much", "")
    return Behaviour(kpi=part if found[1] == "+" else -min(part, 1.0))


def _better(like: Behaviour) -> str:
    how = "better" if like.kpi >= 0.0 else "worse"
    return f"is as good as the live release for the judge, and {how} by {percent_of(abs(like.kpi))} by the KPI of a test"


def _crash(value: str) -> Behaviour:
    after = duration(value)
    if not after:
        raise Unreadable(f"is {shown(value)}, so that it never starts; that is never-ready", "")
    return Behaviour(crash_after=after)


def _leak(value: str) -> Behaviour:
    lasts = duration(value)
    if not lasts:
        raise Unreadable(f"is {shown(value)}, which is no time to leak in; that is errors:10%", "")
    return Behaviour(leak=lasts)


def _bursts(value: str) -> Behaviour:
    if not re.fullmatch(r"[0-9]{1,6}", value) or not 2 <= int(value) <= LARGEST_CLUSTER:
        raise Unreadable(
            f"is {shown(value)}, which is not a number of failures from 2 to {LARGEST_CLUSTER:,}", ""
        )
    return Behaviour(burst=int(value))


def _slowest(like: Behaviour) -> str:
    return (
        f"takes {percent_of(like.slow_tail)} longer for the slowest {percent_of(TAIL)} of its requests, and is as quick "
        "as the live release for the others"
    )


KINDS = {
    "good": Kind("good", lambda _: Behaviour(), lambda _: "is as good as the live release", later=False, harmless=True),
    "errors": Kind(
        "errors:2%",
        _errors,
        lambda like: f"fails {percent_of(like.errors)} of its requests",
    ),
    "latency": Kind(
        "latency:+50%",
        lambda value: Behaviour(slower=_growth(value)),
        lambda like: f"takes {percent_of(like.slower)} longer for each request than the live release",
    ),
    "p99": Kind(
        "p99:+300%",
        lambda value: Behaviour(slow_tail=_growth(value)),
        _slowest,
    ),
    "tail": Kind("tail:+200%", lambda value: Behaviour(slow_tail=_growth(value)), _slowest),
    "crash": Kind(
        "crash:30s",
        _crash,
        lambda like: f"has instances that crash {seconds(like.crash_after or 0.0)} after their start",
    ),
    "never-ready": Kind(
        "never-ready", lambda _: Behaviour(never_ready=True), lambda _: "never becomes ready", later=False
    ),
    "leak": Kind(
        "leak:20m",
        _leak,
        lambda like: (
            f"leaks: in {seconds(like.leak)} of an instance's life its requests come to take {percent_of(LEAK_SLOWER)} longer,"
            f" and in the second half of it up to {percent_of(LEAK_ERRORS)} of them fail"
        ),
    ),
    "one-bad-replica": Kind(
        "one-bad-replica",
        lambda _: Behaviour(bad_replicas=BAD),
        lambda _: (
            f"has one instance in {1 / BAD:g} that fails everything; the others are as good as the live release"
        ),
    ),
    "dependency-outage": Kind(
        "dependency-outage",
        lambda _: Behaviour(errors=1.0, lasts=OUTAGE),
        lambda like: f"is as good as the live release: what both depend on is away for {seconds(like.lasts)}, and all"
        " requests fail",
        both=True,
        begins=OUTAGE_AFTER,
    ),
    "bursts": Kind(
        "bursts:10",
        _bursts,
        lambda like: f"is as good as the live release: of both {percent_of(CLUSTERED)} of requests fail, in clusters of up to {like.burst} within a second",
        both=True,
    ),
    "differs": Kind(
        "differs:2%",
        lambda value: Behaviour(differs=_errors(value).errors),
        lambda like: f"answers {percent_of(like.differs)} of its requests with another body than the live release, and else as well",
    ),
    "kpi": Kind("kpi:+10%", _gain, _better, later=False, harmless=True),
}  # fmt: skip
ALIASES = {"bad-instance": "one-bad-replica"}
EXAMPLES = tuple(kind.example for kind in KINDS.values())
