"""A bounded HTTP load on one address: what the demo and the tests of real servers drive, and what users got of it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from typing import Literal

import msgspec

Outcome = Literal["ok", "app_error", "router_error", "no_answer"]
"""`app_error`: a 5xx the application wrote (it carries `X-Version`); `router_error`: a 5xx it did not write;
`no_answer`: refused, closed before an answer, or too late."""


class Sample(msgspec.Struct, frozen=True):
    """One request: seconds since the load began, how it ended, who answered, how long it took."""

    at: float
    outcome: Outcome
    status: int
    version: str
    took: float
    detail: str = ""


class Load:
    """Requests at a steady rate over keep-alive connections, a part of them over new ones. Runs in its own thread."""

    def __init__(
        self, address: str, rate: float, *, connections: int = 16, fresh: float = 0.1, method: str = "GET",
        path: str = "/", host: str = "shop.example", within: float = 10.0, retry_reused: bool = False,
    ) -> None:  # fmt: skip
        self.samples: list[Sample] = []
        self._host, _, port = address.rpartition(":")
        self._port = int(port)
        self._rate, self._connections, self._fresh, self._within = rate, connections, fresh, within
        self._method = method
        self._retry_reused = retry_reused
        self._head = (
            f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n"
            + ("Content-Length: 0\r\n" if method == "POST" else "")
        ).encode()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._began = 0.0

    def start(self) -> Load:
        self._began = time.monotonic()
        self._thread.start()
        return self

    def stop(self) -> list[Sample]:
        """End it and wait for requests under way; all samples."""
        self._stop.set()
        if self._began:
            self._thread.join(self._within + 5)
        return self.samples

    def elapsed(self) -> float:
        return time.monotonic() - self._began

    def count(self) -> Counter[tuple[str, Outcome]]:
        """Requests by version and outcome so far."""
        return Counter((sample.version, sample.outcome) for sample in self.samples)

    def failed(self) -> list[Sample]:
        """Those that failed and that the application did not fail."""
        return [sample for sample in self.samples if sample.outcome in ("router_error", "no_answer")]

    async def _run(self) -> None:
        await asyncio.gather(*(self._user(number) for number in range(self._connections)))

    async def _user(self, number: int) -> None:
        """One connection's requests, each due at its time whatever the last one took (open loop, but one at a time)."""
        every = self._connections / self._rate
        due = time.monotonic() + every * number / self._connections
        fresh = number < round(self._connections * self._fresh)
        held: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        while not self._stop.is_set():
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            due = max(due + every, time.monotonic() - 1.0)
            held = await self._ask(held, fresh)
        if held:
            held[1].close()

    async def _ask(
        self, held: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None, fresh: bool
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        began = time.monotonic()
        reused = held is not None
        try:
            async with asyncio.timeout(self._within):
                if held is None or held[0].at_eof():
                    held = await asyncio.open_connection(self._host, self._port)
                    reused = False
                reader, writer = held
                writer.write(self._head + (b"Connection: close\r\n\r\n" if fresh else b"\r\n"))
                status, version, keep = await self._answer(reader)
        except (OSError, EOFError, TimeoutError, ValueError, asyncio.LimitOverrunError) as failure:
            if held:
                held[1].close()
            if reused and self._retry_reused and isinstance(failure, EOFError | ConnectionError):
                return await self._ask(None, fresh)
            self._note(began, "no_answer", 0, "", f"{type(failure).__name__}: {failure}")
            return None
        outcome: Outcome = "ok" if status < 500 else "app_error" if version else "router_error"
        self._note(began, outcome, status, version)
        if keep and not fresh:
            return held
        writer.close()
        return None

    async def _answer(self, reader: asyncio.StreamReader) -> tuple[int, str, bool]:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.split("\r\n")
        headers = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)
        }
        if "content-length" in headers:
            await reader.readexactly(int(headers["content-length"]))
            keep = headers.get("connection", "").lower() != "close"
        else:
            await reader.read()
            keep = False
        return int(first.split(" ", 2)[1]), headers.get("x-version", ""), keep

    def _note(self, began: float, outcome: Outcome, status: int, version: str, detail: str = "") -> None:
        self.samples.append(
            Sample(began - self._began, outcome, status, version, time.monotonic() - began, detail)
        )
