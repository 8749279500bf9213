"""Sample ratio mismatch: fair whatever the clusters, the same for both sides, and it sees what is wrong."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.domain.stats.chance import allowed, binomial

from plainsail.domain.evidence import Stake
from plainsail.domain.stats import mismatch
from plainsail.domain.stats.betting import FRESH

SHARES = [0.01, 0.05, 0.3, 0.5, 0.8, 0.99]


def money_after(mine: int, total: int, expected: float, tolerance: float = mismatch.TOLERANCE) -> float:
    """Of one block, from the start, without the reserve's rounds."""
    return math.exp(mismatch.log_money(mismatch.play((), mine, total, expected, tolerance)))


@pytest.mark.parametrize("expected", SHARES)
@pytest.mark.parametrize("edge", [-1.0, 0.0, 1.0])
@pytest.mark.parametrize("cluster", [1, 10, 20])
def test_a_block_is_fair_within_the_tolerance(expected: float, edge: float, cluster: int) -> None:
    """Exact, over every outcome of a block of five expected requests of the smaller side, or 200."""
    small = min(expected, 1 - expected)
    users = math.ceil(max(200.0, 5.0 / small) / cluster)
    true = expected + edge * mismatch.TOLERANCE * small
    money = math.fsum(
        chance * money_after(mine * cluster, users * cluster, expected)
        for mine, chance in enumerate(binomial(users, true))
    )
    assert money <= 1 + 1e-12


@pytest.mark.parametrize("expected", SHARES)
def test_one_user_who_is_the_block_does_no_harm_to_most_bets(expected: float) -> None:
    """All of a block falls to one side: the bets that take no view of clusters are fair even then."""
    ones = mismatch.MANY + mismatch.FEW
    for k, bet in enumerate(ones):
        money = math.fsum(
            chance * math.exp(mismatch.play((), mine, 1, expected)[k].staked)
            for mine, chance in ((1, expected), (0, 1 - expected))
        )
        assert money <= math.exp(FRESH.staked) * (1 + 1e-12), bet


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(1, 300)), max_size=20), st.floats(0.01, 0.49))
def test_sides_swapped_are_the_same_mismatch(blocks: list[tuple[int, int]], expected: float) -> None:
    here: tuple[Stake, ...] = ()
    there: tuple[Stake, ...] = ()
    for mine, rest in blocks:
        here = mismatch.play(here, mine, mine + rest, expected)
        there = mismatch.play(there, rest, mine + rest, 1 - expected)
    assert mismatch.log_money(here) == pytest.approx(mismatch.log_money(there), abs=1e-6)


@given(st.integers(0, 200), st.floats(0.02, 0.5))
def test_the_farther_off_the_more_evidence(mine: int, expected: float) -> None:
    right = round(200 * expected)
    farther = min(200, mine + 1) if mine >= right else max(0, mine - 1)
    direction = slice(0, len(mismatch.MANY)) if mine >= right else slice(len(mismatch.MANY), None)
    near, far = (mismatch.play((), k, 200, expected)[direction] for k in (mine, farther))
    assert all(after.staked >= before.staked - 1e-12 for before, after in zip(near, far, strict=True))


@given(st.integers(1, 50), st.integers(0, 50), st.integers(2, 9), st.floats(0.01, 0.99))
def test_the_number_of_requests_in_a_block_does_not_matter(
    mine: int, rest: int, times: int, expected: float
) -> None:
    one = mismatch.play((), mine, mine + rest, expected)
    more = mismatch.play((), mine * times, (mine + rest) * times, expected)
    assert [stake.staked for stake in more] == pytest.approx([stake.staked for stake in one])


def _blocks_until(true: float, expected: float, seed: int, cluster: int = 1, most: int = 400) -> int | None:
    chance = random.Random(seed)
    total = 200 if expected >= 0.025 else 500
    stakes: tuple[Stake, ...] = ()
    for block in range(most):
        mine = sum(cluster for _ in range(total // cluster) if chance.random() < true)
        stakes = mismatch.play(stakes, mine, total, expected)
        if mismatch.log_money(stakes) >= mismatch.goal(0.01):
            return block + 1
    return None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("true", "expected", "cluster"),
    [
        (0.05, 0.05, 1),
        (0.05, 0.05, 10),
        (0.055, 0.05, 20),
        (0.045, 0.05, 20),
        (0.5, 0.5, 20),
        (0.01, 0.01, 20),
    ],
)
def test_a_split_that_is_kept_is_left_alone(true: float, expected: float, cluster: int) -> None:
    runs = 60
    found = [_blocks_until(true, expected, seed, cluster, 200) for seed in range(runs)]
    assert sum(blocks is not None for blocks in found) <= allowed(runs, 0.01)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("true", "expected", "within"),
    [(0.0, 0.05, 40), (0.0, 0.01, 40), (0.1, 0.05, 20), (0.03, 0.05, 300), (0.4, 0.5, 200), (0.95, 0.9, 200)],
)
def test_a_split_that_is_not_kept_is_seen(true: float, expected: float, within: int) -> None:
    found = [_blocks_until(true, expected, seed) for seed in range(9)]
    assert sum(blocks is not None and blocks <= within for blocks in found) >= 7, found


def test_where_there_is_nothing_to_compare_nothing_is_bet() -> None:
    before = mismatch.play((), 30, 200, 0.1)
    assert mismatch.play(before, 0, 0, 0.1) == before
    assert mismatch.play(before, 5, 10, 0.0) == mismatch.play(before, 5, 10, 1.0) == before
    assert mismatch.log_money(()) == 0.0
    assert mismatch.log_money(mismatch.play((), 0, 0, 0.1)) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(("mine", "total"), [(-1, 10), (11, 10)])
def test_counts_that_cannot_be(mine: int, total: int) -> None:
    with pytest.raises(ValueError, match="cannot be the candidate's"):
        mismatch.play((), mine, total, 0.5)
