"""What the pages' handlers are given, and how errors look to a person."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any
from urllib.parse import quote

from litestar import Request, Response, route
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException
from litestar.params import SkipValidation
from litestar.response import Redirect
from litestar.types import ExceptionHandlersMap

from plainsail.app.access import PAGE, Refused, Subject, Unidentified
from plainsail.app.context import Context
from plainsail.app.expected import Conflict
from plainsail.app.sessions import Sessions
from plainsail.ports.errors import Failure, NotFound, Rejected
from plainsail.web.rendering import HEADERS, page

log = logging.getLogger(__name__)

Ctx = NamedDependency[SkipValidation[Context]]
Signing = NamedDependency[SkipValidation[Sessions]]
Visiting = Request[Subject, str, Any]
"""A browser's request; `auth` is the session's cookie."""

BY_SESSION = {PAGE: True}

page_at = partial(route, http_method=["GET", "HEAD"])
"""What a browser shows. Asked for its head, it answers as ever; the server leaves the body out."""


def by_script(request: Request[Any, Any, Any]) -> bool:
    """Asked for by htmx: it wants a fragment, not a page."""
    return "HX-Request" in request.headers


def status_of(failure: Failure) -> int:
    kinds: tuple[tuple[type[Failure], int], ...] = (
        (Unidentified, 401), (Refused, 403), (NotFound, 404), (Conflict, 409), (Rejected, 422),
    )  # fmt: skip
    return next((status for kind, status in kinds if isinstance(failure, kind)), 503)


def _unidentified(request: Request[Any, Any, Any], error: Unidentified) -> Response[Any]:
    """To the sign-in page, and back to where they wanted to go."""
    there = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    place = "/login" + (
        f"?next={quote(there, safe='')}" if request.method in ("GET", "HEAD") and there != "/" else ""
    )
    if by_script(request):
        return Response(
            b"", status_code=401, media_type="text/plain", headers={**HEADERS, "HX-Redirect": "/login"}
        )
    return Redirect(place, status_code=303, headers=HEADERS)


def _failure(request: Request[Any, Any, Any], error: Failure) -> Response[Any]:
    status = status_of(error)
    if status >= 500:
        log.error("%s %s: %s: %s", request.method, request.url.path, error.code, error)
    if by_script(request):
        return page("notice.html", status=status, tone="bad", message=str(error))
    return page("problem.html", status=status, message=error.message, next_step=error.next_step)


def _http(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    message = f"There is nothing at {request.url.path}" if error.status_code == 404 else error.detail
    return page("problem.html", status=error.status_code, message=message, next_step="")


def _unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    message = "plainsail failed here; its log says where"
    if by_script(request):
        return page("notice.html", status=500, tone="bad", message=message)
    return page("problem.html", status=500, message=message, next_step="try again, then report it")


PROBLEMS: ExceptionHandlersMap = {
    Unidentified: _unidentified,
    Failure: _failure,
    HTTPException: _http,
    Exception: _unexpected,
}
