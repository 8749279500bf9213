"""The shop of the demo: a web service of one file that behaves as well or as badly as it is told to.

    python3 serve.py --port 8080

It needs nothing but Python, and imports nothing of plainsail, since it plays the user's service. How it behaves stands
in `behaviour.json` beside it (so another behaviour is another release) or in `SHOP_<KEY>` in the environment, which
goes first; see `Behaviour`.

    GET or POST /    {"version": ..., "instance": ...}
    GET /healthz     200 when it is ready, 503 when not
    GET /metrics     what it sold, as Prometheus reads it
    GET /events      server-sent events, one every `tick`
    GET /ws          a WebSocket that echoes
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import hashlib
import json
import os
import random
import signal
import sys
import time
from dataclasses import dataclass, fields, replace
from pathlib import Path

WS_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3
CLOSE, PING, PONG = 8, 9, 10  # opcodes, 5.2
REASONS = {
    200: "OK",
    404: "Not Found",
    411: "Length Required",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


@dataclass(frozen=True)
class Behaviour:
    """Rates are parts of one, times are seconds; 0 is never."""

    version: str = ""
    """What it says it is; empty: PLAINSAIL_VERSION."""
    fail_rate: float = 0.0
    """This part of requests is answered 500."""
    delay: float = 0.0
    """Every answer takes this long,"""
    slow_rate: float = 0.0
    """and this part of them"""
    slow: float = 0.5
    """takes this long instead."""
    hang_rate: float = 0.0
    """This part is never answered."""
    start_delay: float = 0.0
    """Listens only after this time."""
    never_ready: bool = False
    unready_after: float = 0.0
    """/healthz fails from this age on."""
    exit_at_start: bool = False
    """Ends with status 1 at once."""
    crash_after: float = 0.0
    """Ends with status 1 at this age."""
    crash_after_requests: int = 0
    lose_rate: float = 0.0
    """This part of sales comes to nothing, though the answer says 200: only /metrics tells."""
    ignore_sigterm: bool = False
    drain: float = 5.0
    """After SIGTERM, requests in flight have this long."""
    tick: float = 1.0


def behaviour() -> Behaviour:
    told: dict[str, object] = {}
    with contextlib.suppress(FileNotFoundError):
        told = json.loads(Path(__file__).with_name("behaviour.json").read_text())
    for field in fields(Behaviour):
        if (text := os.environ.get(f"SHOP_{field.name.upper()}")) is not None:
            told[field.name] = text if field.name == "version" else json.loads(text)
    made = replace(Behaviour(), **told)  # type: ignore[arg-type]  # (a wrong key ends it, which is the lesson)
    return made if made.version else replace(made, version=os.environ.get("PLAINSAIL_VERSION", "none"))


class Shop:
    """The service: how it behaves, and what is open."""

    def __init__(self, behaves: Behaviour) -> None:
        self.behaves = behaves
        self.began = time.monotonic()
        self.requests = self.lost = 0
        self.closing = False
        self.open: set[Connection] = set()
        self.body = json.dumps(
            {"version": behaves.version, "instance": os.environ.get("PLAINSAIL_INSTANCE", str(os.getpid()))}
        ).encode()

    def well(self) -> bool:
        after = self.behaves.unready_after
        return not self.behaves.never_ready and not (after and time.monotonic() - self.began >= after)

    def count(self) -> None:
        self.requests += 1
        self.lost += chance(self.behaves.lose_rate)
        if self.requests == self.behaves.crash_after_requests:
            crash()

    def metrics(self) -> bytes:
        """prometheus.io/docs/instrumenting/exposition_formats, the text format."""
        labels = f'{{group="{os.environ.get("PLAINSAIL_GROUP", "")}",version="{self.behaves.version}"}}'
        kinds = (("shop_sales_total", self.requests), ("shop_sales_lost_total", self.lost))
        return "".join(f"# TYPE {name} counter\n{name}{labels} {number}\n" for name, number in kinds).encode()

    async def serve(self, port: int) -> None:
        if self.behaves.exit_at_start:
            sys.exit("cannot start: this release is broken")
        loop, over = asyncio.get_running_loop(), asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, (lambda: None) if self.behaves.ignore_sigterm else over.set)
        if self.behaves.crash_after:
            loop.call_later(self.behaves.crash_after, crash)
        await asyncio.sleep(self.behaves.start_delay)
        server = await loop.create_server(lambda: Connection(self), "127.0.0.1", port, backlog=1024)
        print(f"shop {self.behaves.version} listens on port {port}", flush=True)
        if self.behaves.never_ready:
            print("can't reach the database: connection refused (what this release is broken by)", flush=True)
        await over.wait()
        server.close()
        self.closing = True
        for connection in list(self.open):
            connection.wind_up()
        end = time.monotonic() + self.behaves.drain
        while self.open and time.monotonic() < end:  # noqa: ASYNC110  (short, once, and at the end)
            await asyncio.sleep(0.01)
        print(f"shop {self.behaves.version} is done after {self.requests} requests", flush=True)


class Connection(asyncio.Protocol):
    """One client: HTTP/1.1 with keep-alive and pipelining, until it becomes a stream."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.received = bytearray()
        self.busy = False
        self.mode = "http"
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.shop.open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.shop.open.discard(self)

    def data_received(self, data: bytes) -> None:
        self.received += data
        if self.mode == "websocket":
            self._echo()
        else:
            self._work()

    def wind_up(self) -> None:
        """Streams end; who is waiting for an answer gets it."""
        if self.mode == "websocket":
            self.transport.write(frame(CLOSE, (1001).to_bytes(2, "big")))  # going away
        if not self.busy or self.mode != "http":
            self.transport.close()

    def _work(self) -> None:
        while not self.busy and not self.transport.is_closing() and self.mode == "http":
            end = self.received.find(b"\r\n\r\n")
            if end < 0:
                return
            line, *lines = bytes(self.received[:end]).decode("latin-1").split("\r\n")
            headers = {
                name.lower(): value.strip() for name, _, value in (text.partition(":") for text in lines)
            }
            if "transfer-encoding" in headers:
                self._respond(411, b"{}", close=True)
                return
            whole = end + 4 + int(headers.get("content-length", "0"))
            if len(self.received) < whole:
                return
            del self.received[:whole]
            self._answer(line.split(" ")[1].partition("?")[0], headers)

    def _answer(self, path: str, headers: dict[str, str]) -> None:
        close = headers.get("connection", "").lower() == "close"
        if path == "/healthz":
            self._respond(200 if self.shop.well() else 503, b"{}", close)
        elif path == "/metrics":
            self._respond(200, self.shop.metrics(), close, "text/plain; version=0.0.4")
        elif path == "/events":
            self._stream()
        elif path == "/ws" and "sec-websocket-key" in headers:
            self._upgrade(headers["sec-websocket-key"])
        elif path == "/":
            self._sell(close)
        else:
            self._respond(404, b"{}", close)

    def _sell(self, close: bool) -> None:
        self.shop.count()
        behaves = self.shop.behaves
        if chance(behaves.hang_rate):
            self.busy = True
            return
        status = 500 if chance(behaves.fail_rate) else 200
        delay = behaves.slow if chance(behaves.slow_rate) else behaves.delay
        if not delay:
            self._respond(status, self.shop.body, close)
            return
        self.busy = True
        asyncio.get_running_loop().call_later(delay, self._late, status, close)

    def _late(self, status: int, close: bool) -> None:
        self.busy = False
        if not self.transport.is_closing():
            self._respond(status, self.shop.body, close)
            self._work()

    def _respond(self, status: int, body: bytes, close: bool, kind: str = "application/json") -> None:
        close = close or self.shop.closing
        head = (
            f"HTTP/1.1 {status} {REASONS[status]}\r\nContent-Type: {kind}\r\n"
            f"X-Version: {self.shop.behaves.version}\r\n"
            f"Content-Length: {len(body)}\r\n{'Connection: close' if close else 'Connection: keep-alive'}\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        if close:
            self.transport.close()

    def _stream(self, number: int = 0) -> None:
        """Server-sent events, without an end."""
        if self.mode == "http":
            self.mode = "events"
            self.transport.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
            )
        if not self.transport.is_closing():
            self.transport.write(b"id: %d\ndata: %s\n\n" % (number, self.shop.body))
            asyncio.get_running_loop().call_later(self.shop.behaves.tick, self._stream, number + 1)

    def _upgrade(self, key: str) -> None:
        accept = base64.b64encode(hashlib.sha1(key.encode() + WS_GUID, usedforsecurity=False).digest())
        self.transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: %s\r\n\r\n" % accept
        )
        self.mode = "websocket"
        self._echo()

    def _echo(self) -> None:
        """Frames come back as they came, fragments too; pings are answered, a close is answered and meant."""
        while (found := unframe(self.received)) is not None:
            first, payload = found
            opcode = first & 0x0F
            if opcode != PONG:
                self.transport.write(frame(PONG if opcode == PING else opcode, payload, bool(first & 0x80)))
            if opcode == CLOSE:
                self.transport.close()
                return


