"""Instances: tiny HTTP servers on ports of their own, many in one process, opened and ended on order.

`python -m bench.rig.instances` reads orders on stdin, one JSON array a line, and answers each with one line:
`["open", NAME, VERSION, PORT]` (port 0: any; the answer is the port), `["end", NAME]` (it stops listening and closes its
idle connections, as a well-behaved application does on SIGTERM; the answer is how many there were). An epoll loop without a framework, so that it is not what limits a measurement.

    GET or POST /   200, X-Version
    GET /stream     server-sent events, one every tenth of a second, until somebody ends it
    GET /ws         a WebSocket that says something every tenth of a second
"""

from __future__ import annotations

import json
import select
import socket
import subprocess
import sys
import time
from typing import Any

TICK = 0.1
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX-Accel-Buffering: no\r\n\r\n"
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
"""The key of RFC 6455, 1.3, that users send; so the answer is known."""
SWITCHED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
SAID = {"stream": b"data: tick\n\n", "ws": b"\x81\x04tick"}


class Town:
    """The instances of one process, seen from the bench."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.rig.instances"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.pid = self._process.pid
        self.ports: dict[str, int] = {}

    def __enter__(self) -> Town:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()

    def open(self, name: str, version: str) -> int:
        self.ports[name] = int(self._order("open", name, version, 0))
        return self.ports[name]

    def end(self, name: str) -> int:
        """It goes; how many connections were still open to it."""
        del self.ports[name]
        return int(self._order("end", name))

    def _order(self, *words: object) -> Any:
        assert self._process.stdin is not None and self._process.stdout is not None  # noqa: PT018
        self._process.stdin.write(json.dumps(words) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


class Instance:
    """One listening socket and its connections."""

    def __init__(self, name: str, version: str, port: int) -> None:
        self.name = name
        self.listener = socket.create_server(("127.0.0.1", port), backlog=1024)
        self.listener.setblocking(False)
        self.port = int(self.listener.getsockname()[1])
        body = b"hello from " + version.encode()
        self.answer = (
            f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Version: {version}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        ).encode() + body
        self.open: dict[int, socket.socket] = {}


class Server:
    """All instances of this process, on one epoll."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._instances: dict[str, Instance] = {}
        self._listeners: dict[int, Instance] = {}
        self._owners: dict[int, Instance] = {}
        self._partial: dict[int, bytes] = {}
        self._streams: dict[int, bytes] = {}
        """What each stream says."""
        self._next_tick = time.monotonic() + TICK

    def run(self) -> None:
        self._epoll.register(sys.stdin.fileno(), select.EPOLLIN)
        while True:
            for handle, _ in self._epoll.poll(TICK if self._streams else -1):
                if handle in self._owners:
                    self._serve(handle)
                elif handle in self._listeners:
                    self._accept(self._listeners[handle])
                elif handle == sys.stdin.fileno():
                    line = sys.stdin.readline()
                    if not line:
                        return
                    print(json.dumps(self._obey(*json.loads(line))), flush=True)
            if self._streams and time.monotonic() >= self._next_tick:
                self._tick()

    def _obey(self, order: str, name: str = "", version: str = "", port: int = 0) -> object:
        match order:
            case "open":
                one = Instance(name, version, port)
                self._instances[name] = one
                self._listeners[one.listener.fileno()] = one
                self._epoll.register(one.listener.fileno(), select.EPOLLIN)
                return one.port
            case _:
                return self._end(self._instances.pop(name))

    def _accept(self, one: Instance) -> None:
        try:
            while True:
                connection, _ = one.listener.accept()
                connection.setblocking(False)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                handle = connection.fileno()
                one.open[handle] = connection
                self._owners[handle] = one
                self._epoll.register(handle, select.EPOLLIN)
        except OSError:  # nobody else waits, or gave up
            return

    def _serve(self, handle: int) -> None:
        one = self._owners[handle]
        connection = one.open[handle]
        try:
            data = connection.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._close(one, handle)
            return
        if handle in self._partial:
            data = self._partial.pop(handle) + data
        if handle in self._streams:
            return
        if not data.endswith(b"\r\n\r\n"):  # requests here have no body; POST says so
            self._partial[handle] = data
            return
        try:
            if data.startswith(b"GET /stream"):
                self._streams[handle] = SAID["stream"]
                connection.send(STREAM)
            elif data.startswith(b"GET /ws"):
                self._streams[handle] = SAID["ws"]
                connection.send(SWITCHED)
            else:
                connection.send(one.answer)
        except OSError:
            self._close(one, handle)

    def _tick(self) -> None:
        self._next_tick = time.monotonic() + TICK
        for handle, word in list(self._streams.items()):
            try:
                self._owners[handle].open[handle].send(word)
            except OSError:
                self._close(self._owners[handle], handle)

    def _end(self, one: Instance) -> int:
        self._epoll.unregister(one.listener.fileno())
        del self._listeners[one.listener.fileno()]
        one.listener.close()
        for handle in list(
            one.open
        ):  # what has come is answered first: an ended server loses nothing it accepted
            self._serve(handle)
        idle = len(one.open)
        for handle in list(one.open):
            self._close(one, handle)
        return idle

    def _close(self, one: Instance, handle: int) -> None:
        connection = one.open.pop(handle, None)
        if connection is None:
            return
        self._owners.pop(handle, None)
        self._partial.pop(handle, None)
        self._streams.pop(handle, None)
        self._epoll.unregister(handle)
        connection.close()


if __name__ == "__main__":
    Server().run()
