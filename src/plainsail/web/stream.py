"""Live pages: a view is looked at and drawn once per tick, however many pages show it, and each page is sent what changed.

A page that is slow, or was away, gets the newest state and skips what was between: nothing queues up.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol, TypeVar

import msgspec

from plainsail.ports.errors import Failure, NotFound, Transient
from plainsail.web.rendering import render

log = logging.getLogger(__name__)

BUSY, CALM = 0.25, 1.0
"""Seconds between two looks while a rollout is under way, and else: four times a second is what an eye can follow."""
SHARE = 0.2
"""At most this part of a core goes into all views together: the rollouts they show come first. What is dear to draw, and
many views at once, are drawn less often."""
LONGEST = 10.0
"""Seconds between two looks at most, however dear they are and however many: a page that is older tells nobody anything."""
BEAT = 2.0
"""Seconds of silence after which a page is told that we are here; it misses three of them before it says so."""
MOST = 500
"""Pages at once."""


T = TypeVar("T")

_numbers = itertools.count(1)
_spent: ContextVar[list[float] | None] = ContextVar("spent", default=None)
"""Seconds of a core that the parts of a look took, while a feed looks."""


async def in_thread(work: Callable[..., T], *given: Any) -> T:
    """Its answer. What it takes of a core is counted for the look that it is part of; what it waits for is not."""

    def measured() -> T:
        began = time.thread_time()
        try:
            return work(*given)
        finally:
            spent = _spent.get()
            if spent is not None:
                spent.append(time.thread_time() - began)

    return await asyncio.to_thread(measured)


def pause(busy: bool, spent: float, crowd: int) -> float:
    """Seconds until the next look. `spent`: seconds of a core that the last took; `crowd`: how many views there are."""
    return min(LONGEST, max(BUSY if busy else CALM, spent * crowd / SHARE))


class Picture(msgspec.Struct, frozen=True):
    """What the templates are given, and whether it changes by itself just now."""

    values: dict[str, Any]
    busy: bool = False


class View(Protocol):
    """Something that a page shows. Kept as long as a page shows it, so it may remember its last look."""

    fragments: Mapping[str, str]
    """By the id of the element on the page: its template."""

    async def look(self) -> Picture:
        """As things are now. Raises Failure."""
        ...

    def later(self, after: float) -> tuple[float, dict[str, bytes]]:
        """Points of charts later than `after`, as JSON by event; and the time of the last."""
        ...


class Feed:
    """One view while somebody follows it."""

    def __init__(self, view: View, clock: Callable[[], float], crowd: Callable[[], int]) -> None:
        """`crowd`: how many views are followed now."""
        self.view = view
        self.number = next(_numbers)
        self.followers = 0
        self.version = 0
        self.looked_at = 0.0
        self.gone = False
        self._clock, self._crowd = clock, crowd
        self._drawn: dict[str, tuple[int, str]] = {}
        self._changed = asyncio.Event()
        self._nudged = asyncio.Event()

    async def run(self) -> None:
        """Look again and again, until cancelled or until there is nothing to look at."""
        while not self.gone:
            spent: list[float] = []
            _spent.set(spent)
            self._nudged.clear()
            busy = await self._look()
            await _wait(self._nudged, pause(busy, sum(spent), self._crowd()))

    def since(self, version: int) -> dict[str, str]:
        """Fragments that changed after a version."""
        return {id: html for id, (drawn, html) in self._drawn.items() if drawn > version}

    async def news(self, version: int) -> None:
        """Returns when there is something after this version, or after a beat."""
        if self.version <= version and not self.gone:
            await _wait(self._changed, BEAT, clear=False)

    def nudge(self) -> None:
        self._nudged.set()

    def wake(self) -> None:
        """All who wait for news."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def _look(self) -> bool:
        try:
            picture = await self.view.look()
            drawn = await in_thread(self._draw, picture)
        except NotFound:
            self.gone = True
            self.wake()
            return False
        except Failure as failure:  # the page says how old it is, and we try again
            log.warning("can't draw: %s", failure)
            return False
        except Exception:  # A defect of one moment must not leave the page standing still for good.
            log.exception("can't draw")
            return False
        self.looked_at = self._clock()
        changed = {id: html for id, html in drawn.items() if self._drawn.get(id, (0, None))[1] != html}
        self.version += 1
        self._drawn.update({id: (self.version, html) for id, html in changed.items()})
        self.wake()
        return picture.busy

    def _draw(self, picture: Picture) -> dict[str, str]:
        return {id: render(template, **picture.values) for id, template in self.view.fragments.items()}


