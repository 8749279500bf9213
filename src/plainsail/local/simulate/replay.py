"""A recorded rollout's samples before the production judge once more, with another policy: what would have changed.

What is kept of a rollout is its trail: at most 120 moments with the totals of both sides. That is enough to bet on errors
and slow requests block by block, each block as long as the time between two moments.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, pairwise
from typing import Literal

import msgspec

from plainsail.domain.criteria import EvidenceCriteria, Threshold
from plainsail.domain.evidence import Arm, Verdict
from plainsail.domain.judge import begin, judge
from plainsail.domain.observation import Counts
from plainsail.domain.past import OWN
from plainsail.domain.service import Placement
from plainsail.domain.shadows import in_copies
from plainsail.domain.strategy import Pace
from plainsail.domain.trail import Point, Tally
from plainsail.domain.units import ALL, plural, seconds
from plainsail.local.simulate.recorded import Recorded
from plainsail.ports.errors import Rejected

replace = msgspec.structs.replace

Said = Literal["taken back", "not taken back"]


class Share(msgspec.Struct, frozen=True):
    """A share that the candidate had. Times are seconds since its first users."""

    share_bp: int
    entered: float
    left: float
    """As recorded: the next share was in force, or the trail ends."""
    would_leave: float | None
    """When the policy would first have let it go on; None: not while it was recorded."""
    unsure: str
    """What the policy does at the deadline, if that came first: `hold`, `rollback` or `advance`."""


class Replayed(msgspec.Struct, frozen=True):
    """What a policy says of the samples."""

    said: Said
    after: float | None
    """Seconds since the candidate's first users until it is taken back; None: it is not."""
    code: str
    sentence: str
    shares: tuple[Share, ...]
    """Until it is taken back."""


class Comparison(msgspec.Struct, frozen=True):
    """The samples under the policy that they were recorded with, and under another one."""

    recorded: Recorded
    lasted: float
    """Seconds of samples."""
    before: Replayed | None
    """None: the policy of then is not kept, or had another judge."""
    now: Replayed
    unknown: tuple[str, ...]
    """What the samples can't say, in clauses."""

    def changed(self) -> bool:
        """The verdict differs, from what was recorded or, where the samples say that otherwise, from what they say."""
        return self.now.said != (self.before.said if self.before else recorded_as(self.recorded))


def recorded_as(recorded: Recorded) -> Said:
    """What the judge said at the time."""
    return (
        "taken back"
        if recorded.verdict is not None and recorded.verdict.outcome == "fail"
        else "not taken back"
    )


def decided_after(recorded: Recorded) -> float | None:
    """Seconds from the candidate's first users until it was taken back."""
    at, trail = recorded.rollout.decided_at, recorded.trail()
    return (
        max(0.0, at - trail[0].at)
        if at is not None and trail and recorded_as(recorded) == "taken back"
        else None
    )


def compare(recorded: Recorded, placement: Placement, exposures: Sequence[int]) -> Comparison:
    """`exposures` are the shares that the policy asks proof for. Raises Rejected (`replay_impossible`)."""
    trail, then, now = recorded.trail(), recorded.criteria, placement.evidence
    if len(trail) < 2:
        raise Rejected(
            "replay_impossible", f"Nothing was judged in {recorded.rollout.id}, so there are no samples of it",
            "name a rollout whose candidate had users beside a live release",
        )  # fmt: skip
    if isinstance(now.judge, Threshold):
        raise Rejected(
            "replay_impossible", "A judge by thresholds can't be asked again: which measurements it would have made is not kept",
            "leave evidence.judge out",
        )  # fmt: skip
    same = then is not None and not isinstance(then.judge, Threshold)
    copied = recorded.copied()
    before = replay(trail, then, Pace(), exposures, copied) if then is not None and same else None
    after = replay(trail, now, placement.pace, exposures, copied)
    return Comparison(recorded, trail[-1].at - trail[0].at, before, after, unknown(recorded, now))


