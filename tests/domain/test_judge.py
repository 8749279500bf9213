"""What the judge says, how soon, and how seldom it is wrong. All from seeds and counts; no clock."""

from __future__ import annotations

import math
import random

import hypothesis.strategies as st
import msgspec
import pytest
from bench.false_alarms import KINDS, watched
from hypothesis import given, settings

from plainsail.domain.criteria import ErrorCriteria, EvidenceCriteria, LatencyCriteria
from plainsail.domain.evidence import Evidence, Verdict
from plainsail.domain.judge import begin, judge
from plainsail.domain.observation import Counts
from plainsail.domain.stats import proof

CRITERIA = EvidenceCriteria()
NONE = Counts()
EXPOSURES = (1000, 5000, 10_000)


class Trial:
    """A candidate beside live, block by block."""

    def __init__(self, criteria: EvidenceCriteria = CRITERIA, live: bool = True) -> None:
        self.criteria, self.live = criteria, live
        self.evidence: Evidence = begin(0.0)
        self.counts = {"c": Counts(), "l": Counts(1000, 0)} if live else {"c": Counts()}
        self.crashes: dict[str, int] = {}
        self.blocks = 0
        self.look()

    def look(self) -> Verdict:
        self.blocks += 1
        self.evidence, verdict = judge(
            self.evidence, self.counts, self.crashes, "c", "l" if self.live else None, self.criteria, EXPOSURES,
            5000, self.blocks / 10,
        )  # fmt: skip
        return verdict

    def block(self, ours: Counts, theirs: Counts = NONE) -> Verdict:
        for group, new in (("c", ours), ("l", theirs)):
            if group in self.counts:
                old = self.counts[group]
                self.counts[group] = Counts(
                    old.requests + new.requests, old.failures + new.failures, old.shielded + new.shielded,
                    old.slow + new.slow,
                )  # fmt: skip
        return self.look()

    def until_fail(self, ours: Counts, theirs: Counts, at_most: int) -> int:
        for number in range(1, at_most + 1):
            if self.block(ours, theirs).outcome == "fail":
                return number
        raise AssertionError(f"not seen in {at_most} blocks")


@pytest.mark.parametrize(("ours", "theirs", "at_most"), [(10, 90, 3), (100, 900, 3), (2, 198, 4), (1, 9, 4)])
def test_a_candidate_that_fails_everything(ours: int, theirs: int, at_most: int) -> None:
    Trial().until_fail(Counts(ours, ours), Counts(theirs), at_most)


@pytest.mark.slow
def test_a_fault_that_begins_after_ten_good_minutes() -> None:
    trial = Trial()
    for _ in range(6000):
        assert trial.block(Counts(10), Counts(90)).outcome != "fail"
    trial.until_fail(Counts(10, 10), Counts(90), 6)


def test_a_slow_candidate() -> None:
    verdict = Verdict("unsure", "")
    trial = Trial(EvidenceCriteria(latency=LatencyCriteria(bound=0.3)))
    for _ in range(6):
        verdict = trial.block(Counts(10, slow=10), Counts(90))
    assert (verdict.outcome, verdict.code) == ("fail", "latency")
    assert "took longer than 300 ms" in verdict.sentence


@pytest.mark.slow
def test_an_outage_that_hits_both_alike_is_not_the_candidates_fault() -> None:
    trial = Trial()
    for number in range(1200):
        verdict = (
            trial.block(Counts(10, 3), Counts(90, 27))
            if number > 100
            else trial.block(Counts(10), Counts(90))
        )
        assert verdict.outcome != "fail"


def test_without_live_traffic_the_limit_alone_decides() -> None:
    trial = Trial(live=False)
    for _ in range(50):
        assert trial.block(Counts(100, 1)).outcome != "fail"
    assert trial.until_fail(Counts(100, 50), NONE, 12)


def test_crashes_beyond_what_is_forgiven() -> None:
    trial = Trial()
    trial.crashes = {"c": 1}
    assert trial.look().outcome == "unsure"
    trial.crashes = {"c": 2}
    verdict = trial.look()
    assert (verdict.outcome, verdict.code) == ("fail", "crashes")


def test_proof_takes_as_many_requests_as_were_said() -> None:
    trial = Trial()
    verdict = trial.block(Counts(10), Counts(90))
    said = verdict.needs
    asked = 0
    while verdict.proven_bp < 5000:
        verdict = trial.block(Counts(10), Counts(90))
        asked += 10
    assert abs(asked - said) <= 20
    assert verdict.outcome == "pass"


