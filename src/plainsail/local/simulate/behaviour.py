"""How people say what a simulated release is like: `good`, `errors:2%`, `errors:2%@after=10m`, `crash:30s`, ..."""

from __future__ import annotations

import msgspec

from plainsail.domain.units import seconds
from plainsail.local.simulate.kinds import ALIASES, EXAMPLES, KINDS, Kind
from plainsail.local.simulate.wrong import Wrong, meant
from plainsail.ports.errors import Rejected
from plainsail.spec.diagnostics import did_you_mean, listed, shown
from plainsail.spec.scalars import Unreadable, duration
from plainsail.testing.behaviour import Behaviour

AFTER = "after="


class Release(msgspec.Struct, frozen=True):
    """A release to be simulated."""

    text: str
    """As it was written."""
    like: Behaviour
    told: str
    """What it does, as the rest of a sentence about it."""
    live: Behaviour = Behaviour()
    """What the live release is like beside it."""
    harmless: bool = False
    """As good as the live release, so that nothing should take it back."""


def read_release(text: str) -> Release:
    """Raises Rejected (`release_unreadable`), which says where and what to write instead."""
    try:
        return _read(text)
    except Wrong as wrong:
        hint = meant(text, _read) or wrong.hint
        raise Rejected("release_unreadable", wrong.where("--release"), hint) from None


def _read(text: str) -> Release:
    what, at, when = text.partition("@")
    kind, like = _kind(what)
    begins = _after(when, len(what) + 1, what, kind) if at else kind.begins
    like = msgspec.structs.replace(like, after=begins) if begins else like
    told = kind.told(like) + (f", from {seconds(begins)} after the deploy on" if begins else "")
    return Release(text, like, told, like if kind.both else Behaviour(), kind.both or kind.harmless)


def _kind(what: str) -> tuple[Kind, Behaviour]:
    name, colon, value = what.partition(":")
    kind = KINDS.get(ALIASES.get(name, name))
    if kind is None:
        hint = did_you_mean(name, [*KINDS, *ALIASES]) or f"write {listed(EXAMPLES, 'or')}"
        raise Wrong(0, f"there is no behaviour {shown(name)}", hint)
    plain = ":" not in kind.example
    if plain and colon:
        raise Wrong(len(name), f"{name} takes nothing after it", f"write {name}")
    if not plain and not value:
        raise Wrong(len(what), f"{name} needs to know how much", f"write one such as {kind.example}")
    try:
        return kind, kind.read(value)
    except Unreadable as wrong:
        problem = f"the value of {name} {wrong.problem}"
        raise Wrong(len(name) + 1, problem, f"write one such as {kind.example}") from None


def _after(when: str, at: int, what: str, kind: Kind) -> float:
    """Seconds."""
    if not kind.later:
        raise Wrong(at - 1, f"{kind.example} is so from the start or not at all", f"write {kind.example}")
    if not when.startswith(AFTER):
        raise Wrong(at, f"{shown(when)} is not a moment such as after=10m", f"write {what}@after=10m")
    try:
        return duration(when.removeprefix(AFTER))
    except Unreadable as wrong:
        raise Wrong(at + len(AFTER), f"the moment {wrong.problem}", f"write {what}@after=10m") from None