def frame(opcode: int, payload: bytes, final: bool = True) -> bytes:
    size = len(payload)
    if size < 126:
        length = bytes([size])
    elif size < 1 << 16:
        length = b"\x7e" + size.to_bytes(2, "big")
    else:
        length = b"\x7f" + size.to_bytes(8, "big")
    return bytes([opcode | (0x80 if final else 0)]) + length + payload


def unframe(received: bytearray) -> tuple[int, bytes] | None:
    """Take one whole client's frame, unmasked: its first byte and its payload."""
    if len(received) < 2:
        return None
    size, at = received[1] & 0x7F, 2
    if size >= 126:
        at = 4 if size == 126 else 10
        size = int.from_bytes(received[2:at], "big")
    if len(received) < at + 4 + size:
        return None
    mask, masked = received[at : at + 4], received[at + 4 : at + 4 + size]
    key = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
    payload = (int.from_bytes(masked, "big") ^ key).to_bytes(size, "big")
    first = received[0]
    del received[: at + 4 + size]
    return first, payload


def chance(rate: float) -> bool:
    return rate > 0 and random.random() < rate  # noqa: S311  (it only has to look like bad luck)


def crash() -> None:
    print("shop crashes, as it was told to", file=sys.stderr, flush=True)
    os._exit(1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="The demo's shop")
    parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8080")))
    asyncio.run(Shop(behaviour()).serve(parser.parse_args().port))
