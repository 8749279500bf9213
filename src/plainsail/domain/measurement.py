"""Measurements: what a metric source knows of one group in one window of time, and what is asked of it."""

from __future__ import annotations

import msgspec


class Ask(msgspec.Struct, frozen=True):
    """One question: the parts of one metric, for one group, in one window."""

    metric: str
    """Name in the file; for messages."""
    queries: dict[str, str]
    """By part (`requests`, `failures`; `count`, `sum`, `squares`; `value`; `buckets`), in the source's own language."""
    service: str
    environment: str
    group: str
    release: str
    """Digest."""
    version: str
    instances: tuple[str, ...]
    """Addresses (`host:port`) of the group's instances."""
    since: float
    until: float
    """Seconds since 1970; the window is (since, until]."""

    def words(self) -> dict[str, str]:
        """What the placeholders of a query stand for: `{group}`, `{window}` (whole seconds: `30s`), ..."""
        return {
            "service": self.service,
            "environment": self.environment,
            "group": self.group,
            "release": self.release,
            "version": self.version,
            "window": f"{max(1, round(self.until - self.since))}s",
            "since": f"{self.since:.3f}",
            "until": f"{self.until:.3f}",
        }


class Reading(msgspec.Struct, frozen=True):
    """The answer. A part that the source knows nothing of is absent: absent is not 0."""

    since: float
    until: float
    parts: dict[str, float] = {}
    buckets: tuple[tuple[float, float], ...] = ()
    """Of a histogram: (upper bound, how many are in this bucket alone), bounds growing; the last may be infinite."""
    partial: str = ""
    """Why this is not all there is, in one clause; empty: it is."""
    missing: str = ""
    """Why there is nothing, in one clause; empty: there is something."""
