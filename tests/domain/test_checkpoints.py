"""Where checks, approvals and the hook `before` stand on the way of a rollout."""

from __future__ import annotations

import msgspec
import pytest
from tests.domain.part_way import SMOKE, STRICT, step
from tests.domain.stage import PACE
from tests.domain.trials import COLOURS

from plainsail.domain.checkpoints import stops, waits, way
from plainsail.domain.checks import Hooks
from plainsail.domain.courses import course
from plainsail.domain.criteria import EvidenceCriteria, Metric
from plainsail.domain.driver import Driver
from plainsail.domain.match import Match
from plainsail.domain.service import Placement
from plainsail.domain.steps import ASKED_WITHIN, JUST_LIVE
from plainsail.domain.strategy import (
    AB,
    BlueGreen,
    Canary,
    Custom,
    CustomStep,
    Dark,
    Exposed,
    Judged,
    Part,
    Recreate,
    Rolling,
    Step,
)

CANARY = Canary((1000, 5000))
LOAD = Driver("job", {"name": "load"})
ALL_NAMES = ["start", "10 %", "50 %", "100 %", "finish"]
DAYS = 7 * 86_400.0


def _placed(**settings: object) -> Placement:
    return Placement(**({"replicas": 4, "pace": PACE} | settings))  # type: ignore[arg-type]  # as given


def _asked(steps: tuple[Step, ...]) -> dict[str, tuple[list[str], float | None]]:
    """Of the steps that ask somebody: whom, and how long a person has."""
    return {
        one.name: ([str(driver.config["name"]) for driver in one.checks], one.approve_within)
        for one in steps
        if one.checks or one.approve_within is not None
    }


def test_without_checks_the_way_is_the_strategys() -> None:
    for live in (4, None):
        assert way(CANARY, _placed(), live) == course(CANARY, PACE, 4, live, EvidenceCriteria())
    users = Exposed(2000, 2)
    assert way(CANARY, _placed(), 4, users) == course(CANARY, PACE, 4, 4, EvidenceCriteria(), users)
    assert way(CANARY, _placed(), 4, users) != way(CANARY, _placed(), 4)


@pytest.mark.parametrize(
    ("checks", "asked"),
    [
        ({"10%": (SMOKE,)}, {"10 %": (["smoke"], None)}),
        ({"50 %": (SMOKE, LOAD)}, {"50 %": (["smoke", "load"], None)}),
        ({"each": (SMOKE,)}, {"10 %": (["smoke"], None), "50 %": (["smoke"], None), "confirm": (["smoke"], None)}),
        ({"each": (SMOKE,), "10%": (LOAD,)},
         {"10 %": (["smoke", "load"], None), "50 %": (["smoke"], None), "confirm": (["smoke"], None)}),
        ({"start": (SMOKE,)}, {"confirm": (["smoke"], None)}),
        ({"100%": (SMOKE,), "finish": (SMOKE,), "99%": (SMOKE,)}, {}),  # nobody waits there
    ],
)  # fmt: skip
def test_checks_are_asked_at_the_steps_they_name(
    checks: dict[str, tuple[Driver, ...]], asked: dict[str, tuple[list[str], float | None]]
) -> None:
    made = way(CANARY, _placed(checks=checks), 4)
    assert _asked(made.steps) == asked
    assert _asked(made.back) == {}, "going back asks nobody"
    assert [one.name for one in made.steps if one.name != "confirm"] == ALL_NAMES


@pytest.mark.parametrize(
    ("approvals", "asked"),
    [
        (("10%",), ["10 %"]), (("50 %", "10 %"), ["10 %", "50 %"]), (("each",), ["confirm", "10 %", "50 %"]),
        (("start",), ["confirm"]), (("99%",), []),
    ],
)  # fmt: skip
def test_a_person_is_asked_at_the_steps_that_are_named_and_has_a_week(
    approvals: tuple[str, ...], asked: list[str]
) -> None:
    steps = way(CANARY, _placed(approvals=approvals), 4).steps
    assert [(one.name, one.approve_within) for one in steps if one.approve_within is not None] == [
        (name, DAYS) for name in asked
    ]
    assert DAYS == ASKED_WITHIN


def test_what_a_step_asks_by_itself_stays_and_comes_first() -> None:
    own = Custom(
        (
            CustomStep(share=1000, approval=True, deadline=20.0, checks=(LOAD,)),
            CustomStep(share=5000, checks=(LOAD,)),
        )
    )
    placement = _placed(checks={"each": (SMOKE,)}, approvals=("each",))
    assert _asked(way(own, placement, 4).steps) == {
        "confirm": (["smoke"], DAYS), "10 %": (["load", "smoke"], 20.0), "50 %": (["load", "smoke"], DAYS),
    }  # fmt: skip
    assert _asked(way(own, _placed(), 4).steps) == {"10 %": (["load"], 20.0), "50 %": (["load"], None)}


@pytest.mark.parametrize("place", [{"checks": {"start": (SMOKE,)}}, {"approvals": ("start",)}])
def test_before_the_first_user_all_that_is_ready_waits(place: dict[str, object]) -> None:
    pace = msgspec.structs.replace(PACE, on_unsure="rollback", deadline=33.0)
    plain = way(CANARY, _placed(pace=pace), 4).steps
    start, confirm, *others = way(CANARY, _placed(pace=pace, **place), 4).steps
    assert (start, *others) == plain
    assert confirm == msgspec.structs.replace(
        start, name="confirm", leave=Judged("checked", 0, 0.0, 33.0, "rollback"), checks=confirm.checks,
        approve_within=confirm.approve_within,
    )  # fmt: skip
    assert _asked((confirm,)) in ({"confirm": (["smoke"], None)}, {"confirm": ([], DAYS)})


