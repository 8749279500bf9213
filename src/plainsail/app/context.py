"""What every use case works with; built once by the wiring."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from plainsail.app.live import Live
from plainsail.domain.service import Environment, Service
from plainsail.engine.probing import Answer
from plainsail.ports.artifacts import Artifacts
from plainsail.ports.store import Store
from plainsail.spec.drivers import Drivers

GIB = 2**30


class Context(msgspec.Struct, frozen=True):
    """The ports, the clock and chance of this control plane."""

    store: Store
    artifacts: Artifacts
    live: Live
    drivers: Drivers
    """The configuration types of the installed drivers."""
    now: Callable[[], float]
    """Seconds since 1970."""
    new_id: Callable[[], str]
    """A fresh rollout id."""
    token_hash: str
    """`access.hash_token` of the owner's token."""
    spool: Path
    """Owner-only directory on the disk of the artifacts; uploads rest here until they are checked."""
    hosts: frozenset[str] = frozenset()
    """Names, besides those of loopback, by which this control plane may be addressed."""
    upload_limit: int = 8 * GIB
    """Bytes of one release."""
    probe: Callable[[Mapping[str, Environment], Mapping[str, Service]], Sequence[Answer]] = lambda *_: ()
    """Asks metric sources whether they answer."""


_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32: no i, l, o, u to misread. Sorts like the numbers."""
_SINCE = 1_735_689_600
"""2025-01-01; 30 bits of seconds last from here to 2059."""


def rollout_id(now: float, chance: Callable[[int], int] = secrets.randbits) -> str:
    """Short enough to say over the telephone, sorted by time: `r-` and 10 digits, 6 of the second, 4 of chance."""
    number = (int(now) - _SINCE) % 2**30 << 20 | chance(20)
    return "r-" + "".join(_DIGITS[number >> shift & 31] for shift in range(45, -5, -5))