class Hub:
    """All views that are followed."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._boot = secrets.token_hex(4)
        self._feeds: dict[object, tuple[Feed, asyncio.Task[None]]] = {}
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None

    async def follow(
        self, key: object, make: Callable[[], View], last_id: str, still: Callable[[], bool]
    ) -> AsyncIterator[bytes]:
        """A page's stream. `last_id`: what it got last; `still`: whether its session is good."""
        self._loop = asyncio.get_running_loop()
        with self._joined(key, make) as feed:
            version, after = self._where(last_id, feed)
            while not self._closed and still():
                await feed.news(version)
                fragments = feed.since(version)
                version = feed.version
                after, points = feed.view.later(after)
                id = f"{self._boot}.{feed.number}.{version}.{after:.3f}"
                for event, data in points.items():
                    yield _message(id, data.decode(), event)
                if fragments:
                    yield _message(id, "".join(_partial(*one) for one in fragments.items()))
                yield _message(id, f'{{"now":{self._clock():.2f},"seen":{feed.looked_at:.2f}}}', "beat")
                if feed.gone:
                    yield _message(id, "{}", "gone")
                    return

    def nudge(self, key: object) -> None:
        """Something was done to it: look now rather than soon."""
        if key in self._feeds:
            self._feeds[key][0].nudge()

    def close(self) -> None:
        """End all streams, so that a server that stops need not wait for them. Safe from any thread."""
        self._closed = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._end)

    def _end(self) -> None:
        for feed, task in self._feeds.values():
            task.cancel()
            feed.wake()

    def followed(self) -> dict[object, int]:
        """How many pages show each view."""
        return {key: feed.followers for key, (feed, _) in self._feeds.items()}

    @contextmanager
    def _joined(self, key: object, make: Callable[[], View]) -> Any:
        if sum(feed.followers for feed, _ in self._feeds.values()) >= MOST:
            raise Transient("too_many_pages", f"{MOST} pages are open already", "close some")
        if key not in self._feeds:
            feed = Feed(make(), self._clock, lambda: len(self._feeds))
            self._feeds[key] = (feed, asyncio.create_task(feed.run()))
        feed, task = self._feeds[key]
        feed.followers += 1
        try:
            yield feed
        finally:
            feed.followers -= 1
            if not feed.followers:
                task.cancel()
                self._feeds.pop(key, None)

    def _where(self, last_id: str, feed: Feed) -> tuple[int, float]:
        """Where a page that comes back goes on; at the beginning if its last message was another feed's."""
        boot, _, rest = last_id.partition(".")
        number, _, rest = rest.partition(".")
        version, _, after = rest.partition(".")
        if boot != self._boot or number != str(feed.number):
            return 0, 0.0
        try:
            return int(version), float(after)
        except ValueError:
            return 0, 0.0


def _partial(id: str, html: str) -> str:
    return f'<hx-partial hx-target="#{id}" hx-swap="innerMorph">{html}</hx-partial>'


def _message(id: str, data: str, event: str = "") -> bytes:
    """One server-sent event (WHATWG HTML, 9.2)."""
    lines = [
        f"id: {id}",
        *([f"event: {event}"] if event else []),
        *(f"data: {line}" for line in data.splitlines()),
    ]
    return ("\n".join(lines) + "\n\n").encode()


async def _wait(event: asyncio.Event, seconds: float, clear: bool = True) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
    if clear:
        event.clear()
