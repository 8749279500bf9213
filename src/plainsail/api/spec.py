"""What people declare."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import get, post
from litestar.params import JSONBody
from litestar.types import ControllerRouterHandler

from plainsail.api.params import Asking, Ctx
from plainsail.app import apply as use


class SpecFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A `plainsail.yaml`, and the name that its errors are told under."""

    name: str
    text: str


class ApplyBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Files as they are on the user's disk."""

    files: tuple[SpecFile, ...]
    dry_run: bool = False


@post("/spec", status_code=200, sync_to_thread=True)
def apply(context: Ctx, request: Asking, data: JSONBody[ApplyBody]) -> use.Applied:
    """Register or update environments and services; with `dry_run` say what it would change. What no file names stays."""
    return use.apply(context, request.user, [(file.name, file.text) for file in data.files], data.dry_run)


@get("/spec", sync_to_thread=True)
def declared(context: Ctx, request: Asking) -> dict[str, Any]:
    """All that is registered, as one file."""
    document: dict[str, Any] = msgspec.to_builtins(use.declared(context, request.user))
    return document


HANDLERS: list[ControllerRouterHandler] = [apply, declared]
