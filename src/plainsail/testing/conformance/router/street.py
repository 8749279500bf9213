"""Both ends of a router: instances that misbehave on order and count what they are asked, and users who ask."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import Counter, deque
from collections.abc import AsyncIterator
from typing import Any, Literal

Mode = Literal["ok", "500", "close", "hang", "slow"]
SLOW_AFTER = 0.3
KEPT = 100
"""Requests that a backend remembers."""
SWITCHING = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
"""To the key of RFC 6455, 1.3."""


class Backend:
    """One instance: an HTTP server that counts what it is asked and behaves as told. Runs in the street's thread."""

    def __init__(self, name: str, version: str, mode: Mode) -> None:
        self.name, self.version, self.mode = name, version, mode
        self.asked: Counter[str] = Counter()
        self.says: str | None = None
        """What it answers; None: its name."""
        self.heads: deque[tuple[str, bytes]] = deque(maxlen=KEPT)
        """The last requests: their heads, and their bodies where the length was declared."""
        self.port = 0
        self.open: set[asyncio.StreamWriter] = set()
        self.server: asyncio.Server | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def total(self) -> int:
        return self.asked.total()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open.add(writer)
        try:
            while await self._answer(reader, writer):
                pass
        except (OSError, EOFError):
            pass
        finally:
            self.open.discard(writer)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        method, path, _ = head.split(" ", 2)
        self.asked[method] += 1
        self.heads.append((head, await reader.readexactly(_declared(head))))
        if path == "/stream":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: first\n\n")
            return await self._echo(reader, writer)
        if path == "/ws":
            writer.write(SWITCHING)
            return await self._echo(reader, writer)
        match self.mode:
            case "close":
                return False
            case "hang":
                await reader.read()
                return False
            case "slow":
                await asyncio.sleep(2 * SLOW_AFTER)
            case _:
                pass
        status = "500 Broken" if self.mode == "500" else "200 OK"
        body = (self.name if self.says is None else self.says).encode()
        writer.write(
            f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nX-Version: {self.version}\r\n\r\n".encode()
            + body
        )
        await writer.drain()
        return True

    async def _echo(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """The stream's own word every 20 ms, until somebody ends it."""
        while not reader.at_eof():
            writer.write(b"data: tick\n\n")
            await writer.drain()
            await asyncio.sleep(0.02)
        return False


def _declared(head: str) -> int:
    """Bytes of the body."""
    fields = (line.partition(":") for line in head.split("\r\n")[1:])
    return next((int(value) for name, _, value in fields if name.lower() == "content-length"), 0)


class Street:
    """Backends in a thread of their own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.backends: list[Backend] = []

    def open(self, name: str, version: str = "v1", mode: Mode = "ok") -> Backend:
        backend = Backend(name, version, mode)
        self._run(self._listen(backend))
        self.backends.append(backend)
        return backend

    def group(self, group: str, size: int, mode: Mode = "ok") -> list[Backend]:
        return [self.open(f"{group}-{number}", group, mode) for number in range(size)]

    def shut(self, backend: Backend) -> None:
        """End it as SIGTERM would: it closes its port and every connection."""
        self._run(self._shut(backend))

    def reopen(self, backend: Backend) -> None:
        """On the same port."""
        self._run(self._listen(backend))

    def close(self) -> None:
        for backend in self.backends:
            self.shut(backend)
        self._run(_tasks_over())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    async def _listen(self, backend: Backend) -> None:
        backend.server = await asyncio.start_server(backend.serve, "127.0.0.1", backend.port, backlog=512)
        backend.port = backend.server.sockets[0].getsockname()[1]

    async def _shut(self, backend: Backend) -> None:
        if backend.server is not None:
            backend.server.close()
        for writer in list(backend.open):
            writer.close()


async def _tasks_over() -> None:
    await asyncio.sleep(0.05)
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class User:
    """A keep-alive connection, or one for each request."""

    def __init__(
        self,
        port: int,
        keep: bool = True,
        within: float = 10.0,
        host: str = "shop.example",
        at: str = "127.0.0.1",
        source: str | None = None,
    ) -> None:
        """`source`: the address of this machine that it comes from."""
        self._from = (source, 0) if source else None
        self._port, self._keep, self._within, self._host, self._at = port, keep, within, host, at
        self._held: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(
        self, method: str = "GET", headers: str = "", path: str = "/", sends: str = ""
    ) -> tuple[int, str, str]:
        """Status, body and Set-Cookie. Status 0: no answer."""
        try:
            async with asyncio.timeout(self._within):
                if self._held is None:
                    self._held = await asyncio.open_connection(self._at, self._port, local_addr=self._from)
                reader, writer = self._held
                body = f"Content-Length: {len(sends.encode())}\r\n" if method == "POST" else ""
                writer.write(
                    f"{method} {path} HTTP/1.1\r\nHost: {self._host}\r\n{headers}{body}\r\n{sends}".encode()
                )
                return await self._answer(reader)
        except (OSError, EOFError):
            self.close()
            return 0, "", ""

    async def _answer(self, reader: asyncio.StreamReader) -> tuple[int, str, str]:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(fields.get("content-length", 0)))
        if not self._keep or fields.get("connection") == "close":
            self.close()
        return int(first.split(" ")[1]), body.decode(), fields.get("set-cookie", "")

    def close(self) -> None:
        if self._held is not None:
            self._held[1].close()
            self._held = None


async def users(
    port: int,
    requests: int,
    method: str = "GET",
    keep: bool = True,
    at_once: int = 4,
    host: str = "shop.example",
) -> Counter[tuple[int, str]]:
    """So many requests by some users at once: answers by (status, instance)."""
    seen: Counter[tuple[int, str]] = Counter()

    async def one(share: int) -> None:
        user = User(port, keep, host=host)
        for _ in range(share):
            status, body, _ = await user.ask(method)
            seen[(status, body)] += 1
        user.close()

    shares = [requests // at_once + (number < requests % at_once) for number in range(at_once)]
    await asyncio.gather(*(one(share) for share in shares))
    return seen


@contextlib.asynccontextmanager
async def crowd(port: int, keeping: int = 6, fresh: int = 2) -> AsyncIterator[Counter[tuple[int, str]]]:
    """Users who ask again and again, over connections they keep and over new ones, until the block ends; what they
    got so far, by (status, instance). About 200 requests a second."""
    seen: Counter[tuple[int, str]] = Counter()
    over = asyncio.Event()

    async def one(keep: bool) -> None:
        user = User(port, keep)
        while not over.is_set():
            status, body, _ = await user.ask()
            seen[(status, body)] += 1
            await asyncio.sleep(0.03)
        user.close()

    tasks = [asyncio.create_task(one(number < keeping)) for number in range(keeping + fresh)]
    try:
        yield seen
    finally:
        over.set()
        await asyncio.gather(*tasks)
