"""A command that is run for what it prints: limited in time and output, and ended with all that it started."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from typing import NamedTuple, cast

MOST_BYTES = 1 << 16
"""Of each output: some numbers, or the end of a complaint."""


class TooMuch(Exception):
    """It prints and prints."""


class Ended(NamedTuple):
    code: int
    """Negative: by this signal."""
    out: bytes
    err: bytes
    """The end of it."""


async def run(argv: Sequence[str], env: Mapping[str, str], longest: float) -> Ended:
    """What it printed, once it has ended and nobody holds its outputs any more. `longest`: seconds.

    Raises TimeoutError, TooMuch, and OSError or ValueError for what can't be started. Nothing is left running in its
    process group, which is its own.
    """
    loop = asyncio.get_running_loop()
    start = loop.subprocess_exec(
        _Heard, *argv, env=env, cwd="/", start_new_session=True,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    starting = asyncio.ensure_future(start)
    try:
        async with asyncio.timeout(longest):
            # Shielded: a start that is cancelled halfway leaves the process and its pipes to nobody.
            _, heard = await asyncio.shield(starting)
            await heard.silent
            if len(heard.out) > MOST_BYTES:
                raise TooMuch
    finally:
        # Who is cancelled while it ends this, as others failed at the same moment, still ends it first.
        ending = asyncio.ensure_future(_end(starting))
        try:
            await asyncio.shield(ending)
        except asyncio.CancelledError:
            await ending
            raise
    transport = starting.result()[0]
    return Ended(cast(int, transport.get_returncode()), bytes(heard.out), bytes(heard.err))


async def _end(starting: asyncio.Future[tuple[asyncio.SubprocessTransport, _Heard]]) -> None:
    transport, heard = await starting
    # A group keeps its number as long as one of it lives, whoever of it was reaped.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(transport.get_pid(), signal.SIGKILL)
    transport.close()
    await heard.exited


class _Heard(asyncio.SubprocessProtocol):
    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.out, self.err = bytearray(), bytearray()
        self.exited: asyncio.Future[None] = loop.create_future()
        self.silent: asyncio.Future[None] = loop.create_future()
        """The process has ended and both outputs are closed, or there is more than anybody wants to hear."""

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == 1:
            self.out += data
            if len(self.out) > MOST_BYTES and not self.silent.done():
                self.silent.set_result(None)
        else:
            self.err = (self.err + data)[-MOST_BYTES:]

    def process_exited(self) -> None:
        if not self.exited.done():
            self.exited.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.silent.done():
            self.silent.set_result(None)