def test_before_the_first_user_is_after_what_metrics_say() -> None:
    early = Metric("shop", value="memory", during=("start",))
    criteria = EvidenceCriteria(metrics={"memory": early})
    steps = way(CANARY, _placed(evidence=criteria, checks={"each": (SMOKE,)}), 4).steps
    assert [one.name for one in steps][:4] == ["start", "analysis", "confirm", "10 %"]
    assert "analysis" not in _asked(steps)


def test_before_the_first_user_of_a_test_all_its_variants_are_ready() -> None:
    placement = _placed(checks={"start": (SMOKE,)})
    steps = way(AB("conversion", variants=COLOURS), placement, 4).steps
    assert [one.name for one in steps] == ["start", "start blue", "confirm", "test"]
    dark = Dark(Match(header="Insider: yes"), lasts=3.0)
    steps = way((dark, AB("conversion", variants=COLOURS)), placement, 4).steps
    assert [one.name for one in steps] == ["start", "confirm", "dark", "start blue", "test"], (
        "insiders are users"
    )


def test_of_a_first_release_somebody_is_asked_before_it_has_users() -> None:
    steps = way(CANARY, _placed(checks={"start": (SMOKE,)}), None).steps
    assert [(one.name, one.split, len(one.checks)) for one in steps[:2]] == [
        ("start", (), 0),
        ("confirm", (), 1),
    ]


def test_nobody_is_asked_while_users_have_nothing() -> None:
    """The old release is stopped first."""
    asks = _placed(checks={"start": (SMOKE,)}, approvals=("each",))
    plain = course(Recreate(), PACE, 4, 4)
    assert way(Recreate(), asks, 4) == plain
    assert not waits(plain.steps, 4)
    assert waits(course(Recreate(), PACE, 4, None).steps, None)
    assert waits(course(CANARY, PACE, 4, 4).steps, 4)


@pytest.mark.parametrize(
    ("strategy", "first"), [(CANARY, "start"), (Recreate(), "stop old"), (Rolling(), "start")]
)
def test_before_the_first_instance_users_have_what_they_had(
    strategy: Canary | Recreate | Rolling, first: str
) -> None:
    placement = _placed(hooks=Hooks(before=(STRICT, SMOKE), after=(SMOKE,)))
    before, then, *_ = way(strategy, placement, 4).steps
    assert then.name == first
    assert before == msgspec.structs.replace(
        then, name="before", sizes=dict.fromkeys(then.sizes, 0) | {"live": 4}, split=JUST_LIVE,
        leave=Judged("hooked", 0, 0.0, 60.0, "rollback"), checks=(STRICT, SMOKE),
    )  # fmt: skip
    assert "before" not in [one.name for one in way(strategy, _placed(hooks=Hooks(after=(SMOKE,))), 4).steps]


def test_before_a_first_release_there_is_nothing() -> None:
    before = way(CANARY, _placed(hooks=Hooks(before=(SMOKE,))), None).steps[0]
    assert (before.name, before.split, before.sizes) == ("before", (), {"candidate": 0})


@pytest.mark.parametrize(
    ("strategy", "has", "live"),
    [
        (CANARY, None, 4), (CANARY, 2, 4), (BlueGreen(keep=5.0), 2, 4),
        (Rolling(), None, 4), (Rolling(), 4, 4), (Rolling(), 2, 2),
    ],
)  # fmt: skip
def test_users_of_what_is_superseded_keep_it_before_the_first_instance(
    strategy: Canary | BlueGreen | Rolling, has: int | None, live: int
) -> None:
    """Where instances are counted none of live's is started again for the question."""
    before = way(strategy, _placed(hooks=Hooks(before=(SMOKE,))), 4, Exposed(5000, 2, has)).steps[0]
    assert before.sizes == {"live": live, "candidate": 0, "warm": 2}
    assert before.split == (Part("warm", 5000), Part("live", 5000))


def test_a_test_supersedes_before_the_first_instance_too_and_users_have_live() -> None:
    placement = _placed(hooks=Hooks(before=(SMOKE,)))
    before = way(AB("conversion"), placement, 4, Exposed(5000, 2, 2)).steps[0]
    assert (before.sizes, before.split) == ({"live": 4, "candidate": 0}, JUST_LIVE)


@pytest.mark.parametrize(
    ("strategy", "names"),
    [
        (CANARY, ("start", "10%", "50%")),
        (BlueGreen(keep=5.0), ("start", "100%")),
        (Rolling(), ("start", "1 of 4", "2 of 4", "3 of 4")),
        (Custom((CustomStep(share=1000), CustomStep(share=1000), CustomStep(share=2000))), ("start", "10%", "20%")),
    ],
)  # fmt: skip
def test_the_names_of_the_steps_that_can_ask(
    strategy: Canary | BlueGreen | Rolling | Custom, names: tuple[str, ...]
) -> None:
    assert stops(way(strategy, _placed(), 4).steps) == names
    asking = _placed(hooks=Hooks(before=(SMOKE,)), checks={"each": (SMOKE,)})
    assert stops(way(strategy, asking, 4).steps) == names, "steps that are there only to ask have no names"


def test_while_metrics_are_asked_nobody_else_is() -> None:
    analysed = step("analysis", 0, leave=Judged("analysed", 0, 0.0, 60.0, "hold"))
    assert stops((analysed, step("bake"))) == ("start", "bake")
