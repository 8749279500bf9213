"""The metric source port: one instance per source and environment answers what is known of a group in a window."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from plainsail.domain.measurement import Ask, Reading

__all__ = ["Ask", "Metrics", "Reading"]


class Metrics(Protocol):
    """Built as `Driver(config, site)`. Any number of `read` may be under way at once.

    Raises only errors of `ports.errors`: Transient when it may work later (no connection, an answer in time, a 5xx),
    Rejected when the query is wrong as the source sees it, Unsupported for a part that it can't answer. What it does not
    know is no error: `Reading.missing`. A number that is not finite is never handed on: it is missing.
    """

    def check(self, queries: Mapping[str, str]) -> str | None:
        """What is wrong with these queries, as far as one can tell without asking; None: nothing."""
        ...

    async def read(self, ask: Ask) -> Reading:
        """The parts over (ask.since, ask.until]."""
        ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...
