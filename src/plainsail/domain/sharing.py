"""Do requests fall to both sides as the router was told? If not, the sides are not alike and comparing them says nothing.

Requests are held against the split in blocks of their own: a block ends after a number of requests of both sides
together, whichever side they fell to, and a while, so that when it ends favours neither.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from plainsail.domain.evidence import Evidence, Split
from plainsail.domain.observation import Counts
from plainsail.domain.stats import mismatch
from plainsail.domain.units import percent_of

replace = msgspec.structs.replace

LEAST = 200
"""Requests of a block, and five expected ones of the smaller side: fewer are all or nothing."""
FEW = 5.0
LATE = 4
"""Blocks, at most, from which a request can be missing that is counted late, as it is slow: after the latency bound it counts
in any case. So one side that begins to hang, or was slow before the split moved, is no mismatch."""
ALPHA = 0.001
"""Odds of calling a split wrong that is right within the tolerance."""


def watch(
    evidence: Evidence, counts: Mapping[str, Counts], candidate: str, live: str | None, expected: float | None,
    bound: float, now: float,
) -> Evidence:  # fmt: skip
    """With this look. `expected`: the candidate's part of both sides' requests, in force now; None: not both have users.
    `bound`: seconds after which a request is counted even if it has no answer."""
    if live is None or expected is None or candidate not in counts or live not in counts:
        return evidence if evidence.split is None else replace(evidence, split=None)
    ours, theirs = counts[candidate].requests, counts[live].requests
    split = evidence.split
    anew = split is None or split.expected != expected or ours < split.candidate or theirs < split.live
    if split is None or anew or now < split.at:
        return replace(evidence, split=Split(expected, ours, theirs, now))
    mine, total = ours - split.candidate, ours - split.candidate + theirs - split.live
    if total < max(LEAST, FEW / min(expected, 1.0 - expected)) or now - split.at < bound / LATE:
        return evidence
    stakes = mismatch.play(evidence.shares, mine, total, expected)
    evidence = replace(evidence, shares=stakes, split=Split(expected, ours, theirs, now))
    if evidence.voided or mismatch.log_money(stakes) < mismatch.goal(ALPHA):
        return evidence
    found = f"the candidate had {percent_of(mine / total)} of the last {total:,} requests of both sides, and should have had {percent_of(expected)}"
    return replace(evidence, voided=found)
