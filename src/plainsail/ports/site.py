"""What every driver is built with, besides its own configuration: `Driver(config, site)`."""

from __future__ import annotations

from pathlib import Path

import msgspec

from plainsail.ports.artifacts import Artifacts


class Site(msgspec.Struct, frozen=True):
    """The environment a driver object works for, and its place on disk."""

    environment: str
    directory: Path
    """The driver's own directory, owner-only; kept across restarts."""
    artifacts: Artifacts
