"""Evidence and verdicts: what the judge remembers of a rollout, and what it says."""

from __future__ import annotations

from typing import Literal

import msgspec

from plainsail.domain.observation import Counts


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
    """Natural log of each test's e-value (`harm_errors`, `harm_latency`, ...)."""
    needs: int = 0
    """Requests of the candidate still needed, if none of them fails, to prove the next exposure."""


class Evidence(msgspec.Struct, frozen=True):
    """State of the sequential tests, and the counts they last saw. Stored as its own row, at most once a second."""

    since: float
    rollout: str = ""
    """Whose evidence this is."""
    candidate: Arm = Arm()
    live: Arm = Arm()
    last: dict[str, Counts] = {}
    """Cumulative counts by group at the end of the last block."""
    crashes: dict[str, int] = {}
    """Cumulative crashes by group at the end of the last block."""
    wealth: dict[str, tuple[float, ...]] = {}
    """By test: log wealth of each bet in its mixture."""
