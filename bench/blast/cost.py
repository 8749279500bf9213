"""What a judgement costs: against `math.lgamma` in the same run, by the rollout's age, and for many rollouts at once."""

from __future__ import annotations

import math
import timeit
from time import process_time

from bench.blast.goals import Goal
from bench.results import Table
from plainsail.domain.criteria import ErrorCriteria, EvidenceCriteria, LatencyCriteria
from plainsail.domain.evidence import Evidence
from plainsail.domain.judge import begin, judge
from plainsail.domain.observation import Counts
from plainsail.domain.units import ALL

JUDGED = 2
"""Things a judgement with the default criteria judges: errors (against live, and against `max`) and slow requests."""
CALLS, MICROSECONDS = 60.0, 100.0
"""Asked, of one judgement of one metric: so many calls of `math.lgamma`, or so many microseconds. A call takes less than half a
microsecond on today's machines, so that the two are not the same."""
METRICS, ROLLOUTS = 5, 1000
CRITERIA = EvidenceCriteria(errors=ErrorCriteria(), latency=LatencyCriteria())


def measured(looks: int = 400, repeats: int = 7) -> tuple[Table, list[str], list[Goal]]:
    """The table, what it says, and what was asked."""
    gamma = _gamma()
    young, old = _judgements(0, looks, repeats), _judgements(20 * looks, looks, repeats)
    each = old / JUDGED
    core = each * METRICS * ROLLOUTS
    rows = (
        ("one judgement of one metric, microseconds", f"{each * 1e6:.0f}"),
        ("the same in calls of math.lgamma", f"{each / gamma:.0f}"),
        ("the same in a rollout's first looks", f"{young / gamma / JUDGED:.0f}"),
        (f"{ROLLOUTS:,} rollouts with {METRICS} metrics judged once, seconds of one core", f"{core:.2f}"),
    )
    said = [
        f"A judgement costs {old / young:.2f} times as much after {21 * looks:,} looks as in the first {looks}."
    ]
    goals = [
        Goal("one judgement of one metric, calls of math.lgamma", f"at most {CALLS:.0f}", f"{each / gamma:.0f}",
             each <= CALLS * gamma, f"{CALLS:.0f} calls take {CALLS * gamma * 1e6:.0f} microseconds here."),
        Goal("one judgement of one metric, microseconds", f"about {MICROSECONDS:.0f}", f"{each * 1e6:.0f}", each <= MICROSECONDS / 1e6),
        Goal(f"{ROLLOUTS:,} rollouts with {METRICS} metrics judged each second, cores", "at most 1", f"{core:.2f}",
             core <= 1.0),
    ]  # fmt: skip
    return Table("What a judgement costs", ("What", "Measured"), rows), said, goals


def _gamma() -> float:
    """CPU seconds of one call: the best of several, as everything else that runs only adds to it."""
    calls = 200_000
    return (
        min(
            timeit.repeat(
                "f(x)", globals={"f": math.lgamma, "x": 12.5}, number=calls, repeat=7, timer=process_time
            )
        )
        / calls
    )


def _judgements(age: int, looks: int, repeats: int) -> float:
    """Seconds of one judgement at this age, in looks: the best of several, likewise."""
    evidence: Evidence = begin(0.0)
    number = 0

    def look() -> None:
        nonlocal evidence, number
        number += 1
        counts = {"c": Counts(10 * number, number // 20, 0, number // 30), "l": Counts(190 * number, number)}
        evidence, _ = judge(evidence, counts, {}, "c", "l", CRITERIA, (ALL,), ALL, number * 0.1)

    for _ in range(age):
        look()
    return min(timeit.repeat(look, number=looks, repeat=repeats, timer=process_time)) / looks
