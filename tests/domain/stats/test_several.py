"""Several e-values: the mean is between them, and e-BH believes what its definition says."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plainsail.domain.stats import several

LOGS = st.dictionaries(st.sampled_from("abcdefgh"), st.floats(-50, 50), min_size=1)


@given(LOGS, st.dictionaries(st.sampled_from("abcdefgh"), st.floats(0.01, 10)))
def test_the_mean_is_between_the_least_and_the_most(
    logs: dict[str, float], weights: dict[str, float]
) -> None:
    mean = several.log_mean(logs, weights)
    assert min(logs.values()) - 1e-9 <= mean <= max(logs.values()) + 1e-9
    total = sum(weights.get(name, 1.0) for name in logs)
    exact = math.fsum(weights.get(name, 1.0) / total * math.exp(log) for name, log in logs.items())
    assert mean == pytest.approx(math.log(exact), abs=1e-9)


@given(LOGS, st.floats(0.01, 100))
def test_only_the_proportion_of_weights_matters(logs: dict[str, float], factor: float) -> None:
    assert several.log_mean(logs, dict.fromkeys(logs, factor)) == pytest.approx(several.log_mean(logs, {}))


def test_none_is_no_evidence_and_a_weight_of_0_is_none() -> None:
    assert several.log_mean({}, {}) == 0.0
    assert several.log_mean({"a": 3.0}, {"a": 0.0}) == 0.0
    assert several.log_mean({"a": 3.0, "b": 1e9}, {"b": 0.0}) == 3.0
    assert several.log_mean({"a": 1e5, "b": 1e5}, {}) == pytest.approx(1e5)


@given(LOGS, st.sampled_from([0.01, 0.05, 0.5, 1.0]))
def test_those_are_believed_that_the_definition_says(logs: dict[str, float], level: float) -> None:
    """By trying every number of them (Wang & Ramdas 2022, section 3), with a hair's breadth left out."""
    n = len(logs)
    ranked = sorted(logs.values(), reverse=True)
    near = any(abs(log + math.log(k) - math.log(n / level)) < 1e-9 for k in range(1, n + 1) for log in ranked)
    most = max((k for k in range(1, n + 1) if math.exp(ranked[k - 1]) >= n / (k * level)), default=0)
    found = several.believed(list(logs.items()), level)
    assert near or len(found) == most
    assert [logs[name] for name in found] == ranked[: len(found)]


@given(LOGS, st.sampled_from("abcdefgh"))
def test_more_evidence_is_believed_no_less(logs: dict[str, float], name: str) -> None:
    before = several.believed(list(logs.items()), 0.1)
    stronger = {key: log + 1.0 if key in (name, *before) else log for key, log in logs.items()}
    assert set(before) <= set(several.believed(list(stronger.items()), 0.1))


def test_by_hand() -> None:
    logs = [("a", math.log(41)), ("b", math.log(21)), ("c", math.log(1.5)), ("d", math.log(0.1))]
    assert several.believed(logs, 0.1) == ("a", "b")
    assert several.believed(logs, 0.05) == ()
    assert several.believed([], 0.05) == several.believed(logs, 0.0) == ()
