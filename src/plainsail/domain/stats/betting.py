"""Tests by betting: how sure the failures are that a candidate is worse, however often and whenever one looks.

A bet is a factor per block of time whose expectation is at most 1 while the candidate is *no* worse. Money staked on
such bets is then a supermartingale, and by Ville's inequality (1939) it reaches 1/alpha with a probability of at most
alpha, ever. So one may look ten times a second and stop the moment it does. (Shafer, "Testing by betting", JRSS-A 2021;
Waudby-Smith & Ramdas, "Estimating means of bounded random variables by betting", JRSS-B 2024. Comparing two sides block
by block: Turner, Ly & Gruenwald, "Generic E-variables for exact sequential k-sample tests", 2024; theirs takes requests
as independent, ours doesn't.)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from math import exp, log, sqrt

import msgspec

from plainsail.domain.evidence import Bursts, Stake


class Block(msgspec.Struct, frozen=True):
    """One kind of mishap in one block of time: requests and bad ones among them, of the candidate and of live."""

    requests: int
    bad: int
    live_requests: int = 0
    live_bad: int = 0
    usual: float = 0.0
    """How many bad ones come together on live, as far as known; from earlier blocks only."""
    rate: float = 0.0
    """The part of live's requests that was bad in earlier blocks."""


class Bet(msgspec.Struct, frozen=True):
    """One way to bet that the candidate is worse than `ratio` x live + `margin`, or (`bound`) also worse than a limit.

    With a `gain` it grows with each bad request of the candidate (`_log_growth`). Else, with a bound, the factor is the
    smaller of two: one is fair if p <= ratio x live + margin, the other if p <= bound. So it is fair if *either* holds.
    """

    weight: float
    """Part of the test's money."""
    ratio: float
    margin: float = 0.0
    bound: float | None = None
    by_share: bool = True
    """Compare by the candidate's share of the failures (fast), or by the difference of the rates (needs no assumption)."""
    stake: float = 0.9
    """Part of the money at risk in the comparison with live, below 1: no block can ruin a bet."""
    bound_stake: float = 0.0
    """The same for the comparison with the bound."""
    gain: float = 0.0
    """What a bad request of the candidate adds, as a part of the money staked; 0: it is not that kind of bet."""
    part: float = 0.0
    """The same, but by the part of the money that live's usual number of bad ones in such a block costs."""


@lru_cache
def margin_bets(margin: float, relative: float) -> tuple[Bet, ...]:
    """Against H0: p <= (1 + relative) q + margin, q being live's rate, which may be another one in each block.

    With a margin they grow with each bad request of the candidate: large gains for one that fails outright, small ones for a
    small fault, and parts of what live's usual bad ones cost where a block holds many. Without one the share of the bad
    requests tells as much, whatever their number.
    """
    ratio = 1.0 + relative
    if margin <= 0.0:
        return _whole((
            Bet(0.45, ratio, stake=0.9),
            Bet(0.35, ratio, stake=0.3),
            Bet(0.10, ratio, by_share=False, stake=0.95),
        ))  # fmt: skip
    growing = [Bet(weight, ratio, margin, gain=gain) for gain, weight in _GAINS]
    many = [Bet(weight, ratio, margin, part=part) for part, weight in _PARTS]
    return _whole((*growing, *many))


@lru_cache
def limit_bets(limit: float) -> tuple[Bet, ...]:
    """Against H0: p <= limit, or p <= q: what hits both alike is no fault of the candidate. Without live: the limit."""
    if not 0.0 < limit < 1.0:
        return ()
    return (
        Bet(0.6, 1.0, bound=limit, stake=0.95, bound_stake=0.5),
        Bet(0.2, 1.0, bound=limit, stake=0.5, bound_stake=0.1),
        Bet(0.2, 1.0, bound=limit, by_share=False, stake=0.95, bound_stake=0.5),
    )


