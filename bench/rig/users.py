"""Users: requests over kept and new connections, at a rate (open loop) or as fast as answers come (closed loop).

`python -m bench.rig.users ORDER` (JSON of `Order`) prints `ready`, drives until its stdin closes, writes one record a
request to the order's file and prints its own use of CPU. One epoll loop in one process without a framework: some tens
of microseconds a request, and what it used is in the results, so that its limits are not taken for a router's.

In the open loop a request has its time, and waits for nobody: its latency counts from that time, also while all
connections are busy (no coordinated omission). In the closed loop it counts from when it was sent.
"""

from __future__ import annotations

import select
import socket
import subprocess
import sys
import time
from array import array
from collections import deque
from pathlib import Path

import msgspec

from bench.rig.instances import KEY

OUTCOMES = ("ok", "5xx", "reset", "cut", "refused", "timeout")
"""`reset`: closed after the request was written, before the first byte of an answer (a client may not repeat a POST).
`cut`: closed in the middle of an answer. `refused`: no connection."""
KINDS = ("kept GET", "kept POST", "new GET")
OK, FIVE, RESET, CUT, REFUSED, TIMEOUT = range(6)
WITHIN = 10.0


class Order(msgspec.Struct, frozen=True):
    """What to drive. `rates` in requests a second by kind, or nothing: closed loop."""

    port: int
    file: str
    connections: tuple[int, int, int] = (24, 8, 4)
    """By kind: most at a time."""
    rates: tuple[float, float, float] | None = None
    streams: int = 0
    """Held from the beginning to the end; half of them WebSockets."""


class Summary(msgspec.Struct, frozen=True):
    """What the driver says about itself at its end."""

    cpu: float
    """Part of one core it used."""
    closed_idle: list[float]
    """When kept connections were closed by the other side with no request on them; not failures."""
    told_to_close: list[float]
    """When an answer said that its connection would be closed."""
    streams_cut: list[float]
    """When held streams were closed by the other side."""