def replay(
    trail: Sequence[Point],
    criteria: EvidenceCriteria,
    pace: Pace,
    exposures: Sequence[int],
    copied: bool = False,
) -> Replayed:
    """The production judge over the trail, look by look. `copied`: before it had users it answered copies."""
    asked = _plain(criteria)
    since, evidence = trail[0].at, begin(trail[0].at)
    verdict = Verdict("unsure", "")
    shares: list[Share] = []
    alone = any(point.share_bp >= ALL for point in trail)
    for share, looks in groupby(trail, key=lambda point: point.share_bp):
        points = list(looks)
        entered, had = points[0].at - since, points[0].candidate.requests
        would_leave: float | None = None
        unsure = ""
        exposure = next((one for one in sorted(exposures) if one > share), ALL) if share else None
        for point in points:
            beside = None if share >= ALL else "live"
            evidence, verdict = judge(
                evidence, _counts(point), {}, "candidate", beside, asked, exposures, exposure, point.at,
                past=_past(evidence.live, beside is None) if alone else None, before=verdict,
                warm=point.at - since >= asked.warm_up, share=share,
            )  # fmt: skip
            if verdict.outcome == "fail":
                shares += [Share(share, entered, point.at - since, would_leave, unsure)] if share else []
                said = in_copies(verdict.sentence) if copied and not share else verdict.sentence
                return Replayed("taken back", point.at - since, verdict.code, said, tuple(shares))
            here = point.at - since - entered
            if would_leave is None and not unsure and share:
                ready = here >= pace.dwell and point.candidate.requests - had >= pace.requests
                if ready and (pace.until == "dwell" or verdict.proven_bp >= (exposure or 0)):
                    would_leave = point.at - since
                elif here >= pace.deadline:
                    unsure = pace.on_unsure
        if share:
            shares.append(Share(share, entered, points[-1].at - since, would_leave, unsure))
    said = in_copies(verdict.sentence) if copied and not trail[-1].share_bp else verdict.sentence
    return Replayed("not taken back", None, verdict.code, said, tuple(shares))


def unknown(recorded: Recorded, criteria: EvidenceCriteria) -> tuple[str, ...]:
    """What the thinned trail can't say, for this policy."""
    trail, then = recorded.trail(), recorded.criteria
    gap = max(after.at - before.at for before, after in pairwise(trail))
    found = [
        f"{plural(len(trail), 'moment')} of the time are kept, {seconds(gap)} apart at most: times are that exact, and what"
        " came in between is one block",
        "the shares are those of then: a policy that goes on earlier or later would have met other users",
        f"the samples end after {seconds(trail[-1].at - trail[0].at)}: what would have come later is not known",
    ]
    if then is not None and then.latency.bound != criteria.latency.bound:
        found.append(
            f"slow were requests beyond {seconds(then.latency.bound)}, and can't be counted anew for a bound of"
            f" {seconds(criteria.latency.bound)}: those of then are taken"
        )
    if criteria.metrics:
        found.append("metrics of sources are left out: their windows are not kept")
    if any((criteria.latency.p50, criteria.latency.p90, criteria.latency.p99)):
        found.append("quantiles (p50, p90, p99) are left out: how long each request took is not kept")
    if any(point.share_bp >= ALL for point in trail):
        found.append(
            "what live's users met before the rollout is not kept: with all users the limits and its own live's count"
        )
    crashes = recorded.verdict.candidate.crashes if recorded.verdict else 0
    if crashes or (recorded.verdict and recorded.verdict.code == "crashes"):
        found.append(
            f"when the candidate's {plural(crashes, 'crash', 'crashes')} happened is not kept: crashes are left out"
        )
    return tuple(found)


def _plain(criteria: EvidenceCriteria) -> EvidenceCriteria:
    """What of it can be judged by totals of requests, failures and slow ones."""
    return replace(criteria, metrics={}, latency=replace(criteria.latency, p50=None, p90=None, p99=None))


def _counts(point: Point) -> dict[str, Counts]:
    return {"candidate": _of(point.candidate), "live": _of(point.live)}


def _of(tally: Tally) -> Counts:
    return Counts(tally.requests, tally.failures, 0, tally.slow)


def _past(live: Arm, alone: bool) -> Arm:
    """What the candidate is held against when all users are its own, as `decide` has it."""
    return live if alone and live.requests >= OWN else Arm()
