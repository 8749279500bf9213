"""`plainsail down`: stop what a data directory owns."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import sys
import time
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from plainsail.ports.errors import Failure
from plainsail.wiring import build, remains

WITHIN = 15.0
"""Seconds the control plane is given to leave."""


def down(*, data: Annotated[Path, Parameter(env_var="PLAINSAIL_DATA")] = Path(".plainsail")) -> int:
    """Stop every instance and router this data directory owns, and the control plane if it runs.

    Users get no answer any more. Releases, history and settings stay; plainsail up brings everything back. It
    works without a readable store too: what runs is known by its directories.

    Example: `plainsail down`
    Example: `plainsail down --data /var/lib/plainsail`

    Parameters
    ----------
    data
        The directory given to plainsail up.
    """
    data = data.absolute()
    if not (data / "plainsail.db").exists() and not (data / "sites").exists():
        print(f"there is no plainsail in {data}; name its directory with --data", file=sys.stderr)
        return 3
    with open(data / "lock", "a+") as lock:
        if not _stop_control_plane(lock.fileno(), data):
            print("the control plane does not stop; end it by hand and try again", file=sys.stderr)
            return 1
        declared = {}
        try:
            plane = build(data, anew=True)
            declared = plane.store.environments()
            plane.store.close()
            sites = plane.sites
        except (
            Failure
        ) as failure:  # What runs can be stopped without the store: it is known by its directories.
            print(failure, file=sys.stderr)
            sites = remains(data)
        left = asyncio.run(sites.end(declared))
    for line in left:
        print(line, file=sys.stderr)
    print("could not stop everything" if left else "stopped", file=sys.stderr)
    return 1 if left else 0


def _stop_control_plane(lock: int, data: Path) -> bool:
    """True when nobody holds the lock (any more); then we do."""
    until = time.monotonic() + WITHIN
    told = False
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pass
        else:
            return True
        holder = (data / "lock").read_text().strip()
        if not told and holder.isdigit() and _is_control_plane(int(holder)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(holder), signal.SIGTERM)
            told = True
        if time.monotonic() > until:
            return False
        time.sleep(0.05)


def _is_control_plane(pid: int) -> bool:
    """Between taking the lock and writing its number into it, a process leaves its predecessor's there: by now
    nobody's, or a stranger's."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")
    except OSError:
        return False
    program = words[: words.index("up")] if "up" in words else []
    return any(Path(word).name.startswith(("plainsail", "python")) for word in program)
