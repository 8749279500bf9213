"""One bad instance, or a bad release: what is ruled out, how often chance fools the rule, and what is done about it."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from plainsail.domain.courses import course
from plainsail.domain.criteria import ErrorCriteria, EvidenceCriteria, LatencyCriteria
from plainsail.domain.evidence import Arm, Verdict
from plainsail.domain.observation import Counts, GroupSeen, Instance, Seen
from plainsail.domain.rollout import Revision, Rollout
from plainsail.domain.service import Placement, Run
from plainsail.domain.strategy import Canary, Pace
from plainsail.domain.suspect import CHANCE, CHANCE_OF_TWO, alone, at_least, concentrated, hint

CRITERIA = EvidenceCriteria(ErrorCriteria(margin=0.005, max=0.05), LatencyCriteria(margin=0.01))
LIVE = Arm(requests=5000, failures=5, slow=15)


def arm(told: dict[str, Counts]) -> Arm:
    return Arm(
        requests=sum(one.requests for one in told.values()),
        failures=sum(one.failures for one in told.values()),
        slow=sum(one.slow for one in told.values()),
    )


def named(told: list[Counts], code: str = "errors", live: Arm = LIVE) -> str | None:
    counts = {f"i{number}": one for number, one in enumerate(told)}
    found = alone(counts, arm(counts), live, code, CRITERIA)
    return found.instance if found else None


instances = st.lists(
    st.integers(1, 400).flatmap(
        lambda n: st.builds(Counts, st.just(n), st.integers(0, n), st.just(0), st.integers(0, n))
    ),
    min_size=2,
    max_size=8,
)


@given(instances)
def test_a_release_of_which_every_instance_fails_is_never_one_bad_instance(told: list[Counts]) -> None:
    assume(all(one.failures * 10 >= one.requests for one in told))
    assert named(told) is None


@given(instances, st.sampled_from(["errors", "max_errors", "latency"]))
@example([Counts(1, 1), Counts(2, 2), Counts(132)], "errors")
def test_who_is_named_is_the_worst(told: list[Counts], code: str) -> None:
    found = named(told, code)
    if found is None:
        return
    known = {
        f"i{number}": ((one.slow if code == "latency" else one.failures) / one.requests, one.requests)
        for number, one in enumerate(told)
    }
    assert known[found] == max(known.values()), "of two that are equally bad the one of which more is known"


@given(instances, st.sampled_from(["errors", "latency"]))
def test_the_order_of_the_instances_is_nothing(told: list[Counts], code: str) -> None:
    ids = {f"i{number}": one for number, one in enumerate(told)}
    back = dict(reversed(ids.items()))
    assert alone(ids, arm(ids), LIVE, code, CRITERIA) == alone(back, arm(back), LIVE, code, CRITERIA)


@pytest.mark.parametrize("rate", [0.03, 0.1, 0.5])
@pytest.mark.parametrize("size", [2, 4, 10])
def test_instances_that_are_equally_bad_are_told_apart_by_chance_only(rate: float, size: int) -> None:
    """1,000 releases: more than CHANCE and its noise would be 1 + 5 times its root."""
    dice = Random(round(1000 * rate) + size)
    wrong = 0
    for _ in range(1000):
        n = dice.randint(5, 60)
        told = [Counts(n, sum(dice.random() < rate for _ in range(n))) for _ in range(size)]
        wrong += named(told) is not None
    assert wrong <= 1000 * CHANCE + 5 * math.sqrt(1000 * CHANCE)


@pytest.mark.parametrize(("size", "requests"), [(2, 12), (3, 8), (4, 8), (10, 6)])
def test_one_that_fails_everything_is_found_soon(size: int, requests: int) -> None:
    told = [Counts(requests) for _ in range(size - 1)]
    assert named([*told, Counts(requests, requests)]) == f"i{size - 1}"
    assert named([*told, Counts(2, 2)]) is None, "two failures are too few"


def test_slowness_of_one_is_found_too() -> None:
    told = [Counts(100, slow=1), Counts(100, slow=60), Counts(100)]
    assert named(told, "latency") == "i1"
    assert named(told, "errors") is None


def test_nobody_is_named_while_it_is_not_known_whose_the_failures_are() -> None:
    """A control plane that has just begun knows few of the log's lines, and of a hang none."""
    counts = {"i0": Counts(50), "i1": Counts(50, 50), "i2": Counts(50)}
    known = arm(counts)
    assert alone(counts, known, LIVE, "errors", CRITERIA)
    lost = msgspec.structs.replace(known, failures=60)
    assert alone(counts, lost, LIVE, "errors", CRITERIA) is None
    hanging = msgspec.structs.replace(known, slow=9)
    assert alone(counts, hanging, LIVE, "errors", CRITERIA) is None


