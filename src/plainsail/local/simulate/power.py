"""How long a verdict takes, by traffic, share and how bad the release is: the production judge over chance, run by run.

Nothing else of a rollout is played: the share is in force from the first look on, and the clock runs until the verdict.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from plainsail.domain.criteria import EvidenceCriteria
from plainsail.domain.decide import FAST
from plainsail.domain.evidence import Verdict
from plainsail.domain.judge import begin, judge
from plainsail.domain.observation import Counts
from plainsail.domain.units import ALL, percent, percent_of, seconds
from plainsail.testing.chance import binomial, poisson

RUNS = 5
"""Of each cell; a median of five is within a third of the true one, mostly."""
TRAFFIC = (1.0, 10.0, 100.0, 1000.0)
"""Requests per second of all users."""
SHARES = (100, 1000, 5000)
"""Where the strategy has none of its own, basis points."""
LIVE_FAILS = 0.001
"""Part of live's requests."""
LONGEST = 86_400.0
"""Seconds after which nobody waits any more."""
MOST = 20_000
"""Requests of the candidate after which it is left at that."""


class Cell(msgspec.Struct, frozen=True):
    """Median of the runs that came to their verdict, if most of them did. `effect` 0: a good release, until it is proven."""

    traffic: float
    share_bp: int
    effect: float
    """How many more of the candidate's requests fail than of live's; a part of 1."""
    seconds: float | None
    requests: int | None
    """The candidate's, until then."""


def power(
    criteria: EvidenceCriteria, shares: Sequence[int], seed: int, traffics: Sequence[float] = TRAFFIC
) -> Iterator[Cell]:
    """Cell by cell, effects from the worst to none; the same seed gives the same."""
    for share in shares:
        for traffic in traffics:
            for effect in effects(criteria):
                yield _cell(criteria, share, traffic, effect, seed)


def effects(criteria: EvidenceCriteria) -> tuple[float, ...]:
    """All fail, a tenth fails, four times the margin, and nothing is wrong."""
    return (1.0, 0.1, min(1.0, 4 * criteria.errors.margin), 0.0)


def _cell(criteria: EvidenceCriteria, share: int, traffic: float, effect: float, seed: int) -> Cell:
    runs = [_run(criteria, share, traffic, effect, f"{seed} {number}") for number in range(RUNS)]
    found = [run for run in runs if run is not None]
    if len(found) <= RUNS // 2:
        return Cell(traffic, share, effect, None, None)
    late = [(float("inf"), 0)] * (RUNS - len(found))
    seconds, requests = sorted([*found, *late])[RUNS // 2]
    return Cell(traffic, share, effect, seconds, requests)


def _run(
    criteria: EvidenceCriteria, share: int, traffic: float, effect: float, seed: str
) -> tuple[float, int] | None:
    """Seconds and requests of the candidate until the verdict; None: it did not come."""
    dice = random.Random(seed)  # noqa: S311  (a simulated world wants a seed, not secrecy)
    ours, theirs = traffic * share / ALL, traffic * (ALL - share) / ALL
    wanted = "fail" if effect else "pass"
    evidence, verdict = begin(0.0), Verdict("unsure", "")
    counts = {"c": Counts(), "l": Counts(1)}
    now = 0.0
    while now < LONGEST and counts["c"].requests < MOST:
        gap = max(FAST, dice.expovariate(ours))
        for passed, mine in ((gap - FAST, 0), (FAST, max(1, poisson(dice, ours * FAST)))):
            if passed <= 0.0:
                continue
            now += passed
            counts = {
                "c": _more(counts["c"], mine, LIVE_FAILS + effect, dice),
                "l": _more(counts["l"], poisson(dice, theirs * passed), LIVE_FAILS, dice),
            }
            evidence, verdict = judge(
                evidence, counts, {}, "c", "l", criteria, (ALL,), ALL, now, before=verdict
            )
        if verdict.outcome == wanted:
            return now, counts["c"].requests
    return None


def _more(counts: Counts, requests: int, rate: float, dice: random.Random) -> Counts:
    return Counts(counts.requests + requests, counts.failures + binomial(dice, requests, min(1.0, rate)))


def power_document(cells: Sequence[Cell], criteria: EvidenceCriteria, seed: int) -> dict[str, Any]:
    """For --json. `effect` is a part of the requests, 0 for a good release; null where no verdict came in time."""
    return {
        "seed": seed,
        "runs": RUNS,
        "live_fails": LIVE_FAILS,
        "margin": criteria.errors.margin,
        "alpha": criteria.alpha,
        "beta": criteria.beta,
        "cells": [
            {
                "traffic": cell.traffic,
                "share_bp": cell.share_bp,
                "effect": cell.effect,
                "seconds": None if cell.seconds is None else round(cell.seconds, 1),
                "requests": cell.requests,
            }
            for cell in cells
        ],
    }


def power_text(cells: Sequence[Cell], criteria: EvidenceCriteria) -> str:
    """A table for each share."""
    kinds = effects(criteria)
    titles = [
        "requests of all",
        *(f"{percent_of(effect)} more fail" if effect else "good: proven" for effect in kinds),
    ]
    lines = [
        f"Median time to a verdict, of {RUNS} runs each. Live fails {percent_of(LIVE_FAILS)} of its requests;"
        f" the margin is {percent_of(criteria.errors.margin)}.",
    ]
    for share in dict.fromkeys(cell.share_bp for cell in cells):
        lines += ["", f"At {percent(share)} of users", _row(titles)]
        for traffic in dict.fromkeys(cell.traffic for cell in cells):
            row = [cell for cell in cells if (cell.share_bp, cell.traffic) == (share, traffic)]
            lines.append(_row([f"{traffic:g}/s", *(_time(cell) for cell in row)]))
    lines += ["", f"-: none within {seconds(LONGEST)} or {MOST:,} requests of the candidate."]
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    return "  " + "".join(f"{cell:>17}" for cell in cells)


def _time(cell: Cell) -> str:
    return "-" if cell.seconds is None else seconds(cell.seconds)
