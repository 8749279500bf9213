"""Where a directory comes from: what git says of it, if it is under git."""

from __future__ import annotations

import subprocess
from pathlib import Path

import msgspec


class Origin(msgspec.Struct, frozen=True):
    """Both empty if git knows nothing. A commit is only named when the tree is exactly that commit's."""

    version: str = ""
    commit: str = ""


def origin(directory: Path) -> Origin:
    """`v1.4`, `v1.4-3-gc0ffee`, `c0ffee`, each with `-dirty` when there are changes that are not committed."""
    version = _git(directory, "describe", "--tags", "--always", "--dirty")
    clean = bool(version) and not version.endswith("-dirty")
    return Origin(version, _git(directory, "rev-parse", "HEAD") if clean else "")


def _git(directory: Path, *arguments: str) -> str:
    try:
        answer = subprocess.run(
            ["git", "-C", str(directory), *arguments],
            capture_output=True,
            check=False,
            timeout=10,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.decode(errors="replace").strip()[:200] if answer.returncode == 0 else ""
