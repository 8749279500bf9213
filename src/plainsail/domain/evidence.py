"""Evidence and verdicts: what the judge remembers of a rollout, and what it says."""

from __future__ import annotations

from typing import Literal

import msgspec

from plainsail.domain.observation import Counts
from plainsail.domain.trail import Point


class Arm(msgspec.Struct, frozen=True):
    """One side's totals over the blocks that were compared."""

    requests: int = 0
    failures: int = 0
    shielded: int = 0
    slow: int = 0
    crashes: int = 0


class Verdict(msgspec.Struct, frozen=True):
    """What the evidence says now, in one sentence and in numbers."""

    outcome: Literal["pass", "fail", "unsure"]
    sentence: str
    code: str = ""
    """`errors`, `max_errors`, `latency`, `crashes`; or why unsure: `few_requests`, `no_requests`."""
    candidate: Arm = Arm()
    live: Arm = Arm()
    proven_bp: int = 0
    """The largest exposure for which the margins are proven."""
    log_evidence: dict[str, float] = {}
    """Natural log of each test's e-value (`harm_errors`, `harm_latency`; `good_errors_5000` for an exposure, ...)."""
    needs: int = 0
    """Requests of the candidate still needed, if none of them fails, to prove the next exposure."""
    harm: float = 0.0
    """Log evidence of harm as a part of the line at which the candidate is taken back: 1.0 is on the line."""
    good: float = 0.0
    """Log evidence for the exposure that is asked for, as a part of the line at which it is proven."""


class Stake(msgspec.Struct, frozen=True, array_like=True):
    """Where one bet stands (`domain/stats.py`); part of its money is staked, the rest waits for a fault that begins late."""

    staked: float = 0.0
    """Natural log of the money staked."""
    rise: float = 0.0
    """How far, in natural logs, the last blocks brought it up from its lowest."""
    times: int = 0
    """How often money was taken from the reserve."""


class Mark(msgspec.Struct, frozen=True):
    """Both sides' totals as they stood at a moment."""

    at: float
    candidate: Arm
    live: Arm


class Bursts(msgspec.Struct, frozen=True, array_like=True):
    """How many of live's mishaps come together: fading sums over the blocks in which live had more than its share."""

    bad: float = 0.0
    squared: float = 0.0

    def usual(self) -> float:
        """The size of the burst that a mishap of live is usually part of; 0 when there was none."""
        return self.squared / self.bad if self.bad else 0.0


class Evidence(msgspec.Struct, frozen=True):
    """State of the sequential tests, and the counts they last saw. Stored as its own row, at most once a second."""

    since: float
    rollout: str = ""
    """Whose evidence this is."""
    candidate: Arm = Arm()
    live: Arm = Arm()
    marks: tuple[Mark, ...] = ()
    """Before the last two blocks after which there was nothing to suspect; what came since the first is what tells."""
    last: dict[str, Counts] = {}
    """Cumulative counts by group that are in the blocks so far; newer ones wait for their block to close."""
    crashes: dict[str, int] = {}
    """Cumulative crashes by group at the last look."""
    opened: float = 0.0
    """When the block that is open began to collect."""
    live_at: float = 0.0
    """When live was last seen to have new requests."""
    live_counted: int = 0
    """Live's cumulative requests at that time."""
    live_seen: int = 0
    """Requests of live since the first look, compared or not."""
    bursts: dict[str, Bursts] = {}
    """By kind of mishap (`failures`, `slow`)."""
    harm: dict[str, tuple[Stake, ...]] = {}
    """By test (`errors`, `max_errors`, `latency`): its bets that the candidate is worse."""
    proof: dict[str, tuple[float, ...]] = {}
    """By test and exposure (`errors 5000`): log wealth of its bets, block by block, that the candidate is good enough."""
    trail: tuple[Point, ...] = ()
    """How it came about; decides nothing."""
