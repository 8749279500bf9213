"""Ports of this machine, given to one instance each."""

from __future__ import annotations

import contextlib
import errno
import secrets
import socket

from plainsail.ports.errors import Broken


class Ports:
    """Gives out free ports of a range, each one once until it is given back.

    Several control planes, and several environments of one, may use the same range: a port is reserved by binding a
    name that all of them would bind (an abstract socket, in the same network namespace as the port), which the kernel
    takes back when the holder dies. From then on the instance's own listening protects it.
    """

    def __init__(self, first: int, last: int) -> None:
        self._first, self._last = first, last
        self._next = first + secrets.randbelow(last - first + 1)
        self._held: dict[int, socket.socket | None] = {}

    def take(self) -> int:
        """The next free one; just returned ports come last, for there may still be connections. Broken if none is."""
        for _ in range(self._first, self._last + 1):
            port = self._next
            self._next = port + 1 if port < self._last else self._first
            if port not in self._held and (held := _reserve(port)) is not None:
                if _free(port):
                    self._held[port] = held
                    return port
                held.close()
        raise Broken(
            "no_port",
            f"All ports from {self._first} to {self._last} are in use",
            "widen the range with `first_port` and `last_port` of the provider",
        )

    def keep(self, port: int) -> None:
        """Hold the port of an instance that runs already."""
        self._held[port] = _reserve(port)

    def give_back(self, port: int) -> None:
        held = self._held.pop(port, None)
        if held is not None:
            held.close()

    def close(self) -> None:
        for port in list(self._held):
            self.give_back(port)


def _reserve(port: int) -> socket.socket | None:
    """None if somebody else has it."""
    reserved = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        reserved.bind(f"\0plainsail/port/{port}")
    except OSError as error:
        reserved.close()
        if error.errno != errno.EADDRINUSE:
            raise
        return None
    return reserved


def _free(port: int) -> bool:
    """Nobody listens there, on any address. Connections that are fading away do not count."""
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind(("", port))
        except OSError:
            return False
    return True
