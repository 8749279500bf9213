"""For tests of decisions."""

from __future__ import annotations

import pytest

from plainsail.domain import stats


@pytest.fixture(autouse=True)
def fresh_bets() -> None:
    """No test lives on what another has computed. (A mutant would live on what its original has.)"""
    stats.margin_bets.cache_clear()
    stats.limit_bets.cache_clear()
