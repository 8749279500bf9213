"""Arms of a test against each other: who swaps them swaps the decision, equal arms seldom have a winner, real differences are found."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.domain.stats.chance import allowed

from plainsail.domain.comparing import LIVE, Comparison, compare, none_better, winner
from plainsail.domain.criteria import Averaged, Counted, EvidenceCriteria, Metric
from plainsail.domain.evidence import Evidence, Sums, Track
from plainsail.domain.strategy import AB, Variant
from plainsail.domain.trial import Trial
from plainsail.domain.trying import decide
from plainsail.testing.chance import binomial

BASKET = Metric("shop", mean=Averaged("n", "s", "q"), better="higher")
LOST = Metric("shop", counts=Counted("n", "s"))
COLOURS = ("red", "blue", "green")
LOOKS = 16
"""In each run: as if somebody looked each hour of sixteen."""


def known(live: Sums, *variants: Sums) -> Evidence:
    """Evidence of so many variants, the first of which is the candidate."""
    first, *others = (Evidence(0.0, tracks={"kpi": Track(candidate=one, live=live)}) for one in variants)
    more = {f"g{number}": one for number, one in enumerate(others, 3)}
    return Evidence(0.0, tracks=first.tracks, variants=more)


def trial_of(number: int, margin: float = 0.0) -> Trial:
    groups = tuple(f"g{2 + index}" for index in range(number))
    test = AB("kpi", margin=margin, variants={one: Variant() for one in COLOURS[:number]})
    return Trial(test, groups, COLOURS[:number])


def found(metric: Metric, alpha: float, live: Sums, *variants: Sums) -> Comparison:
    criteria = EvidenceCriteria(alpha=alpha, metrics={"kpi": metric})
    return compare(trial_of(len(variants)), known(live, *variants), criteria, "g1")


def ones(n: int, hits: int) -> Sums:
    return Sums(float(n), float(hits), float(hits))


def baskets(n: int, mean: float, spread: float = 1.0) -> Sums:
    return Sums(float(n), n * mean, n * (mean * mean + spread * spread))


arms = st.builds(baskets, st.integers(100, 50_000), st.floats(0.2, 3.0), st.floats(0.5, 2.0))


@given(arms, arms, st.sampled_from(["higher", "lower"]))
def test_arms_swapped_give_the_swapped_decision(one: Sums, other: Sums, better: str) -> None:
    metric = Metric("shop", mean=Averaged("n", "s", "q"), better="lower" if better == "lower" else "higher")
    there, back = found(metric, 0.01, one, other), found(metric, 0.01, other, one)
    mine, theirs = there.gap("red", LIVE), back.gap(LIVE, "red")
    assert mine is not None
    assert theirs is not None
    assert (mine.estimate, mine.low, mine.high) == pytest.approx((theirs.estimate, theirs.low, theirs.high))
    if winner(there, 0.0, late=True):
        assert none_better(back, 0.0)
        assert not winner(back, 0.0, late=True)


@given(st.permutations([0, 1, 2]), arms, st.tuples(arms, arms, arms))
def test_the_order_of_variants_does_not_matter(
    order: list[int], live: Sums, variants: tuple[Sums, Sums, Sums]
) -> None:
    straight = winner(found(BASKET, 0.01, live, *variants), 0.0, late=False)
    mixed = winner(found(BASKET, 0.01, live, *(variants[index] for index in order)), 0.0, late=False)
    assert (COLOURS.index(straight) if straight else None) == (order[COLOURS.index(mixed)] if mixed else None)


@given(arms, st.lists(arms, min_size=1, max_size=3), st.floats(0.0, 1.0))
def test_a_winner_is_better_than_live_and_never_beside_proof_that_none_is(
    live: Sums, variants: list[Sums], margin: float
) -> None:
    found_ = found(BASKET, 0.01, live, *variants)
    for late in (False, True):
        name = winner(found_, margin, late=late)
        gap = found_.gap(name, LIVE) if name else None
        assert not name or (gap is not None and gap.low is not None and gap.low > 0.0)
    assert not (winner(found_, 0.0, late=True) and none_better(found_, 0.0))


@pytest.mark.slow
@pytest.mark.parametrize("variants", [1, 2, 3])
@pytest.mark.parametrize("kind", ["ones", "lost", "baskets"])
def test_equal_arms_seldom_have_a_winner_however_often_one_looks(kind: str, variants: int) -> None:
    """Any winner at any look is a false one. alpha is 10 %, so that two hundred runs say something."""
    alpha, runs, dice = 0.10, 200, random.Random(7 * variants)
    false = sum(_wins(dice, kind, [0.0] * (variants + 1), alpha) != "" for _ in range(runs))
    assert false <= allowed(runs, alpha), f"{false} false winners in {runs}"


@pytest.mark.parametrize("kind", ["ones", "lost", "baskets"])
def test_a_real_difference_is_found_and_it_is_the_right_one(kind: str) -> None:
    dice, runs = random.Random(3), 40
    names = [_wins(dice, kind, [0.0, 0.0, 0.30], 0.01) for _ in range(runs)]
    assert set(names) <= {"blue", ""}
    assert names.count("blue") >= runs * 0.9


def test_nothing_is_said_of_rare_ones_before_there_are_enough() -> None:
    few = found(BASKET, 0.01, ones(5_000, 20), ones(5_000, 80))
    gap = few.gap("red", LIVE)
    assert few.parts
    assert gap is not None
    assert (round(gap.estimate, 6), gap.low) == (0.012, None)
    assert winner(few, 0.0, late=True) == ""
    enough = found(BASKET, 0.01, ones(20_000, 80), ones(20_000, 320))
    assert winner(enough, 0.0, late=False) == "red"


def test_two_that_are_better_and_alike_wait_for_the_end() -> None:
    live, red, blue = baskets(20_000, 1.0), baskets(20_000, 1.2), baskets(20_000, 1.19)
    open_ = found(BASKET, 0.01, live, red, blue)
    assert winner(open_, 0.0, late=False) == ""
    assert winner(open_, 0.0, late=True) == "red"
    assert winner(open_, 0.1, late=False) == "red", "blue is not better by more than the margin"


def test_what_is_said_of_it() -> None:
    trial = trial_of(1, margin=0.01)
    criteria = EvidenceCriteria(metrics={"kpi": BASKET})

    def said(live: Sums, red: Sums, *, late: bool = False) -> tuple[str, str]:
        decided = decide(trial, compare(trial, known(live, red), criteria, "g1"), late=late, now=5.0)
        return (decided.code, decided.sentence) if decided else ("", "")

    assert said(ones(40_000, 1_920), ones(40_000, 2_320)) == (
        "winner",
        "red is better by kpi: 5.8 % against live's 4.8 %, by 1 point (0.379 to 1.62 at 99 %)",
    )
    assert said(ones(90_000, 4_500), ones(90_000, 4_500)) == (
        "no_difference",
        "no variant is better by kpi by more than 1 point: red 5 % against live's 5 %, better by 0 points (-0.396 to 0.396 at 99 %)",
    )
    assert said(ones(500, 25), ones(500, 30)) == ("", "")
    assert said(ones(500, 25), ones(500, 30), late=True) == (
        "no_difference",
        "no difference in kpi is shown after 14 d: red 6 % against live's 5 %, better by 1 point (too few users to say how sure that is)",
    )


def _wins(dice: random.Random, kind: str, gains: list[float], alpha: float) -> str:
    """Who wins at the first look at which somebody does; each arm's KPI is better by its gain (live first)."""
    sums = [Sums() for _ in gains]
    for _ in range(LOOKS):
        sums = [_more(dice, kind, one, gain) for one, gain in zip(sums, gains, strict=True)]
        look = found(LOST if kind == "lost" else BASKET, alpha, *sums)
        if name := winner(look, 0.0, late=True):
            return name
    return ""


def _more(dice: random.Random, kind: str, had: Sums, gain: float) -> Sums:
    """An hour's users of one arm."""
    n = 500
    if kind == "baskets":  # skewed, as baskets are
        values = [dice.expovariate(1.0 / (1.0 + gain)) for _ in range(n)]
        return Sums(had.n + n, had.sum + math.fsum(values), had.squares + math.fsum(v * v for v in values))
    part = 0.10 * (1.0 - gain if kind == "lost" else 1.0 + gain)
    hits = binomial(dice, n, part)
    return Sums(had.n + n, had.sum + hits, had.squares + (0.0 if kind == "lost" else hits))
