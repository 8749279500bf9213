"""What a check found."""

from __future__ import annotations

from typing import Literal

import msgspec

State = Literal["ok", "warn", "bad"]


class Finding(msgspec.Struct, frozen=True):
    """`bad`: something that is needed is missing. `warn`: it works, and somebody should know."""

    check: str
    state: State
    found: str
    """A sentence, with the number."""
    mend: str = ""
    """What to do, a command where there is one."""


def ok(check: str, found: str) -> Finding:
    return Finding(check, "ok", found)


def warn(check: str, found: str, mend: str) -> Finding:
    return Finding(check, "warn", found, mend)


def bad(check: str, found: str, mend: str) -> Finding:
    return Finding(check, "bad", found, mend)
