"""Packs a directory into the tar that a release is sent as, and names it by what it holds."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, BinaryIO, cast

import msgspec

from plainsail.cli.exits import USAGE, Refusal
from plainsail.domain.release import Entry, Mode, check_link, ignored, tree_digest

IN_MEMORY = 32 * 2**20
"""Bytes of a tar that are not worth a file."""


class Packed(msgspec.Struct, frozen=True):
    """A tree, read once: what was hashed is what is sent. Close `tar` after use."""

    digest: str
    tar: BinaryIO
    size: int
    """Bytes of the tar."""
    files: int


def pack(directory: Path) -> Packed:
    """The same bytes for the same tree, whoever packs it. Raises Refusal (`release_*`)."""
    tar = cast(BinaryIO, tempfile.SpooledTemporaryFile(max_size=IN_MEMORY))  # noqa: SIM115  # handed on open
    try:
        entries = _write(directory, tar)
        digest = tree_digest(entries)
    except ValueError as error:
        tar.close()
        raise Refusal(
            USAGE,
            "release_invalid",
            f"{directory} can't be a release: {error}",
            "name the directory that is to run",
        ) from error
    except OSError as error:
        tar.close()
        raise Refusal(
            USAGE, "release_unreadable", f"{error.filename or directory} can't be read: {error.strerror}"
        ) from error
    size = tar.tell()
    tar.seek(0)
    return Packed(digest, tar, size, len(entries))


def _write(directory: Path, out: IO[bytes]) -> list[Entry]:
    entries: list[Entry] = []
    with tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        for path, found in sorted(_below(directory, "")):
            member = tarfile.TarInfo(path)
            if stat.S_ISLNK(found.st_mode):
                target = os.readlink(directory / path)
                check_link(path, target)
                member.type, member.linkname = tarfile.SYMTYPE, target
                archive.addfile(member)
                entries.append(Entry(path, "link", hashlib.sha256(os.fsencode(target)).hexdigest()))
            elif stat.S_ISREG(found.st_mode):
                entries.append(_add(archive, member, directory / path))
            else:
                raise ValueError(f"{path} is neither a file, a directory nor a link")
    return entries


def _add(archive: tarfile.TarFile, member: tarfile.TarInfo, place: Path) -> Entry:
    descriptor = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        before = os.fstat(descriptor)
        mode: Mode = "exec" if before.st_mode & stat.S_IXUSR else "file"
        member.size, member.mode = before.st_size, 0o755 if mode == "exec" else 0o644
        hashing = Hashing(file)
        try:
            archive.addfile(member, hashing)
        except OSError as error:
            if error.errno is not None:
                raise
            raise ValueError(f"{member.name} became shorter while it was read") from error
        after = os.fstat(descriptor)
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise ValueError(f"{member.name} changed while it was read")
    return Entry(member.name, mode, hashing.digest())


class Hashing(io.RawIOBase):
    """A file whose bytes are hashed as they are read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        block = self._file.read(size)
        self._hash.update(block)
        return block

    def digest(self) -> str:
        return self._hash.hexdigest()


def _below(directory: Path, prefix: str) -> Iterator[tuple[str, os.stat_result]]:
    """Everything that is part of a release, links not followed. Empty directories are not."""
    with os.scandir(directory / prefix) as found:
        for entry in found:
            path = prefix + entry.name
            if ignored(path):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _below(directory, path + "/")
            else:
                yield path, entry.stat(follow_symlinks=False)
