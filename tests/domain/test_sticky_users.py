"""10,000 users by the documented hash, while a share grows."""

from __future__ import annotations

from collections.abc import Sequence

import hypothesis.strategies as st
import pytest
from hypothesis import example, given, settings

from plainsail.domain.buckets import bucket
from plainsail.domain.courses import course
from plainsail.domain.strategy import Canary, Incremental, Pace
from plainsail.domain.units import ALL

USERS = 10_000
USUAL = (100, 500, 1000, 2000, 2500, 5000, 7500)
FAIR = 163
"""Users. How far the share of a fair draw of 10,000 is off at its worst place, 99 times of 100 (Kolmogorov 1933: 1.63 /
sqrt(n)). No hash does better: a user's fate has nothing to do with that of others."""

NAMES = {
    "numbered": [f"user-{number}" for number in range(USERS)],
    "addresses": [f"{number * 7919 % 99_991}@shop.example" for number in range(USERS)],
    "uuids": [f"{number * 0x9E3779B97F4A7C15 & (1 << 64) - 1:032x}" for number in range(USERS)],
}
shares = st.lists(st.integers(1, ALL - 1), min_size=1, max_size=6, unique=True).map(sorted).map(tuple)


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize("service", ["shop", "blog", "a-much-longer-name-of-a-service"])
def test_the_realised_share_is_the_asked(kind: str, service: str) -> None:
    """Within 1 % of the users at shares that people ask for, and nowhere further off than a fair draw."""
    below = _sorted(service, NAMES[kind])
    for share in range(0, ALL + 1, 100):
        realised = sum(1 for one in below if one < share)
        allowed = USERS // 100 if share in USUAL else FAIR
        assert abs(realised - USERS * share // ALL) <= allowed, f"{realised} of {USERS} at {share}"


@given(shares, st.sampled_from(list(NAMES)))
@settings(max_examples=25, deadline=None)
@example((1, 2, 3, 9_998, 9_999), "numbered")
@example((100, 1_000, 5_000), "uuids")
def test_nobody_flips_back_while_a_share_grows(steps: tuple[int, ...], kind: str) -> None:
    """Along the shares that a course of steps gives its users, to the last of them."""
    way = course(Incremental(steps), Pace(), 10, 10).steps
    fates = [bucket("shop", user) for user in NAMES[kind]]
    had: set[int] = set()
    for share in (step.share("candidate") for step in way):
        has = {number for number, fate in enumerate(fates) if fate < share}
        assert has >= had
        had = has
    assert len(had) == USERS
    assert way == course(Canary(steps), Pace(), 10, 10).steps, "only who a user is differs"


def test_services_pick_their_users_on_their_own() -> None:
    """Nobody is the first to get everything that is new."""
    of = [{user for user in NAMES["numbered"] if bucket(name, user) < 1000} for name in ("shop", "blog")]
    both = len(of[0] & of[1])
    assert 50 <= both <= 150, "a tenth of a tenth"


def _sorted(service: str, names: Sequence[str]) -> list[int]:
    return sorted(bucket(service, user) for user in names)
