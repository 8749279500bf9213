"""What HAProxy's log tells beyond its counters: how long answers took, and which instance they were meant to come from.

A UDP datagram for each request, when it is over. What comes while nobody reads is lost, so quantiles say what part they
rest on, and the counts of instances are those of the lines that came. Both begin at zero with each control plane.

A line has eight fields: service, group, the server it was meant for (`-`: the balancer's choice, as for live), the server
that was asked last, status, microseconds to the first byte of the answer (`-`: none came), milliseconds that it took in all,
and the latency bound in microseconds. Anybody on this machine can send us lines: what is of no instance that we know is
dropped.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Collection
from typing import NamedTuple

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
FORMAT = (
    "%b %[var(txn.group)] %[var(txn.srv)] %s %ST %[var(txn.dt)] %Ta %[var(txn.slow)]"  # read by `_parsed`
)
FIELDS = 8
LARGEST = 10**12
"""Microseconds, eleven days: nothing that HAProxy measures takes longer."""


class Log:
    """Reads the log of one HAProxy."""

    def __init__(self) -> None:
        self.port: int | None = None
        self._socket: socket.socket | None = None
        self._seen: dict[tuple[str, str], Histogram] = {}
        self._instances: dict[str, dict[str, Counts]] = {}
        """By service: those it has."""

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

    def expect(self, service: str, instances: Collection[str]) -> None:
        """These may be asked from now on, beside those that are known."""
        known = self._instances.setdefault(service, {})
        for instance in instances:
            known.setdefault(instance, Counts())

    def keep(self, service: str, instances: Collection[str]) -> None:
        """The service has these and no others; without any, it is forgotten."""
        known = self._instances.pop(service, {})
        if instances:
            self._instances[service] = {instance: known.get(instance, Counts()) for instance in instances}

    def instances(self, service: str) -> dict[str, Counts]:
        """What was told of each by now: who compares it with the counters has both of the same moment."""
        if self._socket is not None:
            self._read()
        return dict(self._instances.get(service, {}))

    def latency(self, service: str, counts: dict[str, Counts]) -> dict[str, Latency]:
        """By group, in seconds."""
        return {
            group: _latency(histogram, counts[group].requests)
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
            if (told := _parsed(line)) is not None:
                self._take(told)

    def _take(self, told: Told) -> None:
        known = self._instances.get(told.service)
        if known is None:
            return
        if told.took is not None:
            self._histogram(told.service, told.group).add(told.took)
        instance = told.meant or told.by
        if instance in known:
            known[instance] = _counted(known[instance], told)

    def _histogram(self, service: str, group: str) -> Histogram:
        histogram = self._seen.get((service, group))
        if histogram is None:
            if len(self._seen) >= GROUPS_KEPT:
                del self._seen[next(iter(self._seen))]
            histogram = self._seen[(service, group)] = Histogram()
        return histogram


class Told(NamedTuple):
    """One line."""

    service: str
    group: str
    meant: str
    """Empty: whomever the balancer chose."""
    by: str
    status: int
    took: int | None
    """Microseconds to the first byte; None: there was none."""
    gone: int
    """Microseconds until it was over."""
    bound: int


def _parsed(line: bytes) -> Told | None:
    """None: HAProxy did not write that, or not about a request to a service."""
    fields = line.decode("latin-1").split()
    if len(fields) != FIELDS:
        return None
    service, group, meant, by, status, took, gone, bound = fields
    numbers = (took if took != "-" else "0", gone, bound)
    if not all(number.isascii() and number.isdigit() and int(number) < LARGEST for number in numbers):
        return None
    if not status.lstrip("-").isdecimal():
        return None
    return Told(
        service, group, "" if meant == "-" else meant, by, int(status),
        None if took == "-" else int(took), int(gone) * 1000, int(bound),
    )  # fmt: skip


def _counted(before: Counts, told: Told) -> Counts:
    """As the counters of groups do it (`template`, `counts`). A request that nobody answered counts only if it was past the
    bound when its user gave up."""
    late = (told.gone if told.took is None else told.took) > told.bound
    if told.took is None and not late:
        return before
    answered = told.took is not None
    bad = answered and told.status >= 500
    stepped_in = answered and not bad and told.meant not in ("", told.by)
    return Counts(
        before.requests + 1,
        before.failures + (bad or stepped_in),
        before.shielded + stepped_in,
        before.slow + late,
    )


def _latency(histogram: Histogram, requests: int) -> Latency:
    p50, p90, p99 = (histogram.quantile(part) / 1_000_000 for part in (0.5, 0.9, 0.99))
    coverage = min(1.0, histogram.total / requests) if requests else 0.0
    return Latency(p50, p90, p99, coverage, histogram.buckets())
