"""How a release's instances behave in a simulated world."""

from __future__ import annotations

import msgspec


class Behaviour(msgspec.Struct, frozen=True):
    """How a release's instances behave."""

    starts_in: float = 1.0
    """Seconds until ready."""
    errors: float = 0.0
    """Part of requests answered 5xx."""
    slow: float = 0.0
    """Part of requests slower than the bound, besides those that are by the world's latencies."""
    crash_after: float | None = None
    """Seconds of life."""
    never_ready: bool = False
    lies: bool = False
    """Says it is ready and then answers nothing."""
    slower: float = 0.0
    """Every request takes longer by this part of its time."""
    worse: float = 0.0
    """What metric sources tell of it is worse by this part; of counts, this part more is bad."""
