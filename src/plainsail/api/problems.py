"""Every error as an RFC 9457 problem: what happened, a stable code, what to do. No stack traces."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import ExceptionHandlersMap

from plainsail.app.access import Refused, Unidentified
from plainsail.app.expected import Conflict
from plainsail.ports.errors import Failure, Fenced, NotFound, Rejected, Transient
from plainsail.spec.diagnostics import Diagnostic, SpecError

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

STATUS: tuple[tuple[type[Failure], int], ...] = (  # the first that fits
    (Unidentified, 401),
    (Refused, 403),
    (NotFound, 404),
    (Conflict, 409),
    (Rejected, 422),
    (Transient, 503),
    (Fenced, 503),
    (Failure, 500),
)


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """RFC 9457, with `code` for programs and `next_step` for people."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    next_step: str
    diagnostics: tuple[Diagnostic, ...] = ()
    """What is wrong with a spec, each at its line."""


def problem(
    status: int, code: str, detail: str, next_step: str = "", diagnostics: tuple[Diagnostic, ...] = ()
) -> Problem:
    return Problem(
        f"urn:plainsail:problem:{code}",
        HTTPStatus(status).phrase,
        status,
        detail,
        code,
        next_step,
        diagnostics,
    )


def _answer(told: Problem, headers: dict[str, str] | None = None) -> Response[Problem]:
    return Response(told, status_code=told.status, media_type=MEDIA_TYPE, headers=headers)


def _failure(_: Request[Any, Any, Any], error: Failure) -> Response[Problem]:
    status = next(status for kind, status in STATUS if isinstance(error, kind))
    if error.code == "disk_full":
        status = 507
    if error.code == "too_large":
        status = 413
    headers = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "1"}}.get(status)
    if status >= 500:
        log.error("%s: %s", error.code, error)
    return _answer(problem(status, error.code, error.message, error.next_step), headers)


def _spec_error(_: Request[Any, Any, Any], error: SpecError) -> Response[Problem]:
    count = len(error.diagnostics)
    detail = f"The spec has {count} problem{'s' * (count != 1)}; nothing was changed"
    return _answer(problem(422, "spec_invalid", detail, "correct them and apply again", error.diagnostics))


def _http(request: Request[Any, Any, Any], error: HTTPException) -> Response[Problem]:
    """What the framework found: no such route, a body that does not fit."""
    status = error.status_code
    code = HTTPStatus(status).phrase.lower().replace(" ", "_")
    detail = error.detail
    if isinstance(error, ValidationException):
        code = "request_invalid"
        told = [str(one.get("message", "")) for one in error.extra or () if isinstance(one, dict)]
        detail = "; ".join(filter(None, told)) or detail
    if status == 404:
        detail = f"There is nothing at {request.url.path}"
    next_step = "see /api/v1/openapi.json"
    if status == 413:
        length = request.headers.get("content-length", "")
        size = f" of {int(length) / 1e6:,.1f} MB" if length.isdigit() else ""
        detail, next_step = (
            f"The request{size} is larger than is read",
            "split it into several files and apply each",
        )
    if status >= 500:
        log.error("%s %s: %s", request.method, request.url.path, error.detail)
    return _answer(problem(status, code, detail, next_step), dict(error.headers or {}))


def _unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return _answer(
        problem(500, "internal", "plainsail failed here; its log says where", "try again, then report it")
    )


HANDLERS: ExceptionHandlersMap = {
    Failure: _failure,
    SpecError: _spec_error,
    HTTPException: _http,
    Exception: _unexpected,
}
