"""Live's past as something to compare with: what its users met before all of them were the candidate's.

Two windows of bounded age are remembered with the target, so that a release that has all users can still be held against
the one before. A past is no control: what changed for everybody since then looks like the candidate's fault. So it is only
used where nobody else is left to compare with, and with the upper end of what live's rate may have been.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec

from plainsail.domain.evidence import Arm
from plainsail.domain.observation import Counts
from plainsail.domain.stats import history

replace = msgspec.structs.replace

WINDOW = 3600.0
"""Seconds. What is remembered is between one and two of these old: long enough for a quiet service to have a rate, short
enough for the same time of day."""
DELTA = 0.005
"""Odds that live's true rate was above its bound all the same; half of the usual alpha, as `stats.history` says."""
OWN = 1000
"""Requests of live in the rollout's own window from which on that window alone is the past: it is the fresher one."""


class Past(msgspec.Struct, frozen=True):
    """What a group's users met lately: the window that is filled, and the one before."""

    group: str
    slow_after: float
    """The latency bound at which slow ones were counted; with another one they say nothing."""
    since: float
    counted: Counts
    """Cumulative counts at the last look."""
    now: Arm = Arm()
    before: Arm = Arm()

    def arm(self) -> Arm:
        return Arm(
            self.now.requests + self.before.requests,
            self.now.failures + self.before.failures,
            0,
            self.now.slow + self.before.slow,
        )


def remembered(
    past: Past | None, group: str, counts: Counts | None, slow_after: float, at: float
) -> Past | None:
    """With this look. A group begins with all that it ever counted; another bound, or a router that began anew, here."""
    if counts is None:
        return past
    if past is None or past.group != group:
        return Past(group, slow_after, at, counts, Arm(counts.requests, counts.failures, 0, counts.slow))
    if past.slow_after != slow_after:
        return Past(group, slow_after, at, counts)
    new = Arm(
        counts.requests - past.counted.requests,
        counts.failures - past.counted.failures,
        0,
        counts.slow - past.counted.slow,
    )
    if min(new.requests, new.failures, new.slow) < 0:
        return replace(past, counted=counts)
    if not new.requests and not new.failures and not new.slow:
        return past
    if at - past.since >= WINDOW:
        stale = at - past.since >= 2 * WINDOW
        past = replace(past, before=Arm() if stale else past.now, now=Arm(), since=at)
    now = past.now
    sums = Arm(now.requests + new.requests, now.failures + new.failures, 0, now.slow + new.slow)
    return replace(past, counted=counts, now=sums)


@lru_cache(maxsize=1024)
def at_most(bad: int, requests: int) -> float:
    """The largest rate that so many bad ones among so many requests still allow, at `DELTA`; 1 without requests."""
    return history.at_most(requests, bad, DELTA)


@lru_cache(maxsize=1024)
def limit(bad: int, requests: int, margin: float, relative: float) -> float:
    """The rate beyond which a candidate is worse than this past by more than its margin; below 1, so that it is a bet."""
    return history.limit(requests, bad, margin, relative, DELTA)
