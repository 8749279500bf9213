"""The ASGI application: routes, the door, problems."""

from __future__ import annotations

from collections.abc import Sequence

from litestar import Litestar, Router
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.types import ControllerRouterHandler

from plainsail import __version__
from plainsail.api import names, releases, rollouts, services, signin, spec
from plainsail.api.door import Door
from plainsail.api.problems import HANDLERS
from plainsail.app.context import Context
from plainsail.app.sessions import Sessions

BODY_LIMIT = 16 * 2**20
"""Bytes of a request's JSON: more than the largest file the spec reads, whatever is escaped in it."""

OPENAPI = OpenAPIConfig(
    title="plainsail",
    version=__version__,
    description="Progressive delivery. Errors are RFC 9457 problems with a stable `code` and a `next_step`.",
    path="/api/v1/openapi.json",  # a path of its own, since everything unknown below it is answered in HTML
    render_plugins=[JsonRenderPlugin(path="/")],
    components=Components(security_schemes={"token": SecurityScheme(type="http", scheme="bearer")}),
    security=[{"token": []}],
    use_handler_docstrings=True,
)


def create_app(context: Context, extra: Sequence[ControllerRouterHandler] = ()) -> Litestar:
    """Serve it with any ASGI server; it starts and stops nothing by itself. `extra`: what is served beside the API."""
    sessions = Sessions(context.token_hash, context.now)

    def provide() -> Context:
        return context

    def provide_sessions() -> Sessions:
        return sessions

    handlers: list[ControllerRouterHandler] = [
        *services.HANDLERS, *releases.HANDLERS, *rollouts.HANDLERS, *spec.HANDLERS, *names.HANDLERS,
        *signin.HANDLERS,
    ]  # fmt: skip
    return Litestar(
        [Router("/api/v1", route_handlers=handlers), *extra],
        dependencies={
            "context": Provide(provide, sync_to_thread=False),
            "sessions": Provide(provide_sessions, sync_to_thread=False),
        },
        middleware=[Door(context.token_hash, context.hosts, sessions)],
        exception_handlers=HANDLERS,
        openapi_config=OPENAPI,
        request_max_body_size=BODY_LIMIT,
        logging_config=None,
    )
