"""The yardsticks against a fine grid, closed forms, and what must hold of any bound."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plainsail.domain.stats import oracle

RATES = st.floats(0.0, 1.0)


@given(st.floats(0.06, 1.0), st.floats(0.0, 0.04), st.sampled_from([0.1, 1.0, 19.0, 999.0]))
def test_no_null_on_a_grid_is_harder_to_tell(p: float, q: float, live: float) -> None:
    bound = oracle.two_sample(p, q, live, 0.01, 0.005)
    grid = (
        q + (p - q) * (k / 400) ** 2 for k in range(400)
    )  # finer near q, where much of live's traffic holds it
    hardest = min(oracle.divergence(p, min(1.0, q0 + 0.005)) + live * oracle.divergence(q, q0) for q0 in grid)
    assert bound >= -math.log(0.01) / hardest * (1 - 1e-9)
    assert bound <= -math.log(0.01) / hardest * 1.01


@pytest.mark.parametrize("live", [0.5, 1.0, 9.0, 50.0])
@pytest.mark.parametrize("margin", [0.005, 0.05])
def test_total_failure_has_a_closed_form(live: float, margin: float) -> None:
    """p = 1, q = 0: -log(q0 + m) - r log(1 - q0) is least at q0 = (1 - r m) / (1 + r), or at 0."""
    q0 = max(0.0, (1 - live * margin) / (1 + live))
    rate = -math.log(q0 + margin) - live * math.log(1 - q0)
    assert oracle.two_sample(1.0, 0.0, live, 0.01, margin) == pytest.approx(math.log(100) / rate, rel=1e-9)


def test_a_known_live_is_walds_case() -> None:
    assert oracle.one_sample(1.0, 0.0, 0.01, 0.005) == pytest.approx(math.log(100) / math.log(200))
    assert oracle.one_sample(0.5, 0.2, 0.05, 0.05) == pytest.approx(
        math.log(20) / (0.5 * math.log(0.5 / 0.25) + 0.5 * math.log(0.5 / 0.75))
    )
    assert oracle.two_sample(0.1, 0.01, 1e9, 0.01, 0.005) == pytest.approx(
        oracle.one_sample(0.1, 0.01, 0.01, 0.005), rel=1e-4
    )


@given(RATES, RATES, st.sampled_from([0.1, 1.0, 19.0]), st.floats(0.001, 0.2), st.floats(0, 1))
def test_knowing_live_is_never_a_loss_and_a_wider_margin_never_a_gain(
    p: float, q: float, live: float, margin: float, relative: float
) -> None:
    two = oracle.two_sample(p, q, live, 0.01, margin, relative)
    assert two > 0.0
    assert oracle.one_sample(p, q, 0.01, margin, relative) <= two * (1 + 1e-6)
    assert oracle.two_sample(p, q, 2 * live, 0.01, margin, relative) <= two * (1 + 1e-6)
    assert oracle.two_sample(p, q, live, 0.01, 1.5 * margin, relative) >= two * (1 - 1e-6)
    assert oracle.two_sample(p, q, live, 0.001, margin, relative) >= two


@given(RATES, st.floats(0.0, 1.0), st.floats(0, 1))
def test_within_the_margin_nothing_can_be_known(q: float, margin: float, relative: float) -> None:
    p = min(1.0, (1 + relative) * q + margin)
    assert oracle.two_sample(p, q, 1.0, 0.01, margin, relative) == math.inf
    assert oracle.one_sample(p, q, 0.01, margin, relative) == math.inf


@given(st.floats(1e-6, 1 - 1e-6), st.floats(1e-6, 1 - 1e-6))
def test_divergence_is_0_only_from_itself(p: float, q: float) -> None:
    assert oracle.divergence(p, p) == 0.0
    assert oracle.divergence(p, q) >= 2 * (p - q) ** 2 - 1e-12, "Pinsker's inequality"
    assert oracle.divergence(p, q) == pytest.approx(oracle.divergence(1 - p, 1 - q), abs=1e-9)


def test_without_live_traffic_live_may_be_anything() -> None:
    assert oracle.two_sample(0.5, 0.0, 0.0, 0.01, 0.005) == math.inf
