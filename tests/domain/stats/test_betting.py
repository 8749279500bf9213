"""The bets are fair: exact expectations over every outcome of a block, at the edge of what they bet against."""

from __future__ import annotations

import math

import pytest

from plainsail.domain.evidence import Bursts
from plainsail.domain.stats import proof
from plainsail.domain.stats.betting import (
    FRESH,
    RESERVE,
    Bet,
    Block,
    limit_bets,
    log_factor,
    log_money,
    log_sum,
    margin_bets,
    play,
    remember,
)

BLOCKS = [(1, 1), (1, 9), (2, 40), (4, 4), (10, 30), (30, 3)]
RATES = [0.0, 0.001, 0.01, 0.05, 0.2, 0.5, 0.9]
TOLERANCE = 1e-12


def factor_of(bet: Bet, block: Block) -> float:
    return math.exp(log_factor(bet, block))


def binomial(n: int, p: float) -> list[float]:
    return [math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]


def expectation(bet: Bet, requests: int, live: int, p: float, q: float, usual: float = 0.0) -> float:
    """Requests fail on their own: binomial on each side."""
    ours, theirs = binomial(requests, p), binomial(live, q)
    return math.fsum(
        ours[bad] * theirs[live_bad] * factor_of(bet, Block(requests, bad, live, live_bad, usual))
        for bad in range(requests + 1)
        for live_bad in range(live + 1)
    )


@pytest.mark.parametrize(("requests", "live"), BLOCKS)
@pytest.mark.parametrize(("margin", "relative"), [(0.005, 0.0), (0.05, 0.0), (0.01, 0.5), (0.2, 1.0)])
def test_bets_against_the_margin_are_fair_at_its_edge(
    requests: int, live: int, margin: float, relative: float
) -> None:
    for bet in margin_bets(margin, relative):
        for q in RATES:
            p = min(1.0, (1 + relative) * q + margin)
            assert expectation(bet, requests, live, p, q) <= 1 + TOLERANCE, (bet, q)


@pytest.mark.parametrize(("requests", "live"), BLOCKS)
@pytest.mark.parametrize("relative", [0.0, 0.3, 1.0])
def test_bets_without_a_margin_are_fair_at_the_ratio(requests: int, live: int, relative: float) -> None:
    for bet in margin_bets(0.0, relative):
        for q in RATES:
            p = min(1.0, (1 + relative) * q)
            assert expectation(bet, requests, live, p, q) <= 1 + TOLERANCE, (bet, q)


@pytest.mark.parametrize(("requests", "live"), BLOCKS)
@pytest.mark.parametrize("ratio", [1.0, 1.1, 2.0, 4.0, 10.0])
def test_the_comparison_by_share_is_fair_by_itself(requests: int, live: int, ratio: float) -> None:
    """Without the bound to help it, up to the rate at which every request of the candidate fails."""
    bet = Bet(1.0, ratio, stake=0.95)
    for part in (0.001, 0.05, 0.3, 0.7, 0.95, 1.0):
        for usual in (0.0, 2.5, 8.0, 100.0):
            assert expectation(bet, requests, live, part, part / ratio, usual) <= 1 + TOLERANCE, (part, usual)


@pytest.mark.parametrize(("requests", "live"), BLOCKS)
def test_bets_against_the_limit_are_fair_below_it_and_in_an_outage_of_both(requests: int, live: int) -> None:
    for bet in limit_bets(0.05):
        for q in RATES:
            for p in (q, 0.05):
                assert expectation(bet, requests, live, p, q) <= 1 + TOLERANCE, (bet, p, q)
    alone = binomial(requests, 0.05)
    for bet in limit_bets(0.05):
        money = math.fsum(alone[bad] * factor_of(bet, Block(requests, bad)) for bad in range(requests + 1))
        assert money <= 1 + TOLERANCE


