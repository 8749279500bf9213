"""What a simulated router tells beyond the counts of groups: whose a request was among a group's instances, and how long
answers took. All of it is drawn aside (`World.aside`), so that it changes nobody's fate.
"""

from __future__ import annotations

from collections.abc import Collection
from random import Random

import msgspec

from plainsail.domain import histogram
from plainsail.domain.observation import Counts
from plainsail.testing.behaviour import TAIL, Behaviour
from plainsail.testing.chance import LogNormal, scattered

DRAWN = 8
"""Durations that are drawn at most for one look and group: as if the rest of the log was lost."""


class Drawn(msgspec.Struct):
    """A group's durations so far."""

    requests: int = 0
    total: int = 0
    found: dict[int, int] = msgspec.field(default_factory=dict)

    @property
    def coverage(self) -> float:
        return min(1.0, self.total / self.requests) if self.requests else 0.0

    @property
    def buckets(self) -> dict[int, int]:
        return dict(self.found)


class Seats:
    """One service's instances, as its router's log tells of them."""

    def __init__(self, dice: Random) -> None:
        self._dice = dice
        self._tallies: dict[str, list[int]] = {}
        self._turn = 0
        self._drawn: dict[str, Drawn] = {}

    def add(self, instances: tuple[str, ...], more: tuple[int, ...]) -> None:
        """Requests, failures, shielded and slow of these instances: requests go round, mishaps fall where they fall."""
        requests, failures, shielded, slow = more
        most = max(requests, failures, slow)
        if not most:
            return
        rooms = self._round(most, len(instances))
        failed = scattered(self._dice, failures, rooms) if failures else [0] * len(rooms)
        covered = scattered(self._dice, shielded, failed) if shielded else [0] * len(rooms)
        late = scattered(self._dice, slow, rooms) if slow else [0] * len(rooms)
        asked = rooms if requests == most else [0] * len(rooms)
        for instance, *numbers in zip(instances, asked, failed, covered, late, strict=True):
            tally = self._tallies.setdefault(instance, [0, 0, 0, 0])
            for place, number in enumerate(numbers):
                tally[place] += number

    def keep(self, instances: Collection[str]) -> None:
        """The others are forgotten."""
        self._tallies = {id: tally for id, tally in self._tallies.items() if id in instances}

    def counts(self) -> dict[str, Counts]:
        return {id: Counts(*tally) for id, tally in self._tallies.items()}

    def drawn(self, group: str, like: Behaviour, takes: LogNormal, bound: float, requests: int) -> Drawn:
        """A group's durations, with some of those that came since the last look."""
        known = self._drawn.setdefault(group, Drawn())
        for _ in range(min(DRAWN, requests - known.requests)):
            bucket = histogram.number(_duration(self._dice, like, takes, bound) * 1_000_000)
            known.found[bucket] = known.found.get(bucket, 0) + 1
            known.total += 1
        known.requests = requests
        return known

    def _round(self, number: int, places: int) -> list[int]:
        """Round and round, from where the last one stopped."""
        each, rest = divmod(number, places)
        first, self._turn = self._turn, self._turn + rest
        lucky = {(first + step) % places for step in range(rest)}
        return [each + (place in lucky) for place in range(places)]


def beyond(takes: LogNormal, like: Behaviour, bound: float) -> float:
    """The part of a release's requests that take longer than the bound, by their usual time."""
    takes = takes.times(1.0 + like.slower)
    usual = takes.beyond(bound)
    return max(usual, min(TAIL, takes.beyond(bound / (1.0 + like.slow_tail)))) if like.slow_tail else usual


def _duration(dice: Random, like: Behaviour, takes: LogNormal, bound: float) -> float:
    """Seconds."""
    takes = takes.times(1.0 + like.slower)
    seconds = takes.draw(dice)
    if like.slow_tail and takes.beyond(seconds) < TAIL:
        seconds *= 1.0 + like.slow_tail
    return max(seconds, 2 * bound) if like.slow and dice.random() < like.slow else seconds
