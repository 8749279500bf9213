"""Many scenes, one seed after the other; the first that breaks a property is made small and told."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from tests.soak.draws import scene
from tests.soak.playing import play
from tests.soak.shrinking import broken, smallest


class Tally(msgspec.Struct):
    """What was played."""

    scenes: int = 0
    rollouts: int = 0
    turns: int = 0
    outcomes: dict[str, int] = {}
    kinds: dict[str, int] = {}

    def add(self, other: Tally) -> None:
        self.scenes, self.rollouts, self.turns = (
            self.scenes + other.scenes, self.rollouts + other.rollouts, self.turns + other.turns,
        )  # fmt: skip
        for mine, more in ((self.outcomes, other.outcomes), (self.kinds, other.kinds)):
            for name, count in more.items():
                mine[name] = mine.get(name, 0) + count


class CounterExample(AssertionError):
    """A story, for people."""


def one(seed: int) -> Tally:
    """Raises CounterExample."""
    drawn = scene(seed)
    try:
        ended = play(drawn)
    except Exception:  # a property, or a defect: both are told
        if not broken(drawn):
            raise  # it is not the same when it is played again, which is another defect
        raise CounterExample(smallest(drawn).text()) from None
    return Tally(1, ended.rollouts, ended.turns, ended.outcomes, ended.kinds)


def until(rollouts: int, seeds: Iterator[int]) -> Tally:
    """As many scenes as have so many rollouts, at least. Raises CounterExample."""
    found = Tally()
    while found.rollouts < rollouts:
        found.add(one(next(seeds)))
    return found
