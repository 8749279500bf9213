"""Rolling, batch by batch: instances and shares of each step, also after a canary and over what it supersedes."""

from __future__ import annotations

import pytest
from tests.domain.stage import PACE
from tests.domain.trials import COLOURS

from plainsail.domain.courses import course
from plainsail.domain.match import Match
from plainsail.domain.strategy import (
    AB,
    Canary,
    Chain,
    Course,
    Exposed,
    Inside,
    Rolling,
    RollingCanary,
    Variant,
)

Shape = list[tuple[str, int, int, int]]
"""Of each step: its name, instances of live and of the candidate, and the candidate's share."""


def _shape(way: Course) -> Shape:
    return [
        (one.name, one.sizes["live"], one.sizes["candidate"], one.share("candidate")) for one in way.steps
    ]


@pytest.mark.parametrize(
    ("chain", "shape"),
    [
        ((Rolling(),), [
            ("start", 4, 1, 0), ("1 of 4", 4, 1, 2500), ("2 of 4", 3, 2, 5000), ("3 of 4", 2, 3, 7500),
            ("100 %", 1, 4, 10_000), ("finish", 0, 4, 10_000),
        ]),
        ((Rolling(0, 1),), [
            ("start", 3, 1, 0), ("1 of 4", 3, 1, 2500), ("2 of 4", 2, 2, 5000), ("3 of 4", 1, 3, 7500),
            ("100 % on 3", 0, 3, 10_000), ("100 %", 0, 4, 10_000), ("finish", 0, 4, 10_000),
        ]),
        ((Canary((3000,)), Rolling()), [
            ("start", 4, 2, 0), ("30 %", 4, 2, 3000), ("2 of 4", 4, 2, 5000), ("3 of 4", 2, 3, 7500),
            ("100 %", 1, 4, 10_000), ("finish", 0, 4, 10_000),
        ]),
        ((RollingCanary((1000,), max_surge=2),), [
            ("start", 4, 1, 0), ("10 %", 4, 1, 1000), ("1 of 4", 4, 1, 2500), ("3 of 4", 3, 3, 7500),
            ("100 %", 1, 4, 10_000), ("finish", 0, 4, 10_000),
        ]),
    ],
)  # fmt: skip
def test_new_instances_take_the_place_of_old_ones(chain: Chain, shape: Shape) -> None:
    assert _shape(course(chain, PACE, 4, 4)) == shape


def test_a_rolling_canary_goes_on_from_the_instances_it_has() -> None:
    assert course(RollingCanary((3000,)), PACE, 4, 4) == course((Canary((3000,)), Rolling()), PACE, 4, 4)


def test_over_what_a_canary_supersedes_it_is_a_canary_that_begins_there() -> None:
    over = course((Canary((1000,)), Rolling(0, 3)), PACE, 4, 4, exposed=Exposed(2000, 1))
    assert over.steps[1:] == course((Canary((2000,)), Rolling(0, 3)), PACE, 4, 4).steps[1:]


def test_one_of_each_release_answers_while_the_last_of_two_is_started() -> None:
    way = course(Rolling(1, 1), PACE, 2, 2, exposed=Exposed(5000, 1, 1))
    assert [(one.name, one.sizes) for one in way.steps] == [
        ("start", {"live": 1, "candidate": 1, "warm": 1}),
        ("1 of 2", {"live": 1, "candidate": 1, "warm": 1}),
        ("100 %", {"live": 1, "candidate": 2}),
        ("finish", {"live": 0, "candidate": 2}),
    ]


def test_whoever_comes_by_a_match_has_all_the_instances_of_a_test() -> None:
    red = Variant({"BUTTON": "red"}, Match(cookie="arm=red"))
    way = course(AB("conversion", variants={"red": red}), PACE, 3, 4)
    assert way.steps[-1].sizes == {"live": 4, "candidate": 3}
    assert way.steps[-1].inside == (Inside(Match(cookie="arm=red"), "candidate"),)
    divided = course(AB("conversion", share=2000, variants=COLOURS), PACE, 3, 4)
    assert divided.steps[-1].sizes == {"live": 4, "candidate": 1, "variant-2": 1}
