"""The router port: one instance per environment moves the traffic of all its services."""

from __future__ import annotations

from typing import Protocol

import msgspec

from plainsail.domain.observation import Counts, Latency, Mirrored
from plainsail.domain.traffic import Capabilities, Traffic

__all__ = ["Capabilities", "Router", "RouterSeen"]


class RouterSeen(msgspec.Struct, frozen=True):
    """One service as the router has it."""

    traffic: Traffic | None
    """What is in force, read back from the router itself; None: it knows nothing of the service."""
    sessions: dict[str, int] = {}
    """Open connections by instance, members or not, as long as the router still knows the instance."""
    counts: dict[str, Counts] = {}
    latency: dict[str, Latency] = {}
    instances: dict[str, Counts] = {}
    """By instance, as far as the router can tell them apart; empty if it can't."""
    mirrored: dict[str, Mirrored] = {}
    """By group that gets, or got, copies."""


class Router(Protocol):
    """Lifecycle: `start` adopts the running router or starts one, with the last known traffic in place before the
    first request; `apply` and `observe` as often as wanted; `stop` lets go and leaves it running; `end` stops it.

    Raises only errors of `ports.errors`: Unsupported for what `capabilities` deny, Rejected for names it can't take, and
    Transient, within seconds, as long as the router does not answer. A router outlives the control plane.
    """

    capabilities: Capabilities

    async def start(self) -> None: ...

    async def apply(self, traffic: Traffic, epoch: int) -> None:
        """Make it so. New members and shares are raised before old ones are lowered; a member that is no longer named
        gets no new connection and is forgotten once it has none. Fenced if a newer epoch was seen."""
        ...

    async def observe(self, service: str) -> RouterSeen: ...

    async def remove(self, service: str, epoch: int) -> None: ...

    async def stop(self) -> None: ...

    async def end(self) -> None: ...
