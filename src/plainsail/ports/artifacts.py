"""The artifact port: where releases' trees are kept, each under its digest, written once."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, Protocol


class Artifacts(Protocol):
    """A content store of directory trees."""

    def has(self, digest: str) -> bool: ...

    def receive(self, stream: BinaryIO, digest: str) -> None:
        """Unpack an uncompressed tar, check that its tree has this digest, keep it. Rejected if not; nothing is kept
        then. Broken (`disk_full`) when there is no room."""
        ...

    def tree(self, digest: str) -> Path:
        """The directory. NotFound if it is not kept here."""
        ...

    def check(self, digest: str) -> None:
        """Broken if the kept tree is not what was received."""
        ...
