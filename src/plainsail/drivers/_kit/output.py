"""What an instance writes: one file that it appends to, rotated under its hands without losing a line.

The writer outlives us and holds the file open, so it cannot be renamed or truncated away. Instead the older bytes are
copied out to a part file, and then their blocks are given back by punching a hole (fallocate(2)): the file's logical
length only grows, and the writer, which appends, notices nothing. A part's name says up to which byte it goes, so a
crash between copying and punching neither loses nor doubles anything.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

KEEP_SIZE, PUNCH_HOLE = 0x01, 0x02  # <linux/falloc.h>
BLOCK = 1 << 16
MOST_READ = 1 << 18
"""Bytes looked at for the last lines of one instance, however long its lines are."""


class Part(NamedTuple):
    """Older output. Sorts by age, oldest first."""

    number: int
    end: int
    """Offset in the writer's file up to which it goes."""
    path: Path


class Output:
    """`NAME.log`, and its parts `NAME.log.NUMBER-END`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        """Who reads must not see the hole before its part."""

    def open(self) -> int:
        """A descriptor for a new writer."""
        return os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def rotate(self, size: int, keep: int) -> None:
        """Move out what is older once the live part is larger than `size` bytes; keep the last `keep` parts."""
        with contextlib.suppress(FileNotFoundError), self._lock, open(self.path, "r+b", buffering=0) as live:
            end = os.fstat(live.fileno()).st_size
            parts = self._parts()
            start = _start(parts, end)
            if end - start < size:
                return
            start = max(start, end - keep * size)  # what would be thrown away at once need not be copied
            number = parts[-1].number + 1 if parts else 1
            while end - start >= size:
                stop = _line_end(live.fileno(), start, start + size)
                parts.append(self._copy(live.fileno(), start, stop, number))
                start, number = stop, number + 1
                for old in parts[: max(0, len(parts) - keep)]:
                    old.path.unlink(missing_ok=True)
            _punch(live.fileno(), start)

    def last(self, lines: int) -> list[str]:
        """The last lines, split at newlines only. A line that is longer than what is looked at begins with `...`."""
        found = b""
        whole = True
        with self._lock:
            for block in self._backwards():
                found = block + found
                if len(found) >= MOST_READ or found.count(b"\n") > lines:
                    whole = False
                    break
        texts = found.split(b"\n")
        if texts and not texts[-1]:
            texts.pop()
        if not whole and len(texts) > lines:
            texts = texts[-lines:]
        elif not whole and texts:
            texts = texts[1:] if len(texts) > 1 else [b"..." + texts[0]]
        return [text.decode(errors="replace") for text in texts[-lines:]] if lines > 0 else []

    def size(self) -> int:
        """Bytes on disk of the live part."""
        try:
            return os.stat(self.path).st_blocks * 512
        except FileNotFoundError:
            return 0

    def delete(self) -> None:
        for part in self._parts():
            part.path.unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)

    def _parts(self) -> list[Part]:
        parts = []
        for path in self.path.parent.glob(f"{self.path.name}.*-*"):
            number, _, end = path.name.removeprefix(self.path.name + ".").partition("-")
            parts.append(Part(int(number), int(end), path))
        return sorted(parts)

    def _copy(self, live: int, start: int, stop: int, number: int) -> Part:
        part = self.path.with_name(f"{self.path.name}.{number}-{stop}")
        handle, scratch = tempfile.mkstemp(dir=self.path.parent, prefix=".rotating")
        try:
            while start < stop:
                start += os.sendfile(handle, live, start, min(stop - start, 1 << 20))
            os.replace(scratch, part)
        except OSError:
            os.unlink(scratch)
            raise
        finally:
            os.close(handle)
        return Part(number, stop, part)

    def _backwards(self) -> Iterator[bytes]:
        """Blocks of all there is, last first."""
        with contextlib.ExitStack() as stack:
            try:
                live = stack.enter_context(open(self.path, "rb", buffering=0))
            except FileNotFoundError:
                return
            end = os.fstat(live.fileno()).st_size
            parts = self._parts()
            yield from _blocks(live.fileno(), _start(parts, end), end)
            for part in reversed(parts):
                with contextlib.suppress(FileNotFoundError), open(part.path, "rb", buffering=0) as file:
                    yield from _blocks(file.fileno(), 0, os.fstat(file.fileno()).st_size)


def can_punch(directory: Path) -> bool:
    """Whether this file system gives blocks back from the middle of a file."""
    with tempfile.TemporaryFile(dir=directory) as file:
        file.write(b"x" * BLOCK)
        file.flush()
        try:
            _punch(file.fileno(), BLOCK // 2)
        except OSError:
            return False
    return True


def _start(parts: list[Part], end: int) -> int:
    """Where the live part begins. A writer that truncated its own file began anew."""
    return parts[-1].end if parts and parts[-1].end <= end else 0


def _line_end(file: int, start: int, stop: int) -> int:
    """The last end of a line before `stop`; `stop` itself within a long line."""
    near = max(start, stop - BLOCK)
    newline = os.pread(file, stop - near, near).rfind(b"\n")
    return near + newline + 1 if newline >= 0 else stop


def _blocks(file: int, start: int, end: int) -> Iterator[bytes]:
    while end > start:
        begin = max(start, end - BLOCK)
        yield os.pread(file, end - begin, begin)
        end = begin


def _punch(file: int, end: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    fallocate = getattr(libc, "fallocate64", None) or libc.fallocate  # musl has the latter only, with 64 bits
    fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
    if fallocate(file, PUNCH_HOLE | KEEP_SIZE, 0, end) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