def in_bursts(requests: int, rate: float, size: int) -> dict[int, float]:
    """The chance of each number of failures when they come in bursts, each of them on its own."""
    bursts = max(1, requests // size)
    chances = enumerate(binomial(bursts, min(1.0, rate * requests / (bursts * min(size, requests)))))
    return {min(requests, count * size): chance for count, chance in chances}


@pytest.mark.parametrize(
    ("ours", "theirs"), [(1, 3), (1, 10), (1, 30), (1, 90), (3, 3), (3, 10), (10, 1), (10, 10)]
)
@pytest.mark.parametrize("q", [0.0, 0.001, 0.01, 0.05])
def test_bursts_inside_a_block_do_no_harm(ours: int, theirs: int, q: float) -> None:
    """Each side in bursts of its own size. The hard case is live in large ones and the candidate one by one."""
    requests, live, margin = 10, 90, 0.005
    usual = float(theirs)
    for p, bets in (
        (q + margin, margin_bets(margin, 0.0)),
        (q, (*margin_bets(margin, 0.0), *limit_bets(0.05))),
    ):
        for bet in bets:
            money = math.fsum(
                chance * live_chance * factor_of(bet, Block(requests, bad, live, live_bad, usual))
                for bad, chance in in_bursts(requests, p, ours).items()
                for live_bad, live_chance in in_bursts(live, q, theirs).items()
            )
            assert money <= 1 + TOLERANCE, bet


def test_a_blip_of_both_is_no_burst_of_live() -> None:
    quiet = remember(Bursts(), Block(10, 3, 90, 27))
    assert quiet.usual() == 0.0
    assert remember(quiet, Block(10, 0, 90, 12)).usual() == 12.0


@pytest.mark.parametrize(("requests", "live"), BLOCKS)
@pytest.mark.parametrize("margin", [0.005, 0.05, 0.5])
def test_bets_on_being_good_are_fair_when_it_is_not(requests: int, live: int, margin: float) -> None:
    for q in RATES:
        p = min(1.0, q + margin)
        ours, theirs = binomial(requests, p), binomial(live, q)
        for which in range(len(proof.DIFFERENCES)):
            money = math.fsum(
                ours[bad] * theirs[live_bad]
                * math.exp(proof.play(proof.FRESH, margin, 0.0, Block(requests, bad, live, live_bad))[which])
                for bad in range(requests + 1)
                for live_bad in range(live + 1)
            )  # fmt: skip
            if q + margin <= 1:
                assert money <= 1 + TOLERANCE


@pytest.mark.parametrize("requests", [1, 10, 100])
@pytest.mark.parametrize("margin", [0.005, 0.05, 0.5])
def test_the_proof_from_totals_is_fair(requests: int, margin: float) -> None:
    for p in (margin, min(1.0, 2 * margin)):
        money = math.fsum(
            chance * math.exp(proof.log_proof(proof.FRESH, margin, requests, bad))
            for bad, chance in enumerate(binomial(requests, p))
        )
        assert money <= 1 + TOLERANCE


def test_money_is_one_at_the_start_and_no_look_makes_more_of_it() -> None:
    bets = margin_bets(0.005, 0.0)
    assert math.isclose(log_money(bets, (FRESH,) * len(bets)), 0.0, abs_tol=1e-12)
    pieces = math.fsum(RESERVE * (k**-0.5 - (k + 1) ** -0.5) for k in range(1, 100_000))
    assert pieces < RESERVE


def test_the_whole_game_is_fair_over_every_course_of_four_blocks() -> None:
    """Stakes, reserve and restarts together: the mean money over all 4^4 courses, at the edge of the margin."""
    bets, margin, q = margin_bets(0.1, 0.0), 0.1, 0.3
    outcomes = [
        (binomial(1, q + margin)[bad] * binomial(2, q)[live_bad], Block(1, bad, 2, live_bad))
        for bad in (0, 1)
        for live_bad in (0, 1, 2)
    ]
    courses = [(1.0, (FRESH,) * len(bets))]
    means = []
    for _ in range(4):
        courses = [(w * v, play(bets, stakes, block)) for w, stakes in courses for v, block in outcomes]
        means.append(math.fsum(weight * math.exp(log_money(bets, stakes)) for weight, stakes in courses))
    assert all(later <= earlier + TOLERANCE for earlier, later in zip([1.0, *means], means, strict=False))


def test_logs_add_up_without_overflow() -> None:
    assert math.isclose(log_sum((1e5, 1e5)), 1e5 + math.log(2))
    assert math.isclose(log_sum((-1e5, -1e5 - 1)), -1e5 + math.log(1 + math.exp(-1)))


def test_bursts_of_a_live_that_is_alone_are_all_its_own() -> None:
    assert remember(Bursts(), Block(0, 0, 10, 5)).usual() == 5.0


def test_the_last_request_that_is_needed_is_one() -> None:
    left = [proof.needed(proof.FRESH, 0.05, requests, 0, 3.0) for requests in range(100)]
    assert 1 in left
    assert left == sorted(left, reverse=True)
    assert left[-1] == 0
