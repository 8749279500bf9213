"""When live counts as silent: after ten of its own gaps, whoever is compared with and whatever the clock does."""

from __future__ import annotations

import random

import msgspec
import pytest

from plainsail.domain.criteria import ErrorCriteria, EvidenceCriteria
from plainsail.domain.evidence import Evidence, Verdict
from plainsail.domain.judge import begin, judge
from plainsail.domain.observation import Counts

HALF = EvidenceCriteria(errors=ErrorCriteria(max=0.5))
"""A limit far off, so that only the comparison tells."""


class Quiet:
    """A candidate and one other side, a request of each every few seconds."""

    def __init__(self, begins: float) -> None:
        self.evidence: Evidence = begin(begins)
        self.now = begins
        self.ours, self.failed, self.theirs = 0, 0, 0

    def look(self, against: str, others: dict[str, Counts] | None = None) -> Verdict:
        self.now += 1.0
        counts = {"c": Counts(self.ours, self.failed), against: Counts(self.theirs), **(others or {})}
        self.evidence, verdict = judge(
            self.evidence, counts, {}, "c", against, HALF, (10_000,), 10_000, self.now
        )
        return verdict

    def alternate(self, seconds: int, against: str = "l", every: int = 10) -> None:
        for second in range(seconds):
            self.theirs += second % every == 0
            self.ours += second % every == every // 2
            self.look(against)


@pytest.mark.parametrize("back", [0.0, 1.0, 300.0, 590.0, 86_400.0])
def test_a_clock_set_back_silences_nobody(back: float) -> None:
    """By more than the rollout's age, too: each of live's requests goes on to be compared with."""
    quiet = Quiet(100_000.0)
    quiet.alternate(600)
    had = quiet.evidence.live.requests
    quiet.now -= back
    quiet.alternate(600)
    assert quiet.evidence.live.requests - had == 60


def test_what_is_told_of_a_fault_after_a_clock_was_set_back_took_no_time_below_zero() -> None:
    quiet = Quiet(100_000.0)
    quiet.alternate(600, every=2)
    quiet.now -= 86_400.0
    for _ in range(100):
        quiet.ours, quiet.failed, quiet.theirs = quiet.ours + 1, quiet.failed + 1, quiet.theirs + 1
        verdict = quiet.look("l")
        if verdict.outcome == "fail":
            break
    assert verdict.outcome == "fail"
    assert verdict.sentence.startswith("in the last ")
    assert "-" not in verdict.sentence


def test_a_quiet_baseline_after_a_busy_live_is_not_silent() -> None:
    """While the candidate starts, live is watched; the gaps of its thousand requests a second are not the baseline's."""
    quiet = Quiet(0.0)
    for _ in range(20):
        quiet.look("l", {"l": Counts(round(quiet.now * 1000))})
    quiet.theirs = 0
    dice, verdict = random.Random(1), None
    for _ in range(3600):
        quiet.theirs += dice.random() < 0.1
        if dice.random() < 0.1:
            quiet.ours, quiet.failed = quiet.ours + 1, quiet.failed + (dice.random() < 0.2)
        verdict = quiet.look("b", {"l": Counts(round(quiet.now * 1000))})
        if verdict.outcome == "fail":
            break
    assert verdict is not None
    assert (verdict.outcome, verdict.code) == ("fail", "errors")


def test_whom_it_was_compared_with_before_counts_for_no_gap() -> None:
    quiet = Quiet(0.0)
    quiet.alternate(100, "l", every=2)
    assert quiet.evidence.live_seen > 0
    quiet.look("b")
    assert quiet.evidence.live_seen == 0
    assert msgspec.structs.replace(quiet.evidence, last={}).live.requests > 0, "what was compared stays"
