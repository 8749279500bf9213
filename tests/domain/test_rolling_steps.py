"""Rolling, batch by batch: instances and shares of each step, also after a canary and over what it supersedes."""

from __future__ import annotations

import pytest
from tests.domain.stage import PACE
from tests.domain.storybook import compare
from tests.domain.trials import COLOURS

from plainsail.domain.courses import course
from plainsail.domain.match import Match
from plainsail.domain.strategy import (
    AB,
    Canary,
    Chain,
    Course,
    Custom,
    CustomStep,
    Dark,
    Exposed,
    Inside,
    Role,
    Rolling,
    RollingCanary,
    Variant,
)

INSIDERS = Match(header="Insider: yes")
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


def test_golden_batches() -> None:
    """Instances of all three releases, and who has which share, over what was superseded on its way and alone."""
    lines: list[str] = []
    for replicas, live in ((1, 1), (2, 2), (3, 3), (4, 4), (6, 6), (4, 0), (3, 7)):
        for batch in ((1, 0), (0, 1), (2, 1), (0, 9)):
            for had in (
                None,
                Exposed(1000, 1),
                Exposed(2500, 1, 3),
                Exposed(6000, 3, 1),
                Exposed(9000, 5, 1),
            ):
                made = course(Rolling(*batch), PACE, replicas, live, exposed=had)
                lines.append(f"{live} to {replicas} by {batch}{_over(had)}: {_batches(made)}")
    befores: dict[str, Canary | Custom] = {
        "5 % and 30 %": Canary((500, 3000)), "74 %": Canary((7400,)), "75 %": Canary((7500,)),
        "40 % on all": Custom((CustomStep(0, 2), CustomStep(4000, 4))),
    }  # fmt: skip
    for name, before in befores.items():
        for had in (None, Exposed(6000, 3, 1)):
            made = course((Dark(INSIDERS, 2, 5.0), before, Rolling(1, 1)), PACE, 4, 4, exposed=had)
            lines.append(f"after {name}{_over(had)}: {_batches(made)}")
    compare("rolling_batches", lines)


def _over(had: Exposed | None) -> str:
    return f" over {had.share_bp} on {had.instances} beside {had.live}" if had is not None else ""


def _batches(way: Course) -> str:
    """Of each step but the last: its name, instances of live, warm and candidate, and their shares."""
    roles: tuple[Role, ...] = ("live", "warm", "candidate")
    return " | ".join(
        f"{one.name}: {'+'.join(str(one.sizes.get(role, 0)) for role in roles)} "
        f"for {'+'.join(str(one.share(role)) for role in roles)}"
        for one in way.steps[:-1]
    )