@pytest.mark.slow
def test_no_requests_is_never_a_pass() -> None:
    trial = Trial()
    for _ in range(10_000):
        verdict = trial.block(Counts(), Counts(90))
    assert verdict.outcome == "unsure"
    assert verdict.code == "no_requests"
    assert verdict.proven_bp == 0


def test_a_router_that_counts_anew() -> None:
    trial = Trial()
    for _ in range(20):
        trial.block(Counts(10), Counts(90))
    before = trial.evidence.candidate.requests
    trial.counts = {"c": Counts(3), "l": Counts(30)}
    trial.look()
    assert trial.evidence.candidate.requests == before + 3


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
def test_good_releases_stay(kind) -> None:  # type: ignore[no-untyped-def]
    """Twelve of each kind for five minutes; the hour for 1,000 is `python -m bench.false_alarms`."""
    assert sum(watched(kind, seed, 300) is not None for seed in range(12)) <= 1


@pytest.mark.slow
def test_a_fault_that_begins_late_is_told_by_its_own_numbers() -> None:
    trial = Trial()
    for _ in range(3000):
        trial.block(Counts(10), Counts(90))
    while (verdict := trial.block(Counts(10, 10), Counts(90))).outcome != "fail":
        pass
    assert "40 of 40 candidate requests failed (100 %) against 0 of 360 live (0 %)" in verdict.sentence
    assert verdict.sentence.startswith("in the last 400 ms ")
    assert verdict.candidate.requests == 30_040


def test_a_fault_from_the_start_is_told_whole() -> None:
    trial = Trial(EvidenceCriteria(errors=ErrorCriteria(max=0.9)))
    verdicts = [trial.block(Counts(100, 20), Counts(900, 1)) for _ in range(8)]
    first = next(number for number, verdict in enumerate(verdicts) if verdict.outcome == "fail") + 1
    found = verdicts[first - 1]
    assert found.code == "errors"
    assert found.sentence.startswith(
        f"{20 * first} of {100 * first} candidate requests failed (20 %) against {first} of"
    )
    assert "with a margin of 0.5 points the odds against chance are" in found.sentence


def test_crashes_are_told_with_their_cause() -> None:
    _, verdict = judge(
        begin(0.0), {}, {"c": 2}, "c", "l", CRITERIA, EXPOSURES, 1000, 1.0, "exited with status 1"
    )
    assert verdict.sentence == "the candidate crashed 2 times (exited with status 1), live never"


def test_what_is_missing_is_said() -> None:
    trial = Trial()
    assert "has had none" in trial.look().sentence
    verdict = trial.block(Counts(40), Counts(360))
    assert verdict.code == "few_requests"
    assert (
        verdict.sentence
        == f"needs {verdict.needs} more requests without a failure to be sure of 50 % of users, has had 40"
    )


def test_about_600_good_requests_prove_half_a_point() -> None:
    _, verdict = judge(begin(0.0), {}, {}, "c", "l", CRITERIA, EXPOSURES, 10_000, 1.0)
    assert 600 <= verdict.needs <= 700


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(
    margin=st.sampled_from([0.0005, 0.005, 0.05, 0.4]),
    requests=st.integers(0, 3000),
    bad=st.integers(0, 5),
    stake=st.floats(-5.0, 2.5),
)
def test_needed_is_neither_too_few_nor_too_many(margin: float, requests: int, bad: int, stake: float) -> None:
    stakes, goal, requests = (stake,) * len(proof.DIFFERENCES), math.log(20), max(requests, bad)
    more = proof.needed(stakes, margin, requests, bad, goal)
    assert proof.log_proof(stakes, margin, requests + more, bad) >= goal - 1e-6
    if more:
        assert proof.log_proof(stakes, margin, requests + more - 1, bad) < goal


def test_good_requests_never_unprove() -> None:
    trial, proven = Trial(), 0
    for _ in range(120):
        verdict = trial.block(Counts(10), Counts(90, 1))
        assert verdict.proven_bp >= proven
        proven = verdict.proven_bp
    assert proven == 10_000


@pytest.mark.slow
def test_a_busy_live_that_fails_more_than_the_margin_can_still_be_matched() -> None:
    """Live fails at 1 %, the margin is half a point: only the comparison block by block can show it."""
    trial = Trial()
    for _ in range(1500):
        verdict = trial.block(Counts(100, 1), Counts(900, 9))
    assert verdict.proven_bp == 10_000


