"""The reserve of a bet: what is staked anew comes out of what waits, so that no money is ever made by it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plainsail.domain.stats.betting import FRESH, RESERVE, RISE, Bet, carry, log_money

BETS = (Bet(1.0, 1.0, 0.005, gain=1.0),)


def _waiting(times: int) -> float:
    return RESERVE / math.sqrt(times + 1)


@given(st.lists(st.floats(-3.0, 3.0), max_size=60))
def test_a_block_changes_the_money_by_what_was_staked_and_by_nothing_else(gains: list[float]) -> None:
    stake = FRESH
    for gained in gains:
        before = stake
        stake = carry(before, gained)
        total = math.exp(before.staked + gained) + _waiting(before.times)
        assert math.exp(stake.staked) + _waiting(stake.times) == pytest.approx(total)
        assert math.exp(log_money(BETS, (stake,))) == pytest.approx(total)


@given(st.lists(st.floats(-3.0, 3.0), max_size=60))
def test_it_is_staked_anew_when_recent_blocks_speak_three_to_one(gains: list[float]) -> None:
    stake, recent, times = FRESH, 0.0, 0
    for gained in gains:
        recent = max(0.0, recent + gained)
        stake = carry(stake, gained)
        if recent >= RISE:
            recent, times = 0.0, times + 1
        assert (stake.rise, stake.times) == (recent, times)
