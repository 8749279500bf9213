"""What a judgement costs: against `math.lgamma` in the same run, by the rollout's age, and for many rollouts at once."""

from __future__ import annotations

import math
import timeit

from bench.results import Table, quantile
from plainsail.domain.criteria import ErrorCriteria, EvidenceCriteria, LatencyCriteria
from plainsail.domain.evidence import Evidence
from plainsail.domain.judge import begin, judge
from plainsail.domain.observation import Counts
from plainsail.domain.units import ALL

JUDGED = 2
"""Things a judgement with the default criteria judges: errors (against live, and against `max`) and slow requests."""
GOAL = 60.0
"""Calls of `math.lgamma`, which take some 6 microseconds in all here; the same goal is also put as 100 microseconds."""
MICROSECONDS = 100.0
METRICS, ROLLOUTS = 5, 1000
CRITERIA = EvidenceCriteria(errors=ErrorCriteria(), latency=LatencyCriteria())


def measured(looks: int = 400, repeats: int = 7) -> tuple[Table, list[str], list[str]]:
    """The table, what it says, and where it misses."""
    gamma = _gamma()
    young, old = _judgements(0, looks, repeats), _judgements(20 * looks, looks, repeats)
    each = old / gamma / JUDGED
    core = old / JUDGED * METRICS * ROLLOUTS
    rows = (
        ("one judgement of one metric, in calls of math.lgamma", f"{each:.0f}"),
        ("the same in a rollout's first looks", f"{young / gamma / JUDGED:.0f}"),
        (f"{ROLLOUTS:,} rollouts with {METRICS} metrics judged once, seconds of one core", f"{core:.2f}"),
    )
    said = [
        f"A judgement costs {old / young:.2f} times as much after {21 * looks:,} looks as in the first {looks}."
    ]
    missed = [] if each <= GOAL else [
        f"One judgement of one metric costs {each:.0f} calls of math.lgamma; the goal is {GOAL:.0f}, or "
        f"{MICROSECONDS:.0f} microseconds, of which it took {old / JUDGED * 1e6:.0f}."
    ]  # fmt: skip
    if core > 1.0:
        missed.append(
            f"{ROLLOUTS:,} rollouts with {METRICS} metrics each take {core:.1f} s of one core to judge once."
        )
    return Table("What a judgement costs", ("What", "Measured"), rows), said, missed


def _gamma() -> float:
    """Seconds of one call: the best of several, as everything else that runs only adds to it."""
    calls = 200_000
    return min(timeit.repeat("f(x)", globals={"f": math.lgamma, "x": 12.5}, number=calls, repeat=7)) / calls


def _judgements(age: int, looks: int, repeats: int) -> float:
    """Seconds of one judgement at this age, in looks; the middle of several runs."""
    evidence: Evidence = begin(0.0)
    number = 0

    def look() -> None:
        nonlocal evidence, number
        number += 1
        counts = {"c": Counts(10 * number, number // 20, 0, number // 30), "l": Counts(190 * number, number)}
        evidence, _ = judge(evidence, counts, {}, "c", "l", CRITERIA, (ALL,), ALL, number * 0.1)

    for _ in range(age):
        look()
    return quantile([timeit.timeit(look, number=looks) / looks for _ in range(repeats)], 0.5)
