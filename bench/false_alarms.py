"""How often a good release is taken back: `python -m bench false_alarms`. Counts, from seeds; the same every time.

Each release is watched for an hour, a look a second, by the production judge at its default alpha of 1 %. By Ville's
inequality at most 1 % may ever be taken back where the guarantee holds; 21 of 1,000 is 1 % and its noise.
"""

from __future__ import annotations

import argparse
import math
import random
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

import msgspec

from bench.results import Table, found, publish
from plainsail.domain.criteria import EvidenceCriteria
from plainsail.domain.judge import begin, judge
from plainsail.domain.observation import Counts


class Kind(msgspec.Struct, frozen=True):
    """A way to be good: failures per request of both, and how they come."""

    name: str
    rate: float
    excess: float = 0.0
    """What the candidate has on top, within the margin of half a point."""
    burst: int = 1
    """Live's failures come in clusters of so many, within one second and one side."""
    alone: bool = False
    """The candidate's come one by one all the same."""
    wave: float = 0.0
    """The rate in waves of half a minute, ten minutes apart, that hit each side at times of its own. No guarantee here."""
    tide: float = 0.0
    """The rate swings by this part of itself in ten minutes, for both alike."""


KINDS = (
    Kind("no failures", 0.0),
    Kind("0.1 %", 0.001),
    Kind("0.1 %, in threes", 0.001, burst=3),
    Kind("0.1 %, in tens", 0.001, burst=10),
    Kind("1 %", 0.01),
    Kind("1 %, in threes", 0.01, burst=3),
    Kind("1 %, in tens", 0.01, burst=10),
    Kind("1 %, only live in tens", 0.01, burst=10, alone=True),
    Kind("5 %, only live in tens", 0.05, burst=10, alone=True),
    Kind("1 %, tide", 0.01, tide=0.9),
    Kind("0.1 % and half the margin", 0.001, excess=0.0025),
    Kind("1 % and half the margin", 0.01, excess=0.0025),
)
UNPROMISED = (
    Kind("waves of 2 %, each side its own", 0.001, wave=0.02),
    Kind("waves of 10 %, each side its own", 0.001, wave=0.1),
)
"""What no test can promise: told apart, and not held against the judge."""
CANDIDATE, LIVE = 10, 90
"""Requests per second."""


def watched(kind: Kind, seed: int, seconds: int) -> int | None:
    """The second in which the release was taken back; None if it never was."""
    dice = random.Random(f"{kind.name}/{seed}")
    evidence, criteria = begin(0.0), EvidenceCriteria()
    candidate, live = Counts(), Counts()
    own = 1 if kind.alone else kind.burst
    ebbs = [0, 0]
    for second in range(1, seconds + 1):
        rate = kind.rate * (1 + kind.tide * math.sin(second / 600 * 2 * math.pi))
        waves = _waves(dice, kind, ebbs, second)
        candidate = _more(
            candidate, CANDIDATE, _failures(dice, CANDIDATE, rate + kind.excess + waves[0], own)
        )
        live = _more(live, LIVE, _failures(dice, LIVE, rate + waves[1], kind.burst))
        evidence, verdict = judge(
            evidence, {"c": candidate, "l": live}, {}, "c", "l", criteria, (), None, float(second)
        )
        if verdict.outcome == "fail":
            return second
    return None


def main(arguments: Sequence[str] = ()) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench false_alarms", description=__doc__)
    parser.add_argument("--releases", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=3600)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="only see that it works; nothing is kept")
    options = parser.parse_args(arguments)
    releases, seconds = (len(KINDS), 20) if options.quick else (options.releases, options.seconds)
    jobs = [(KINDS[number % len(KINDS)], number, seconds) for number in range(releases)]
    beside = releases // len(KINDS)
    jobs += [(kind, number, seconds) for kind in UNPROMISED for number in range(beside)]
    with ProcessPoolExecutor(options.processes) as pool:
        ends = list(pool.map(watched, *zip(*jobs, strict=True), chunksize=5))
    rows = []
    for kind in (*KINDS, *UNPROMISED):
        mine = [end for (one, _, _), end in zip(jobs, ends, strict=True) if one == kind]
        promised = "none" if kind in UNPROMISED else "1 %"
        rows.append((kind.name, f"{sum(end is not None for end in mine)}", f"{len(mine)}", promised))
    taken, allowed = sum(end is not None for end in ends[:releases]), _allowed(releases)
    rows.append(
        ("**all with a promise**", f"{taken}", f"{releases}", f"at most {allowed}, 1 % and its noise")
    )
    table = Table(
        f"Good releases that were taken back, each watched for {seconds} s, a look a second",
        ("Live's failures", "Taken back", "of", "Promised at most"), tuple(rows),
    )  # fmt: skip
    lost = sum(end is not None for end in ends[releases:])
    publish(
        found(
            "false_alarms", arguments, [table],
            findings=[f"{taken} of {releases:,} good releases were taken back; the promise is at most 1 %."],
            losses=[f"Where each side's failures come in waves of its own, no test has a guarantee: {lost} of "
                    f"{len(ends) - releases} were taken back."],
        ),
        keep=not options.quick,
    )  # fmt: skip
    return 0 if taken <= allowed else 1


def _allowed(n: int) -> int:
    """1 % of n and three and a half standard deviations: 21 of 1,000."""
    return math.floor(n * 0.01 + 3.5 * math.sqrt(n * 0.01 * 0.99))


def _waves(dice: random.Random, kind: Kind, ebbs: list[int], second: int) -> tuple[float, float]:
    """What the waves add on each side; `ebbs` says when each side's wave is over."""
    if not kind.wave:
        return 0.0, 0.0
    for side in (0, 1):
        if second >= ebbs[side] and dice.random() < 1 / 600:
            ebbs[side] = second + 30
    ours, theirs = (kind.wave * (second < ebb) for ebb in ebbs)
    return ours, theirs


def _failures(dice: random.Random, requests: int, rate: float, burst: int) -> int:
    """Failures in one second: clusters at rate / burst per request, each of `burst` failures, no more than requests."""
    clusters, chance = 0, rate / burst
    if chance > 0:
        at = -1
        while (at := at + 1 + math.floor(math.log(1 - dice.random()) / math.log(1 - chance))) < requests:
            clusters += 1
    return min(requests, clusters * burst)


def _more(counts: Counts, requests: int, failures: int) -> Counts:
    return Counts(counts.requests + requests, counts.failures + failures)
