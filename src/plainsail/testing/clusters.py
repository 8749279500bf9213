"""Failures that come in clusters: a connection pool that ran dry, a dependency that hiccups."""

from __future__ import annotations

from random import Random

from plainsail.testing.behaviour import CLUSTERED
from plainsail.testing.chance import poisson


class Clusters:
    """Which of a group's requests fail, where clusters of consecutive ones do. Each group has clusters of its own."""

    def __init__(self) -> None:
        self._owed: dict[tuple[str, str], int] = {}
        """Failures of clusters that have begun, by service and group."""

    def among(self, dice: Random, service: str, group: str, size: int, requests: int) -> int:
        """How many of the group's next requests fail."""
        owed = self._owed.get((service, group), 0) + size * poisson(dice, requests * CLUSTERED / size)
        failed = min(owed, requests)
        self._owed[service, group] = owed - failed
        return failed
