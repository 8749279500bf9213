"""Who asks, and may they: the one place where it is decided."""

from __future__ import annotations

import hashlib
import hmac
from typing import Literal

import msgspec

from plainsail.ports.errors import Rejected

Role = Literal["owner"]
Action = Literal["read", "apply", "upload", "deploy", "steer"]

ALLOWED: dict[Role, frozenset[Action]] = {"owner": frozenset({"read", "apply", "upload", "deploy", "steer"})}


OPEN = "open"
"""Option of a handler that asks nobody who they are."""
PAGE = "page"
"""Option of a handler that browsers use: the session's cookie says who asks, and only our own pages may send it forms."""


class Subject(msgspec.Struct, frozen=True):
    """Who asks. The name is what history shows."""

    name: str
    roles: frozenset[Role]


OWNER = Subject("owner", frozenset({"owner"}))
"""Whoever holds the token in the data directory."""


class Unidentified(Rejected):
    """The request carries no token that we know."""


class Refused(Rejected):
    """Understood and refused for good: policy, permission, quarantine. Asking again does not help."""


def hash_token(token: str) -> str:
    """What is kept of a token (SHA-256, hex). A token is 256 random bits, so a slow hash would add nothing."""
    return hashlib.sha256(token.encode()).hexdigest()


def identify(token: str, token_hash: str) -> Subject:
    """The subject whose token this is, compared in constant time. Raises Unidentified."""
    if not token:
        raise Unidentified(
            "token_missing",
            "No token was sent",
            "set PLAINSAIL_TOKEN, or name the data directory with --data",
        )
    if not hmac.compare_digest(hash_token(token), token_hash):
        raise Unidentified(
            "token_wrong",
            "This token is not known here",
            "check PLAINSAIL_TOKEN, or name the data directory with --data",
        )
    return OWNER


def allow(subject: Subject, action: Action) -> None:
    """Raises Refused (`forbidden`) unless one of the subject's roles may do this."""
    if not any(action in ALLOWED[role] for role in subject.roles):
        raise Refused("forbidden", f"{subject.name} may not {action}", "ask an owner")
