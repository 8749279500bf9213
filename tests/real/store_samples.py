"""Values to fill a store with, those of the conformance suite; and where ours is."""

from pathlib import Path

from plainsail.testing.conformance.store.samples import *  # noqa: F403


def url(directory: Path) -> str:
    return f"sqlite:///{directory / 'plainsail.db'}"
