"""How a release's instances behave in a simulated world."""

from __future__ import annotations

import msgspec

TAIL = 0.02
"""Part of requests: enough that p99 is among them, and too few for p90."""


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
    slow_tail: float = 0.0
    """The slowest of all (`TAIL`) take longer by this part of their time, the others don't: it shows at p99 only."""
    bad_replicas: float = 0.0
    """This part of its instances fails everything, the others are well: of 0.25 the second, the sixth, and so on."""
    worse: float = 0.0
    """What metric sources tell of it is worse by this part; of counts, this part more is bad."""

    def of(self, number: int) -> Behaviour:
        """How the instance behaves that is started as this one (1, 2, ...); retired ones are counted too."""
        bad = int(number * self.bad_replicas + 0.5) > int((number - 1) * self.bad_replicas + 0.5)
        return msgspec.structs.replace(self, bad_replicas=0.0, errors=1.0 if bad else self.errors)
