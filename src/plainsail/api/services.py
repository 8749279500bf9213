"""What runs where, and the instances' own output."""

from __future__ import annotations

import asyncio
from typing import Annotated

from litestar import get
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.types import ControllerRouterHandler

from plainsail import __version__
from plainsail.api.params import Asking, Ctx, Limit
from plainsail.app import naming, overview, queries, status
from plainsail.app.access import OPEN
from plainsail.app.documents import StatusDocument
from plainsail.ports.store import Key

PageSize = Annotated[int, QueryParameter(ge=1, le=200)]


@get("/health", opt={OPEN: True}, security=[], sync_to_thread=False)
def health() -> dict[str, str]:
    """This control plane answers."""
    return {"status": "ok", "version": __version__}


@get("/services", sync_to_thread=True)
def services(context: Ctx, request: Asking, service: FromQuery[str | None] = None) -> status.ServicesDocument:
    """All services, or one, in all their environments."""
    return status.services(context, request.user, service)


@get("/overview", sync_to_thread=True)
def all_at_a_glance(
    context: Ctx,
    request: Asking,
    text: FromQuery[str] = "",
    only: FromQuery[overview.Only] = "all",
    page: FromQuery[int] = 1,
    size: FromQuery[PageSize] = 50,
) -> overview.OverviewDocument:
    """Services a page at a time: those in trouble, those on the move, the rest by name; and how many there are of each."""
    return overview.overview(context, request.user, text, only, page, size)


@get("/services/{service:str}/environments/{environment:str}", sync_to_thread=True)
def service_status(
    context: Ctx, request: Asking, service: FromPath[str], environment: FromPath[str]
) -> StatusDocument:
    """What runs there, which share of users it has, and why."""
    return status.status(context, request.user, Key(service, environment))


@get("/services/{service:str}/environments/{environment:str}/recent", sync_to_thread=True)
def recent(
    context: Ctx,
    request: Asking,
    service: FromPath[str],
    environment: FromPath[str],
    after: FromQuery[float] = 0.0,
) -> queries.RecentDocument:
    """Shares, instances and counts of the last quarter of an hour, later than `after`."""
    return queries.recent(context, request.user, Key(service, environment), after)


@get("/services/{service:str}/environments/{environment:str}/output")
async def output(
    context: Ctx,
    request: Asking,
    service: FromPath[str],
    environment: FromPath[str],
    lines: Limit = 50,
    group: FromQuery[str | None] = None,
) -> queries.OutputDocument:
    """The last lines of each instance, also of ended ones as long as they are kept."""
    await asyncio.to_thread(naming.placed, context, service, environment)
    return await queries.output(context, request.user, Key(service, environment), group, lines)


HANDLERS: list[ControllerRouterHandler] = [health, services, all_at_a_glance, service_status, recent, output]
