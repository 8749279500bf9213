"""The two kinds of mishap, failures and slow answers, and how those of a block look to the tests."""

from __future__ import annotations

from plainsail.domain.blocks import Compared
from plainsail.domain.evidence import Bursts, Evidence
from plainsail.domain.stats.betting import Block, remember

KIND = {
    "errors": "failures", "max_errors": "failures", "latency": "slow", "errors_past": "failures", "latency_past": "slow",
}  # fmt: skip
"""What each test counts."""


def mishaps(evidence: Evidence, kind: str, block: Compared) -> Block:
    """The block's mishaps of this kind, beside what is known of live's from earlier blocks. The evidence has it already."""
    ours, theirs = block.candidate, block.live
    usual = _bursts(evidence, kind).usual()
    if kind == "slow":
        rate = _rate(evidence.live.slow - theirs.slow, evidence.live.requests - theirs.requests)
        return Block(ours.requests, ours.slow, theirs.requests, theirs.slow, usual, rate)
    rate = _rate(evidence.live.failures - theirs.failures, evidence.live.requests - theirs.requests)
    return Block(ours.requests, ours.failures, theirs.requests, theirs.failures, usual, rate)


def remembered(evidence: Evidence, block: Compared) -> dict[str, Bursts]:
    """How live's mishaps come together, with this block."""
    return {
        kind: remember(_bursts(evidence, kind), mishaps(evidence, kind, block))
        for kind in ("failures", "slow")
    }


def remembered_of(bursts: Bursts | None, block: Block) -> Bursts:
    """The same for one metric of a source."""
    return remember(bursts or Bursts(), block)


def _bursts(evidence: Evidence, kind: str) -> Bursts:
    return evidence.bursts.get(kind, Bursts())


def _rate(bad: int, requests: int) -> float:
    return bad / requests if requests > 0 else 0.0
