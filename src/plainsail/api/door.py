"""The door: is this request addressed to us, and who sends it? Asked before anything of the request is read."""

from __future__ import annotations

import ipaddress

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from plainsail.app.access import OPEN, PAGE, Refused, identify
from plainsail.app.sessions import Sessions
from plainsail.ports.errors import Rejected

DESCRIPTION = "/api/v1/openapi.json"
"""Needs no token either; its handler is the framework's, and takes no option."""


class Door(ASGIMiddleware):
    """A page of somebody else's can make a browser resolve that page's own name to our address (DNS rebinding), so a
    request must name us by an address, as `localhost`, or by a name we were given."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, token_hash: str, hosts: frozenset[str], sessions: Sessions) -> None:
        self._token_hash = token_hash
        self._sessions = sessions
        self._hosts = frozenset(host.lower() for host in hosts)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        headers = dict(scope["headers"])
        host = host_name(headers.get(b"host", b"").decode("latin-1"))
        if host not in self._hosts and not address(host):
            raise Refused(
                "host_unknown",
                f"{host or 'An empty Host header'} is not a name of this control plane",
                "use its address",
            )
        options = scope["route_handler"].opt
        if options.get(PAGE):
            self._admit_browser(scope, headers)
        elif not options.get(OPEN) and scope["path"] != DESCRIPTION:
            scope["user"] = identify(bearer(headers.get(b"authorization", b"")), self._token_hash)
        await next_app(scope, receive, send)

    def _admit_browser(self, scope: Scope, headers: dict[bytes, bytes]) -> None:
        """Raises Unidentified, Refused (`origin_foreign`)."""
        if scope["method"] not in ("GET", "HEAD") and not _from_here(headers):  # type: ignore[typeddict-item]  # HTTP
            raise Refused(
                "origin_foreign",
                "This form was not sent by a page of this control plane",
                "open its own page",
            )
        scope["auth"] = session = cookie(headers.get(b"cookie", b""), self._sessions.cookie)
        if not scope["route_handler"].opt.get(OPEN):
            scope["user"] = self._sessions.identify(session)


def host_name(header: str) -> str:
    """Without the port, in lower case: `[::1]:4000` -> `::1`."""
    name = header.strip().lower()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.rpartition(":")[0] if name.count(":") == 1 else name


def address(host: str) -> bool:
    """An address can't be pointed elsewhere, as a name can."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    return True


def cookie(header: bytes, name: str) -> str:
    """Its value; empty if it was not sent."""
    for part in header.decode("latin-1").split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            return value
    return ""


def _from_here(headers: dict[bytes, bytes]) -> bool:
    """Every browser names the origin of a form; a proxy in front of us may speak another scheme, not another name."""
    origin = headers.get(b"origin", b"").decode("latin-1").lower()
    host = headers.get(b"host", b"").decode("latin-1").lower()
    return origin.partition("://")[2] == host and bool(host)


def bearer(header: bytes) -> str:
    """The token, or nothing. Raises Rejected when it can't be one."""
    kind, _, token = header.partition(b" ")
    if kind.lower() != b"bearer":
        return ""
    try:
        return token.strip().decode("ascii")
    except UnicodeDecodeError as error:
        raise Rejected(
            "token_malformed", "The token has characters that no token has", "check PLAINSAIL_TOKEN"
        ) from error
