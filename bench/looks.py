"""How soon a bad release is seen: `python -m bench looks`. Counts of looks and of failed requests, from seeds.

One look is a tenth of a second of traffic, Poisson on both sides, judged by the production judge with its defaults.
Also what one look costs beside a bare function call.
"""

from __future__ import annotations

import argparse
import random
import timeit
from collections.abc import Sequence
from time import process_time

import msgspec

from bench.results import Table, found, publish, quantile
from plainsail.domain.criteria import EvidenceCriteria
from plainsail.domain.evidence import Evidence
from plainsail.domain.judge import begin, judge
from plainsail.domain.observation import Counts

LOOK = 0.1
"""Seconds."""
EXPOSURES = (1000, 5000, 10_000)
AT_MOST = 6000
"""Looks after which a run ends."""


class Fault(msgspec.Struct, frozen=True):
    """A bad release: requests per second on both sides, how much fails, and for how long all was well."""

    ours: int
    theirs: int
    fails: float
    live_fails: float = 0.0
    good: int = 0
    """Looks before it begins."""

    def name(self) -> str:
        late = f", after {self.good * LOOK / 60:.0f} good min" if self.good else ""
        traffic = f"{self.ours} of {self.ours + self.theirs} requests/s"
        return f"{self.fails:.0%} fail, live {self.live_fails:.1%}, {traffic}{late}"


FAULTS = (
    Fault(100, 900, 1.0),
    Fault(20, 1980, 1.0),
    Fault(500, 500, 1.0),
    Fault(100, 900, 1.0, 0.001, good=6000),
    Fault(100, 900, 1.0, 0.01, good=6000),
    Fault(20, 1980, 1.0, 0.001, good=6000),
    Fault(100, 900, 0.3, 0.001),
    Fault(40, 360, 0.1),
    Fault(40, 360, 0.1, 0.001),
    Fault(40, 360, 0.1, 0.01),
    Fault(100, 900, 0.02, 0.001),
    Fault(2, 18, 1.0),
)


def seen_after(fault: Fault, seed: int) -> tuple[int, int]:
    """Looks from its beginning to the verdict, and the requests that failed in them."""
    dice = random.Random(f"{fault.name()}/{seed}")
    ours, theirs, before = Counts(), Counts(1000), 0
    evidence, _ = judge(begin(-LOOK), {"l": theirs}, {}, "c", "l", EvidenceCriteria(), EXPOSURES, 1000, -LOOK)
    for look in range(fault.good + AT_MOST):
        begun = look >= fault.good
        ours = _more(dice, ours, fault.ours * LOOK, fault.fails if begun else fault.live_fails)
        theirs = _more(dice, theirs, fault.theirs * LOOK, fault.live_fails)
        evidence, verdict = judge(
            evidence, {"c": ours, "l": theirs}, {}, "c", "l", EvidenceCriteria(), EXPOSURES, 1000, look * LOOK
        )
        if not begun:
            before = ours.failures
        if verdict.outcome == "fail":
            return look - fault.good + 1, ours.failures - before
    return AT_MOST, ours.failures - before


def main(arguments: Sequence[str] = ()) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench looks", description=__doc__)
    parser.add_argument("--runs", type=int, default=21)
    parser.add_argument("--quick", action="store_true", help="only see that it works; nothing is kept")
    options = parser.parse_args(arguments)
    faults, count, calls = (FAULTS[:2], 1, 50) if options.quick else (FAULTS, options.runs, 2000)
    rows = []
    for fault in faults:
        runs = max(3, count // 5) if fault.good else count
        ends = [seen_after(fault, seed) for seed in range(runs)]
        looks, failed = [end[0] for end in ends], [end[1] for end in ends]
        rows.append((
            fault.name(), f"{quantile(looks, 0.5):,.0f}", f"{quantile(looks, 0.9):,.0f}", f"{quantile(failed, 0.5):,.0f}",
        ))  # fmt: skip
    table = Table(
        "Looks (a tenth of a second) from the fault to the verdict; Poisson traffic, from seeds",
        ("Fault", "half within", "nine of ten within", "Requests that failed, median"),
        tuple(rows),
    )
    cost = f"One look of the judge costs as much as {_cost(calls):,.0f} calls of an empty function."
    slow = "At little traffic it takes as long as it takes for the first requests to come: the last row is two requests a second."
    publish(found("looks", arguments, [table], findings=[cost], losses=[slow]), keep=not options.quick)
    return 0


def _more(dice: random.Random, counts: Counts, mean: float, fails: float) -> Counts:
    requests = _poisson(dice, mean)
    failures = requests if fails == 1 else sum(dice.random() < fails for _ in range(requests)) if fails else 0
    return Counts(counts.requests + requests, counts.failures + failures)


def _poisson(dice: random.Random, mean: float) -> int:
    """By counting exponential gaps."""
    count, left = 0, mean - dice.expovariate(1.0)
    while left > 0:
        count, left = count + 1, left - dice.expovariate(1.0)
    return count


def _cost(looks: int) -> float:
    evidence: Evidence = begin(0.0)

    def watch() -> None:
        nonlocal evidence
        for n in range(1, looks + 1):
            counts = {"c": Counts(10 * n, n // 10), "l": Counts(90 * n, n)}
            evidence, _ = judge(evidence, counts, {}, "c", "l", EvidenceCriteria(), EXPOSURES, 5000, n * LOOK)

    calls = 100_000
    empty = timeit.timeit(lambda: None, number=calls, timer=process_time) / calls
    return timeit.timeit(watch, number=1, timer=process_time) / looks / empty
