"""How people say what a simulated release is like: `good`, `errors:2%`, `latency:+50%`, `crash:30s`, `never-ready`,
`bad-instance`."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress

import msgspec

from plainsail.domain.units import percent_of, seconds
from plainsail.ports.errors import Rejected
from plainsail.spec.diagnostics import did_you_mean, listed, shown
from plainsail.spec.scalars import NUMBER, Unreadable, duration, ratio
from plainsail.testing.behaviour import TAIL, Behaviour

SLOWEST = 1000.0
"""A hundred thousand percent; past this a zero too many is likelier than a wish."""


BAD = 0.25
"""Part of the instances that are bad, of a release with a bad instance."""


class Release(msgspec.Struct, frozen=True):
    """A release to be simulated."""

    text: str
    """As it was written."""
    like: Behaviour
    told: str
    """What it does, as the rest of a sentence about it."""


class Kind(msgspec.Struct, frozen=True):
    """A way to behave."""

    example: str
    read: Callable[[str], Behaviour]
    """From what follows the colon. Raises Unreadable."""
    told: Callable[[Behaviour], str]


def read_release(text: str) -> Release:
    """Raises Rejected (`release_unreadable`), which says where and what to write instead."""
    try:
        return _read(text)
    except _Wrong as wrong:
        raise Rejected(
            "release_unreadable",
            f"--release, character {wrong.at + 1}: {wrong.problem}",
            _meant(text) or wrong.hint,
        ) from None


class _Wrong(Exception):
    def __init__(self, at: int, problem: str, hint: str) -> None:
        super().__init__(problem)
        self.at, self.problem, self.hint = at, problem, hint


def _read(text: str) -> Release:
    name, colon, value = text.partition(":")
    kind = KINDS.get(name)
    if kind is None:
        hint = did_you_mean(name, KINDS) or f"write {listed(EXAMPLES, 'or')}"
        raise _Wrong(0, f"there is no behaviour {shown(name)}", hint)
    plain = kind.example == name
    if plain and colon:
        raise _Wrong(len(name), f"{name} takes nothing after it", f"write {name}")
    if not plain and not value:
        raise _Wrong(len(text), f"{name} needs to know how much", f"write one such as {kind.example}")
    try:
        like = kind.read(value)
    except Unreadable as wrong:
        raise _Wrong(
            len(name) + 1, f"the value of {name} {wrong.problem}", f"write one such as {kind.example}"
        ) from None
    return Release(text, like, kind.told(like))


def _meant(text: str) -> str:
    """Is it only a space, the case, a sign or a unit that is wrong?"""
    bare = "".join(text[:100].split()).lower().replace("_", "-")
    name, _, value = bare.partition(":")
    guesses = [bare, name]
    guesses += [
        f"{name}:{sign}{value.lstrip('+')}{unit}" for sign in ("", "+") for unit in ("", "%", "s") if value
    ]
    for guess in guesses:
        with suppress(_Wrong):
            _read(guess)
            return f"did you mean {guess}?"
    return ""


def _errors(value: str) -> Behaviour:
    if not value.endswith("%"):
        raise Unreadable(f"is {shown(value)}, which is not a share such as 2%", "")
    return Behaviour(errors=ratio(value))


def _latency(value: str) -> Behaviour:
    return Behaviour(slower=_growth(value))


def _tail(value: str) -> Behaviour:
    return Behaviour(slow_tail=_growth(value))


def _growth(value: str) -> float:
    found = re.fullmatch(rf"\+({NUMBER})%", value)
    if not found:
        raise Unreadable(f"is {shown(value)}, which is not a growth such as +50%", "")
    slower = float(found[1]) / 100
    if slower > SLOWEST:
        raise Unreadable(f"is {shown(value)}, more than a thousand times as long", "")
    return slower


def _crash(value: str) -> Behaviour:
    after = duration(value)
    if not after:
        raise Unreadable(f"is {shown(value)}, so that it never starts; that is never-ready", "")
    return Behaviour(crash_after=after)


KINDS = {
    "good": Kind("good", lambda _: Behaviour(), lambda _: "is as good as the live release"),
    "errors": Kind(
        "errors:2%",
        _errors,
        lambda like: f"fails {percent_of(like.errors)} of its requests",
    ),
    "latency": Kind(
        "latency:+50%",
        _latency,
        lambda like: f"takes {percent_of(like.slower)} longer for each request than the live release",
    ),
    "tail": Kind(
        "tail:+200%",
        _tail,
        lambda like: (
            f"takes {percent_of(like.slow_tail)} longer for the slowest {percent_of(TAIL)} of its requests, and is as quick "
            "as the live release for the others"
        ),
    ),
    "bad-instance": Kind(
        "bad-instance",
        lambda _: Behaviour(bad_replicas=BAD),
        lambda _: (
            f"has one instance in {1 / BAD:g} that fails everything; the others are as good as the live release"
        ),
    ),
    "crash": Kind(
        "crash:30s",
        _crash,
        lambda like: f"has instances that crash {seconds(like.crash_after or 0.0)} after their start",
    ),
    "never-ready": Kind(
        "never-ready", lambda _: Behaviour(never_ready=True), lambda _: "never becomes ready"
    ),
}
EXAMPLES = tuple(kind.example for kind in KINDS.values())
