"""Asks over HTTP: a POST that says what is about to happen, and an answer that says go, no-go, or not yet."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import json
import time
from typing import Any
from urllib.parse import urlsplit

import httpx2
import msgspec

from plainsail.domain.units import Duration, seconds
from plainsail.drivers._kit.asking import brief
from plainsail.drivers._kit.secret import secret
from plainsail.drivers._kit.web import trusted
from plainsail.ports.errors import Broken, Rejected, Transient
from plainsail.ports.site import Site
from plainsail.ports.verifier import Answer, Question, Terms, Verifier

MOST_BYTES = 1 << 16
"""An answer is a word and a sentence. More is something else, and must not fill our memory."""
LONGEST_TIMEOUT = 300.0
"""Seconds. Who needs longer to know answers 202 meanwhile."""
SIGNATURE, ASKED_AT = "x-plainsail-signature", "x-plainsail-asked-at"
ACCEPTED = 202
"""The request was understood and is not done (RFC 9110, 15.3.3): not yet."""


class Config(Terms, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of the `webhook` check."""

    url: str
    """Where it is asked: https, or http on this machine. No place for secrets: it is shown, and may be logged."""
    token: str | None = None
    """File that holds a secret, read anew for each question; sent as a bearer token."""
    sign: bool = False
    """`true`: the secret is not sent. Instead the header `X-Plainsail-Signature` has `sha256=` and the HMAC-SHA256 (hex) of
    `X-Plainsail-Asked-At`, a dot, and the body."""
    timeout: Duration = 10.0
    """Longest time for an answer, at most 5 minutes."""

    def check(self) -> str | None:
        """What is wrong beyond the types; told at its line by `plainsail check`."""
        if problem := _address(self.url):
            return f"url: {problem}"
        if self.token is not None and not self.token.startswith("/"):
            return "token: it is the path of a file, and starts with /"
        if self.sign and self.token is None:
            return "sign: there is nothing to sign with; name the file of the secret as 'token'"
        if not 0.0 < self.timeout <= LONGEST_TIMEOUT:
            return f"timeout: it must be more than 0 and at most {seconds(LONGEST_TIMEOUT)}"
        return self.wrong()


