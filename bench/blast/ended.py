"""How a run ended, which every system answers with."""

from __future__ import annotations

import msgspec


class Ended(msgspec.Struct, frozen=True):
    """What a system did in a world. Seconds since the candidate's first users."""

    decided: float | None
    """When it decided to take the candidate back; None: never, as long as it was watched."""
    off: float | None
    """When the candidate had no users any more."""
    proven: float | None = None
    """When it was first shown to be within its margins."""
