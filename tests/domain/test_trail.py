"""The trail: bounded, in order, the newest point always there, and even enough to draw."""

from __future__ import annotations

from itertools import pairwise

import hypothesis.strategies as st
import msgspec
from hypothesis import given

from plainsail.domain.trail import POINTS, Point, Tally, longer


def point(at: float, requests: int = 0) -> Point:
    return Point(at, 1000, Tally(requests, 1, 2), Tally(9 * requests, 1, 2), 0.25, 0.5)


@given(st.lists(st.floats(0.0, 100.0), min_size=1, max_size=600))
def test_whatever_the_pace_the_trail_is_bounded_in_order_and_ends_now(gaps: list[float]) -> None:
    trail: tuple[Point, ...] = ()
    now = 1_000_000.0
    begun = now + gaps[0]
    for gap in gaps:
        now += gap
        trail = longer(trail, point(now))
        assert len(trail) <= POINTS
        assert trail[0].at == begun
        assert trail[-1].at == now
        assert [one.at for one in trail] == sorted(one.at for one in trail)


def test_an_hour_of_ten_looks_a_second_is_drawn_evenly() -> None:
    trail: tuple[Point, ...] = ()
    for look in range(36_000):
        trail = longer(trail, point(look / 10))
    gaps = [later.at - earlier.at for earlier, later in pairwise(trail)]
    assert len(trail) > POINTS / 3
    assert max(gaps) <= 3_600 / (POINTS / 4)


def test_a_full_trail_fits_the_evidence_row() -> None:
    trail: tuple[Point, ...] = ()
    for look in range(100_000):
        trail = longer(trail, point(1_795_000_000 + look / 10, 1000 * look))
    assert len(msgspec.json.encode(trail)) < 12_000
