"""A secret in a file of its own, as one line; never in a configuration, an address, a message or a process list."""

from __future__ import annotations

from pathlib import Path

LARGEST = 1 << 14
"""Bytes; servers refuse heads above 8 to 16 KiB."""


def secret(path: str) -> str:
    """Read anew each time, as secrets are replaced while we run. Raises ValueError, which says why in a clause that holds
    nothing of the file."""
    try:
        with Path(path).open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise ValueError(f"{path} can't be read: {(error.strerror or 'error').lower()}") from None
    text = content.decode("ascii", "replace").strip()
    if not text or len(content) > LARGEST or not (text.isascii() and text.isprintable()):
        raise ValueError(f"{path} does not hold it as one line of printable characters")
    return text
