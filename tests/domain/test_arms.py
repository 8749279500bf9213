"""The variants of a test as they are judged: whose evidence is whose, and that harm of any of them counts."""

from __future__ import annotations

from typing import Any

import pytest
from tests.domain.part_way import NOW, part_way, step
from tests.domain.stage import EASY, replace
from tests.domain.trials import COLOURS, KPI

from plainsail.domain import arms
from plainsail.domain.criteria import EvidenceCriteria
from plainsail.domain.evidence import Band, Cells, Evidence, Outset, Spread, Track, Verdict
from plainsail.domain.match import Match
from plainsail.domain.measurement import Reading
from plainsail.domain.observation import Counts, GroupSeen, Latency, Measured, Seen, Unmeasured
from plainsail.domain.rollout import Rollout
from plainsail.domain.strategy import AB, Judged
from plainsail.domain.traffic import GroupShare, Route, Traffic
from plainsail.domain.trail import Point, Tally
from plainsail.domain.trial import Trial

TEST = AB("conversion", variants=COLOURS)
TRIAL = Trial(TEST, ("g2", "g3"), ("red", "blue"))
THREE = Trial(TEST, ("g2", "g3", "g4"), ("red", "blue", "green"))
ALONE = Trial(AB("conversion"), ("g2",), ("v2",))
DIVIDED = step("test", 2500, leave=Judged("compared", 0, 0.0, 600.0, "rollback"))
FINE = Verdict("pass", "v2 is as good as live", harm=0.2)
WORSE = Verdict("fail", "2 of 10 requests failed", code="errors", harm=1.5)
"""Of the candidate."""
BAND = Band(Spread(1, 0.1, 0.2, None, 1.0), Spread(1, 0.1, 0.2, None, 1.0))
OUTSET = Outset(860.0, 0.0, ("g2", "g1"), (10, 10), (Cells(), Cells()))
POINT = Point(1.0, 100, Tally(), Tally(), 0.0, 0.0)


def _testing(trial: Trial | None = TRIAL, **fields: Any) -> Rollout:
    return part_way(DIVIDED, trial=trial, **fields)


def _seen(traffic: dict[str, int] | None = None, **fields: Any) -> Seen:
    split = tuple(GroupShare(group, share) for group, share in (traffic or {}).items())
    table = Traffic("shop", (), (Route(Match(), split),), {}, "g1", part_way().placement.shield, None, 1.0)
    return Seen(NOW, traffic=table if traffic is not None else None, **fields)


# Whose is what.


@pytest.mark.parametrize(
    ("rollout", "traffic", "exposed"),
    [
        (part_way(), {"g1": 9999, "g2": 1}, True), (part_way(), {"g1": 10_000}, False), (part_way(), None, False),
        (part_way(in_force_at=None), {"g1": 10_000}, False), (_testing(), {"g1": 10_000}, True),
        (_testing(in_force_at=0.0), {"g1": 10_000}, True), (_testing(in_force_at=None), {"g1": 10_000}, False),
        (_testing(in_force_at=None), {"g2": 5000}, True),
    ],
)  # fmt: skip
def test_users_have_the_candidate_by_a_share_or_in_a_test_by_a_match(
    rollout: Rollout, traffic: dict[str, int] | None, exposed: bool
) -> None:
    assert arms.exposed(rollout, _seen(traffic)) == exposed


def test_the_odds_of_a_false_alarm_are_shared_by_the_variants() -> None:
    criteria = EvidenceCriteria(alpha=0.03, beta=0.2)
    assert arms.shared_out(criteria, TRIAL) == replace(criteria, alpha=0.015)
    assert arms.shared_out(criteria, THREE).alpha == pytest.approx(0.01)
    assert arms.shared_out(criteria, ALONE) == arms.shared_out(criteria, None) == criteria


def test_each_variant_has_its_own_evidence() -> None:
    blue, green = Evidence(3.0), Evidence(4.0)
    red = Evidence(2.0, variants={"g3": blue, "g4": green})
    assert arms.whose(red, THREE) == "g2"
    assert [arms.of(red, THREE, group) for group in ("g2", "g3", "g4")] == [red, blue, green]
    new = Evidence(2.0)
    assert arms.whose(new, THREE) == "g2"
    assert [arms.of(new, THREE, group) for group in ("g2", "g3")] == [new, None]
    all_named = Evidence(2.0, variants={"g2": blue, "g3": blue, "g4": blue})
    assert arms.whose(all_named, THREE) == "g2"


