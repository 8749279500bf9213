"""Releases' trees on this machine's disk, each under its digest, written once and read-only afterwards."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import hashlib
import os
import re
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, BinaryIO

import msgspec

from plainsail.domain.release import Entry, Mode, check_link, check_path, ignored, short, tree_digest
from plainsail.drivers._kit.records import Upgrade, decode
from plainsail.drivers._kit.tree import CHUNK, walk
from plainsail.ports.artifacts import Artifacts
from plainsail.ports.errors import Broken, NotFound, Rejected

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


VERSION = 1
"""Of the manifest; a change that yesterday's does not fit raises it, with a step in `UPGRADES`."""
UPGRADES: Mapping[int, Upgrade] = {}


class Manifest(msgspec.Struct, frozen=True):
    """What was received."""

    entries: tuple[Entry, ...]
    record: int = VERSION


class TreeStore:
    """`trees/sha256/HEX` is a tree and `trees/sha256/HEX.json` its manifest; `incoming/` holds what is half received.

    A tree appears by one rename, so it is whole or not there, after a crash too.
    """

    def __init__(self, directory: Path) -> None:
        self._trees = directory / "trees" / "sha256"
        self._incoming = directory / "incoming"
        for path in (self._trees, self._incoming):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in self._incoming.iterdir():
            with contextlib.suppress(FileNotFoundError), _hold(left) as free:
                if free:
                    _delete(left)

    def has(self, digest: str) -> bool:
        return self._place(digest).is_dir()

    def tree(self, digest: str) -> Path:
        place = self._place(digest)
        if not place.is_dir():
            raise NotFound(
                "release_missing", f"The files of {short(digest)} are not kept here", "deploy it again"
            )
        return place

    def receive(self, stream: BinaryIO, digest: str) -> None:
        place = self._place(digest)
        if place.is_dir():
            while stream.read(CHUNK):  # the sender expects to be heard out
                pass
            return
        try:
            with self._scratch() as scratch:
                self._keep(_unpack(stream, scratch), scratch, place, digest)
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                raise Rejected(
                    "bad_archive", f"The archive is refused: {error}", "shorten the name"
                ) from error
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise Broken(
                "disk_full",
                f"No space left in {self._incoming} for {short(digest)}",
                "free some, then deploy it again",
            ) from error

    def check(self, digest: str) -> None:
        place = self.tree(digest)
        try:
            now = tuple(sorted(walk(place)))
            if tree_digest(now) == digest:
                return
            changed = self._changed(place, now)
        except (ValueError, OSError, msgspec.MsgspecError) as error:
            changed = str(error)
        raise Broken(
            "release_damaged",
            f"The files of {short(digest)} are not what was received: {changed}",
            f"delete {place} and deploy it again",
        )

    def _place(self, digest: str) -> Path:
        if not DIGEST.fullmatch(digest):
            raise Rejected("bad_digest", f"{digest!r} is not a digest", "write sha256: and 64 hex digits")
        return self._trees / digest.removeprefix("sha256:")

    @contextlib.contextmanager
    def _scratch(self) -> Iterator[Path]:
        """A directory that is gone afterwards; a lock tells other processes that its maker still lives."""
        scratch = Path(tempfile.mkdtemp(dir=self._incoming))
        with _hold(scratch):
            try:
                yield scratch
            finally:
                _delete(scratch)

    def _keep(self, entries: list[Entry], scratch: Path, place: Path, digest: str) -> None:
        try:
            received = tree_digest(entries)
        except ValueError as error:
            raise Rejected("bad_archive", f"The archive is no release: {error}", "") from error
        if received != digest:
            raise Rejected(
                "digest_mismatch",
                f"The archive holds {short(received)}, not {short(digest)}",
                "it was changed on its way or while it was read; deploy again",
            )
        manifest = scratch / "manifest.json"
        manifest.write_bytes(msgspec.json.encode(Manifest(tuple(sorted(entries)))))
        _sync_filesystem(scratch)
        os.replace(manifest, place.with_suffix(".json"))
        try:
            os.rename(scratch / "tree", place)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            return  # somebody else received the same
        place.chmod(0o555)
        _sync_filesystem(self._trees)

    def _changed(self, place: Path, now: tuple[Entry, ...]) -> str:
        """Up to three paths that differ from the manifest."""
        manifest = place.with_suffix(".json")
        kept = decode(manifest.read_bytes(), Manifest, manifest, VERSION, UPGRADES).entries
        paths = sorted({entry.path for entry in set(kept).symmetric_difference(now)})
        return ", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")


