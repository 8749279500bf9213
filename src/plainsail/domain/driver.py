"""A driver as a file names it: a word, and settings that only the driver itself understands."""

from __future__ import annotations

import msgspec


class Driver(msgspec.Struct, frozen=True):
    """A driver by name with its own, already checked configuration as plain data."""

    name: str
    config: dict[str, object] = {}
