"""What is to be proven before a share of the users is exposed: that errors and slow answers are each within the margin."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from plainsail.domain.blocks import Compared
from plainsail.domain.criteria import EvidenceCriteria
from plainsail.domain.evidence import Evidence
from plainsail.domain.mishaps import KIND, mishaps
from plainsail.domain.stats import proof


class Claim(msgspec.Struct, frozen=True):
    """One thing to prove for an exposure (basis points)."""

    name: str
    exposure: int
    margin: float
    relative: float

    def key(self) -> str:
        return f"{self.name} {self.exposure}"


def claimed(criteria: EvidenceCriteria, exposure: int) -> tuple[Claim, ...]:
    """All of them must be proven, so each is held to beta by itself."""
    errors, latency = criteria.errors, criteria.latency
    return (
        Claim("errors", exposure, proof.margin_at(exposure, errors.margin, errors.max), errors.relative),
        Claim("latency", exposure, proof.margin_at(exposure, latency.margin, 1.0), latency.relative),
    )


def play(
    evidence: Evidence, criteria: EvidenceCriteria, exposures: Sequence[int], block: Compared
) -> dict[str, tuple[float, ...]]:
    """The block bets of every claim after the block."""
    return {
        claim.key(): proof.play(
            _stakes(evidence, claim), claim.margin, claim.relative, mishaps(evidence, KIND[claim.name], block)
        )
        for exposure in exposures
        for claim in claimed(criteria, exposure)
    }


def log_proofs(
    evidence: Evidence, criteria: EvidenceCriteria, exposures: Sequence[int]
) -> dict[int, dict[str, float]]:
    """Log evidence for each claim, by exposure and name."""
    return {
        exposure: {
            claim.name: proof.log_proof(_stakes(evidence, claim), claim.margin, *_totals(evidence, claim))
            for claim in claimed(criteria, exposure)
        }
        for exposure in exposures
    }


def needed(evidence: Evidence, criteria: EvidenceCriteria, exposure: int, goal: float) -> int:
    """How many more requests without a mishap prove every claim."""
    return max(
        proof.needed(_stakes(evidence, claim), claim.margin, *_totals(evidence, claim), goal)
        for claim in claimed(criteria, exposure)
    )


def _stakes(evidence: Evidence, claim: Claim) -> tuple[float, ...]:
    return evidence.proof.get(claim.key(), proof.FRESH)


def _totals(evidence: Evidence, claim: Claim) -> tuple[int, int]:
    ours = evidence.candidate
    return ours.requests, ours.slow if KIND[claim.name] == "slow" else ours.failures
