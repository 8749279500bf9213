"""One rollout, under way or long ended; and the history of all."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from litestar import Response, get
from litestar.params import FromPath, QueryParameter
from litestar.response import Stream
from litestar.types import ControllerRouterHandler

from plainsail.app import queries
from plainsail.app.access import Subject
from plainsail.app.context import Context
from plainsail.ports.store import Key
from plainsail.web import curves
from plainsail.web.following import Following, stream
from plainsail.web.rendering import page
from plainsail.web.stream import Picture, in_thread
from plainsail.web.visiting import BY_SESSION, Ctx, Signing, Visiting, page_at

EVENTS = 200
ROLLOUTS = 100


class RolloutView:
    """What became of it, and why."""

    fragments: Mapping[str, str] = {
        "rollout": "rollout/head.html",
        "steps": "target/steps.html",
        "verdict": "target/verdict.html",
        "arms": "target/arms.html",
        "metrics": "target/metrics.html",
        "events": "target/events.html",
    }

    def __init__(self, context: Context, subject: Subject, id: str) -> None:
        self._context, self._subject, self._id = context, subject, id
        self._sent = b""
        self.trail = b""

    async def look(self) -> Picture:
        values = await in_thread(self._values)
        return Picture(values, busy=values["shown"].ended_at is None)

    def later(self, after: float) -> tuple[float, dict[str, bytes]]:
        now = self._context.now()
        return (now, {"trail": self.trail}) if self.trail and now - after >= 1.0 else (after, {})

    def _values(self) -> dict[str, Any]:
        shown = queries.rollout(self._context, self._subject, self._id)
        events = queries.events(self._context, self._subject, -1, None, shown.id, EVENTS).events
        verdict = (
            queries.verdict(self._context, self._subject, shown.id)
            if shown.started_at and shown.candidate
            else None
        )
        self.trail = msgspec.json.encode(curves.trail(verdict.evidence if verdict else None))
        key = Key(shown.service, shown.environment)
        return {
            "shown": shown,
            "key": key,
            "verdict": verdict,
            "events": tuple(reversed(events)),
            "alone": True,
        }


@page_at("/rollouts/{rollout:str}", opt=BY_SESSION)
async def rollout(context: Ctx, request: Visiting, rollout: FromPath[str]) -> Response[str]:
    """Its page; followed as long as it is under way."""
    view = RolloutView(context, request.user, rollout)
    picture = await view.look()
    return page(
        "rollout.html", now=context.now(), followed=picture.busy, trail=view.trail.decode(), **picture.values
    )


@get("/live/rollouts/{rollout:str}", opt=BY_SESSION)
async def live(
    context: Ctx, sessions: Signing, following: Following, request: Visiting, rollout: FromPath[str]
) -> Stream:
    """What changes on it."""
    await asyncio.to_thread(queries.rollout, context, request.user, rollout)
    key = ("rollout", rollout)
    return stream(following, sessions, request, key, lambda: RolloutView(context, request.user, rollout))


@page_at("/history", opt=BY_SESSION, sync_to_thread=True)
def history(
    context: Ctx, request: Visiting, service: Annotated[str, QueryParameter(max_length=200)] = ""
) -> Response[str]:
    """Rollouts and events, latest first; of one service or of all."""
    one = service or None
    rollouts = queries.rollouts(context, request.user, one, None, ROLLOUTS).rollouts
    events = queries.events(context, request.user, -1, one, None, EVENTS).events
    return page(
        "history.html", now=context.now(), service=service, rollouts=rollouts, events=tuple(reversed(events))
    )


HANDLERS: list[ControllerRouterHandler] = [rollout, live, history]