def log_factor(bet: Bet, block: Block) -> float:
    """Log of what the block makes of money staked on the bet: at most 1 in expectation under the null."""
    if not block.requests:
        return 0.0
    if bet.gain or bet.part:
        return _log_growth(bet, block) if block.live_requests else 0.0
    found = _factor(bet, block)
    return 0.0 if found == 1.0 else log(found)


def _log_growth(bet: Bet, block: Block) -> float:
    """Log of (1 + a k) g(b l) exp(-a n m): k of the candidate's n requests and l of live's N are bad, m is the margin.

    With b = a ratio n / N, and while b l <= 1/2, it is linear in both: its expectation is (1 + a n p) (1 - b N q) exp(-a n m) <=
    exp(a n (p - ratio q - m)) <= 1, whatever q is, and whatever clusters there are among the candidate's. For many bad
    ones on live g(x) = exp(1 - 2x) / 2 takes over from 1 - x: above it, so never ruined, and below (1 - b)^l for b <= 1/2, whose
    expectation is exp(-b N q) if they are Poisson. So that live's clusters stay where g is linear, b is small against
    the bad ones that usually come together there. What hits both sides alike only makes it smaller.

    With (1 + a)^k and (1 - b)^l it is the likelihood ratio of the alternative to its nearest null (the reverse information
    projection of Turner, Ly & Gruenwald), than which no test is quicker for a small fault; this is the same for few
    bad ones in a block. Requests and live's bursts are known before it is known how the block's requests went.
    """
    n, live = block.requests, block.live_requests
    together = 2.0 * block.usual if block.usual > SINGLE else 1.0
    gain = bet.gain
    if bet.part:
        if live * block.rate < 1.0:  # then the gains do as well
            return 0.0
        gain = bet.part / (n * bet.ratio * block.rate)
    gain = min(gain, MOST_LOST * live / (n * bet.ratio * together))
    lost = gain * bet.ratio * n / live * block.live_bad
    kept = math.log1p(-lost) if lost <= MOST_LOST else log(MOST_LOST) + 1.0 - 2.0 * lost
    return math.log1p(gain * block.bad) + kept - gain * n * bet.margin


MOST_LOST = 0.5
"""Part of the money that may be lost to one bad request of live, or to one usual burst of them."""
SINGLE = 1.5
"""Bad ones of live that come together at most, on average, for them to count as single."""


def _factor(bet: Bet, block: Block) -> float:
    rate = block.bad / block.requests
    against_bound = 1.0 if bet.bound is None else 1.0 + bet.bound_stake * (rate / bet.bound - 1.0)
    if not block.live_requests:
        return 1.0 if bet.bound is None or bet.ratio > 1.0 else against_bound
    against_live = _by_share(bet, block) if bet.by_share else _by_difference(bet, block, rate)
    if against_live is None:
        return 1.0
    return against_live if bet.bound is None else min(against_live, against_bound)


def _by_share(bet: Bet, block: Block) -> float | None:
    """1 + stake (R / pi - 1), R the candidate's share of the block's failures, pi the share it would have at p = ratio q.

    Given the number of failures (or of clusters of failures), each is the candidate's with probability pi = ratio n / (ratio
    n + n_live) if they are Poisson, so that E[R] = pi. If each request fails on its own (binomial), E[R] is a little
    larger when ratio > 1; taking ratio - 1 from the denominator covers it (checked over all outcomes in the tests).
    A block with fewer failures than usually come together on live counts for less, in proportion: any factor known
    beforehand is fair, and this one keeps it nearly so when live fails in bursts and the candidate one by one, where
    a burst would be a single loss against many small gains. None: no bet is possible.
    """
    odds = bet.ratio * block.requests
    share = odds / (odds + block.live_requests - (bet.ratio - 1.0))
    if not 0.0 < share < 1.0:
        return None
    bad = block.bad + block.live_bad
    return 1.0 + bet.stake * (block.bad / share - bad) / max(bad, block.usual) if bad else 1.0


