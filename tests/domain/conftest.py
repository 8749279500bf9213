"""For tests of decisions."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

from plainsail.domain.stats import betting

settings.register_profile("few", max_examples=15, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])  # fmt: skip
"""Of `make mutants`, which runs the tests some hundred times: a mutant that lives only by chance would fail CI by chance."""


@pytest.fixture(autouse=True)
def fresh_bets() -> None:
    """No test lives on what another has computed. (A mutant would live on what its original has.)"""
    betting.margin_bets.cache_clear()
    betting.limit_bets.cache_clear()
