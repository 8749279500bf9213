"""What one worker of HAProxy has counted of a service since it began, read from its stick-tables.

Started, finished, failed, shielded and slow are counted there, request by request. A request that hangs has not
finished; it is seen in the table of requests under way, which are kept by group and slice of time of their beginning.
One that is past the latency bound is `overdue`: counted as a request and as slow at once, not only when it ends.

If an overdue request then ends without an answer because its user gave up, it would be taken back, and counts never
fall. So it is remembered as abandoned, beside the counters in HAProxy (`gpt0`), where it lives exactly as long as
they do.

HAProxy throws counters away: those of groups that were asked for longest ago, and when a worker begins to end those of
groups without a request under way. So they are marked (in `gpt0`, too) when they are read: where the mark is missing,
they began anew after what was read last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from plainsail.domain.observation import Counts
from plainsail.domain.traffic import Traffic
from plainsail.drivers.routers.haproxy.cli import Answered, Line
from plainsail.drivers.routers.haproxy.table import micros, width
from plainsail.drivers.routers.haproxy.template import COUNTS

MARK = 1 << 30
"""In `gpt0`, above the number of abandoned requests."""
READS = 3
"""Tries to read both tables with no request finishing in between."""


class Tally(msgspec.Struct):
    """One group as the router counted it, and what is under way."""

    shielded: int = 0
    again: int = 0
    """Second and third tries; what the shield's budget is spent on."""
    started: int = 0
    finished: int = 0
    failed: int = 0
    slow: int = 0
    abandoned: int = 0
    overdue: int = 0
    marked: bool = False

    def counts(self) -> Counts:
        late = self.overdue + self.abandoned
        return Counts(
            requests=self.finished + late, failures=self.failed, shielded=self.shielded, slow=self.slow + late
        )


class Counter:
    """One service's counts by one worker, of which some may be known already."""

    def __init__(self, seen: Mapping[str, Counts], ending: bool = False) -> None:
        self.seen = dict(seen)
        """By group, those that HAProxy still has last; nothing of it is ever taken back."""
        self._before: dict[str, Counts] = {}
        """By group: what was counted when HAProxy threw the counters away."""
        self._ending = ending

    async def read(self, line: Line, traffic: Traffic, now: float) -> dict[str, Counts]:
        service, slow_after = traffic.service, traffic.slow_after
        tallies, settled = await _tallies(line, service, micros(now - slow_after) - width(slow_after))
        for group, tally in tallies.items():
            seen = self.seen.get(group, Counts())
            if not tally.marked:
                self._before[group] = seen
                await _remember(line, service, group, tally.abandoned)
            counts = add(self._before.get(group, Counts()), tally.counts())
            missing = seen.requests - counts.requests
            if missing > 0 and settled and not self._ending:
                await _remember(line, service, group, tally.abandoned + missing)
            self.seen.pop(group, None)
            self.seen[group] = _each(max, counts, seen)
        return dict(self.seen)


async def read_together(line: Line, counters: Sequence[tuple[Counter, Traffic]], now: float) -> None:
    """Read many services at little more than the cost of their questions: all are put at once, and the table of requests
    under way, which is everybody's, is asked for once. `now`: before it is asked for."""
    tables = [_counters_of(traffic.service) for _, traffic in counters]
    answers = await line.ask_all([*tables, WAITING, *tables])
    number = len(tables)
    for place, (counter, traffic) in enumerate(counters):
        known = {tables[place]: (answers[place], answers[number + 1 + place]), WAITING: (answers[number],)}
        await counter.read(Answered(line, known), traffic, now)


async def under_way(line: Line) -> bool:
    """Is any request of this worker without an answer?"""
    waiting = 0
    for row in parse(await line.ask(WAITING)):
        waiting += -int(row["conn_cur"]) if row["key"].endswith("~") else int(row["conn_cur"])
    return waiting > 0


def add(one: Counts, other: Counts) -> Counts:
    return _each(int.__add__, one, other)


def _each(both: Callable[[int, int], int], one: Counts, other: Counts) -> Counts:
    return Counts(*(both(getattr(one, name), getattr(other, name)) for name in Counts.__struct_fields__))


async def _remember(line: Line, service: str, group: str, abandoned: int) -> None:
    await line.ask(f"set table {service} key {group} data.gpt0 {abandoned | MARK}")


async def _tallies(line: Line, service: str, begun_before: int) -> tuple[dict[str, Tally], bool]:
    """By group, and whether nothing finished while it was read."""
    tallies = await _counters(line, service)
    for _ in range(READS):
        overdue = await _overdue(line, service, begun_before)
        again = await _counters(line, service)
        settled = _finished(again) == _finished(tallies)
        tallies = again
        if settled:
            break
    for group, number in overdue.items():
        tallies.setdefault(group, Tally()).overdue = number
    return tallies, settled


WAITING = "show table _waiting data.conn_cur gt 0"


def questions(service: str) -> tuple[str, str, str]:
    """What `Counter.read` asks when nothing finishes meanwhile."""
    return _counters_of(service), WAITING, _counters_of(service)


def _counters_of(service: str) -> str:
    return f"show table {service}"


async def _counters(line: Line, service: str) -> dict[str, Tally]:
    rows = parse(await line.ask(_counters_of(service)))
    return {
        row["key"]: Tally(
            **{name: int(row.get(f"gpc{place}", 0)) for place, name in enumerate(COUNTS)},
            abandoned=int(row.get("gpt0", 0)) & (MARK - 1),
            marked=bool(int(row.get("gpt0", 0)) & MARK),
        )
        for row in rows
    }


async def _overdue(line: Line, service: str, begun_before: int) -> dict[str, int]:
    """Requests under way without an answer, by group, of the slices that began before that (in microseconds)."""
    waiting: dict[str, int] = {}
    for row in parse(await line.ask(WAITING)):
        name, _, rest = row["key"].partition("/")
        group, _, slice_ = rest.rpartition("@")
        if name == service and int(slice_.rstrip("~")) <= begun_before:
            number = int(row["conn_cur"])
            waiting[group] = waiting.get(group, 0) + (-number if slice_.endswith("~") else number)
    return {group: number for group, number in waiting.items() if number > 0}


def parse(table: str) -> list[dict[str, str]]:
    """Rows of `show table`."""
    rows = (row.split()[1:] for row in table.splitlines() if row.startswith("0x"))
    return [dict(field.split("=", 1) for field in row if "=" in field) for row in rows]


def _finished(tallies: dict[str, Tally]) -> dict[str, int]:
    return {group: tally.finished for group, tally in tallies.items()}
