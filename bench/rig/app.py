"""The application that is released in a bench: one file, nothing but Python, as good or bad as `behaviour.json` says.

    python3 app.py --port 8080

`{"version": "v1", "fail": 0.2, "hang": 0.0, "slow": 0.0, "seconds": 0.6, "after": 0.0}`: parts of requests that are
answered 500, are never answered, are answered after so many seconds; and for how long all is well before that. What it was asked is written down where BENCH_LOG says, a record a
request: when it came, when it was answered (0: never), whether it was bad.
"""

from __future__ import annotations

import heapq
import json
import os
import random
import select
import signal
import socket
import struct
import sys
import time
from pathlib import Path

RECORD = struct.Struct("<dd?")


class App:
    """One process, one epoll."""

    def __init__(self, port: int) -> None:
        self._told = json.loads(Path("behaviour.json").read_text())
        self._bad_from = time.monotonic() + self._told.get("after", 0.0)
        self._epoll = select.epoll()
        self._open: dict[int, socket.socket] = {}
        self._received: dict[int, bytes] = {}
        self._late: list[tuple[float, int, float]] = []
        self._busy: set[int] = set()
        self._ending = False
        self._log = -1
        if place := os.environ.get("BENCH_LOG"):
            name = f"{place}/{self._told['version']}-{os.getpid()}"
            self._log = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._listener = socket.create_server(("127.0.0.1", port), backlog=1024)
        self._listener.setblocking(False)
        self._epoll.register(self._listener.fileno(), select.EPOLLIN)

    def run(self) -> None:
        signal.signal(signal.SIGTERM, self._end)
        signal.signal(signal.SIGINT, self._end)
        wake, wakes = socket.socketpair()  # a signal ends the wait
        wakes.setblocking(False)
        signal.set_wakeup_fd(wakes.fileno(), warn_on_full_buffer=False)
        self._epoll.register(wake.fileno(), select.EPOLLIN)
        while not (self._ending and not self._busy):
            wait = max(0.0, self._late[0][0] - time.monotonic()) if self._late else -1
            for handle, _ in self._epoll.poll(wait):
                if handle in self._open:
                    self._serve(handle)
                elif handle == wake.fileno():
                    wake.recv(64)
                elif not self._ending:
                    self._accept()
            while self._late and self._late[0][0] <= time.monotonic():
                _, handle, came = heapq.heappop(self._late)
                if handle in self._busy:
                    self._busy.discard(handle)
                    self._answer(handle, came, 200, bad=True)
            if self._ending:
                for handle in [one for one in self._open if one not in self._busy]:
                    self._close(handle)

    def _end(self, *_: object) -> None:
        self._ending = True
        self._listener.close()

    def _accept(self) -> None:
        try:
            while True:
                made, _ = self._listener.accept()
                made.setblocking(False)
                made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._open[made.fileno()] = made
                self._epoll.register(made.fileno(), select.EPOLLIN)
        except OSError:
            return

    def _serve(self, handle: int) -> None:
        try:
            data = self._open[handle].recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._close(handle)
            return
        data = self._received.pop(handle, b"") + data
        if not data.endswith(b"\r\n\r\n"):  # requests here have no body
            self._received[handle] = data
            return
        came = time.monotonic()
        if data.startswith(b"GET /healthz"):
            self._send(handle, 200)
            if b"Connection: close" in data and handle in self._open:
                self._close(handle)
            return
        dice = random.random() if came >= self._bad_from else 1.0
        told = self._told
        if dice < told.get("hang", 0.0):
            self._busy.add(handle)
            self._note(came, 0.0, bad=True)
        elif dice < told.get("slow", 0.0):
            self._busy.add(handle)
            heapq.heappush(self._late, (came + told.get("seconds", 0.6), handle, came))
        else:
            bad = dice < told.get("fail", 0.0)
            self._answer(handle, came, 500 if bad else 200, bad=bad)

    def _answer(self, handle: int, came: float, status: int, *, bad: bool) -> None:
        self._send(handle, status)
        self._note(came, time.monotonic(), bad=bad)

    def _send(self, handle: int, status: int) -> None:
        body = b"{}"
        head = (
            f"HTTP/1.1 {status} {'OK' if status == 200 else 'Broken'}\r\nContent-Type: application/json\r\n"
            f"X-Version: {self._told['version']}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        try:
            self._open[handle].send(head.encode() + body)
        except OSError:
            self._close(handle)

    def _note(self, came: float, answered: float, *, bad: bool) -> None:
        if self._log >= 0:
            os.write(self._log, RECORD.pack(came, answered, bad))

    def _close(self, handle: int) -> None:
        self._busy.discard(handle)
        self._received.pop(handle, None)
        connection = self._open.pop(handle, None)
        if connection is not None:
            self._epoll.unregister(handle)
            connection.close()


if __name__ == "__main__":
    App(int(sys.argv[sys.argv.index("--port") + 1])).run()
