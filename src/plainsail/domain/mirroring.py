"""A shadow, as people write it: requests are copied, and what comes back is compared and thrown away (`shadows`)."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from plainsail.domain.units import ALL, Duration, Ratio, Share

SAFE = ("GET", "HEAD", "OPTIONS")
"""Methods that change nothing (RFC 9110, 9.2.1)."""


class Differs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much of what the new release answers may be other than what live answers to the same request."""

    max: Ratio | None = None
    """At most this part of the copies may be answered with another status or body; absent: it is shown, and not judged."""


class Shadow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="shadow"):
    """Copies of the users' requests go to the new release too; what it answers is compared and thrown away, and nobody sees
    it. In front of another strategy, or alone: then all users follow at once."""

    share: Share = ALL
    """Of the requests with these methods; so many are copied."""
    instances: int | None = None
    """Of the new release; absent: as many as carry the share."""
    methods: tuple[str, ...] = ("GET", "HEAD")
    """A copy is carried out like any request: with POST, what users do is done twice."""
    lasts: Duration = 600.0
    """How long."""
    differs: Differs = Differs()
    """What may be answered otherwise than by live."""


def twice(methods: Iterable[str]) -> str:
    """What is done twice when these are copied, in one sentence; empty: nothing."""
    unsafe = [method for method in methods if method not in SAFE]
    if not unsafe:
        return ""
    return (
        f"what users do by {' and '.join(unsafe)} is done twice, once for the copy, unless the service leaves it out where"
        " a request has the header Plainsail-Copy"
    )
