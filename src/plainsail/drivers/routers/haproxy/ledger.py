"""A service's counts over all workers that HAProxy ever had: cumulative over reloads, a HAProxy that dies, and control
planes that come and go.

The worker that serves is read each time. What others counted is kept on disk: at a reload what the old worker had
counted until it began to end, and what it still counts as long as it lives. (It throws most of its counters away in that
moment; what it counted since the last look, some milliseconds before, is lost.) A worker that dies takes along what was counted since it was last
read. If nobody knows how far that had been read (it died while no control plane ran), the counts begin anew at zero: a
smaller number means to everybody that all of it is new, so it must not hold anything of before.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Collection, Coroutine, Iterable, Iterator, Mapping, Sequence

import msgspec

from plainsail.domain.observation import Counts
from plainsail.domain.traffic import Traffic
from plainsail.drivers.routers.haproxy.cli import Line
from plainsail.drivers.routers.haproxy.counts import Counter, add, read_together, under_way
from plainsail.drivers.routers.haproxy.shelf import Earlier, Shelf, Tallies
from plainsail.drivers.routers.haproxy.template import GROUPS_KEPT, Kept
from plainsail.ports.errors import Transient

LAST_WORD = 0.5
"""Seconds after a reload that the old worker's answers are waited for. Later ones are read as long as it lives."""
READ_WITHIN = 2.0
"""Seconds for reading all services before a reload, and again for what the old worker counted last."""
TOGETHER = 50
"""Services that are read in one batch."""
POLL = 0.005
"""Seconds between looks at a worker that is about to end."""
GONE = ""
"""Workers that have ended, together."""


