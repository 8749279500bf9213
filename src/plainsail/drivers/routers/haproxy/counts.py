"""A service's cumulative counts, read from HAProxy's stick-tables.

Started, finished, failed, shielded and slow are counted there, request by request. A request that hangs has not
finished; it is seen in the table of requests under way, which are kept by group and slice of time of their beginning.
One that is past the latency bound is `overdue`: counted as a request and as slow at once, not only when it ends.

If an overdue request then ends without an answer because its user gave up, it would be taken back, and counts never
fall. So it is remembered as abandoned, beside the counters in HAProxy (`gpt0`), where it lives exactly as long as
they do.

HAProxy begins at zero after a reload; what it had counted before is added, as long as this control plane knows it.
What the old worker answers while the new one starts (some tens of milliseconds) is lost to the counts.
"""

from __future__ import annotations

import msgspec

from plainsail.domain.observation import Counts
from plainsail.drivers.routers.haproxy.cli import Line
from plainsail.drivers.routers.haproxy.table import micros, width
from plainsail.drivers.routers.haproxy.template import COUNTS

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

    def counts(self) -> Counts:
        late = self.overdue + self.abandoned
        return Counts(
            requests=self.finished + late, failures=self.failed, shielded=self.shielded, slow=self.slow + late
        )


class Counter:
    """The counts of one service; remembers what it last said so that nothing is ever taken back."""

    def __init__(self, service: str) -> None:
        self.slow_after = 1.0
        """Seconds; the bound in force."""
        self._service = service
        self._born = ""
        self._before: dict[str, Counts] = {}
        """By group: what earlier processes counted."""
        self._seen: dict[str, Counts] = {}
        """By group: what this one had counted when it was last asked."""

    async def read(self, line: Line, born: str, now: float) -> dict[str, Counts]:
        """By group. `born`: which process it is that answers."""
        if born != self._born:
            self._before, self._seen, self._born = self._total(), {}, born
        tallies, settled = await self._tallies(line, micros(now - self.slow_after) - width(self.slow_after))
        for group, tally in tallies.items():
            self._seen[group] = await self._never_less(line, group, tally, settled)
        return self._total()

    def _total(self) -> dict[str, Counts]:
        groups = {**self._before, **self._seen}
        return {group: _sum(self._before.get(group), self._seen.get(group)) for group in groups}

    async def _never_less(self, line: Line, group: str, tally: Tally, settled: bool) -> Counts:
        counts, seen = tally.counts(), self._seen.get(group, Counts())
        missing = seen.requests - counts.requests
        if missing <= 0:
            return counts
        if settled:
            await line.ask(f"set table {self._service} key {group} data.gpt0 {tally.abandoned + missing}")
        return msgspec.structs.replace(
            counts, requests=seen.requests, slow=max(seen.slow, counts.slow + missing)
        )

    async def _tallies(self, line: Line, begun_before: int) -> tuple[dict[str, Tally], bool]:
        """By group, and whether nothing finished while it was read."""
        tallies = await self._counters(line)
        for _ in range(READS):
            overdue = await self._overdue(line, begun_before)
            again = await self._counters(line)
            settled = _finished(again) == _finished(tallies)
            tallies = again
            if settled:
                break
        for group, number in overdue.items():
            tallies.setdefault(group, Tally()).overdue = number
        return tallies, settled

    async def _counters(self, line: Line) -> dict[str, Tally]:
        rows = parse(await line.ask(f"show table {self._service}"))
        return {
            row["key"]: Tally(
                **{name: int(row.get(f"gpc{place}", 0)) for place, name in enumerate(COUNTS)},
                abandoned=int(row.get("gpt0", 0)),
            )
            for row in rows
        }

    async def _overdue(self, line: Line, begun_before: int) -> dict[str, int]:
        """Requests under way without an answer, by group, of the slices that began before that (in microseconds)."""
        waiting: dict[str, int] = {}
        for row in parse(await line.ask("show table _waiting data.conn_cur gt 0")):
            service, _, rest = row["key"].partition("/")
            group, _, slice_ = rest.rpartition("@")
            if service == self._service and int(slice_.rstrip("~")) <= begun_before:
                number = int(row["conn_cur"])
                waiting[group] = waiting.get(group, 0) + (-number if slice_.endswith("~") else number)
        return {group: number for group, number in waiting.items() if number > 0}


def parse(table: str) -> list[dict[str, str]]:
    """Rows of `show table`."""
    rows = (row.split()[1:] for row in table.splitlines() if row.startswith("0x"))
    return [dict(field.split("=", 1) for field in row if "=" in field) for row in rows]


def _sum(one: Counts | None, other: Counts | None) -> Counts:
    one, other = one or Counts(), other or Counts()
    return Counts(*(getattr(one, name) + getattr(other, name) for name in Counts.__struct_fields__))


def _finished(tallies: dict[str, Tally]) -> dict[str, int]:
    return {group: tally.finished for group, tally in tallies.items()}
