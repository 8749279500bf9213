"""For tests of decisions."""

from __future__ import annotations

import pytest

from plainsail.domain.stats import betting


@pytest.fixture(autouse=True)
def fresh_bets() -> None:
    """No test lives on what another has computed. (A mutant would live on what its original has.)"""
    betting.margin_bets.cache_clear()
    betting.limit_bets.cache_clear()
