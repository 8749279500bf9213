"""A day of watching: how often a release that is within its margins is taken back, and one beyond them called proven.

By events, not by ticks. On a quiet service each request is a look. On a busy one with few failures each moment at which
something fails is a look of a tenth of a second, and the calm before it is one long look: calm costs the bets of harm
something at every look, so to look less often in it makes false alarms likelier and not rarer.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

import msgspec

from bench.blast.draws import poisson
from plainsail.domain.criteria import EvidenceCriteria
from plainsail.domain.judge import begin, judge
from plainsail.domain.observation import Counts
from plainsail.domain.units import ALL

DAY = 86_400.0
LOOK = 0.1
CRITERIA = EvidenceCriteria()
MARGIN = CRITERIA.errors.margin


class Kind(msgspec.Struct, frozen=True):
    """A way to be good or bad. Requests per second of the two sides, and the part that fails."""

    name: str
    ours: float
    theirs: float
    rate: float
    excess: float = 0.0
    """Of the candidate, on top."""
    clusters: tuple[int, int] = (1, 1)
    """Failures come together, so many at once; any size as likely as another."""
    alone: str = ""
    """Only this side's do (`candidate`, `live`)."""
    drift: float = 0.0
    """The rate swings by this part of itself over the day, for both alike."""
    waves: float = 0.0
    """Seconds that hard times last on average, a tenth of all time; both sides alike."""
    replica: float = 0.0
    """The same, for each side at times of its own: one of its instances is worse for a while. No guarantee here."""


QUIET, BUSY = (0.01, 0.01), (5.0, 95.0)
"""Requests per second, candidate's and live's."""
GOOD = (
    Kind("quiet, 0.1 %", *QUIET, rate=0.001),
    Kind("quiet, 1 %", *QUIET, rate=0.01),
    Kind("quiet, 5 %, drifting", *QUIET, rate=0.05, drift=0.9),
    Kind("quiet, 1 %, on the margin", *QUIET, rate=0.01, excess=MARGIN),
    Kind("quiet, 1 %, clusters of 2 to 20", *QUIET, rate=0.01, clusters=(2, 20)),
    Kind("busy, 0.001 %", *BUSY, rate=1e-5),
    Kind("busy, 0.01 %, clusters of 2 to 20", *BUSY, rate=1e-4, clusters=(2, 20)),
    Kind("busy, 0.01 %, only live in clusters", *BUSY, rate=1e-4, clusters=(2, 20), alone="live"),
    Kind("busy, 0.003 %, candidate in clusters", *BUSY, rate=3e-5, clusters=(2, 20), alone="candidate"),
    Kind("busy, 0.001 %, in waves of a minute", *BUSY, rate=1e-5, waves=60.0),
)
UNPROMISED = (
    Kind("quiet, 1 %, each side's instance at times of its own", *QUIET, rate=0.01, replica=3600.0),
)
BAD = (
    Kind("quiet, 0.1 %, just beyond the margin", *QUIET, rate=0.001, excess=MARGIN * 1.001),
    Kind("quiet, 1 %, just beyond the margin", *QUIET, rate=0.01, excess=MARGIN * 1.001),
    Kind("quiet, 1 %, just beyond, drifting", *QUIET, rate=0.01, excess=MARGIN * 1.001, drift=0.9),
)
CLUSTERED = (
    Kind(
        "quiet, 1 %, just beyond, clusters of 2 to 20",
        *QUIET,
        rate=0.01,
        excess=MARGIN * 1.001,
        clusters=(2, 20),
    ),
)
"""Proof takes requests as independent, so nothing is promised here."""


class Day(msgspec.Struct, frozen=True):
    """What happened in one: whether it was ever taken back, and whether it was called proven for all users."""

    failed: bool
    proven: bool


def day(kind: Kind, seed: int, long: float = DAY) -> Day:
    """Watched until it is taken back, or to the end; the same for the same kind and seed."""
    dice = random.Random(f"{kind.name}/{seed}")
    evidence = begin(0.0)
    proven, verdict = False, None
    for at, ours, theirs in looks(kind, dice, long):
        counts = {"c": ours, "l": theirs}
        evidence, verdict = judge(evidence, counts, {}, "c", "l", CRITERIA, (ALL,), ALL, at, before=verdict)
        proven = proven or verdict.outcome == "pass"
        if verdict.outcome == "fail":
            return Day(True, proven)
    return Day(False, proven)


