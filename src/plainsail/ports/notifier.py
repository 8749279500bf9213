"""The notifier port: tells people."""

from __future__ import annotations

from typing import Protocol

from plainsail.domain.events import Event


class Notifier(Protocol):
    """Raises Transient if it may work later; never blocks a rollout."""

    async def tell(self, event: Event) -> None: ...
