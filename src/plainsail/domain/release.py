"""A release: an immutable artifact with a content address.

The identity is a digest over the tree's sorted (path, mode, content) entries, so the same tree is the same release,
whoever makes it, in whatever order its files are listed, whatever the umask. Compiled caches are no part of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Literal

import msgspec

Mode = Literal["file", "exec", "link"]
"""`exec` is a file that its owner may execute; the content of a `link` is its target."""

IGNORED_NAMES = frozenset({"__pycache__", ".git", ".plainsail", ".DS_Store"})
"""Names that are never part of a release: caches that running the program makes, and what surrounds it."""


class Entry(msgspec.Struct, frozen=True, order=True):
    """One file of a tree: POSIX path relative to its root, mode, SHA-256 of its bytes (hex)."""

    path: str
    mode: Mode
    sha256: str


class Release(msgspec.Struct, frozen=True):
    """What was built once and runs everywhere.

    `digest` is `sha256:` and 64 hex digits. `version` is the name people use; it is not the identity.
    """

    digest: str
    service: str
    version: str
    made_at: float
    commit: str = ""
    labels: dict[str, str] = {}


def tree_digest(entries: Iterable[Entry]) -> str:
    """The content address of a tree: SHA-256 over its sorted entries, each framed so that no two trees collide.

    Raises ValueError on an empty tree, a path given twice, or a path that leaves the tree.
    """
    hasher = hashlib.sha256(b"plainsail tree 1\n")
    last = ""
    count = 0
    for entry in sorted(entries):
        check_path(entry.path)
        if entry.path == last:
            raise ValueError(f"{entry.path} is in the tree twice")
        path = entry.path.encode("utf-8", "surrogateescape")
        hasher.update(b"%s %s %d " % (entry.mode.encode(), entry.sha256.encode(), len(path)))
        hasher.update(path + b"\n")
        last, count = entry.path, count + 1
    if not count:
        raise ValueError("the tree is empty")
    return "sha256:" + hasher.hexdigest()


def check_path(path: str) -> None:
    """Raises ValueError unless the path is relative, normal and inside its tree."""
    parts = path.split("/")
    if not path or path.startswith("/") or "\0" in path or any(part in ("", ".", "..") for part in parts):
        raise ValueError(f"{path!r} is not a path inside the tree")


def check_link(path: str, target: str) -> None:
    """Raises ValueError if the link's target is absolute or leads out of the tree."""
    depth = path.count("/")
    for part in target.split("/"):
        depth += {"..": -1, ".": 0, "": 0}.get(part, 1)
        if depth < 0:
            break
    if target.startswith("/") or depth < 0 or not target:
        raise ValueError(f"{path} is a link to {target!r}, outside the tree")


def ignored(path: str) -> bool:
    """True for what is never part of a release (`IGNORED_NAMES`, `*.pyc`)."""
    return path.endswith(".pyc") or not IGNORED_NAMES.isdisjoint(path.split("/"))


def short(digest: str) -> str:
    """The first 12 hex digits, for people to read."""
    return digest.removeprefix("sha256:")[:12]
