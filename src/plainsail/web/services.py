"""All services at a glance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, cast, get_args

from litestar import Response, get
from litestar.params import QueryParameter
from litestar.response import Stream
from litestar.types import ControllerRouterHandler

from plainsail.app.access import Subject
from plainsail.app.context import Context
from plainsail.app.overview import Only, overview
from plainsail.web.following import Following, stream
from plainsail.web.rendering import page
from plainsail.web.stream import Picture, in_thread
from plainsail.web.visiting import BY_SESSION, Ctx, Signing, Visiting, page_at

Text = Annotated[str, QueryParameter(max_length=200)]


class ServicesView:
    """A page of the services that a filter leaves."""

    fragments: Mapping[str, str] = {
        "summary": "services/summary.html",
        "services": "services/table.html",
    }

    def __init__(self, context: Context, subject: Subject, q: str, only: Only, number: int) -> None:
        self._context, self._subject = context, subject
        self._q, self._only, self._number = q, only, number

    async def look(self) -> Picture:
        found = await in_thread(overview, self._context, self._subject, self._q, self._only, self._number)
        values = {"found": found, "q": self._q, "only": self._only}
        return Picture(values, busy=found.rollouts > 0)

    def later(self, after: float) -> tuple[float, dict[str, bytes]]:
        return after, {}


@page_at("/", opt=BY_SESSION)
async def services(
    context: Ctx,
    request: Visiting,
    q: Text = "",
    only: Text = "all",
    page_number: Annotated[int, QueryParameter(name="page")] = 1,
) -> Response[str]:
    """The first page."""
    view = ServicesView(context, request.user, q, _only(only), page_number)
    picture = await view.look()
    return page("services.html", now=context.now(), **picture.values)


@get("/live/services", opt=BY_SESSION)
async def live(
    context: Ctx, sessions: Signing, following: Following, request: Visiting, q: Text = "", only: Text = "all",
    page_number: Annotated[int, QueryParameter(name="page")] = 1,
) -> Stream:  # fmt: skip
    """What changes on it."""
    chosen = _only(only)
    key = ("services", q, chosen, page_number)
    make = lambda: ServicesView(context, request.user, q, chosen, page_number)  # noqa: E731
    return stream(following, sessions, request, key, make)


def _only(text: str) -> Only:
    return cast(Only, text) if text in get_args(Only) else "all"


HANDLERS: list[ControllerRouterHandler] = [services, live]
