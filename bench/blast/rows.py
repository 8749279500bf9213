"""Rows: all systems in the same worlds, and what came of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import msgspec

from bench.blast import ours
from bench.blast.cases import SLOW_AFTER, Case
from bench.blast.ended import Ended
from bench.blast.peers import argo, flagger, kayenta
from bench.blast.traces import World, beyond, slow_part, world
from plainsail.domain.criteria import EvidenceCriteria
from plainsail.domain.stats.oracle import two_sample

HORIZON = 3600.0
"""Seconds that a release is watched."""
QUANTILES = f"median and p99 at most {ours.LONGER:.0%} longer"
"""The setting of ours that judges quantiles too; it is run where latency is the fault."""
ALPHA = EvidenceCriteria().alpha


class Row(msgspec.Struct, frozen=True):
    """One system with one setting in one case: medians over the runs in which it took the candidate back."""

    case: str
    system: str
    setting: str
    runs: int
    detected: int
    """Runs in which a bad release was taken back after its fault began; of good ones, 0."""
    detection_s: float | None
    """From the fault's first moment until the candidate has no users."""
    bad_requests: float | None
    """Requests that the fault spoiled until then."""
    false_alarms: int
    """Runs in which a release was taken back while it was within its margins."""
    bound_ratio: float | None
    """Requests of the candidate from the fault to the decision, in two-sample bounds; where a constant rate tells it all."""


class System(msgspec.Struct, frozen=True):
    """A system with a setting."""

    name: str
    setting: str
    watch: Callable[[World, float], Ended]


def systems() -> list[System]:
    """Ours first."""
    found = [System("plainsail", "defaults", ours.watch)]
    found += [System("plainsail", QUANTILES, partial(ours.watch, quantiles=True))]
    found += [System("argo-rollouts", one.name, partial(argo.watch, one)) for one in argo.SETTINGS]
    found += [System("flagger", one.name, partial(flagger.watch, one)) for one in flagger.SETTINGS]
    found += [System("kayenta", one.name, partial(kayenta.watch, one)) for one in kayenta.SETTINGS]
    return found


def compared(cases: Sequence[Case], runs: int, chosen: Sequence[System], until: float = HORIZON) -> list[Row]:
    """A row per case and system; each world is made once."""
    rows = []
    for case in cases:
        worlds = [world(case, seed) for seed in range(runs)]
        asked = [one for one in chosen if one.setting != QUANTILES or case.fault in ("median", "tail")]
        rows += [row(case, system, [(one, system.watch(one, until)) for one in worlds]) for system in asked]
    return rows


def row(case: Case, system: System, ends: Sequence[tuple[World, Ended]]) -> Row:
    early = [(one, end) for one, end in ends if end.off is not None and _false(case, end)]
    caught = [(one, end.decided, end.off) for one, end in ends
              if end.off is not None and end.decided is not None and not _false(case, end)]  # fmt: skip
    begun = case.onset
    asked = [
        one.at(one.candidate.requests, at) - one.at(one.candidate.requests, begun) for one, at, _ in caught
    ]
    least = bound(case)
    return Row(
        case.name, system.name, system.setting, len(ends), len(caught),
        median([off - begun for _, _, off in caught]),
        median([one.at(one.candidate.caused, off) for one, _, off in caught]),
        len(early),
        None if not asked or math.isinf(least) else round((median(asked) or 0.0) / least, 3),
    )  # fmt: skip


def bound(case: Case) -> float:
    """Requests; infinite where no constant rate describes the fault, or where it is within its margin."""
    others = (1.0 - case.share) / case.share
    if case.fault in ("errors", "replica"):
        return two_sample(failing(case), case.base, others, ALPHA, case.margin)
    if case.fault in ("median", "tail"):
        return two_sample(slow_part(case), beyond(SLOW_AFTER), others, ALPHA, case.slow_margin)
    return math.inf


def failing(case: Case) -> float:
    """Part of the candidate's requests that fails, with the fault."""
    size = case.size / case.replicas if case.fault == "replica" else case.size
    return 1.0 - (1.0 - case.base) * (1.0 - size)


def median(values: Sequence[float]) -> float | None:
    ordered = sorted(values)
    if not ordered:
        return None
    middle = len(ordered) // 2
    found = ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
    return round(found, 3)


def _false(case: Case, end: Ended) -> bool:
    return case.good or (end.decided is not None and end.decided < case.onset)