def test_a_winner_that_becomes_the_candidate_has_its_own_evidence_from_then_on() -> None:
    mine = {"conversion": Track(until=5.0)}
    blue, green = Evidence(3.0, "r2", exposed_at=860.0, tracks=mine), Evidence(4.0)
    red = Evidence(
        2.0, "r2", variants={"g3": blue, "g4": green}, tests=("errors",), trail=(POINT,), bands={"p50": BAND},
        outset=OUTSET,
    )  # fmt: skip
    followed = arms.followed(red, _testing(THREE, candidate="g3"))
    kept = replace(red, variants={}, trail=(), bands={}, outset=None)
    assert followed == replace(blue, trail=(POINT,), tests=("errors",), variants={"g4": green, "g2": kept})
    assert arms.whose(followed, THREE) == "g3"
    again = arms.followed(followed, _testing(THREE, candidate="g3"))
    assert again == followed
    for other in (_testing(THREE), _testing(THREE, candidate="g9"), part_way(candidate="g3")):
        assert arms.followed(red, other) == red


# How they are judged.

BEFORE = _seen(
    {"g2": 2500, "g3": 2500, "g1": 5000},
    groups={id: GroupSeen(id, 1) for id in ("g1", "g2", "g3")},
    counts={id: Counts() for id in ("g1", "g2", "g3")},
)


def _look(
    verdict: Verdict, rollout: Rollout, seen: Seen, evidence: Evidence | None = None, warm: bool = True,
    criteria: EvidenceCriteria = EASY, exposures: tuple[int, ...] = (),
) -> tuple[Evidence, Verdict]:  # fmt: skip
    """Ten seconds after the last, if there was one."""
    known = evidence or Evidence(850.0, "r2", exposed_at=860.0)
    now = NOW + 10.0 if known.variants else NOW
    return arms.judged(known, verdict, rollout, seen, criteria, exposures, now, warm)


def _met(failures: int = 0, blocks: int = 1, **fields: Any) -> Seen:
    """In each block a hundred requests of live and of each variant; so many of blue's failed."""
    counts = {id: Counts(100 * blocks) for id in ("g1", "g2", "g3")}
    return replace(BEFORE, counts=counts | {"g3": Counts(100 * blocks, failures * blocks)}, **fields)


def _long(failures: int, blocks: int, verdict: Verdict = FINE) -> tuple[Evidence, Verdict]:
    evidence, said = _look(FINE, _testing(), BEFORE)
    for block in range(1, blocks + 1):
        evidence, said = _look(verdict, _testing(), _met(failures, block), evidence)
    return evidence, said


def test_without_a_test_nothing_is_added() -> None:
    known = Evidence(850.0, "r2")
    assert _look(WORSE, part_way(), _met(), known) == (known, WORSE)


def test_of_the_only_variant_it_is_said_as_of_any_candidate() -> None:
    known = Evidence(850.0, "r2")
    assert _look(WORSE, _testing(ALONE), _met(), known) == (known, WORSE)


def test_harm_of_the_candidate_is_told_with_its_name() -> None:
    evidence, said = _look(WORSE, _testing(), _met())
    assert said == replace(WORSE, sentence="red: 2 of 10 requests failed")
    _, passed = _look(FINE, _testing(), _met())
    assert passed == FINE
    blue = evidence.variants["g3"]
    assert (blue.rollout, blue.since, blue.exposed_at) == ("r2", NOW, 860.0)


def test_harm_of_another_variant_is_the_verdict() -> None:
    evidence, said = _long(60, 20)
    assert (said.outcome, said.code, said.variant) == ("fail", "errors", "g3")
    assert said.sentence.startswith("blue: 1,200 of 2,000 candidate requests failed (60 %)")
    assert said.harm > 1.0
    blue = evidence.variants["g3"]
    assert (blue.candidate.requests, blue.candidate.failures, blue.live.requests) == (2000, 1200, 2000)
    _, both = _long(60, 20, WORSE)
    assert (both.sentence, both.variant, both.harm) == (
        "red: 2 of 10 requests failed",
        "",
        max(1.5, said.harm),
    )


