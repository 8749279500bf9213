"""Instances that the simulated router lets go: each has connections for as long as its slowest request takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainsail.domain.traffic import Traffic
from plainsail.testing.insiders import share
from plainsail.testing.instances import Running

if TYPE_CHECKING:
    from plainsail.testing.world import World

HANGS = 60.0
"""Seconds after which a request without an answer has failed: HAProxy's `server` timeout, as our driver sets it."""
LONGEST = 0.999
"""An instance that is let go is busy for as long as this part of requests takes at most."""


class Leaving:
    """Of one router."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._until: dict[str, dict[str, float]] = {}
        """By service and instance."""

    def begins(self, before: Traffic, after: Traffic) -> None:
        """A table takes the place of another one: who is not in it any more is let go."""
        until = self._until.setdefault(before.service, {})
        named = {member.instance for members in after.members.values() for member in members}
        for group, members in before.members.items():
            for member in members if share(before, group, self._world.insiders) else ():
                one = self._world.provider.find(member.instance)
                if one is not None and member.instance not in named:
                    until[member.instance] = self._world.now + self._longest(one)

    def busy(self, service: str) -> tuple[str, ...]:
        """Those that have connections still."""
        return tuple(id for id, until in self._until.get(service, {}).items() if until > self._world.now)

    def forget(self) -> None:
        """The router is started anew."""
        self._until.clear()

    def _longest(self, one: Running) -> float:
        """Seconds that an instance is busy for after it was let go."""
        like = self._world.like(one)
        return HANGS if like.lies else self._world.latency.quantile(LONGEST) * (1.0 + like.slower)
