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
CHANCE = 139.0
"""Chi-squared with 81 degrees of freedom is above it once in 15,000 fair draws."""

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


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize("salt", ["r-06tq3x0v1z", "r-06tq3x0v20"])
def test_a_salt_divides_as_fairly(kind: str, salt: str) -> None:
    below = sorted(bucket("shop", user, salt) for user in NAMES[kind])
    for share in range(0, ALL + 1, 100):
        assert abs(sum(1 for one in below if one < share) - USERS * share // ALL) <= 2 * FAIR


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize(("first", "then"), [
    ("r-06tq3x0v1z", "r-06tq3x0v20"), ("r-06tq3x0v1z", "r-16tq3x0v1z"), ("", "r-06tq3x0v1z"),
])  # fmt: skip
def test_what_a_user_had_under_one_salt_says_nothing_of_the_next(kind: str, first: str, then: str) -> None:
    """However alike two salts are: the users of each tenth are spread evenly over all tenths, as by a fair draw."""
    cells = [[0] * 10 for _ in range(10)]
    for user in NAMES[kind]:
        cells[bucket("shop", user, first) // 1000][bucket("shop", user, then) // 1000] += 1
    rows, columns = [sum(row) for row in cells], [sum(column) for column in zip(*cells, strict=True)]
    expected = [[row * column / USERS for column in columns] for row in rows]
    off = sum((cells[r][c] - expected[r][c]) ** 2 / expected[r][c] for r in range(10) for c in range(10))
    assert off < CHANCE, off


def test_the_hash_is_the_documented_one() -> None:
    """docs/how-to/strategies.md has these numbers, so that others can hold their own against them."""
    assert bucket("shop", "user-1") == 1684
    assert bucket("shop", "user-1", "r-06tq3x0v1z") == 972


def _sorted(service: str, names: Sequence[str]) -> list[int]:
    return sorted(bucket(service, user) for user in names)