def test_what_is_suspected_most_of_any_is_what_is_suspected() -> None:
    _, said = _long(30, 6, replace(FINE, harm=0.0))
    assert (said.outcome, said.sentence) == ("pass", FINE.sentence)
    assert 0.0 < said.harm < 1.0
    assert _long(30, 6, replace(FINE, harm=0.9))[1] == replace(FINE, harm=0.9)
    assert _long(0, 6)[1] == FINE


def test_crashes_of_another_variant_count_with_what_was_their_trouble() -> None:
    evidence, _ = _look(FINE, _testing(), BEFORE)
    trouble = GroupSeen("g3", 1, crashes=50, trouble="exited with status 1 after 9 s")
    _, said = _look(FINE, _testing(), _met(groups={**BEFORE.groups, "g3": trouble}), evidence)
    assert (said.outcome, said.code, said.variant) == ("fail", "crashes", "g3")
    assert said.sentence.startswith("blue: ")
    assert "exited with status 1 after 9 s" in said.sentence
    without = {id: group for id, group in BEFORE.groups.items() if id != "g3"}
    assert _look(FINE, _testing(), _met(groups=without), evidence)[1] == FINE


def test_quantiles_sources_and_exposures_are_each_variants_own() -> None:
    times = {id: Latency(0.1, 0.2, 0.3, 1.0, {10: 500, 20: 500}) for id in ("g1", "g2", "g3")}
    reading = Reading(900.0, NOW + 5.0, dict(zip(KPI.queries(), (100.0, 5.0, 5.0), strict=True)))
    other = Reading(900.0, NOW + 5.0, dict(zip(KPI.queries(), (70.0, 7.0, 7.0), strict=True)))
    measured: dict[str, Measured | Unmeasured] = {"conversion": Measured(reading, reading, {"g3": other})}
    criteria = replace(EASY, metrics={"conversion": KPI}, latency=replace(EASY.latency, p50=0.1))
    seen = _met(latency=times, measured=measured)
    evidence, _ = _look(FINE, _testing(), BEFORE, criteria=criteria)
    evidence, _ = _look(FINE, _testing(), seen, evidence, criteria=criteria, exposures=(5000,))
    blue = evidence.variants["g3"]
    assert "p50" in blue.tails
    assert "errors 5000" in blue.proof
    assert (blue.tracks["conversion"].candidate.n, blue.tracks["conversion"].live.n) == (70.0, 100.0)


def test_a_source_that_fails_fails_for_all_and_one_that_knows_no_variant_says_nothing_of_it() -> None:
    criteria = replace(EASY, metrics={"conversion": KPI})
    failed = {"conversion": Unmeasured(900.0, NOW + 5.0, "no connection")}
    evidence, _ = _look(FINE, _testing(), _met(measured=failed), criteria=criteria)
    assert evidence.variants["g3"].tracks["conversion"].missing == "no connection"
    reading = Reading(900.0, NOW + 5.0, dict(zip(KPI.queries(), (100.0, 5.0, 5.0), strict=True)))
    alone = {"conversion": Measured(reading, reading, {"g9": reading})}
    evidence, _ = _look(FINE, _testing(), _met(measured=alone), criteria=criteria)
    assert not evidence.variants["g3"].tracks


def test_a_cold_variant_is_held_to_the_limit_alone() -> None:
    evidence, _ = _look(FINE, _testing(), BEFORE, warm=False)
    evidence, _ = _look(FINE, _testing(), _met(), evidence, warm=False)
    cold = evidence.variants["g3"].cold
    assert cold is not None
    assert cold[0].requests == 100
    assert evidence.variants["g3"].candidate.requests == 0
    evidence, _ = _look(FINE, _testing(), BEFORE)
    evidence, _ = _look(FINE, _testing(), _met(), evidence)
    assert evidence.variants["g3"].cold is None


def test_three_variants_are_each_judged() -> None:
    evidence, _ = _look(
        FINE, _testing(THREE), _met(), Evidence(850.0, "r2", exposed_at=860.0, tests=("errors",))
    )
    assert list(evidence.variants) == ["g3", "g4"]
    assert evidence == Evidence(850.0, "r2", exposed_at=860.0, tests=("errors",), variants=evidence.variants)
