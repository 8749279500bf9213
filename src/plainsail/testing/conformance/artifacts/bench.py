"""What the artifacts suite works with: a store in a directory, and trees to keep."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

from plainsail.domain.release import tree_digest
from plainsail.drivers._kit.tree import pack, walk
from plainsail.ports.artifacts import Artifacts
from plainsail.testing.conformance.bench import Bench

ELSEWHERE = "sha256:" + "0" * 64
"""The digest of no tree."""


class ArtifactsBench(Bench):
    """The defaults fit a store that is made with `Driver(directory)`."""

    kind = "artifacts"

    def make(self) -> Artifacts:
        """A store object; all that are made here are of the same place."""
        made: Artifacts = self.driver(self.directory / "store")
        return made

    def tree(self) -> tuple[str, bytes]:
        """A release with a program, a link, something nested, and caches that are no part of it: digest and archive."""
        root = self.directory / "shop"
        if not root.exists():
            (root / "bin/__pycache__").mkdir(parents=True)
            (root / "bin/serve").write_text("#!/bin/sh\nexec sleep 1\n")
            (root / "bin/serve").chmod(0o750)
            (root / "bin/__pycache__/x.cpython-311.pyc").write_bytes(b"cache")
            (root / "data/deep").mkdir(parents=True)
            (root / "data/deep/ü.bin").write_bytes(bytes(range(256)) * 8000)
            (root / "latest").symlink_to("bin/serve")
        out = io.BytesIO()
        pack(root, out)
        return tree_digest(walk(root)), out.getvalue()

    def any_tar(self) -> bytes:
        """The same tree as any tar program would pack it: directories, caches and all."""
        self.tree()
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as made:
            made.add(self.directory / "shop", arcname=".")
        return out.getvalue()

    def outside(self) -> list[Path]:
        """What lies beside the store: nothing but the suite's own."""
        return [path for path in self.directory.iterdir() if path.name not in ("store", "shop")]


def tar(*members: tuple[tarfile.TarInfo, bytes]) -> io.BytesIO:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as made:
        for info, content in members:
            info.size = len(content)
            made.addfile(info, io.BytesIO(content))
    out.seek(0)
    return out


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info, b"content" if kind == tarfile.REGTYPE else b""
