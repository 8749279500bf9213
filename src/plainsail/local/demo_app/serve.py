"""The demo's service: a small HTTP server of the standard library whose behaviour is part of its release.

`behaviour.json` beside this file says how it behaves, so a different behaviour is a different release:
`{"version": "v3", "errors": 0.1, "delay": 0.0, "start": 0.0, "never_ready": false, "crash_after": null}`.

`GET /` and `POST /` answer JSON and an `X-Version` header, `/healthz` says whether it is ready, `/events` holds a
stream of server-sent events open, `/ws` echoes WebSocket frames. SIGTERM lets requests in flight end.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import json
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

WEBSOCKET_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3


class Shop:
    """One instance: what it is, how it behaves, how many requests it is busy with."""

    def __init__(self, behaviour: dict[str, Any]) -> None:
        self.version = str(behaviour.get("version", "v0"))
        self.errors = float(behaviour.get("errors", 0.0))
        self.delay = float(behaviour.get("delay", 0.0))
        self.start = float(behaviour.get("start", 0.0))
        self.never_ready = bool(behaviour.get("never_ready", False))
        self.crash_after = behaviour.get("crash_after")
        self.instance = os.environ.get("PLAINSAIL_INSTANCE", str(os.getpid()))
        self.born = time.monotonic()
        self.busy = 0
        self.ending = False

    def ready(self) -> bool:
        return not self.never_ready and not self.ending and time.monotonic() - self.born >= self.start

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection's requests, one after another."""
        try:
            while (request := await _request(reader)) is not None:
                method, path, headers = request
                self.busy += 1
                try:
                    keep = await self.answer(method, path, headers, reader, writer)
                finally:
                    self.busy -= 1
                if not keep:
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass
        finally:
            writer.close()

    async def answer(
        self, method: str, path: str, headers: dict[str, str], reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bool:  # fmt: skip
        if path == "/healthz":
            return self.reply(writer, 200 if self.ready() else 503, {"ready": self.ready()})
        if path == "/events":
            return await self.stream(writer)
        if path == "/ws":
            return await self.echo(headers, reader, writer)
        if self.delay:
            await asyncio.sleep(self.delay)
        if self.errors and random.random() < self.errors:
            return self.reply(writer, 500, {"version": self.version, "error": "this release is broken"})
        return self.reply(writer, 200, {"version": self.version, "instance": self.instance, "method": method})

    def reply(self, writer: asyncio.StreamWriter, status: int, body: dict[str, object]) -> bool:
        text = json.dumps(body).encode()
        close = "Connection: close\r\n" if self.ending else ""
        head = (
            f"HTTP/1.1 {status} {'OK' if status == 200 else 'Error'}\r\nContent-Type: application/json\r\n"
            f"X-Version: {self.version}\r\nX-Instance: {self.instance}\r\n{close}Content-Length: {len(text)}\r\n\r\n"
        )
        writer.write(head.encode() + text)
        return not self.ending

    async def stream(self, writer: asyncio.StreamWriter) -> bool:
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\nConnection: close\r\n"
            + f"X-Version: {self.version}\r\n\r\n".encode()
        )
        for number in range(1_000_000):
            writer.write(f"id: {number}\ndata: {self.version}\n\n".encode())
            await writer.drain()
            await asyncio.sleep(0.2)
        return False

    async def echo(
        self, headers: dict[str, str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        key = headers.get("sec-websocket-key", "").encode()
        accept = base64.b64encode(hashlib.sha1(key + WEBSOCKET_GUID).digest()).decode()
        writer.write(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\nX-Version: {self.version}\r\n\r\n".encode()
        )
        while True:
            first, length = await reader.readexactly(2)
            length &= 0x7F
            if length == 126:
                length = int.from_bytes(await reader.readexactly(2), "big")
            mask = await reader.readexactly(4)
            payload = bytes(byte ^ mask[i % 4] for i, byte in enumerate(await reader.readexactly(length)))
            if first & 0x0F == 8:
                writer.write(bytes([0x88, 0]))
                return False
            size = bytes([length]) if length < 126 else bytes([126]) + length.to_bytes(2, "big")
            writer.write(bytes([first]) + size + payload)


async def _request(reader: asyncio.StreamReader) -> tuple[str, str, dict[str, str]] | None:
    """Method, path and lower-case headers of the next request, its body read and dropped; None at the end."""
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    length = int(headers.get("content-length", 0))
    if length:
        await reader.readexactly(length)
    return method, path.partition("?")[0], headers


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")))
    port = parser.parse_args().port
    place = Path(__file__).with_name("behaviour.json")
    shop = Shop(json.loads(place.read_text()) if place.exists() else {})
    server = await asyncio.start_server(shop.serve, "127.0.0.1", port, backlog=512)
    print(f"{shop.version} listens on 127.0.0.1:{port}", flush=True)
    if shop.never_ready:
        print("can't reach the database: connection refused (this is what the release is broken by)", flush=True)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    if shop.crash_after is None:
        await stop.wait()
    else:
        try:
            await asyncio.wait_for(stop.wait(), float(shop.crash_after))
        except TimeoutError:
            print("fatal: out of luck", flush=True)
            os._exit(3)
    shop.ending = True
    server.close()
    for _ in range(100):
        if not shop.busy:
            break
        await asyncio.sleep(0.05)
    print("ended in good order", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
