"""The hub as handlers are given it, and its answer to a page that follows."""

from __future__ import annotations

from collections.abc import Callable

from litestar.di import NamedDependency
from litestar.params import SkipValidation
from litestar.response import Stream

from plainsail.app.sessions import Sessions
from plainsail.ports.errors import Rejected
from plainsail.web.rendering import HEADERS
from plainsail.web.stream import Hub, View
from plainsail.web.visiting import Visiting

Following = NamedDependency[SkipValidation[Hub]]


def stream(hub: Hub, sessions: Sessions, request: Visiting, key: object, make: Callable[[], View]) -> Stream:
    """Goes on as long as the session does."""

    def still() -> bool:
        try:
            sessions.identify(request.auth)
        except Rejected:
            return False
        return True

    last_id = request.headers.get("Last-Event-ID", "")
    return Stream(
        hub.follow(key, make, last_id, still),
        media_type="text/event-stream",
        headers={**HEADERS, "Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )
