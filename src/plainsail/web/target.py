"""One service in one environment, live."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Response, get
from litestar.params import FromPath
from litestar.response import Redirect, Stream
from litestar.types import ControllerRouterHandler

from plainsail.app import naming, queries, status, steer, upkeep
from plainsail.app.access import Subject
from plainsail.app.context import Context
from plainsail.app.documents import RolloutDocument, StatusDocument
from plainsail.app.overview import in_chain_order
from plainsail.domain.service import Environment
from plainsail.ports.store import Key
from plainsail.web import curves, sentences
from plainsail.web.following import Following, stream
from plainsail.web.rendering import HEADERS, page
from plainsail.web.stream import Picture, in_thread
from plainsail.web.visiting import BY_SESSION, Ctx, Signing, Visiting, page_at

LINES, LINES_EACH = 200, 60
"""Of output: in all, and of each instance."""
OUTPUT_EVERY = 1.0
"""Seconds between looks at the instances' output."""
EVENTS, ROLLOUTS = 40, 10


class TargetView:
    """What its page shows."""

    fragments: Mapping[str, str] = {
        "state": "target/state.html",
        "steps": "target/steps.html",
        "numbers": "target/numbers.html",
        "verdict": "target/verdict.html",
        "arms": "target/arms.html",
        "metrics": "target/metrics.html",
        "instances": "target/instances.html",
        "output": "target/output.html",
        "rollouts": "target/rollouts.html",
        "events": "target/events.html",
        "facts": "target/facts.html",
    }

    def __init__(self, context: Context, subject: Subject, key: Key) -> None:
        self._context, self._subject, self._key = context, subject, key
        self._lines: tuple[Any, ...] = ()
        self._read_at = -OUTPUT_EVERY
        self._trail = b""

    async def look(self) -> Picture:
        values = await in_thread(self._values)
        await self._read_output()
        return Picture({**values, "lines": self._lines}, busy=values["document"].rollout is not None)

    def later(self, after: float) -> tuple[float, dict[str, bytes]]:
        samples = self._context.live.recent(self._key)
        found = curves.moments(samples, after)
        points = {"samples": msgspec.json.encode(found)} if found else {}
        if self._trail and (found or not after):
            points["trail"] = self._trail
        return (found[-1].at if found else after), points

    def _values(self) -> dict[str, Any]:
        context, subject, key = self._context, self._subject, self._key
        document = status.status(context, subject, key)
        events = queries.events(context, subject, -1, key.service, None, EVENTS * 3).events
        rollouts = queries.rollouts(context, subject, key.service, key.environment, ROLLOUTS).rollouts
        shown = document.rollout or document.last_rollout
        verdict = None
        if shown is not None and shown.started_at is not None:
            verdict = queries.verdict(context, subject, shown.id)
            self._trail = msgspec.json.encode(curves.trail(verdict.evidence))
        return {
            "key": key,
            "alone": False,
            "document": document,
            "state": sentences.state(document),
            "onward": self._onward(),
            "shown": shown,
            "verdict": verdict,
            "possible": steer.possible(context, subject, key) | upkeep.possible(context, subject, key),
            "events": [one for one in reversed(events) if one.environment in (key.environment, "")][:EVENTS],
            "rollouts": rollouts,
            "versions": {one.digest: one.version for one in context.store.releases(key.service)},
            "groups": _groups(document, rollouts),
            "now_at": curves.latest(context.live.recent(key)),
        }

    def _onward(self) -> str | None:
        """The environment that a release which passed this one goes to next."""
        environments = self._context.store.environments()
        chain = chain_of(self._context, self._key.service, environments)
        after = chain[chain.index(self._key.environment) + 1 :]
        return next((name for name in after if environments[name].after is not None), None)

    async def _read_output(self) -> None:
        if time.monotonic() - self._read_at < OUTPUT_EVERY:
            return
        answer = await queries.output(self._context, self._subject, self._key, None, LINES_EACH)
        self._lines = answer.lines[-LINES:]
        self._read_at = time.monotonic()


def _groups(document: StatusDocument, rollouts: tuple[RolloutDocument, ...]) -> dict[str, tuple[str, str]]:
    """What charts call a group, and how they draw it."""
    ended = {one.candidate: (sentences.name(one), "other") for one in reversed(rollouts) if one.candidate}
    return {**ended, **{group.group: (sentences.called(group), group.role) for group in document.groups}}


@page_at("/services/{service:str}/{environment:str}", opt=BY_SESSION)
async def target(
    context: Ctx, request: Visiting, service: FromPath[str], environment: FromPath[str]
) -> Response[str]:
    """Its page."""
    return await show(context, request.user, Key(service, environment))


async def show(
    context: Context, subject: Subject, key: Key, *, status: int = 200, notice: str = "", tone: str = "bad"
) -> Response[str]:
    """The whole page; with what a person is to be told of what they asked for."""
    view = TargetView(context, subject, key)
    picture = await view.look()
    chain = await asyncio.to_thread(chain_of, context, key.service)
    return page(
        "target.html",
        status=status,
        notice=notice,
        tone=tone,
        chain=chain,
        now=context.now(),
        **picture.values,
    )


def chain_of(context: Context, service: str, environments: dict[str, Environment] | None = None) -> list[str]:
    """Where it is placed, in the order in which releases walk. `environments`: if they were read already."""
    placements = naming.service(context, service).placements
    known = context.store.environments() if environments is None else environments
    return [name for name in in_chain_order(known) if name in placements]


@page_at("/services/{service:str}", opt=BY_SESSION, sync_to_thread=True)
def somewhere(context: Ctx, request: Visiting, service: FromPath[str]) -> Response[Any]:
    """The environment that matters most: the last of its chain."""
    chain = chain_of(context, service)
    place = f"/services/{service}/{chain[-1]}" if chain else "/"
    return Redirect(place, status_code=303, headers=HEADERS)


@get("/live/services/{service:str}/{environment:str}", opt=BY_SESSION)
async def live(
    context: Ctx, sessions: Signing, following: Following, request: Visiting, service: FromPath[str],
    environment: FromPath[str],
) -> Stream:  # fmt: skip
    """What changes on its page."""
    key = Key(service, environment)
    await asyncio.to_thread(naming.placed, context, service, environment)
    return stream(following, sessions, request, key, lambda: TargetView(context, request.user, key))


HANDLERS: list[ControllerRouterHandler] = [target, somewhere, live]