class Ledger:
    """The counts of all services of one HAProxy."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._born = ""
        self._counters: dict[str, Counter] = {}
        """By service, of the worker `_born`; those that were read since it serves."""
        self._late: dict[tuple[str, str], Counter] = {}
        """By older worker and service."""

    async def count(self, line: Line, born: str, kept: Kept) -> dict[str, Counts]:
        """By group. `line`: to the worker that serves; `born`: which that is."""
        service = kept.traffic.service
        found = await self._read(line, born, kept)
        return _sum((*(its.get(service, {}) for its in self._shelf.state.earlier.before.values()), found))

    async def count_late(self, line: Line, born: str, kept: Kept) -> None:
        """What an older worker, which ends its streams, has answered since its last word."""
        earlier, service = self._shelf.state.earlier, kept.traffic.service
        if born == GONE or born not in earlier.before:  # one that is about to end does not say who it is
            return
        found = await self._read_late(line, born, kept)
        if found != earlier.before[born].get(service, {}):
            self._shelf.note(_replaced(earlier, born, {**earlier.before[born], service: found}))

    async def over_reload(
        self, line: Line, born: str, services: Sequence[Kept], living: Collection[str],
        reload: Callable[[], Coroutine[None, None, None]],
    ) -> None:  # fmt: skip
        """Reload, and take down what the worker counts until it ends. `living`: older ones that have not ended yet.

        It is written down before, lest we are killed meanwhile. Raises what `reload` raises.

        Everybody else waits meanwhile, so each of the two readings ends after `READ_WITHIN`; with some thousands of
        services on a busy machine that is not enough for all. Those that were not reached stay at what was read of them
        last, which is what everybody was told: what they counted since is lost if HAProxy throws it away in the moment
        the old worker begins to end. Services of which nothing was read yet are read before, however long it takes:
        nobody knows what was told of them.
        """
        await self._read_all(line, born, services)
        known = {kept.traffic.service: dict(self._counters[kept.traffic.service].seen) for kept in services}
        wanted = {
            kept.traffic.service: (*_named(kept), *reversed(known[kept.traffic.service])) for kept in services
        }
        earlier = _folded(self._shelf.state.earlier, {born, *living} - {GONE}, wanted)
        self._late = {key: one for key, one in self._late.items() if key[0] in earlier.before}
        self._shelf.note(_replaced(earlier, born, known))
        reloading = asyncio.create_task(reload())
        try:
            with contextlib.suppress(Transient):
                asked = [kept for kept in services if known[kept.traffic.service]]
                await self._follow(line, born, asked, reloading)
                others = [kept for kept in services if not known[kept.traffic.service]]
                until = time.monotonic() + READ_WITHIN
                await self._read_all_late(line, born, [*asked, *others], lambda: time.monotonic() > until)
        finally:
            await reloading
        known = {service: self._late_counter(born, service).seen for service in known}
        self._shelf.note(_replaced(self._shelf.state.earlier, born, known))

    async def _follow(
        self, line: Line, born: str, services: Sequence[Kept], reloading: asyncio.Task[None]
    ) -> None:
        """Look again and again: it throws counters away when it begins to end, and some requests go on."""
        while not reloading.done():
            await self._read_all_late(line, born, services, reloading.done)
            await asyncio.wait([reloading], timeout=POLL)
        until = time.monotonic() + LAST_WORD
        while await under_way(line) and time.monotonic() < until:  # noqa: ASYNC110  (HAProxy has no event for it)
            await asyncio.sleep(POLL)

    def forget(self, service: str) -> None:
        self._counters.pop(service, None)

    async def _read(self, line: Line, born: str, kept: Kept) -> dict[str, Counts]:
        self._serves(born)
        counter = self._counters.get(kept.traffic.service) or Counter({})
        found = await counter.read(line, kept.traffic, time.time())
        self._counters[kept.traffic.service] = counter
        return found

    async def _read_all(self, line: Line, born: str, services: Collection[Kept]) -> None:
        """As many as there is time for, and at any rate those that were never read."""
        self._serves(born)
        until = time.monotonic() + READ_WITHIN
        known = [kept for kept in services if kept.traffic.service in self._counters]
        fresh = [kept for kept in services if kept.traffic.service not in self._counters]
        for some in _batches(fresh):
            counters = {kept.traffic.service: Counter({}) for kept in some}
            await _read_batch(line, [(counters[kept.traffic.service], kept.traffic) for kept in some])
            self._counters.update(counters)
        for some in _batches(known):
            if time.monotonic() > until:
                break
            await _read_batch(line, [(self._counters[kept.traffic.service], kept.traffic) for kept in some])

    async def _read_all_late(
        self, line: Line, born: str, services: Sequence[Kept], enough: Callable[[], bool]
    ) -> None:
        for some in _batches(services):
            if enough():
                break
            await _read_batch(
                line, [(self._late_counter(born, kept.traffic.service), kept.traffic) for kept in some]
            )

    def _serves(self, born: str) -> None:
        """This worker does: what was read of another is of before."""
        earlier = self._shelf.state.earlier
        if born != earlier.born or born in earlier.before:
            known = {service: counter.seen for service, counter in self._counters.items()}
            self._shelf.note(_served_by(earlier, born, known if self._born == earlier.born else {}))
        if born != self._born:
            self._born, self._counters = born, {}

    async def _read_late(self, line: Line, born: str, kept: Kept) -> dict[str, Counts]:
        return await self._late_counter(born, kept.traffic.service).read(line, kept.traffic, time.time())

    def _late_counter(self, born: str, service: str) -> Counter:
        if (born, service) not in self._late:
            known = self._shelf.state.earlier.before[born].get(service, {})
            self._late[(born, service)] = Counter(known, ending=True)
        return self._late[(born, service)]


async def _read_batch(line: Line, counters: Sequence[tuple[Counter, Traffic]]) -> None:
    await read_together(line, counters, time.time())


def _batches(services: Sequence[Kept]) -> Iterator[Sequence[Kept]]:
    return (services[at : at + TOGETHER] for at in range(0, len(services), TOGETHER))


def _served_by(earlier: Earlier, born: str, known: Tallies) -> Earlier:
    """Now that this worker serves. `known`: what we read last of the one before."""
    before = {worker: its for worker, its in earlier.before.items() if worker != born}
    if born == earlier.born or earlier.born in before:
        return Earlier(born, before)
    before = {
        worker: {service: groups for service, groups in its.items() if service in known}
        for worker, its in before.items()
    }
    return Earlier(born, {**before, earlier.born: dict(known)} if known else {})


def _replaced(earlier: Earlier, born: str, its: Tallies) -> Earlier:
    return msgspec.structs.replace(earlier, before={**earlier.before, born: its})


def _named(kept: Kept) -> tuple[str, ...]:
    """Groups that are in service."""
    traffic = kept.traffic
    live = () if traffic.live is None else (traffic.live,)
    return (*live, *traffic.members, *(part.group for route in traffic.routes for part in route.split))


def _folded(earlier: Earlier, living: set[str], wanted: Mapping[str, Sequence[str]]) -> Earlier:
    """Those that have ended as one: nothing of them will change any more. `wanted`: by service, groups to keep first."""
    gone = [its for born, its in earlier.before.items() if born not in living]
    services = {service for its in gone for service in its}
    sums = {
        service: _last(_sum(its.get(service, {}) for its in gone), wanted.get(service, ()))
        for service in sorted(services)
    }
    alive = {born: its for born, its in earlier.before.items() if born in living}
    return msgspec.structs.replace(earlier, before={GONE: sums, **alive} if sums else alive)


def _last(groups: dict[str, Counts], wanted: Sequence[str]) -> dict[str, Counts]:
    """As many groups as HAProxy itself keeps: those that it has now, whose counts would fall, and then the newest."""
    order = dict.fromkeys((*wanted, *reversed(groups)))
    kept = set([group for group in order if group in groups][:GROUPS_KEPT])
    return {group: counts for group, counts in groups.items() if group in kept}


def _sum(parts: Iterable[Mapping[str, Counts]]) -> dict[str, Counts]:
    """Groups in the order in which they were seen last, if the parts are in the order of time."""
    sums: dict[str, Counts] = {}
    for part in parts:
        for group, counts in part.items():
            sums[group] = add(sums.pop(group, Counts()), counts)
    return sums
