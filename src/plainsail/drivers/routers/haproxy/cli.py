"""HAProxy's command line over its unix sockets.

A unix socket's path may have 107 bytes, and HAProxy makes longer ones beside it while it binds. So HAProxy runs in its
directory and binds relative names, and we connect through /proc/self/fd, which is short wherever the directory is.
"""

from __future__ import annotations

import asyncio
import os
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from plainsail.ports.errors import Transient

WITHIN = 3.0
"""Seconds for one command. HAProxy answers in a tenth of a millisecond unless it is stopped or the machine stands
still."""
PROMPT = b"\n> "
PAYLOAD = 8_000
"""Bytes of one payload; HAProxy's buffer has 16 KiB."""
LARGEST = 1 << 26

ADMIN, MASTER = "admin.sock", "master.sock"
"""Sockets of the present worker, and of the master, which passes commands on to older workers."""


class Line(ABC):
    """A way to one HAProxy process. All of it raises Transient (`haproxy_unreachable`)."""

    @abstractmethod
    async def ask(self, command: str) -> str:
        """The answer, without the blank lines around it."""

    async def ask_all(self, commands: Sequence[str]) -> list[str]:
        """The answers, in the order of the questions."""
        return [await self.ask(command) for command in commands]

    async def pay(self, command: str, lines: list[str]) -> str:
        """The command with these lines as its payload, in parts if there are many; the first complaint, or nothing."""
        for part in _parts(lines):
            if complaint := await self.ask(f"{command} <<\n{part}"):
                return complaint
        return ""


class Session(Line):
    """One connection for a batch of commands, in `prompt` mode."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._ahead: dict[str, list[str]] = {}

    async def ask(self, command: str) -> str:
        if known := self._ahead.get(command):
            return known.pop(0)
        with _reachable(command):
            async with asyncio.timeout(WITHIN):
                self._writer.write(f"{command}\n".encode())
                return await self._answer()

    async def ahead(self, commands: Sequence[str]) -> None:
        """Put questions together that are asked presently: one way there and back instead of one for each. Whoever
        asks then has the answer of now; one that is named twice is put twice."""
        for command, answer in zip(commands, await self.ask_all(commands), strict=True):
            self._ahead.setdefault(command, []).append(answer)

    async def ask_all(self, commands: Sequence[str]) -> list[str]:
        with _reachable(commands[0]):
            async with asyncio.timeout(WITHIN):
                self._writer.write("".join(f"{command}\n" for command in commands).encode())
                return [await self._answer() for _ in commands]

    async def _answer(self) -> str:
        answer = await self._reader.readuntil(PROMPT)
        return (
            answer[: -len(PROMPT)].decode(errors="replace").lstrip("+ ").strip()
        )  # one + for each payload line


class Answered(Line):
    """A line of which some answers are there already; each is given once, to the first who asks."""

    def __init__(self, line: Line, known: Mapping[str, Sequence[str]]) -> None:
        self._line = line
        self._known = {command: list(answers) for command, answers in known.items()}

    async def ask(self, command: str) -> str:
        if known := self._known.get(command):
            return known.pop(0)
        return await self._line.ask(command)


class Relay(Line):
    """The master, or one of its workers through it: a connection for each command."""

    def __init__(self, directory: Path, process: int | None = None) -> None:
        self._directory = directory
        self._prefix = f"@!{process} " if process else ""

    async def ask(self, command: str) -> str:
        with _reachable(command):
            async with asyncio.timeout(WITHIN):
                reader, writer = await _connect(self._directory, MASTER)
                try:
                    writer.write(f"{self._prefix}{command}\n".encode())
                    writer.write_eof()
                    answer = await reader.read()
                finally:
                    writer.close()
        return answer.decode(errors="replace").strip()


@asynccontextmanager
async def session(directory: Path) -> AsyncIterator[Session]:
    """A connection to the present worker of the HAProxy that runs in `directory`.

    Raises Transient (`haproxy_unreachable`).
    """
    with _reachable("prompt"):
        async with asyncio.timeout(WITHIN):
            reader, writer = await _connect(directory, ADMIN)
            writer.write(b"prompt\n")
            try:
                await reader.readuntil(b"> ")
            except BaseException:
                writer.close()
                raise
    try:
        yield Session(reader, writer)
    finally:
        writer.close()


async def _connect(directory: Path, name: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        return await asyncio.open_unix_connection(f"/proc/self/fd/{handle}/{name}", limit=LARGEST)
    finally:
        os.close(handle)


@contextmanager
def _reachable(command: str) -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError, asyncio.LimitOverrunError) as error:
        why = f"no answer within {WITHIN:g} s" if isinstance(error, TimeoutError) else str(error)
        short = command.partition("\n")[0]
        raise Transient("haproxy_unreachable", f"HAProxy did not answer '{short}': {why}") from error


def _parts(lines: list[str]) -> list[str]:
    parts: list[str] = []
    for line in lines:
        if parts and len(parts[-1]) + len(line) < PAYLOAD:
            parts[-1] += line + "\n"
        else:
            parts.append(line + "\n")
    return parts
