"""A wire between a browser and a server that can be cut, or go dead without a word.

A browser's own offline switch does not do: it leaves streams alone that are open already.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")


class Wire:
    """Carries TCP from `url` to the server's port."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._open: set[asyncio.StreamWriter] = set()
        self._refuses = False
        self._carries = asyncio.Event()
        self._carries.set()
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._server = self._do(asyncio.start_server(self._carry, "127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def cut(self) -> None:
        """Every connection breaks, and no new one comes about."""
        self._refuses = True
        self._do(self._drop())

    def fall_silent(self) -> None:
        """Connections stay, and nothing comes through: a laptop that moved to another network."""
        self._loop.call_soon_threadsafe(self._carries.clear)

    def mend(self) -> None:
        """New connections go through. What was held back in silence is lost with its connection."""
        self._do(self._drop())
        self._refuses = False
        self._loop.call_soon_threadsafe(self._carries.set)

    def close(self) -> None:
        self.cut()
        self._server.close()
        self._loop.call_soon_threadsafe(self._loop.stop)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refuses:
            writer.transport.abort()
            return
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, back}
        await asyncio.gather(self._pass(reader, back), self._pass(there, writer))
        self._open -= {writer, back}

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while chunk := await source.read(65_536):
                await self._carries.wait()
                sink.write(chunk)
                await sink.drain()
        sink.close()

    async def _drop(self) -> None:
        for one in self._open:
            one.transport.abort()

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)


@contextmanager
def wire(port: int) -> Iterator[Wire]:
    one = Wire(port)
    try:
        yield one
    finally:
        one.close()
