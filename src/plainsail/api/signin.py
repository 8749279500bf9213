"""How a person who holds the token lets a browser in, without the token in any address."""

from __future__ import annotations

import msgspec
from litestar import post
from litestar.types import ControllerRouterHandler

from plainsail.api.params import Signing
from plainsail.app.sessions import CODE_LASTS


class CodeDocument(msgspec.Struct, frozen=True):
    path: str
    """Open this on the control plane's address; it works once."""
    lasts: float
    """Seconds."""


@post("/login-codes", sync_to_thread=False)
def login_code(sessions: Signing) -> CodeDocument:
    """A link that signs a browser in, once, within a minute."""
    return CodeDocument(f"/enter/{sessions.give_code()}", CODE_LASTS)


HANDLERS: list[ControllerRouterHandler] = [login_code]
