"""Live's past: what is remembered is bounded and counts once."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given

from plainsail.domain.evidence import Arm
from plainsail.domain.observation import Counts
from plainsail.domain.past import WINDOW, Past, at_most, limit, remembered

looks = st.lists(st.tuples(st.floats(0.1, 2 * WINDOW), st.integers(0, 1000), st.integers(0, 10)), max_size=40)


def test_nothing_known_forbids_nothing() -> None:
    assert at_most(0, 0) == 1.0
    assert limit(0, 0, 0.005, 0.0) == 0.99


@given(looks)
def test_each_request_counts_once_and_old_ones_fade(steps: list[tuple[float, int, int]]) -> None:
    now, counts = 1000.0, Counts(500, 5, 0, 2)
    past = remembered(None, "g1", counts, 1.0, now)
    recent: list[tuple[float, int]] = [(now, counts.requests)]
    for after, requests, failures in steps:
        now += after
        counts = Counts(counts.requests + requests, counts.failures + min(requests, failures), 0, counts.slow)
        past = remembered(past, "g1", counts, 1.0, now)
        recent.append((now, requests))
    assert past is not None
    everything = sum(number for _, number in recent)
    last = sum(number for at, number in recent if at > now - WINDOW)
    assert last - recent[-1][1] <= past.arm().requests + recent[0][1]
    assert past.arm().requests <= everything
    assert past.arm().failures <= past.arm().requests


def test_it_begins_anew_with_another_bound_and_goes_on_when_the_router_forgets() -> None:
    past = remembered(None, "g1", Counts(500, 5, 0, 2), 1.0, 0.0)
    assert past == Past("g1", 1.0, 0.0, Counts(500, 5, 0, 2), Arm(500, 5, 0, 2))
    past = remembered(past, "g1", Counts(10, 0, 0, 0), 1.0, 5.0)
    past = remembered(past, "g1", Counts(30, 1, 0, 0), 1.0, 10.0)
    assert past is not None
    assert past.arm() == Arm(520, 6, 0, 2)
    tighter = remembered(past, "g1", Counts(40, 1, 0, 0), 0.5, 15.0)
    assert tighter is not None
    assert tighter.arm() == Arm()
    after = remembered(past, "g2", Counts(40, 1, 0, 3), 1.0, 15.0)
    assert after is not None
    assert after.arm() == Arm(40, 1, 0, 3)


def test_a_look_without_counts_changes_nothing() -> None:
    past = remembered(None, "g1", Counts(500, 5, 0, 2), 1.0, 0.0)
    assert remembered(past, "g1", None, 1.0, 5.0) is past
    assert remembered(past, "g1", Counts(500, 5, 0, 2), 1.0, 5.0) is past
