"""Ours: the production judge at its defaults in a world, a look per bin. The one place that knows how it is called."""

from __future__ import annotations

from collections.abc import Iterator

from bench.blast.cases import SLOW_AFTER, Case
from bench.blast.ended import Ended
from bench.blast.times import Times
from bench.blast.traces import Side, World
from bench.results import kept
from plainsail.domain.criteria import ErrorCriteria, EvidenceCriteria, LatencyCriteria
from plainsail.domain.evidence import Evidence, Verdict
from plainsail.domain.judge import begin, judge
from plainsail.domain.observation import Counts
from plainsail.domain.units import ALL

BEFORE = 1000
"""Requests that live had before the candidate came."""


def reaction() -> float:
    """Seconds from the look that decides to a router's table that says 0: the medians of `python -m bench reaction`."""
    (table, *_) = kept()["reaction"].tables
    column = table.columns.index("half, ms")
    decided, off = (float(row[column].replace(",", "")) for row in table.rows[:2])
    return (off - decided) / 1000.0


LONGER = 0.2
"""A quantile may be longer by this part, where quantiles are judged."""


def criteria(case: Case, *, quantiles: bool = False) -> EvidenceCriteria:
    """The defaults, with the margins and the bound that the case states."""
    longer = LONGER if quantiles else None
    return EvidenceCriteria(
        errors=ErrorCriteria(margin=case.margin),
        latency=LatencyCriteria(bound=SLOW_AFTER, margin=case.slow_margin, p50=longer, p99=longer),
    )


def looks(world: World, asked: EvidenceCriteria) -> Iterator[tuple[float, Evidence, Verdict]]:
    """Each look's moment, evidence and verdict."""
    evidence, _ = judge(
        begin(-0.1), {"live": Counts(BEFORE)}, {}, "candidate", "live", asked, (ALL,), ALL, -0.1
    )
    times = Times(world) if asked.latency.p50 is not None else None
    for index in range(1, len(world.ends)):
        now = world.ends[index]
        counts = {"candidate": _counts(world.candidate, index), "live": _counts(world.live, index, BEFORE)}
        crashes = {"candidate": world.candidate.crashes[index], "live": world.live.crashes[index]}
        evidence, verdict = judge(
            evidence, counts, crashes, "candidate", "live", asked, (ALL,), ALL, now,
            expected=world.case.share, latency=times.at(index) if times else {},
        )  # fmt: skip
        yield now, evidence, verdict


def watch(world: World, until: float, *, quantiles: bool = False) -> Ended:
    """Until it is taken back, or so many seconds."""
    proven = None
    for now, _, verdict in looks(world, criteria(world.case, quantiles=quantiles)):
        if now > until:
            break
        if verdict.outcome == "fail":
            return Ended(now, now + reaction(), proven)
        if verdict.outcome == "pass" and proven is None:
            proven = now
    return Ended(None, None, proven)


def _counts(side: Side, index: int, before: int = 0) -> Counts:
    return Counts(before + side.requests[index], side.failures[index], 0, side.slow[index])
