"""What users got of a router while it was switched."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence

import msgspec

from bench.results import quantile
from bench.rig.switches import Change, Switcher
from bench.rig.users import KINDS, OUTCOMES, Samples, Summary

AFTER = 1.0
"""Seconds after the last change that still count as switching."""


class Carried(msgspec.Struct, frozen=True):
    """What a router carries, as fast as answers come, without a change."""

    way: str
    rate: float
    """Requests per second."""
    router_cpu: float
    users_cpu: float
    """Parts of a core."""


class Cell(msgspec.Struct, frozen=True):
    """One router under one load. `before`: without changes, in the same run."""

    way: str
    load: str
    asked_rate: float | None
    """Requests per second; None: as fast as answers come."""
    rate: float
    """That were answered, while it was switched."""
    switches: int
    requests: int
    failed: dict[str, int]
    """By kind of request and outcome: `kept POST reset`."""
    failed_before: int
    told_to_close: int
    """Kept connections that an answer said would be closed: the polite way."""
    closed_idle: int
    """Kept connections that were closed with nothing on them."""
    streams_cut: int
    ended_with_connections: int
    ms_before: tuple[float, float]
    """Median and 99th percentile of requests over kept connections, in milliseconds."""
    ms_during: tuple[float, float]
    stale_ms: tuple[float, float]
    """How long after a whole switch was said to be done the old version was still asked: median and worst."""
    command_ms: tuple[float, float]
    """How long an order took: median and worst."""
    router_cpu: float
    """Part of a core."""
    users_cpu: float

    def lost(self) -> int:
        return sum(self.failed.values())


def counted(
    way: str, load: str, asked_rate: float | None, samples: Samples, summary: Summary, switcher: Switcher,
    quiet_from: float, router_cpu: float,
) -> Cell:  # fmt: skip
    """From the first change to a second after the last is `during`; from `quiet_from` to the first is `before`."""
    changes = switcher.changes
    first, last = changes[0].ordered, changes[-1].done + AFTER
    calm, busy = _between(samples, quiet_from, first), _between(samples, first, last)
    failed = Counter(
        f"{KINDS[samples.kind[n]]} {OUTCOMES[samples.outcome[n]]}" for n in busy if samples.outcome[n]
    )
    stale = _stale(samples, busy, changes)
    took = [1000 * (change.done - change.ordered) for change in changes]
    return Cell(
        way=way, load=load, asked_rate=asked_rate, rate=len(busy) / (last - first), switches=len(changes),
        requests=len(busy), failed=dict(failed), failed_before=sum(samples.outcome[n] > 0 for n in calm),
        told_to_close=_within(summary.told_to_close, first, last),
        closed_idle=_within(summary.closed_idle, first, last),
        streams_cut=_within(summary.streams_cut, first, last),
        ended_with_connections=switcher.ended_with_connections,
        ms_before=_latency(samples, calm), ms_during=_latency(samples, busy),
        stale_ms=(quantile(stale, 0.5), max(stale, default=0.0)),
        command_ms=(quantile(took, 0.5), max(took)), router_cpu=router_cpu, users_cpu=summary.cpu,
    )  # fmt: skip


def _between(samples: Samples, low: float, high: float) -> list[int]:
    return [n for n, began in enumerate(samples.began) if low <= began < high]


def _within(times: Sequence[float], low: float, high: float) -> int:
    return sum(low <= at < high for at in times)


def _latency(samples: Samples, chosen: Sequence[int]) -> tuple[float, float]:
    took = sorted(1000 * samples.took[n] for n in chosen if samples.kind[n] < 2 and not samples.outcome[n])
    return (quantile(took, 0.5), quantile(took, 0.99))


def _stale(samples: Samples, busy: Sequence[int], changes: Sequence[Change]) -> list[float]:
    """For each switch of all users that moved them: milliseconds from its end to the last request that the other
    version answered, up to the next change. A request counts from when it was sent or due, so one that was under way
    is not held against anybody."""
    order = sorted(busy, key=lambda n: samples.began[n])
    times = [samples.began[n] for n in order]
    stale = []
    for change, after in zip(changes, [*changes[1:], None], strict=True):
        if change.alone is None or change.what not in ("all", "back"):
            continue
        end = after.ordered if after else change.done + AFTER
        mine = order[bisect_left(times, change.done) : bisect_left(times, end)]
        late = [samples.began[n] for n in mine if samples.version[n] not in (-1, change.alone)]
        stale.append(1000 * (max(late) - change.done) if late else 0.0)
    return stale
