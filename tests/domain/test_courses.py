"""What holds of every course, whatever strategies it is made of."""

from __future__ import annotations

from itertools import pairwise

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from plainsail.domain.courses import course
from plainsail.domain.criteria import EvidenceCriteria
from plainsail.domain.match import Match
from plainsail.domain.steps import needed
from plainsail.domain.strategy import (
    BlueGreen,
    Canary,
    Chain,
    Course,
    Custom,
    CustomStep,
    Dark,
    Incremental,
    Judged,
    Pace,
    Recreate,
    RedBlack,
    Rolling,
    RollingCanary,
    RollingRedBlack,
    Step,
    Strategy,
)
from plainsail.domain.units import ALL

PACE = Pace(until="dwell", dwell=1.0, deadline=60.0)
INSIDERS = Match(header="Insider: yes")

shares = st.lists(st.integers(1, ALL - 1), min_size=1, max_size=4, unique=True).map(sorted).map(tuple)
batches = st.tuples(st.integers(0, 6), st.integers(0, 6)).filter(any)
rollings = batches.map(lambda batch: Rolling(*batch))
darks = st.builds(Dark, match=st.just(INSIDERS), instances=st.integers(1, 3), lasts=st.none() | st.just(3.0))
blue_greens = st.builds(
    BlueGreen,
    preview=st.none() | st.just(INSIDERS),
    switch=st.sampled_from(["automatic", "manual"]),
)
customs = (
    st.lists(
        st.builds(
            CustomStep,
            share=st.integers(0, ALL - 1),
            instances=st.none() | st.integers(1, 5),
            match=st.none() | st.just(INSIDERS),
            until=st.sampled_from([None, "proven", "dwell", "advanced"]),
        ),
        min_size=1,
        max_size=4,
    )
    .map(lambda steps: tuple(sorted(steps, key=lambda step: step.share)))
    .map(Custom)
)
strategies: st.SearchStrategy[Strategy] = st.one_of(
    shares.map(Canary),
    shares.map(Incremental),
    shares.map(RollingRedBlack),
    rollings,
    st.tuples(shares, batches).map(lambda both: RollingCanary(both[0], *both[1])),
    blue_greens,
    st.just(RedBlack()),
    st.just(Recreate()),
    darks,
    customs,
)
fronts = st.lists(st.one_of(darks, blue_greens, st.just(RedBlack())), max_size=2).map(tuple)
"""Strategies that give no user a share: whatever follows them grows from nothing."""
chains: st.SearchStrategy[Chain] = st.one_of(
    st.tuples(fronts, strategies).map(lambda both: (*both[0], both[1])),
    st.tuples(fronts, shares.map(Canary), rollings).map(lambda all: (*all[0], *all[1:])),
    st.tuples(customs, rollings),
)
paces = st.builds(
    Pace, until=st.sampled_from(["proven", "dwell"]), bake=st.sampled_from([0.0, 4.0]), dwell=st.just(1.0)
)
criteria = st.sampled_from([EvidenceCriteria(), EvidenceCriteria(compare="baseline")])
sizes = st.integers(1, 20)
lives = st.integers(0, 20)


@given(chains, paces, sizes, st.none() | lives, criteria)
@settings(max_examples=400, deadline=None)
def test_whatever_the_chain(
    chain: Chain, pace: Pace, replicas: int, live: int | None, evidence: EvidenceCriteria
) -> None:
    way = course(chain, pace, replicas, live, evidence)
    exposed = [step.share("candidate") for step in way.steps if step.split]
    assert exposed == sorted(exposed), "users are never taken back on the way there"
    for step in (*way.steps, *way.back):
        assert sum(part.share_bp for part in step.split) in (0, ALL)
        assert all(size >= 0 for size in step.sizes.values())
        for part in step.split:
            assert part.share_bp > 0
            assert step.sizes[part.role] >= 1 or not live, "no share without an instance that carries it"
        assert step.sizes.get("live", 0) <= (live or 0), "live never grows"
        if isinstance(step.leave, Judged) and step.leave.exposure:
            assert step.leave.exposure >= step.share("candidate"), "what users have already is proven too"

    last = way.steps[-1]
    assert last.finishing
    assert (last.share("candidate"), last.sizes["candidate"]) == (ALL, replicas)
    assert last.sizes.get("live", 0) == last.sizes.get("baseline", 0) == 0
    assert not any(step.finishing for step in way.steps[:-1])


@given(chains, paces, sizes, lives, criteria)
@settings(max_examples=200, deadline=None)
def test_the_way_back_ends_with_live_in_full(
    chain: Chain, pace: Pace, replicas: int, live: int, evidence: EvidenceCriteria
) -> None:
    way = course(chain, pace, replicas, live, evidence)
    last = way.back[-1]
    assert last.finishing
    assert (last.share("live"), last.sizes["live"]) == (ALL, live)
    assert last.sizes["candidate"] == 0
    if any("baseline" in step.sizes for step in way.steps):
        assert last.sizes["baseline"] == 0
    fewer = any(
        step.sizes["live"] < live
        for step in way.steps
        if step.split and not step.finishing and chain[-1] != Recreate()
    )
    assert last.gradual == fewer, (
        "users follow live's instances if some of them are gone, and else go at once"
    )


