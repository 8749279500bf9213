"""Names that begin so, for completion."""

from __future__ import annotations

from litestar import get
from litestar.params import FromPath, FromQuery
from litestar.types import ControllerRouterHandler

from plainsail.api.params import Asking, Ctx
from plainsail.app import names as use


@get("/names/{kind:str}", sync_to_thread=True)
def names(
    context: Ctx,
    request: Asking,
    kind: FromPath[use.Kind],
    prefix: FromQuery[str] = "",
    service: FromQuery[str | None] = None,
) -> use.NamesDocument:
    """Services, environments, rollouts, busy services (with a rollout under way) or releases of a service."""
    return use.names(context, request.user, kind, prefix, service)


HANDLERS: list[ControllerRouterHandler] = [names]