class Webhook:
    """2xx is go, unless the body says otherwise. A no is a no only if it is said: `{"go": false}`."""

    def __init__(self, config: Config, site: Site) -> None:
        """Raises Rejected (`check_settings`)."""
        if problem := config.check():
            raise Rejected("check_settings", f"The webhook's settings are wrong: {problem}", "mend them")
        self._config = config
        self._name = f"webhook at {urlsplit(config.url).hostname}"

    async def ask(self, question: Question) -> Answer:
        """Raises Transient (`check_unreachable`, `check_unwell`), Rejected (`check_unreadable`), Broken (`check_token`,
        `check_denied`, `check_foreign`)."""
        body = json.dumps(document(question), ensure_ascii=True).encode()
        headers = {
            "content-type": "application/json", "accept": "application/json", "user-agent": "plainsail",
            # Not compressed: a small answer that unpacks to gigabytes would be unpacked before it is counted.
            "accept-encoding": "identity", "idempotency-key": question.key, **self._credentials(body),
        }  # fmt: skip
        status, kind, answer = await self._post(body, headers)
        return self._read(status, kind, answer)

    async def _post(self, body: bytes, headers: dict[str, str]) -> tuple[int, str, bytes]:
        try:
            async with (
                asyncio.timeout(self._config.timeout),
                # The environment's proxies and .netrc are not this check's. Redirects are not followed: the token would
                # go wherever they lead.
                httpx2.AsyncClient(
                    trust_env=False, follow_redirects=False, timeout=self._config.timeout, verify=trusted()
                ) as client,
                client.stream("POST", self._config.url, content=body, headers=headers) as answer,
            ):
                read = bytearray()
                async for piece in answer.aiter_bytes():
                    read += piece
                    if len(read) > MOST_BYTES:
                        raise Rejected(
                            "check_unreadable", f"The {self._name} answers with more than {MOST_BYTES:,} bytes",
                            "let it answer with a word and a sentence",
                        )  # fmt: skip
                return answer.status_code, answer.headers.get("content-type", ""), bytes(read)
        # From None, and by its kind alone: the cause's words may hold a header.
        except (TimeoutError, httpx2.TimeoutException):
            why = f"no answer within {seconds(self._config.timeout)}"
        except httpx2.ConnectError:
            why = "no connection"
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            why = type(error).__name__
        raise Transient("check_unreachable", f"The {self._name} does not answer: {why}") from None

    def _read(self, status: int, kind: str, body: bytes) -> Answer:
        said = self._said(status, kind, body)
        go, reason = said.get("go", ...), said.get("reason", "")
        reason = brief(reason) if isinstance(reason, str) else ""
        if go is False and status < 500:
            return Answer("no_go", reason)
        if not 200 <= status < 300:
            self._refuse(status, reason)
        if go is None or (go is ... and status == ACCEPTED):
            return Answer("not_yet", reason)
        if go is True or go is ...:
            return Answer("go", reason)
        raise Rejected(
            "check_unreadable", f"The {self._name} says {brief(repr(go), 40)} for 'go'",
            "let it say true, false, or null for not yet",
        )  # fmt: skip

    def _said(self, status: int, kind: str, body: bytes) -> dict[str, Any]:
        """The object in the body; empty: there is none, and the status says all."""
        text = body.strip()
        if not text:
            return {}
        try:
            said = json.loads(text)
        except (ValueError, RecursionError):
            said = None
        if isinstance(said, dict):
            return said
        # "ok" as plain text is an answer. A page is not: it may be a login, or a proxy's. Broken JSON is not.
        if not 200 <= status < 300 or (
            said is None and kind.partition(";")[0].strip() in ("", "text/plain") and text[:1] not in b"{["
        ):
            return {}
        raise Rejected(
            "check_unreadable", f"The {self._name} answers with what is no JSON object ({brief(kind, 40) or 'untyped'})",
            'let it answer {"go": true}, {"go": false, "reason": "..."}, or with nothing',
        )  # fmt: skip

    def _refuse(self, status: int, told: str) -> None:
        because = f": {told}" if told else ""
        if status in (401, 403):
            raise Broken("check_denied", f"The {self._name} denies access ({status})", "mend its token")
        if 300 <= status < 400:
            raise Broken("check_foreign", f"The {self._name} answers with a redirect ({status})",
                         "write the address that it leads to")  # fmt: skip
        raise Transient("check_unwell", f"The {self._name} answers {status}{because}")

    def _credentials(self, body: bytes) -> dict[str, str]:
        if self._config.token is None:
            return {}
        try:
            key = secret(self._config.token)
        except ValueError as why:
            raise Broken("check_token", f"The token of the {self._name}: {why}", "mend the file") from None
        if not self._config.sign:
            return {"authorization": f"Bearer {key}"}
        asked_at = str(int(time.time()))
        signed = hmac.new(key.encode(), f"{asked_at}.".encode() + body, hashlib.sha256).hexdigest()
        return {ASKED_AT: asked_at, SIGNATURE: f"sha256={signed}"}


def document(question: Question) -> dict[str, object]:
    """The body, which the other side may count on: fields are added, never renamed or removed."""
    found: dict[str, object] = msgspec.to_builtins(question)
    return {**found, "share": question.share_bp / 10_000}


def _address(url: str) -> str | None:
    """What is wrong with it."""
    try:
        parts = urlsplit(url)
        right = parts.hostname and parts.port != 0 and not any(each.isspace() for each in url)
    except ValueError:
        return "it is no address; write one such as https://checks.example/shop"
    if not right or parts.scheme not in ("http", "https"):
        return "it is no address; write one such as https://checks.example/shop"
    if parts.username or parts.password or parts.query or parts.fragment:
        return "neither a password nor anything after '?' or '#' may stand in it; put the secret into the file 'token'"
    if parts.scheme == "http" and not _here(parts.hostname or ""):
        return "it is neither https nor http on this machine"
    return None


def _here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_verifier(webhook: Webhook) -> Verifier:
    return webhook
