"""Failures that come in clusters: a connection pool that ran dry, a dependency that hiccups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainsail.testing.behaviour import CLUSTERED
from plainsail.testing.chance import poisson

if TYPE_CHECKING:
    from plainsail.testing.world import World

LASTS = 1.0
"""Seconds in which a cluster's failures come, as in `bench/false_alarms.py`. Of a group with few users fewer than its size do."""


class Clusters:
    """Which of a group's requests fail, where clusters of consecutive ones do. Each group has clusters of its own."""

    def __init__(self) -> None:
        self._owed: dict[tuple[str, str], tuple[int, float]] = {}
        """Failures that are to come of clusters, and until when; by service and group."""

    def among(self, world: World, service: str, group: str, size: int, requests: int) -> int:
        """How many of the group's next requests fail."""
        owed, until = self._owed.get((service, group), (0, 0.0))
        begun = poisson(world.random, requests * CLUSTERED / size)
        owed = (owed if world.now < until else 0) + size * begun
        failed = min(owed, requests)
        self._owed[service, group] = owed - failed, world.now + LASTS if begun else until
        return failed
