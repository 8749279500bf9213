"""The engine: holds targets, one task each, and takes turns when they are due or when something nudges it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from plainsail.domain.decide import AT_REST, FAST, IDLE
from plainsail.domain.events import Event
from plainsail.domain.observation import Seen
from plainsail.domain.recent import Sample
from plainsail.engine.aside import StoreThreads
from plainsail.engine.measuring import Lanes
from plainsail.engine.turn import LEASE, Holding, Site
from plainsail.ports.errors import Failure, Fenced, Transient
from plainsail.ports.notifier import Notifier
from plainsail.ports.provider import OutputLine
from plainsail.ports.store import Key, Store

log = logging.getLogger(__name__)

LOOK_EVERY = 0.5
"""Seconds between looks for targets that nobody holds. A nudge shortens it."""
IDLE_LOOKS = 100.0
"""Looks a second at services at rest, all together: a millisecond each, so a tenth of a core at most."""
LONGEST_IDLE = LEASE / 3
"""Seconds between two looks at one, however many there are; past a thousand the looks grow instead."""
STARTING = 100
"""Targets that are taken at a time: drivers are not asked about ten thousand at once."""
AFTER_TROUBLE = 1.0
"""Seconds before a turn that raised is tried again."""


class Engine:
    """Runs until cancelled, once. `site` gives an environment's drivers, made and started on first use; `forget` is
    called at each nudge, before `site` is asked again: settings may have changed. It stops `aside` when it ends."""

    def __init__(
        self, store: Store, site: Callable[[str], Awaitable[Site]], clock: Callable[[], float], holder: str,
        notifiers: Callable[[], tuple[Notifier, ...]] = tuple, forget: Callable[[], None] = lambda: None,
        aside: StoreThreads | None = None,
    ) -> None:  # fmt: skip
        self._store, self._site, self._clock, self._holder = store, site, clock, holder
        self._notifiers, self._forget = notifiers, forget
        self._aside = aside or StoreThreads()
        self._lanes = Lanes()
        self._held: dict[Key, Holding] = {}
        self._tasks: dict[Key, asyncio.Task[None]] = {}
        self._nudges: dict[Key, asyncio.Event] = {}
        self._stuck: dict[Key, str] = {}
        """Targets that can't be taken, and why."""
        self._asked: set[Key] = set()
        """Targets that an intent may wait for; the others are not asked the store about at every turn."""
        self._more = False
        """Are there targets that wait to be taken?"""
        self._look = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def run(self) -> None:
        self._loop = asyncio.get_running_loop()
        telling = asyncio.create_task(self._tell())
        try:
            while True:
                await self._take_what_is_free()
                await _wait(self._look, LOOK_EVERY)
        finally:
            await self._let_go(telling)
            await self._aside.stop()

    # What the use cases see of it (`app.live.Live`); safe from any thread.

    def nudge(self, key: Key) -> None:
        """Something is to be done for this target: look now."""
        self._forget()
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._nudged, key)

    def seen(self, key: Key) -> Seen | None:
        holding = self._held.get(key)
        return holding.seen if holding else None

    def recent(self, key: Key, after: float = 0.0) -> tuple[Sample, ...]:
        holding = self._held.get(key)
        return holding.recent.since(after) if holding else ()

    def trouble(self, key: Key) -> Mapping[str, str]:
        """What this target's drivers last failed with, by driver."""
        holding = self._held.get(key)
        stuck = self._stuck.get(key)
        return dict(holding.trouble) if holding else {"start": stuck} if stuck else {}

    async def output(self, key: Key, group: str | None = None, lines: int = 50) -> tuple[OutputLine, ...]:
        site = await self._site(key.environment)
        return await site.provider.output(key.service, group, lines)

    def _nudged(self, key: Key) -> None:
        self._asked.add(key)
        self._nudges.setdefault(key, asyncio.Event()).set()
        self._look.set()

    async def _take_what_is_free(self) -> None:
        try:
            due, busy = await self._aside(self._found)
        except Failure as failure:
            log.error("can't look for work: %s", failure)
            return
        for key in busy:  # by whoever it was asked: another control plane on this store nudges only itself
            if key in self._held and self._held[key].target.rollout is None:
                self._asked.add(key)
                self._nudges.setdefault(key, asyncio.Event()).set()
        moving = set(busy)  # first: a candidate has users, say; and what can't be taken keeps nobody waiting
        free = [key for key in due if key not in self._tasks]
        free.sort(key=lambda key: (key not in moving, key in self._stuck))
        self._more = len(free) > STARTING
        for key in free[:STARTING]:
            self._tasks[key] = asyncio.create_task(self._hold(key), name=f"{key.service}@{key.environment}")

    def _found(self) -> tuple[tuple[Key, ...], tuple[Key, ...]]:
        """Targets that are due, and those with something under way or asked for."""
        return self._store.due(self._clock(), self._holder), self._store.busy()

    async def _hold(self, key: Key) -> None:
        """Claim a target and take its turns until it is another's."""
        nudge = self._nudges.setdefault(key, asyncio.Event())
        try:
            holding = await self._claim(key)
            while holding is not None:
                nudge.clear()  # before the look at the settings: a nudge during it is for those after it
                if await self._site(key.environment) != holding.site:  # its settings were changed
                    holding = await self._claim(key)
                    continue
                holding.asked = key in self._asked
                self._asked.discard(key)
                began = asyncio.get_running_loop().time()
                wake_in = await self._turn(holding)
                if wake_in >= AT_REST and not nudge.is_set():
                    with suppress(Transient):  # then it is ours until the lease is over, which harms nobody
                        await self._aside(self._store.release_claim, key, holding.epoch)
                    return
                spent = asyncio.get_running_loop().time() - began
                pause = self._idle(wake_in) if holding.target.rollout is None else wake_in
                await _wait(nudge, max(0.01, pause - spent))  # a turn's own time is no pause
        except Fenced as fenced:
            log.info("%s is held by somebody else: %s", key, fenced)
        except Failure as failure:
            self._stuck[key] = str(failure)
            log.error("%s: %s", key, failure)
        finally:
            if held := self._held.pop(key, None):
                held.let_go()
            self._tasks.pop(key, None)
            if self._more:
                self._look.set()

    def _idle(self, wake_in: float) -> float:
        """The pause of a service at rest: the longer, the more of them there are."""
        return max(wake_in, min(LONGEST_IDLE, len(self._held) / IDLE_LOOKS)) if wake_in >= IDLE else wake_in

    async def _claim(self, key: Key) -> Holding | None:
        try:
            site = await self._site(key.environment)
            now = self._clock()
            claimed = await self._aside(self._store.claim, key, self._holder, now, LEASE)
        except Failure as failure:
            if self._stuck.get(key) != str(failure):
                log.error("can't take %s: %s", key, failure)
            self._stuck[key] = str(failure)
            await asyncio.sleep(AFTER_TROUBLE)
            return None
        except Exception as defect:  # Of a driver, say. Tell, and go on trying.
            log.exception("can't take %s", key)
            self._stuck[key] = f"{type(defect).__name__}: {defect}"
            await asyncio.sleep(AFTER_TROUBLE)
            return None
        if claimed is None:
            return None
        self._stuck.pop(key, None)
        self._asked.add(key)
        site.provider.changed = lambda service: self._nudged(Key(service, key.environment))
        if before := self._held.get(key):
            before.let_go()
        self._held[key] = Holding(key, claimed, site, self._store, now, self._aside, self._lanes)
        return self._held[key]

    async def _turn(self, holding: Holding) -> float:
        try:
            return await holding.turn(self._clock())
        except Fenced:
            raise
        except Failure as failure:  # The store: nothing recorded, so nothing done. Traffic stays where it is.
            if holding.trouble.get("store") != str(failure):
                log.error("%s: %s", holding.key, failure)
            holding.trouble["store"] = str(failure)
            if holding.exposed():  # a release may turn bad just now, and can be taken off without a record
                return FAST
        except Exception:  # A defect must not end the care for a service.
            log.exception("a turn for %s failed", holding.key)
        return AFTER_TROUBLE

    async def _tell(self) -> None:
        """Pass new events on to people. Never in the way of a rollout."""
        after = -1
        while True:
            try:
                if after < 0:
                    last = await self._aside(self._store.events, -1, None, None, 1)
                    after = last[-1].id if last else 0
                for written in await self._aside(self._store.events, after):
                    after = written.id
                    await self._tell_one(written.event)
            except Exception as failure:  # Nobody may go untold for good because of one bad moment.
                log.error("can't pass events on: %s", failure)
            await asyncio.sleep(LOOK_EVERY)

    async def _tell_one(self, event: Event) -> None:
        for notifier in self._notifiers():
            try:
                await notifier.tell(event)
            except Failure as failure:
                log.warning("can't tell about %s: %s", event.kind, failure)

    async def _let_go(self, telling: asyncio.Task[None]) -> None:
        tasks = [telling, *self._tasks.values()]
        held = list(self._held.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for holding in held:
            try:
                await self._aside(self._store.release_claim, holding.key, holding.epoch)
            except Failure as failure:
                log.info("can't release %s: %s", holding.key, failure)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    """Until the event or the time, whichever is first; leaves the event cleared."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
    event.clear()
