"""What was seen of a target lately, for live charts. Never stored: the record is the store's, this is a window."""

from __future__ import annotations

from collections import deque

import msgspec

from plainsail.domain.observation import Latency, Seen

KEPT_FOR = 900.0
"""Seconds."""
BUSY_EVERY, CALM_EVERY = 0.9, 4.5
"""Seconds between samples while a rollout is under way, and else; a little less than 1 and 5, as no look is punctual."""


class GroupSample(msgspec.Struct, frozen=True, gc=False):
    """A group at one moment. Counts are cumulative, as drivers report them; a smaller one than before means the router
    began anew."""

    share_bp: int
    ready: int
    requests: int = 0
    failures: int = 0
    slow: int = 0
    latency: Latency | None = None


class Sample(msgspec.Struct, frozen=True):
    """A target at one moment."""

    at: float
    groups: dict[str, GroupSample]


class Recent:
    """The last quarter of an hour. Stretches in which nothing happens cost two samples."""

    def __init__(self) -> None:
        self._samples: deque[Sample] = deque()

    def add(self, seen: Seen, busy: bool) -> None:
        """Remember a look, if it is time for one and it was a look at everything."""
        samples = self._samples
        every = BUSY_EVERY if busy else CALM_EVERY
        if not seen.router_up or (samples and seen.at - samples[-1].at < every):
            return
        sample = sampled(seen)
        if len(samples) > 1 and samples[-1].groups == samples[-2].groups == sample.groups:
            samples.pop()
        samples.append(sample)
        while len(samples) > 2 and seen.at - samples[1].at >= KEPT_FOR:
            samples.popleft()  # the first one left tells how things stood when the window opens

    def since(self, after: float = 0.0) -> tuple[Sample, ...]:
        """Those later than `after`, oldest first. May be called from any thread."""
        return tuple(sample for sample in self._samples.copy() if sample.at > after)


def sampled(seen: Seen) -> Sample:
    groups = {}
    for group in sorted({*seen.groups, *(seen.traffic.groups() if seen.traffic else ())}):
        counts = seen.counts.get(group)
        groups[group] = GroupSample(
            share_bp=seen.share(group),
            ready=seen.ready(group),
            requests=counts.requests if counts else 0,
            failures=counts.failures if counts else 0,
            slow=counts.slow if counts else 0,
            latency=seen.latency.get(group),
        )
    return Sample(seen.at, groups)