def looks(kind: Kind, dice: random.Random, long: float) -> Iterator[tuple[float, Counts, Counts]]:
    """Moments, and both sides' cumulative counts."""
    sides = {"candidate": (0, 0), "live": (0, 0)}
    yield 0.0, Counts(), Counts()
    at, hard = 0.0, _Hard(kind, dice)
    while True:
        gap, side, failures = _next(kind, dice, at, hard)
        calm = max(0.0, gap - LOOK)
        at += gap
        if at > long:
            return
        if kind.ours >= 1.0:
            sides = _calm(sides, kind, dice, calm)
            yield at - LOOK, Counts(*sides["candidate"]), Counts(*sides["live"])
            sides = _calm(sides, kind, dice, LOOK)
        requests, failed = sides[side]
        sides[side] = requests + max(1, failures), failed + failures
        yield at, Counts(*sides["candidate"]), Counts(*sides["live"])


def _next(kind: Kind, dice: random.Random, at: float, hard: _Hard) -> tuple[float, str, int]:
    """Seconds to the next event, its side, and failures in it: a request of a quiet service, a mishap of a busy one."""
    if kind.ours < 1.0:
        gap = dice.expovariate(kind.ours + kind.theirs)
        side = _side(kind.ours, kind.theirs, dice)
        rate = kind.rate * _tide(kind, at) * hard.factor(side, at) + (
            kind.excess if side == "candidate" else 0.0
        )
        size = _size(kind, side, dice)
        return gap, side, size if dice.random() < rate / _mean_size(kind, side) else 0
    now = hard.factor("candidate", at)
    ours = kind.ours * kind.rate * now / _mean_size(kind, "candidate")
    theirs = kind.theirs * kind.rate * now / _mean_size(kind, "live")
    side = _side(ours, theirs, dice)
    return dice.expovariate(ours + theirs), side, _size(kind, side, dice)


def _calm(
    sides: dict[str, tuple[int, int]], kind: Kind, dice: random.Random, long: float
) -> dict[str, tuple[int, int]]:
    return {
        name: (sides[name][0] + poisson(dice, rate * long), sides[name][1])
        for name, rate in (("candidate", kind.ours), ("live", kind.theirs))
    }


def _side(ours: float, theirs: float, dice: random.Random) -> str:
    return "candidate" if dice.random() * (ours + theirs) < ours else "live"


def _clustered(kind: Kind, side: str) -> tuple[int, int]:
    return kind.clusters if kind.alone in ("", side) else (1, 1)


def _size(kind: Kind, side: str, dice: random.Random) -> int:
    return dice.randint(*_clustered(kind, side))


def _mean_size(kind: Kind, side: str) -> float:
    return sum(_clustered(kind, side)) / 2


def _tide(kind: Kind, at: float) -> float:
    return 1.0 + kind.drift * math.sin(at / DAY * 2 * math.pi)


class _Hard:
    """Hard times: a tenth of the time the rate is five times as high, else about half, so that the mean stays."""

    PART, MORE = 0.1, 5.0

    def __init__(self, kind: Kind, dice: random.Random) -> None:
        self._long, self._own, self._dice = kind.waves or kind.replica, bool(kind.replica), dice
        self._until: dict[str, tuple[float, bool]] = {}

    def factor(self, side: str, at: float) -> float:
        if not self._long:
            return 1.0
        key = side if self._own else ""
        until, hard = self._until.get(key, (0.0, True))
        while until <= at:
            hard = not hard
            mean = self._long * (1.0 if hard else (1.0 - self.PART) / self.PART)
            until += self._dice.expovariate(1.0 / mean)
        self._until[key] = until, hard
        return self.MORE if hard else (1.0 - self.PART * self.MORE) / (1.0 - self.PART)


def allowed(n: int, level: float) -> int:
    """So many of n, and three and a half standard deviations."""
    return math.floor(n * level + 3.5 * math.sqrt(n * level * (1.0 - level)))
