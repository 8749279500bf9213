"""Quantiles from HAProxy's log, which comes as UDP datagrams: one line per request with its group and the time to the
first byte of its answer. What comes while nobody reads is lost, so the quantiles say what part they rest on."""

from __future__ import annotations

import asyncio
import contextlib
import socket

from plainsail.domain.histogram import Histogram
from plainsail.domain.observation import Counts, Latency

BUFFER = 4 << 20
"""Bytes: 6,500 lines, as measured."""
SO_RCVBUFFORCE = 33
"""Linux, `asm-generic/socket.h`; Python has no name for it."""
GROUPS_KEPT = 1000
"""The oldest give way; anybody on this machine can send us lines."""
BATCH = 500
"""Lines read before others get their turn."""


class Log:
    """Reads the log of one HAProxy."""

    def __init__(self) -> None:
        self.port: int | None = None
        self._socket: socket.socket | None = None
        self._seen: dict[tuple[str, str], Histogram] = {}

    def open(self, port: int = 0) -> bool:
        """Listen on this port, or on any; False if somebody else does."""
        receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        receiver.setblocking(False)
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        with contextlib.suppress(OSError):  # above the system's limit only if we may
            receiver.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
        try:
            receiver.bind(("127.0.0.1", port))
        except OSError:
            receiver.close()
            return False
        self._socket, self.port = receiver, receiver.getsockname()[1]
        asyncio.get_running_loop().add_reader(receiver, self._read)
        return True

    def close(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(RuntimeError):  # the loop it was read by is over
                asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None

    def latency(self, service: str, counts: dict[str, Counts]) -> dict[str, Latency]:
        """By group, in seconds."""
        return {
            group: _quantiles(histogram, counts[group].requests)
            for (name, group), histogram in self._seen.items()
            if name == service and group in counts
        }

    def _read(self) -> None:
        assert self._socket is not None
        for _ in range(BATCH):
            try:
                line = self._socket.recv(1024)
            except OSError:
                return
            fields = line.decode("latin-1").split()[-3:]
            if len(fields) == 3 and fields[2].isdigit():
                self._add(fields[0], fields[1], int(fields[2]))

    def _add(self, service: str, group: str, micros: int) -> None:
        histogram = self._seen.get((service, group))
        if histogram is None:
            if len(self._seen) >= GROUPS_KEPT:
                del self._seen[next(iter(self._seen))]
            histogram = self._seen[(service, group)] = Histogram()
        histogram.add(micros)


def _quantiles(histogram: Histogram, requests: int) -> Latency:
    p50, p90, p99 = (histogram.quantile(part) / 1_000_000 for part in (0.5, 0.9, 0.99))
    return Latency(p50, p90, p99, coverage=min(1.0, histogram.total / requests) if requests else 0.0)
