"""Browsers' sessions: a signed cookie instead of the token, so that the token is typed once and kept nowhere.

Signed with a key derived from the token's hash: sessions outlive a restart of the control plane, and end when the token
is changed. Signing out forgets the cookie; nothing is kept here that could be revoked one by one.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable

from plainsail.app.access import OWNER, Subject, Unidentified

LASTS = 14 * 86_400.0
"""Seconds. Two weeks: whoever is on call once a fortnight signs in once."""
CODE_LASTS = 60.0
"""Seconds from asking for a one-time code to using it: a browser is opened in between, nothing more."""
MOST_CODES = 100


class Sessions:
    """Begins and checks them. Safe to use from any thread."""

    def __init__(self, token_hash: str, now: Callable[[], float]) -> None:
        self._key = hmac.digest(token_hash.encode(), b"plainsail session 1", "sha256")
        self._now = now
        self._codes: dict[str, float] = {}
        self.cookie = f"plainsail_{self._sign('cookie')[:8]}"
        """Cookies don't know ports: two control planes on one machine need two names."""

    def begin(self) -> str:
        """A cookie's value."""
        body = f"{int(self._now() + LASTS)}.{secrets.token_urlsafe(12)}"
        return f"{body}.{self._sign(body)}"

    def identify(self, value: str) -> Subject:
        """Whose session this is. Raises Unidentified."""
        body, _, signature = value.rpartition(".")
        if not body or not _same(self._sign(body), signature):
            raise Unidentified("session_missing", "You are not signed in", "sign in with the token")
        if float(body.partition(".")[0]) < self._now():
            raise Unidentified("session_over", "Your session is over", "sign in again")
        return OWNER

    def form_token(self, value: str) -> str:
        """What a form of this session carries, so that no other page can send it."""
        return self._sign(f"form {value}")

    def form_is_ours(self, value: str, form_token: str) -> bool:
        return _same(self.form_token(value), form_token)

    def give_code(self) -> str:
        """A code that begins one session within a minute; what a link may carry where a token may not."""
        now = self._now()
        for code in [code for code, until in self._codes.items() if until < now]:
            self._codes.pop(code, None)
        while len(self._codes) >= MOST_CODES:
            self._codes.pop(next(iter(self._codes)), None)
        code = secrets.token_urlsafe(16)
        self._codes[_hashed(code)] = now + CODE_LASTS
        return code

    def take_code(self, code: str) -> bool:
        """Whether it is good; then it is used up."""
        return self._codes.pop(_hashed(code), 0.0) >= self._now()

    def _sign(self, text: str) -> str:
        return hmac.new(self._key, text.encode("utf-8", "replace"), "sha256").hexdigest()


def _same(ours: str, given: str) -> bool:
    """In constant time; what is given may be anything."""
    return hmac.compare_digest(ours.encode(), given.encode("utf-8", "replace"))


def _hashed(code: str) -> str:
    return hashlib.sha256(code.encode("utf-8", "replace")).hexdigest()