class Users:
    """A crowd's process, seen from the bench. Driving from the beginning to `stop`."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.rig.users", msgspec.json.encode(order).decode()],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self.pid = self._process.pid
        assert self._process.stdout is not None
        self._process.stdout.readline()
        self.began = time.monotonic()

    def stop(self) -> tuple[Samples, Summary]:
        out, _ = self._process.communicate()  # which closes its stdin
        return Samples(Path(self._order.file)), msgspec.json.decode(out, type=Summary)


class Samples:
    """The records of one drive, column by column."""

    def __init__(self, path: Path) -> None:
        self.began, self.took = array("d"), array("d")
        self.outcome, self.kind, self.version = array("b"), array("b"), array("h")
        with open(path, "rb") as file:
            for column in (self.began, self.took, self.outcome, self.kind, self.version):
                column.fromfile(file, int.from_bytes(file.read(8), "little"))

    def __len__(self) -> int:
        return len(self.began)


class Connection:
    """One socket, and the request on it."""

    __slots__ = ("due", "kind", "received", "sent", "socket")

    def __init__(self, kind: int) -> None:
        self.kind = kind
        self.socket: socket.socket | None = None
        self.due = 0.0
        """0: nothing is asked."""
        self.sent = 0.0
        """When it was really asked; later than due when all connections were busy."""
        self.received = b""


class Crowd:
    """All users, on one epoll."""

    def __init__(self, order: Order) -> None:
        self.order = order
        host = "Host: shop.example\r\n"
        self._texts = [
            f"GET / HTTP/1.1\r\n{host}\r\n".encode(),
            f"POST / HTTP/1.1\r\n{host}Content-Length: 0\r\n\r\n".encode(),
            f"GET / HTTP/1.1\r\n{host}Connection: close\r\n\r\n".encode(),
        ]
        self._epoll = select.epoll()
        self._by_handle: dict[int, Connection] = {}
        self._streams: dict[int, socket.socket] = {}
        self._free: list[deque[Connection]] = [deque() for _ in KINDS]
        self._over = False
        self.began, self.took = array("d"), array("d")
        self.outcome, self.kind, self.version = array("b"), array("b"), array("h")
        self._closed_idle: list[float] = []
        self._told: list[float] = []
        self._cut: list[float] = []

    def run(self) -> Summary:
        self._epoll.register(sys.stdin.fileno(), select.EPOLLIN)
        for kind, number in enumerate(self.order.connections):
            self._free[kind].extend(Connection(kind) for _ in range(number))
        for number in range(self.order.streams):
            self._hold("stream" if number % 2 else "ws")
        began, used = time.monotonic(), time.process_time()
        self._drive()
        cpu = (time.process_time() - used) / (time.monotonic() - began)
        return Summary(cpu, self._closed_idle, self._told, self._cut)

    def _drive(self) -> None:
        now = time.monotonic()
        rates = self.order.rates or (0.0, 0.0, 0.0)
        every = [1 / rate if rate else 0.0 for rate in rates]
        due = [now + (step * 0.37 * (kind + 1)) if step else now + 1e9 for kind, step in enumerate(every)]
        if self.order.rates is None:
            for kind in range(len(KINDS)):
                while self._free[kind]:
                    self._ask(self._free[kind].popleft(), now)
        swept = now
        while not self._over:
            now = time.monotonic()
            for kind in range(len(KINDS)):
                free = self._free[kind]
                while due[kind] <= now and free:
                    self._ask(free.popleft(), due[kind])
                    due[kind] += every[kind]
            soonest = min(due)
            self._take_answers(0.2 if soonest > now + 0.2 else max(0.0, soonest - now))
            if now - swept > 0.5:
                self._sweep(now)
                swept = now

    def _take_answers(self, wait: float) -> None:
        if wait:  # epoll alone rounds up to milliseconds
            select.select([self._epoll], [], [], wait)
        for handle, what in self._epoll.poll(0):
            connection = self._by_handle.get(handle)
            if connection is not None:
                if what & select.EPOLLOUT:
                    self._connected(connection)
                else:
                    self._receive(connection)
            elif handle in self._streams:
                self._listen(handle)
            elif handle == sys.stdin.fileno():
                self._over = True

    def _hold(self, path: str) -> None:
        held = socket.create_connection(("127.0.0.1", self.order.port))
        upgrade = f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n"
        extra = upgrade if path == "ws" else ""
        held.send(f"GET /{path} HTTP/1.1\r\nHost: shop.example\r\n{extra}\r\n".encode())
        self._streams[held.fileno()] = held
        self._epoll.register(held.fileno(), select.EPOLLIN)

    def _listen(self, handle: int) -> None:
        try:
            data = self._streams[handle].recv(65536)
        except OSError:
            data = b""
        if not data or data[:1] == b"\x88":  # a WebSocket's close frame
            self._cut.append(time.monotonic())
            self._epoll.unregister(handle)
            self._streams.pop(handle).close()

    def _ask(self, connection: Connection, due: float) -> None:
        connection.due, connection.sent = due, time.monotonic()
        fresh = connection.socket is None
        if fresh:
            self._connect(connection)
        assert connection.socket is not None
        try:
            connection.socket.send(self._texts[connection.kind])
        except BlockingIOError:  # not connected yet: the other side's queue is full
            self._epoll.modify(connection.socket.fileno(), select.EPOLLIN | select.EPOLLOUT)
        except OSError:
            self._end(connection, REFUSED if fresh else RESET)

    def _connect(self, connection: Connection) -> None:
        """Begin to; on this machine it is done at once unless the other side is in trouble."""
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.setblocking(False)
        made.connect_ex(("127.0.0.1", self.order.port))
        connection.socket = made
        self._by_handle[made.fileno()] = connection
        self._epoll.register(made.fileno(), select.EPOLLIN)

    def _connected(self, connection: Connection) -> None:
        """Or refused. Now the request can be sent."""
        assert connection.socket is not None
        self._epoll.modify(connection.socket.fileno(), select.EPOLLIN)
        try:
            connection.socket.send(self._texts[connection.kind])
        except OSError:
            self._end(connection, REFUSED)

    def _receive(self, connection: Connection) -> None:
        assert connection.socket is not None
        try:
            data = connection.socket.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            if not connection.due:
                self._closed_idle.append(time.monotonic())
                self._drop(connection)
            else:
                self._end(connection, CUT if connection.received else RESET)
            return
        connection.received += data
        self._look(connection)

    def _look(self, connection: Connection) -> None:
        """Whether the answer is whole."""
        received = connection.received
        end = received.find(b"\r\n\r\n")
        if end < 0:
            return
        head = received[:end].lower()
        at = head.find(b"content-length: ")
        if at >= 0:
            stop = head.find(b"\r\n", at)
            if len(received) < end + 4 + int(head[at + 16 : stop if stop > 0 else end]):
                return
        at = head.find(b"x-version: v")
        version = int(head[at + 12 : at + 17].split(b"\r", 1)[0]) if at >= 0 else -1
        if connection.kind != 2 and b"\nconnection: close" in head:
            self._told.append(time.monotonic())
            self._drop(connection)
        self._end(connection, FIVE if head[9:10] == b"5" else OK, version)

    def _end(self, connection: Connection, outcome: int, version: int = -1) -> None:
        """The request is over; the next one, or wait for its time."""
        now = time.monotonic()
        self.began.append(connection.due)
        self.took.append(now - connection.due)
        self.outcome.append(outcome)
        self.kind.append(connection.kind)
        self.version.append(version)
        connection.due, connection.received = 0.0, b""
        if outcome >= RESET or connection.kind == 2:
            self._drop(connection)
        if self.order.rates is None and outcome != REFUSED and not self._over:
            self._ask(connection, now)
        else:
            self._free[connection.kind].append(connection)

    def _drop(self, connection: Connection) -> None:
        if connection.socket is not None:
            handle = connection.socket.fileno()
            self._epoll.unregister(handle)
            del self._by_handle[handle]
            connection.socket.close()
            connection.socket = None

    def _sweep(self, now: float) -> None:
        """Give up on answers that do not come; in the closed loop, try again where there was no connection."""
        for connection in list(self._by_handle.values()):
            if connection.due and now - connection.sent > WITHIN:
                self._end(connection, TIMEOUT)
        if self.order.rates is None:
            for free in self._free:
                for _ in range(len(free)):
                    self._ask(free.popleft(), now)

    def write(self) -> None:
        with open(self.order.file, "wb") as file:
            for column in (self.began, self.took, self.outcome, self.kind, self.version):
                file.write(len(column).to_bytes(8, "little"))
                column.tofile(file)


if __name__ == "__main__":
    crowd = Crowd(msgspec.json.decode(sys.argv[1], type=Order))
    print("ready", flush=True)
    summary = crowd.run()
    crowd.write()
    print(msgspec.json.encode(summary).decode(), flush=True)