@given(chains, sizes, lives)
@settings(max_examples=200, deadline=None)
def test_every_exposure_is_that_of_a_step_to_come(chain: Chain, replicas: int, live: int) -> None:
    steps = course(chain, PACE, replicas, live).steps
    for step, later in pairwise(steps):
        if isinstance(step.leave, Judged) and step.leave.until in ("proven", "dwell") and not later.finishing:
            assert step.leave.exposure == later.share("candidate")


@given(strategies, paces, sizes, st.none() | lives, criteria)
@settings(max_examples=100, deadline=None)
def test_a_chain_of_one_is_the_strategy_itself(
    one: Strategy, pace: Pace, replicas: int, live: int | None, evidence: EvidenceCriteria
) -> None:
    assert course((one,), pace, replicas, live, evidence) == course(one, pace, replicas, live, evidence)


@given(shares, batches, paces, sizes, lives)
@settings(max_examples=100, deadline=None)
def test_a_rolling_canary_is_a_canary_and_then_rolling(
    steps: tuple[int, ...], batch: tuple[int, int], pace: Pace, replicas: int, live: int
) -> None:
    both = course((Canary(steps), Rolling(*batch)), pace, replicas, live)
    assert course(RollingCanary(steps, *batch), pace, replicas, live) == both


@given(rollings, paces, sizes)
@settings(max_examples=400, deadline=None)
def test_rolling_keeps_to_its_numbers(rolling: Rolling, pace: Pace, replicas: int) -> None:
    """A last one stays until a new one is ready, even if all may be missing: nobody is left without an answer."""
    way = course(rolling, pace, replicas, replicas)
    missing = min(rolling.max_unavailable, replicas - 1)
    surge = rolling.max_surge or (0 if missing else 1)
    most, fewest = _extremes(way, replicas)
    assert most <= replicas + surge
    assert fewest >= replicas - missing


@given(shares, sizes)
@settings(max_examples=100, deadline=None)
def test_the_old_shrink_no_further_than_their_users(steps: tuple[int, ...], replicas: int) -> None:
    """What has been reached stands behind what is ready: each side has the instances for its share."""
    way = course(RollingRedBlack(steps), PACE, replicas, replicas)
    for before, step in pairwise(way.steps):
        if not step.finishing:
            assert step.sizes["live"] >= needed(ALL - before.share("candidate"), replicas)
            assert step.sizes["candidate"] >= needed(step.share("candidate"), replicas)
    assert _extremes(way, replicas)[1] >= replicas


@given(st.one_of(darks, blue_greens), strategies, sizes, st.integers(1, 20))
@settings(max_examples=100, deadline=None)
def test_what_is_dark_is_for_insiders_alone(
    front: Dark | BlueGreen, strategy: Strategy, replicas: int, live: int
) -> None:
    if isinstance(strategy, Recreate):
        return
    way = course((front, strategy), PACE, replicas, live)
    seen = [step for step in way.steps if step.name in ("dark", "preview")]
    for step in seen:
        assert step.share("candidate") == 0
        assert step.sizes["live"] == live, "users have all they had"
        assert all(one.role == "candidate" and not one.match.everybody() for one in step.inside)
    given = next((place for place, step in enumerate(way.steps) if step.inside), len(way.steps))
    everybody = next(place for place, step in enumerate(way.steps) if step.share("candidate") == ALL)
    for place, step in enumerate(way.steps):
        assert bool(step.inside) == (given <= place <= everybody), "insiders keep it until all have it"


@pytest.mark.parametrize("replicas", [1, 7])
def test_a_batch_of_nothing_comes_to_an_end(replicas: int) -> None:
    """Refused where files are read; what was stored must not hang the control plane."""
    assert course(Rolling(0, 0), PACE, replicas, replicas) == course(Rolling(1, 0), PACE, replicas, replicas)


def _extremes(way: Course, live: int) -> tuple[int, int]:
    """Most instances there can be at once, and fewest ready ones. As a step is entered, the old it doesn't want end at
    once, but the last of them only when their users are gone; the new are ready when it is left."""
    now: tuple[int, int] = (live, 0)
    most, fewest = live, live
    for step in way.steps:
        old, new = now
        asked = _both(step)
        staying = asked[0] or old  # the last are kept for as long as they have users
        most = max(most, staying + max(new, asked[1]))
        fewest = min(fewest, staying + min(new, asked[1]), sum(asked))
        now = asked
    return most, fewest


def _both(step: Step) -> tuple[int, int]:
    return step.sizes.get("live", 0), step.sizes["candidate"]
