"""All pages, ready to be mounted beside the API."""

from __future__ import annotations

from collections.abc import Callable

from litestar import Response, Router
from litestar.di import Provide
from litestar.params import FromPath

from plainsail.ports.errors import NotFound
from plainsail.web import assets, login, rollouts, services, steering, target
from plainsail.web.stream import Hub
from plainsail.web.visiting import BY_SESSION, PROBLEMS, page_at


class Pages:
    """What they share, and how they end. `clock`: seconds since 1970."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.hub = hub = Hub(clock)

        def provide() -> Hub:  # a function, since the framework copies whatever else it is given
            return hub

        self.handlers = (Router(
            "/",
            route_handlers=[
                *assets.HANDLERS, *login.HANDLERS, *services.HANDLERS, *target.HANDLERS, *rollouts.HANDLERS,
                *steering.HANDLERS, nothing,
            ],
            dependencies={"following": Provide(provide, sync_to_thread=False)},
            exception_handlers=PROBLEMS,
            include_in_schema=False,
        ),)  # fmt: skip

    def close(self) -> None:
        """End all streams; to be called before the server stops, which else waits for them."""
        self.hub.close()


@page_at("/{path:path}", opt=BY_SESSION, sync_to_thread=False)
def nothing(path: FromPath[str]) -> Response[str]:
    """Whatever else is asked for."""
    raise NotFound("nothing_here", f"There is nothing at {path[:100]}", "the services are at /")