def test_an_only_instance_is_the_release() -> None:
    assert named([Counts(50, 50)]) is None


def test_without_live_the_limit_is_what_is_allowed() -> None:
    told = [Counts(60, 1), Counts(60, 40), Counts(60)]
    assert named(told, "max_errors", live=Arm()) == "i1"


def back(told: list[Counts], **changes: Any) -> str:
    """What the sentence of a way back adds."""
    counts = {f"i{number}": one for number, one in enumerate(told)}
    its = tuple(Instance(id, "c", "ready", id, 0.0) for id in counts)
    place = Placement(evidence=CRITERIA)
    way = course(Canary((1000,)), Pace(), 4, 4)
    revision = Revision("sha256:1", "1", Run(("serve",)), "sha256:2")
    rollout = Rollout(
        "r1", "shop", "production", "deploy", "ada", "canary", revision, "c", "l", 4, place, way, 0.0, 0.0
    )
    rollout = msgspec.structs.replace(rollout, **changes)
    seen = Seen(0.0, {"c": GroupSeen("c", len(its), its)}, instances=counts)
    return hint(rollout, seen, Verdict("fail", "", "errors", arm(counts), LIVE))


def test_of_two_instances_the_one_that_had_nearly_all_failures_is_told() -> None:
    told = "i1 had 6 of the 6 failures, too few with 2 instances to tell one that is bad from a bad release"
    assert back([Counts(6), Counts(6, 6)]) == told
    assert "i1 had 31 of the 33 failures" in back([Counts(5, 2), Counts(31, 31)])


def test_nothing_is_told_where_it_would_say_nothing() -> None:
    assert back([Counts(9, 9)]) == "", "an only instance has all failures"
    assert back([Counts(9, 4), Counts(9, 5)]) == "", "both fail"
    assert back([Counts(0), Counts(500, 500)]) == "", "nobody else had a request"
    assert back([Counts(6), Counts(6)]) == "", "of nobody's failures nobody had most"
    assert back([Counts(6), Counts(6, 6)], retired=("i9",)) == "", "a second one is the release's fault"


@given(st.integers(1, 60), st.integers(0, 60), st.integers(1, 60), st.integers(0, 60))
def test_the_hypergeometric_tail_is_the_sum_over_all_ways(n: int, bad: int, others: int, rest: int) -> None:
    assume(bad <= n and rest <= others)
    whole, mishaps = n + others, bad + rest
    ways = sum(
        math.comb(mishaps, here) * math.comb(whole - mishaps, n - here)
        for here in range(bad, min(n, mishaps) + 1)
        if n - here <= whole - mishaps
    )
    assert math.isclose(concentrated(n, bad, others, rest), ways / math.comb(whole, n), rel_tol=1e-9)


@given(st.integers(0, 80), st.integers(1, 80), st.floats(0.0, 1.0))
def test_the_binomial_tail_is_the_sum_over_all_ways(bad: int, n: int, rate: float) -> None:
    assume(bad <= n)
    ways = sum(math.comb(n, k) * rate**k * (1 - rate) ** (n - k) for k in range(bad, n + 1))
    assert math.isclose(at_least(bad, n, rate), ways, rel_tol=1e-6, abs_tol=1e-9)


def test_two_instances_take_more_evidence_than_three() -> None:
    assert CHANCE_OF_TWO < CHANCE
    assert named([Counts(8), Counts(8, 8)]) is None
    assert named([Counts(8), Counts(8, 8), Counts(8)]) == "i1"