def _by_difference(bet: Bet, block: Block, rate: float) -> float:
    """1 + stake D / -min(D), D = p - ratio q - margin as measured: linear, so only the means matter, whatever clusters."""
    difference = rate - bet.ratio * block.live_bad / block.live_requests - bet.margin
    return 1.0 + bet.stake * difference / (bet.ratio + bet.margin)


FADE = 0.95
"""Per block in which live has more than its share of mishaps; about the last twenty of them speak."""


def remember(bursts: Bursts, block: Block) -> Bursts:
    """With what live had in this block beyond what the candidate's rate explains: a blip of both is no burst of live's."""
    alone = block.live_bad - (block.bad * block.live_requests / block.requests if block.requests else 0.0)
    if alone <= 0.0:
        return bursts
    return Bursts(FADE * bursts.bad + alone, FADE * bursts.squared + alone * alone)


RESERVE = 0.3
"""Part of a bet's money that is not staked at first."""
RISE = math.log(3.0)
"""Money from the reserve is staked anew when the recent blocks speak three to one for harm."""

FRESH = Stake(math.log(1.0 - RESERVE))


def play(bets: Sequence[Bet], stakes: Sequence[Stake], block: Block) -> tuple[Stake, ...]:
    """The stakes after the block.

    In good times a stake melts away, and a fault that begins after an hour would have to win it all back. So a part of the
    money waits, and each time the recent blocks look like harm another piece of it is staked: the k-th is
    `RESERVE (k^-1/2 - (k+1)^-1/2)`, which never sums to more than the reserve. When to stake is decided by the past, so
    the whole stays a fair game (a mixture over starting times, as in e-detectors: Shin, Ramdas & Rinaldo, 2023).
    """
    return tuple(carry(stake, log_factor(bet, block)) for bet, stake in zip(bets, stakes, strict=True))


def carry(stake: Stake, gained: float) -> Stake:
    """The stake after a block; `gained` is the log of what it made of the money staked."""
    if not gained:
        return stake
    staked, rise, times = stake.staked + gained, max(0.0, stake.rise + gained), stake.times
    if rise >= RISE:
        times += 1
        staked, rise = log_sum((staked, math.log(RESERVE * (times**-0.5 - (times + 1) ** -0.5)))), 0.0
    return Stake(staked, rise, times)


def log_money(bets: Sequence[Bet], stakes: Sequence[Stake]) -> float:
    """Natural log of all that the test's bets are worth, staked or waiting; 0 at the start."""
    top = max(0.0, *(stake.staked for stake in stakes))  # the largest of the terms, so that none overflows
    waiting = RESERVE * exp(-top)
    money = 0.0
    for bet, stake in zip(bets, stakes, strict=True):
        left = waiting if not stake.times else waiting / sqrt(stake.times + 1)
        money += bet.weight * (exp(stake.staked - top) + left)
    return top + log(money)


def log_sum(logs: Sequence[float]) -> float:
    """log of the sum of exponentials, without overflow."""
    top = max(logs)
    return top + math.log(sum(math.exp(log - top) for log in logs))


def _whole(bets: Sequence[Bet]) -> tuple[Bet, ...]:
    """Weights that sum to one."""
    total = sum(bet.weight for bet in bets)
    return tuple(msgspec.structs.replace(bet, weight=bet.weight / total) for bet in bets)


# Chosen among some dozens by the blast bench's faults (`python -m bench.blast`) and 17 settings of traffic (10 to 10,000
# requests a second), share (1 to 50 %), live's rate (0 to 5 %) and harm. Bets on the share of the bad requests are up to
# five times as quick where live fails often and a block holds thousands of requests, and took back good releases beside a
# live that fails in clusters.
_GAINS = ((0.1, 0.07), (0.6, 0.33), (5.0, 0.20), (20.0, 0.20))
"""Gain, weight."""
_PARTS = ((0.1, 0.1), (0.3, 0.1))
"""Part, weight."""
