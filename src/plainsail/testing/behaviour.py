"""How a release's instances behave in a simulated world."""

from __future__ import annotations

import msgspec

TAIL = 0.02
"""Part of requests: enough that p99 is among them, and too few for p90."""
CLUSTERED = 0.002
"""Part of requests that fail where failures come in clusters: twice in a thousand is what a shop with a shaky dependency has."""
LEAK_SLOWER, LEAK_ERRORS = 1.0, 0.1
"""What a leak comes to: requests take longer by this part of their time, and in its second half up to this part fails. Garbage
collection under a full heap about doubles the time, and then allocations begin to fail."""
LEAK_STAGES = 60
"""A leak grows in so many stages, so that instances of about the same age are alike."""


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
    kpi: float = 0.0
    """The KPI of a test is better by this part of live's; of several variants, the first one's."""

    differs: float = 0.0
    """Part of its good answers that have another body than live's to the same request."""
    burst: int = 0
    """Failures come in clusters of so many at most (`CLUSTERED` of all requests, in the long run)."""
    leak: float = 0.0
    """Seconds of an instance's life in which it comes to be twice as slow and then to fail; 0: it does not leak."""
    after: float = 0.0
    """Seconds since the world's `zero` until which it is sound."""
    lasts: float = 0.0
    """Seconds after which it is sound again; 0: it never is."""

    def at(self, since: float, age: float) -> Behaviour:
        """How it is so many seconds after the world's `zero`, of an instance that started so many seconds ago."""
        if not (self.after or self.lasts or self.leak):
            return self
        if since < self.after or (self.lasts and since >= self.after + self.lasts):
            return Behaviour(starts_in=self.starts_in)
        if not self.leak:
            return self
        level = int(LEAK_STAGES * min(1.0, age / self.leak, (since - self.after) / self.leak)) / LEAK_STAGES
        errors = max(0.0, 2.0 * level - 1.0) * LEAK_ERRORS
        return msgspec.structs.replace(self, leak=0.0, slower=level * LEAK_SLOWER, errors=errors)

    def crashes_at(self, started: float, zero: float) -> float | None:
        """The moment at which an instance that started then will crash, if nobody ends it before."""
        return None if self.crash_after is None else max(started, zero + self.after) + self.crash_after

    def of(self, number: int) -> Behaviour:
        """How the instance behaves that is started as this one (1, 2, ...); retired ones are counted too."""
        bad = int(number * self.bad_replicas + 0.5) > int((number - 1) * self.bad_replicas + 0.5)
        return msgspec.structs.replace(self, bad_replicas=0.0, errors=1.0 if bad else self.errors)
