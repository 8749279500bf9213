"""What the engine lets the use cases see: the world as it was last looked at. Never stored, never authoritative."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from plainsail.domain.observation import Seen
from plainsail.domain.recent import Sample
from plainsail.ports.provider import OutputLine
from plainsail.ports.store import Key


class Live(Protocol):
    """The engine beside us, or a stand-in where none runs. Every method may be called from any thread."""

    def seen(self, key: Key) -> Seen | None:
        """The last look; None if this control plane does not hold the target."""
        ...

    def recent(self, key: Key, after: float = 0.0) -> tuple[Sample, ...]:
        """What was seen in the last quarter of an hour, later than `after`, oldest first; empty if it does not hold it."""
        ...

    def trouble(self, key: Key) -> Mapping[str, str]:
        """By driver: what it last failed with."""
        ...

    def nudge(self, key: Key) -> None:
        """An intent was written: look now rather than soon."""
        ...

    async def output(self, key: Key, group: str | None = None, lines: int = 50) -> tuple[OutputLine, ...]:
        """The last lines that each instance wrote."""
        ...
