"""A directory seen as a release: its entries, and its archive."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from plainsail.domain.release import Entry, check_link, ignored

CHUNK = 1 << 20


def walk(directory: Path) -> Iterator[Entry]:
    """Every file and link below, with ignored names left out. Empty directories are no part of a release.

    Raises ValueError on a device, socket or pipe and on a link that leads outside; OSError as it comes.
    """
    for path, found in _below(directory, ""):
        if found.is_symlink():
            target = os.readlink(found)
            check_link(path, target)
            yield Entry(path, "link", hashlib.sha256(os.fsencode(target)).hexdigest())
        elif found.is_file():
            executable = found.stat().st_mode & 0o100
            yield Entry(path, "exec" if executable else "file", _hash(found.path))
        else:
            raise ValueError(f"{path} is neither a file, a directory nor a link")


def pack(directory: Path, out: BinaryIO) -> None:
    """Write the release as an uncompressed tar, the same bytes for the same tree."""
    with tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        for path, found in sorted(_below(directory, ""), key=lambda pair: pair[0]):
            member = tarfile.TarInfo(path)
            if found.is_symlink():
                member.type, member.linkname = tarfile.SYMTYPE, os.readlink(found)
                archive.addfile(member, io.BytesIO())
            else:
                with open(found, "rb") as file:
                    status = os.fstat(file.fileno())
                    member.size, member.mode = status.st_size, 0o755 if status.st_mode & 0o100 else 0o644
                    archive.addfile(member, file)


def _below(directory: Path, prefix: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    with os.scandir(directory / prefix) as found:
        for entry in found:
            path = prefix + entry.name
            if ignored(path):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _below(directory, path + "/")
            else:
                yield path, entry


def _hash(path: str) -> str:
    with open(path, "rb", buffering=0) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