@pytest.mark.slow
def test_a_release_at_its_margin_is_seldom_called_proven() -> None:
    """Live fails at 0.1 %, the candidate at half a point more; ever proven for all users within 3,000 requests?"""
    wrong = 0
    for seed in range(200):
        dice, trial = random.Random(seed), Trial()
        for _ in range(60):
            ours, theirs = (sum(dice.random() < rate for _ in range(50)) for rate in (0.006, 0.001))
            if trial.block(Counts(50, ours), Counts(50, theirs)).proven_bp == 10_000:
                wrong += 1
                break
    assert wrong <= 20, "5 % of 200 and three standard deviations"


def test_a_failure_that_comes_after_its_request_was_counted() -> None:
    """It hung: slow at once, failed half a minute later, when nobody else was asking."""
    trial = Trial()
    trial.block(Counts(5, slow=5), Counts(50))
    trial.block(Counts(0, 5), Counts(50))
    assert trial.evidence.candidate.failures == 0
    trial.block(Counts(3), Counts(50))
    trial.block(Counts(3), Counts(50))
    assert (trial.evidence.candidate.requests, trial.evidence.candidate.failures) == (11, 5)


@pytest.mark.slow
def test_a_trickle_in_an_outage_of_both_is_not_the_candidates_fault() -> None:
    """One request in ten looks on either side, never in the same look: each waits for one to be compared with."""
    trial = Trial()
    for number in range(3000):
        ours, theirs = Counts(int(number % 10 == 0)), Counts(int(number % 10 == 5))
        if number > 600:
            ours, theirs = Counts(ours.requests, ours.requests), Counts(theirs.requests, theirs.requests)
        assert trial.block(ours, theirs).outcome != "fail"
    assert trial.evidence.candidate.requests >= 299


def test_what_live_did_long_before_is_not_compared() -> None:
    trial = Trial()
    for _ in range(100):
        trial.block(Counts(), Counts(90))
    trial.block(Counts(10), Counts(90))
    assert trial.evidence.live.requests <= 11 * 90


def test_when_all_users_have_moved_the_limit_watches_on() -> None:
    trial = Trial()
    for _ in range(50):
        trial.block(Counts(), Counts(100))
    assert trial.until_fail(Counts(100, 60), NONE, 20) >= 10


@pytest.mark.slow
def test_evidence_stays_small_for_a_day() -> None:
    exposures = tuple(range(1000, 10_001, 1000))
    evidence, ours, theirs = begin(0.0), Counts(), Counts()
    for block in range(1, 2000):
        ours = Counts(
            ours.requests + 10**7, ours.failures + 12_345, ours.shielded + 999, ours.slow + block % 77
        )
        theirs = Counts(theirs.requests + 10**8, theirs.failures + 123_456, 0, theirs.slow + block % 997)
        evidence, verdict = judge(
            evidence, {"c": ours, "l": theirs}, {}, "c", "l", CRITERIA, exposures, 5000, block / 7
        )
    assert len(msgspec.json.encode(evidence)) <= 16_384
    assert all(math.isfinite(log) for log in verdict.log_evidence.values())


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    blocks=st.lists(
        st.tuples(st.integers(0, 50), st.integers(0, 50), st.integers(0, 500), st.integers(0, 500)),
        max_size=60,
    ),
    margin=st.sampled_from([0.0001, 0.005, 0.2]),
    limit=st.sampled_from([0.2, 0.5]),
)
def test_any_numbers(blocks: list[tuple[int, int, int, int]], margin: float, limit: float) -> None:
    """Whatever is counted: finite, small, the same for the same inputs, and it survives being stored."""
    trial = Trial(EvidenceCriteria(errors=ErrorCriteria(margin=margin, max=limit)))
    for n, bad, live, live_bad in blocks:
        before = trial.evidence
        verdict = trial.block(Counts(n, min(n, bad), slow=min(n, bad)), Counts(live, min(live, live_bad)))
        again = judge(
            before, trial.counts, {}, "c", "l", trial.criteria, EXPOSURES, 5000, trial.blocks / 10
        )  # fmt: skip
        assert again == (trial.evidence, verdict)
        assert verdict.sentence
        assert all(math.isfinite(log) for log in verdict.log_evidence.values())
    stored = msgspec.json.encode(trial.evidence)
    assert len(stored) <= 16_384
    assert msgspec.json.decode(stored, type=Evidence) == trial.evidence
