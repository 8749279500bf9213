"""Bands of the router's quantiles: what p50, p90 and p99 of each side are since the comparison began, and how sure that is.

They are for people to see. What takes a candidate back is decided with `domain/tails.py`, block by block: a band is of
one distribution, and where traffic changes in the course of the day, or an outage makes both sides slow, the side that had
more of its requests then looks slower and is not. In a block both sides have the same weather.

The histograms come from the router's log: numbers of buckets as in `domain/histogram.py`, of microseconds, cumulative per
group. So where a comparison began is kept, and taken off. Taken for granted: requests are independent of each other, and
lines of the log get lost whatever they say. For one quantile both sides' bands hold at all times at once but for alpha; all
three quantiles together but for three times that, and each time the router's log begins anew (a new control plane) adds as much.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from plainsail.domain.evidence import Band, Cells, Evidence, Outset, Spread
from plainsail.domain.observation import Counts, Seen
from plainsail.domain.stats import quantiles

replace = msgspec.structs.replace

PARTS = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
EVERY = 5.0
"""Seconds between two sets of bands at least: one costs a millisecond, and hardly differs from the one before."""
AGED = 50
"""The same as a part of the time they are of, so that what is old is cheap."""
LEAST = 30
"""Requests of each side before there are bands: with fewer there is none for the median (`stats/quantiles.py`)."""
CELLS = 300
"""Cells at most in which the outset is kept, 2.4 kB of JSON in the worst case: from 5 ms to 2 s they are buckets of 2 %, and
where answers are spread wider each is several buckets. The bands are wider by as much."""
MICROSECONDS = 1e6


def watch(
    evidence: Evidence, seen: Seen, candidate: str, live: str | None, alpha: float, now: float
) -> Evidence:
    """With this look. `live` is whom the candidate is compared with; None: nobody, and the bands stay as they are."""
    latency, counts = seen.latency, seen.counts
    if live is None or live not in latency or not 0.0 < alpha < 1.0:
        return evidence
    outset = evidence.outset
    if outset is None or outset.groups != (candidate, live):
        return _begin(evidence, seen, (candidate, live), now)
    if candidate not in latency or now - outset.told < max(EVERY, (now - outset.at) / AGED):
        return evidence
    ours, theirs = (
        _since(cells, latency[group].buckets)
        for cells, group in zip(outset.cells, outset.groups, strict=True)
    )
    asked = [
        counts.get(group, Counts()).requests - before
        for group, before in zip(outset.groups, outset.requests, strict=True)
    ]
    if ours is None or theirs is None or min(asked) < 0:
        return _begin(evidence, seen, outset.groups, now)
    if min(sum(ours.values()), sum(theirs.values())) < LEAST:
        return evidence
    found = {
        name: Band(
            _spread(ours, outset.cells[0].step, part, alpha / 2, asked[0]),
            _spread(theirs, outset.cells[1].step, part, alpha / 2, asked[1]),
        )
        for name, part in PARTS.items()
    }
    return replace(evidence, bands=found, outset=replace(outset, told=now))


def _begin(evidence: Evidence, seen: Seen, groups: tuple[str, str], now: float) -> Evidence:
    """From here on: what was before, or in a log that is no more, is not known."""
    ours, theirs = (_cells(seen.latency[group].buckets if group in seen.latency else {}) for group in groups)
    requests = [seen.counts.get(group, Counts()).requests for group in groups]
    outset = Outset(now, 0.0, groups, (requests[0], requests[1]), (ours, theirs))
    return replace(evidence, bands={}, outset=outset)


def _cells(found: quantiles.Buckets) -> Cells:
    """In as few cells as there is room for."""
    filled = [bucket for bucket, count in found.items() if count]
    if not filled:
        return Cells()
    step = 1
    while _cell(max(filled), step) - _cell(min(filled), step) >= CELLS:
        step += 1
    first = _cell(min(filled), step)
    counts = [0] * (_cell(max(filled), step) - first + 1)
    for bucket in filled:
        counts[_cell(bucket, step) - first] += found[bucket]
    return Cells(step, first, tuple(counts))


def _since(outset: Cells, found: quantiles.Buckets) -> dict[int, int] | None:
    """What is new, by cell; None: the log began anew, as there is less in a cell than before."""
    new: dict[int, int] = {}
    for bucket, count in found.items():
        cell = _cell(bucket, outset.step)
        new[cell] = new.get(cell, 0) + count
    for place, count in enumerate(outset.counts):
        if count:
            new[outset.first + place] = new.get(outset.first + place, 0) - count
    return None if any(count < 0 for count in new.values()) else {cell: n for cell, n in new.items() if n}


def _cell(bucket: int, step: int) -> int:
    """Cell c holds the buckets above (c - 1) * step and up to c * step."""
    return -(-bucket // step)


def _spread(cells: Mapping[int, int], step: int, part: float, alpha: float, asked: int) -> Spread:
    """One side's quantile, in seconds. Of a cell only its ends are known: the band is from lower to upper ends."""
    uppers = {cell * step: count for cell, count in cells.items()}
    lowers = {(cell - 1) * step + 1: count for cell, count in cells.items()} if step > 1 else uppers
    low, high = quantiles.band(uppers, part, alpha)
    if step > 1:
        low = quantiles.band(lowers, part, alpha)[0]
    middle = (quantiles.quantile(lowers, part) + quantiles.quantile(uppers, part)) / 2
    n = sum(cells.values())
    return Spread(
        requests=n,
        low=low / MICROSECONDS,
        estimate=middle / MICROSECONDS,
        high=high / MICROSECONDS if high < float("inf") else None,
        coverage=min(1.0, n / asked) if asked else 0.0,
    )