def _unpack(stream: BinaryIO, scratch: Path) -> list[Entry]:
    """Write the archive's members below `scratch/tree`. Nothing in it can reach a path outside, whatever it says."""
    root = scratch / "tree"
    root.mkdir(mode=0o755)
    unpacking = _Unpacking(root)
    try:
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                unpacking.add(archive, member)
        unpacking.finish()
    except tarfile.TarError as error:
        raise Rejected(
            "bad_archive", f"The archive cannot be read: {error}", "send an uncompressed tar"
        ) from error
    except ValueError as error:
        raise Rejected("bad_archive", f"The archive is refused: {error}", "") from error
    return unpacking.entries


class _Unpacking:
    """One archive on its way to disk. Raises ValueError on a member that is no part of any release."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._taken: set[str] = set()
        """Paths of files and links."""
        self._directories: set[str] = {""}
        self.entries: list[Entry] = []

    def add(self, archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        path = member.name.removeprefix("./").rstrip("/")
        if member.isdir() and path in ("", "."):
            return
        check_path(path)
        if ignored(path):
            return
        if member.isdir():  # made when something is in it: an empty one is no part of a release
            self._claim_directory(path)
        elif member.issym():
            check_link(path, member.linkname)
            self._claim(path)
            os.symlink(member.linkname, self._root / path)
            self._record(path, "link", hashlib.sha256(os.fsencode(member.linkname)).hexdigest())
        elif member.isreg() and not member.issparse():
            self._claim(path)
            mode: Mode = "exec" if member.mode & 0o100 else "file"
            content = archive.extractfile(member)
            assert content is not None
            self._record(path, mode, _write(content, self._root / path, 0o555 if mode == "exec" else 0o444))
        else:
            raise ValueError(f"{path} is neither a plain file, a directory nor a symbolic link")

    def finish(self) -> None:
        """Links that lead outside by way of other links, and directories nobody shall write to."""
        inside = os.path.realpath(self._root)
        for entry in self.entries:
            if entry.mode == "link":
                reached = os.path.realpath(self._root / entry.path)
                if reached != inside and not reached.startswith(inside + "/"):
                    raise ValueError(f"{entry.path} is a link that leads out of the tree")
        for directory in self._directories - {""}:
            with contextlib.suppress(FileNotFoundError):  # an empty one
                (self._root / directory).chmod(0o555)

    def _claim(self, path: str) -> None:
        if path in self._taken or path in self._directories:
            raise ValueError(f"{path} is in it twice")
        parent = path.rpartition("/")[0]
        self._claim_directory(parent)
        self._taken.add(path)
        (self._root / parent).mkdir(mode=0o755, parents=True, exist_ok=True)

    def _claim_directory(self, path: str) -> None:
        while path not in self._directories:
            if path in self._taken:
                raise ValueError(f"{path} is in it as a file and as a directory")
            self._directories.add(path)
            path = path.rpartition("/")[0]

    def _record(self, path: str, mode: Mode, sha256: str) -> None:
        self.entries.append(Entry(path, mode, sha256))


def _write(content: IO[bytes], path: Path, mode: int) -> str:
    """Copy a member; its SHA-256."""
    hasher = hashlib.sha256()
    with open(path, "xb", buffering=0) as file:
        while chunk := content.read(CHUNK):
            hasher.update(chunk)
            rest = memoryview(chunk)
            while rest:
                rest = rest[file.write(rest) :]
        os.fchmod(file.fileno(), mode)
    return hasher.hexdigest()


@contextlib.contextmanager
def _hold(directory: Path) -> Iterator[bool]:
    """Lock a directory as long as this process lives; false if somebody else holds it."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(handle)


def _sync_filesystem(directory: Path) -> None:
    """One syncfs(2): a release may be twenty thousand files, and an fsync of each takes minutes on a slow disk."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(handle) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), str(directory))
    finally:
        os.close(handle)


def _delete(directory: Path) -> None:
    for parent, _, _ in os.walk(directory):
        os.chmod(parent, 0o700)
    shutil.rmtree(directory, ignore_errors=True)


def _is_artifacts(store: TreeStore) -> Artifacts:
    return store
