"""A driver's own directory that cannot be written to, in our errors."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

from plainsail.ports.errors import Broken, Transient


@contextlib.contextmanager
def usable(directory: Path) -> Iterator[None]:
    """Raises Transient (`disk_full`) or Broken (`disk_unusable`) for an OSError inside."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise full(directory) from error
        what = f"{directory} cannot be used: {(error.strerror or str(error)).lower()}"
        raise Broken("disk_unusable", what, "look at its owner and permissions") from error


def full(directory: Path) -> Transient:
    """What keeps instances from being started; those that run are not touched by it."""
    return Transient(
        "disk_full",
        f"No space left in {directory} to start instances; those that run go on",
        "free some, then it continues by itself",
    )
