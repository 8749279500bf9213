"""Live against itself: no warning where there is nothing to warn of, and soon where there is."""

from __future__ import annotations

from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plainsail.domain.evidence import Evidence
from plainsail.domain.observation import Counts, GroupSeen, Instance, InstanceState, Seen
from plainsail.domain.standing import log_evidence, warning, watch

ALPHA = 0.01


def seen(told: dict[str, Counts], states: dict[str, InstanceState] | None = None) -> Seen:
    its = tuple(
        Instance(id, "g1", (states or {}).get(id, "ready"), f"127.0.0.1:{place}", 0.0)
        for place, id in enumerate(told)
    )
    return Seen(0.0, {"g1": GroupSeen("g1", len(its), its)}, instances=told)


def sides(evidence: Evidence) -> list[set[str]]:
    return [set(half.last) for half in evidence.halves]


def grown(told: dict[str, Counts], more: dict[str, Counts]) -> dict[str, Counts]:
    none = Counts()
    return {
        id: Counts(
            one.requests + more.get(id, none).requests, one.failures + more.get(id, none).failures,
            0, one.slow + more.get(id, none).slow,
        )
        for id, one in told.items()
    }  # fmt: skip


def watched(dice: Random, looks: int, rates: dict[str, float], each: int = 10) -> tuple[Evidence, float]:
    """What came of it, and the most evidence there ever was."""
    evidence, told, most = Evidence(0.0), dict.fromkeys(rates, Counts()), 0.0
    for _ in range(looks):
        more = {
            id: Counts(each, sum(dice.random() < rate for _ in range(each))) for id, rate in rates.items()
        }
        told = grown(told, more)
        evidence = watch(evidence, seen(told), "g1")
        most = max(most, log_evidence(evidence))
        if warning(evidence, ALPHA):
            break
    return evidence, most


@pytest.mark.slow
@pytest.mark.parametrize("rate", [0.0, 0.002, 0.05])
def test_equal_instances_give_no_warning(rate: float) -> None:
    """40 services of 300 looks: at ALPHA more than 2 would be a scandal (once in a hundred)."""
    runs = [watched(Random(seed), 300, dict.fromkeys("abcd", rate))[0] for seed in range(40)]
    assert sum(bool(warning(one, ALPHA)) for one in runs) <= 2


def test_one_bad_instance_of_lives_is_warned_of_with_both_halves_numbers() -> None:
    evidence, _ = watched(Random(1), 300, {"a": 0.3, "b": 0.0, "c": 0.0, "d": 0.0})
    said = warning(evidence, ALPHA)
    worse, better = evidence.halves if "a" in evidence.halves[0].last else reversed(evidence.halves)
    assert f"{worse.failures:,} of {worse.requests:,} requests" in said
    assert f"against {better.failures:,} of {better.requests:,} requests" in said
    assert "weaker than it looks" in said
    assert worse.failures > 0 == better.failures


def test_slowness_is_a_difference_too() -> None:
    evidence, told = Evidence(0.0), dict.fromkeys("ab", Counts())
    for _ in range(60):
        told = grown(told, {"a": Counts(20), "b": Counts(20, slow=6)})
        evidence = watch(evidence, seen(told), "g1")
    assert "were slow on b" in warning(evidence, ALPHA)


def test_at_level_0_nothing_is_said() -> None:
    evidence, _ = watched(Random(1), 300, {"a": 0.5, "b": 0.0})
    assert warning(evidence, 0.0) == ""


ids = st.sets(st.text("abcdefgh", min_size=1, max_size=3), max_size=9)


@given(st.lists(ids, min_size=1, max_size=12))
def test_halves_are_disjoint_and_whole_and_stay_as_they_are(present: list[set[str]]) -> None:
    evidence = Evidence(0.0)
    for now in present:
        before = sides(evidence)
        evidence = watch(evidence, seen({id: Counts(5) for id in sorted(now)}), "g1")
        if len(now) < 2:
            assert sides(evidence) == before
            continue
        one, other = sides(evidence)
        assert one
        assert other
        assert not one & other
        assert one | other == now
        if before and all(half & now for half in before):
            assert before[0] & now <= one
            assert before[1] & now <= other


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=30))
def test_counts_that_begin_anew_never_take_anything_back(moves: list[tuple[int, int]]) -> None:
    evidence = Evidence(0.0)
    for one, other in moves:
        before = [(half.requests, half.failures) for half in evidence.halves]
        evidence = watch(evidence, seen({"a": Counts(one, one // 3), "b": Counts(other)}), "g1")
        for half, (requests, failures) in zip(evidence.halves, before, strict=False):
            assert half.requests >= requests
            assert half.failures >= failures
            assert half.failures <= half.requests


def test_instances_that_are_not_ready_are_left_out() -> None:
    told = {"a": Counts(5), "b": Counts(5), "c": Counts(5)}
    evidence = watch(Evidence(0.0), seen(told, {"c": "unready"}), "g1")
    assert sides(evidence) == [{"a"}, {"b"}]


def test_what_is_remembered_is_stored_and_read_again() -> None:
    evidence, _ = watched(Random(3), 20, {"a": 0.3, "b": 0.1, "c": 0.0})
    assert msgspec.json.decode(msgspec.json.encode(evidence), type=Evidence) == evidence


def test_with_one_instance_there_is_nothing_to_compare() -> None:
    evidence = Evidence(0.0)
    assert watch(evidence, seen({"a": Counts(5, 5)}), "g1") is evidence
    assert watch(evidence, Seen(0.0), None) is evidence
