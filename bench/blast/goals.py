"""What was asked of the judge before it was built, and what was measured: met or missed, in the same words each time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import msgspec

from bench.blast.cases import CASES
from bench.blast.rows import ALPHA, Row, bound, median
from bench.results import Table

OURS, FLOOR = ("plainsail", "defaults"), ("flagger", "interval 10 s, threshold 1")
SAMPLES = {
    "Flagger": ("flagger", "documented sample"),
    "Argo Rollouts": ("argo-rollouts", "documented sample"),
}

SPOILED, FEWER, FEWER_THAN_SAMPLES, FEWER_SMALL, IN_BOUNDS = 15.0, 40.0, 1000.0, 10.0, 1.5
"""Asked: requests spoiled by a total failure at most; how many times fewer than Flagger's floor and than the documented
samples; the same for the fault of 1 %; and the two-sample bounds that a median case takes."""


class Goal(msgspec.Struct, frozen=True):
    """One line: what was asked, what came out."""

    what: str
    asked: str
    measured: str
    met: bool
    why: str = ""
    """In a sentence, where that is known."""

    def told(self) -> str:
        """As a sentence of the page."""
        return f"Asked: {self.what}: {self.asked}; measured: {self.measured}.{' ' * bool(self.why)}{self.why}"


def table(goals: Sequence[Goal]) -> Table:
    rows = tuple((one.what, one.asked, one.measured, "yes" if one.met else "**no**") for one in goals)
    return Table("What was asked, and what was measured", ("What", "Asked", "Measured", "Met"), rows)


def of_rows(rows: Sequence[Row]) -> list[Goal]:
    """Those that rows tell; one for which there is no row is left out."""
    by = {(row.case, row.system, row.setting): row for row in rows}
    found = [_spoiled(by, "total-failure", "total failure, requests spoiled")]
    found += [
        _spoiled(by, "total-failure-late", "total failure after a calm half minute, requests spoiled", MELTED)
    ]
    found += [_fewer(by, "total-failure", FLOOR, FEWER, "total failure, times fewer than Flagger at 10 s")]
    found += [
        _fewer(by, "total-failure", sample, FEWER_THAN_SAMPLES, f"total failure, times fewer than the documented sample of {name}")
        for name, sample in SAMPLES.items()
    ]  # fmt: skip
    found += [_small(by), _bounds(rows)]
    return [one for one in found if one is not None]


By = Mapping[tuple[str, str, str], Row]


MELTED = "What is staked melts in good times and must be won back before anything counts; only the reserve is still whole."
LOOKS = "Nobody looks after each request: a tenth of a second holds several of the bounds of a total failure."


def _spoiled(by: By, case: str, what: str, why: str = "") -> Goal | None:
    mine = by.get((case, *OURS))
    if mine is None or mine.bad_requests is None:
        return None
    return Goal(
        what, f"at most {SPOILED:.0f}", f"{mine.bad_requests:,.0f}", mine.bad_requests <= SPOILED, why
    )


def _fewer(by: By, case: str, other: tuple[str, str], asked: float, what: str) -> Goal | None:
    mine, theirs = by.get((case, *OURS)), by.get((case, *other))
    if mine is None or theirs is None or not mine.bad_requests or theirs.bad_requests is None:
        return None
    times = theirs.bad_requests / mine.bad_requests
    return Goal(
        what, f"at least {asked:,.0f}", f"{times:,.1f}" if times < 10 else f"{times:,.0f}", times >= asked
    )


def _small(by: By) -> Goal | None:
    """The fault of 1 %. Where even the bound spoils more than what was asked for, that is the reason."""
    goal = _fewer(by, "errors-1", FLOOR, FEWER_SMALL, "1 % more errors, times fewer than Flagger at 10 s")
    theirs = by.get(("errors-1", *FLOOR))
    if goal is None or theirs is None or theirs.bad_requests is None or goal.met:
        return goal
    case = next(case for case in CASES if case.name == "errors-1")
    least = bound(case) * case.size
    if theirs.bad_requests / FEWER_SMALL >= least:
        return goal
    alarms = [row for (name, *system), row in by.items() if tuple(system) == FLOOR and _is_good(name)]
    mine = [row for (name, *system), row in by.items() if tuple(system) == OURS and _is_good(name)]
    documented = _fewer(by, "errors-1", SAMPLES["Flagger"], FEWER_SMALL, "")
    return msgspec.structs.replace(
        goal,
        why=f"No test that takes back at most {ALPHA:.0%} of good releases can: of the {bound(case):,.0f} requests in the two-sample bound the fault spoils {least:,.0f}, and a tenth "
        f"of Flagger's {theirs.bad_requests:,.0f} is less. Its floor gets there because it goes by fewer: it took back "
        f"{sum(row.false_alarms for row in alarms)} of {sum(row.runs for row in alarms)} good releases, ours "
        f"{sum(row.false_alarms for row in mine)} of {sum(row.runs for row in mine)}."
        + (f" Flagger's documented sample spoils {documented.measured} times as many as ours." if documented else ""),
    )  # fmt: skip


def _bounds(rows: Sequence[Row]) -> Goal | None:
    ratios = {
        row.case: row.bound_ratio for row in rows if (row.system, row.setting) == OURS and row.bound_ratio is not None
    }  # fmt: skip
    middle = median(list(ratios.values()))
    if middle is None or math.isinf(middle):
        return None
    within = [case for case, ratio in ratios.items() if ratio <= IN_BOUNDS]
    return Goal(
        "requests in two-sample bounds, the median case", f"at most {IN_BOUNDS}", f"{middle:.2f}", middle <= IN_BOUNDS,
        f"{len(within)} of {len(ratios)} cases are within {IN_BOUNDS}{': ' * bool(within)}{', '.join(within)}; the best takes "
        f"{min(ratios.values()):.2f}, the worst, {max(ratios, key=lambda case: ratios[case])}, {max(ratios.values()):.2f}. {LOOKS}",
    )  # fmt: skip


def _is_good(name: str) -> bool:
    return any(case.name == name and case.good for case in CASES)
