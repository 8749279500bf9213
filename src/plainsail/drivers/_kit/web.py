"""Asking a metric source over HTTP: its address, its token, a limit of time and size, and errors that hold no secret."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import unquote, urlsplit, urlunsplit

import httpx2

from plainsail.domain.units import seconds
from plainsail.drivers._kit.asking import brief
from plainsail.ports.errors import Broken, Rejected, Transient

MOST_BYTES = 1 << 20
"""An answer is some numbers; ours are a few hundred bytes. More is a wrong query, and must not fill our memory."""
LARGEST_TOKEN = 1 << 14
"""Bytes; servers refuse heads above 8 to 16 KiB."""
AT_ONCE = 20
"""Connections to one source; further questions wait for one."""
TRY_LATER = frozenset({408, 425, 429})
"""Besides 5xx: timeout, too early, too many requests (RFC 9110, 8470, 6585)."""


class Settings(Protocol):
    """What each of these drivers has in its `Config`."""

    @property
    def url(self) -> str: ...
    @property
    def token(self) -> str | None: ...
    @property
    def user(self) -> str | None: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def timeout(self) -> float: ...


class Answer(NamedTuple):
    status: int
    body: bytes

    def json(self) -> Any:
        """ValueError: it is no JSON. `NaN` and `Infinity` are read, as many programs write them."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise ValueError("it is no JSON") from None


class Web:
    """One source's HTTP. Redirects are not followed: the token would go wherever they lead."""

    def __init__(self, settings: Settings, noun: str) -> None:
        parts = urlsplit(settings.url)
        self._url = urlunsplit(
            (parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", "")
        )
        self._settings = settings
        self._login = (unquote(parts.username or ""), unquote(parts.password)) if parts.password else None
        self._client: httpx2.AsyncClient | None = None
        self.name = f"{noun} at {self._url}"
        """For messages; without what `https://user:password@host` has before the @."""

    async def start(self) -> None:
        limits = httpx2.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
        # The environment's proxies and .netrc are not this source's: what is asked and with which token stands in the file.
        self._client = httpx2.AsyncClient(
            trust_env=False, follow_redirects=False, timeout=self._settings.timeout, limits=limits,
            verify=trusted(),
        )  # fmt: skip

    async def stop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def ask(self, method: str, path: str, form: Mapping[str, str] | None = None) -> Answer:
        """The answer, whatever its status; `refuse` says what a status means that the driver knows nothing of.

        Raises Transient (`metrics_unreachable`), Rejected (`metrics_too_long`), Broken (`metrics_token`).
        """
        if self._client is None:
            await self.start()
        assert self._client is not None
        auth, headers = self._credentials()
        try:
            async with asyncio.timeout(self._settings.timeout):
                request = self._client.build_request(method, self._url + path, data=form, headers=headers)
                answer = await self._client.send(request, auth=auth, stream=True)
                try:
                    return Answer(answer.status_code, await self._body(answer))
                finally:
                    await answer.aclose()
        # From None, and by its kind alone: the cause's words may hold a header.
        except TimeoutError:
            why = f"no answer within {seconds(self._settings.timeout)}"
        except httpx2.ConnectError:
            why = "no connection"
        except httpx2.HTTPError as error:
            why = type(error).__name__
        raise Transient(
            "metrics_unreachable", f"The {self.name} does not answer: {why}", "see that it runs"
        ) from None

    def refuse(self, answer: Answer, told: str = "") -> None:
        """Raise what this status means; nothing for 2xx. `told`: what the source says about it."""
        status, because = answer.status, f": {brief(told)}" if told else ""
        if 200 <= status < 300:
            return
        if status in (401, 403):
            raise Broken("metrics_denied", f"The {self.name} denies access ({status})", "mend its token")
        if status >= 500 or status in TRY_LATER:
            raise Transient("metrics_unwell", f"The {self.name} answers {status}{because}")
        if status < 400:
            raise Broken(
                "metrics_foreign", f"The {self.name} answers with a redirect ({status})",
                "write the address that it leads to",
            )  # fmt: skip
        raise Rejected("metrics_query", f"The {self.name} refuses the query ({status}){because}", "mend it")

    async def _body(self, answer: httpx2.Response) -> bytes:
        body = bytearray()
        async for piece in answer.aiter_bytes():
            body += piece
            if len(body) > MOST_BYTES:
                raise Rejected(
                    "metrics_too_long", f"The {self.name} answers with more than {MOST_BYTES:,} bytes",
                    "ask for the one number",
                )  # fmt: skip
        return bytes(body)

    def _credentials(self) -> tuple[httpx2.BasicAuth | None, dict[str, str]]:
        """Read anew each time, as tokens are replaced while we run."""
        # Not compressed: a small answer that unpacks to gigabytes would be unpacked before it is counted.
        headers = {"accept-encoding": "identity", "user-agent": "plainsail", **self._settings.headers}
        path = self._settings.token
        if path is None:
            return (httpx2.BasicAuth(*self._login) if self._login else None), headers
        token = self._token(Path(path))
        if self._settings.user is not None:
            return httpx2.BasicAuth(self._settings.user, token), headers
        return None, {**headers, "authorization": f"Bearer {token}"}

    def _token(self, path: Path) -> str:
        try:
            with path.open("rb") as file:
                content = file.read(LARGEST_TOKEN + 1)
        except OSError as error:
            why = (error.strerror or "error").lower()
            raise Broken(
                "metrics_token",
                f"The token of the {self.name} can't be read from {path}: {why}",
                "mend the file",
            ) from None
        text = content.decode("ascii", "replace").strip()
        if not text or len(content) > LARGEST_TOKEN or not (text.isascii() and text.isprintable()):
            raise Broken(
                "metrics_token",
                f"The file {path} holds no token for the {self.name}",
                "put it there as one line",
            )
        return text


@cache
def trusted() -> ssl.SSLContext:
    """Whom this machine trusts; read once, as it takes longer than a question."""
    return httpx2.create_ssl_context(trust_env=False)


def wrong_with(settings: Settings) -> str | None:
    """What is wrong with these settings beyond their types, after the key and a colon."""
    try:
        parts = urlsplit(settings.url)
        right = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        return "url: it is no address; write one such as http://127.0.0.1:9090"
    if not right or parts.query or parts.fragment or any(each.isspace() for each in settings.url):
        return "url: it is no address; write one such as http://127.0.0.1:9090"
    if parts.username or parts.password:
        return "url: a password stands in it; write 'user', and put the password into the file 'token'"
    if settings.token is not None and not settings.token.startswith("/"):
        return "token: it is the path of a file, and starts with /"
    if settings.user is not None and settings.token is None:
        return "user: its password is missing; put it into a file, and name that as 'token'"
    if settings.timeout <= 0:
        return "timeout: it must be more than 0"
    for name, value in settings.headers.items():
        if (
            not name.replace("-", "").isalnum()
            or not name.isascii()
            or not (value.isascii() and value.isprintable())
        ):
            return f"headers: {name!r} can't be sent"
        if name.lower() == "authorization":
            return (
                "headers: a password would stand in the file; put it into another, and name that as 'token'"
            )
    return None
