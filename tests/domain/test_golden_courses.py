"""The way of each strategy, step by step: the desired state and what is waited for."""

from __future__ import annotations

from tests.domain.storybook import compare

from plainsail.domain.courses import course, rollback_course
from plainsail.domain.match import Match
from plainsail.domain.steps import needed
from plainsail.domain.strategy import (
    BlueGreen,
    Canary,
    Condition,
    Course,
    Custom,
    CustomStep,
    Dark,
    Elapsed,
    Incremental,
    Judged,
    Pace,
    Ready,
    Recreate,
    RedBlack,
    Rolling,
    RollingCanary,
    RollingRedBlack,
    Settled,
    Step,
    chain_name,
    name_of,
)
from plainsail.domain.units import ALL

INSIDERS = Match(hosts=("dark.shop.example",))
PACE = Pace(until="proven", dwell=10.0, deadline=60.0, on_unsure="advance")


def test_every_course() -> None:
    lines: list[str] = []
    for strategy in (
        Canary(),
        Canary((2500,)),
        Canary((1, 9999)),
        BlueGreen(5.0),
        BlueGreen(90.0),
        Recreate(),
        RedBlack(),
        Incremental((1000,)),
        Rolling(),
        Rolling(2, 1),
        Rolling(0, 1),
        RollingRedBlack(),
        RollingCanary((1000,)),
        BlueGreen(5.0, preview=INSIDERS, switch="manual"),
        Dark(INSIDERS),
        Custom((CustomStep(until="advanced", match=INSIDERS), CustomStep(2500, dwell=5.0, requests=9))),
    ):
        for live in (None, 0, 4):
            lines += _told(f"{name_of(strategy)} {strategy}, live {live}", course(strategy, PACE, 3, live))
    for chain in (
        (Dark(INSIDERS, lasts=60.0), Canary((1000,))),
        (Dark(INSIDERS), Custom((CustomStep(500),)), Rolling()),
    ):
        lines += _told(chain_name(chain), course(chain, PACE, 3, 4))
    lines += _told("rollback", rollback_course(3, 4))
    compare("courses", lines)


def test_a_canary_by_the_clock() -> None:
    pace = Pace(until="dwell", dwell=1.0, deadline=2.0, on_unsure="hold")
    compare("courses_by_the_clock", _told("canary", course(Canary((100, 5000)), pace, 10, 10)))


def test_instances_for_a_share() -> None:
    assert [needed(share, 4) for share in (0, 1, 2500, 2501, 5000, 7501, ALL)] == [1, 1, 1, 2, 2, 4, 4]
    assert needed(1, 1) == 1


def _told(name: str, way: Course) -> list[str]:
    there = [f"  {_step(step)}" for step in way.steps]
    return [f"# {name}", *there, "  and back", *(f"  {_step(step)}" for step in way.back), ""]


def _step(step: Step) -> str:
    sizes = " ".join(f"{role} x{size}" for role, size in step.sizes.items())
    split = " ".join(f"{part.role} {part.share_bp}" for part in step.split) or "nobody"
    more = f"{'; insiders' if step.inside else ''}{'; finishing' if step.finishing else ''}{'; gradual' if step.gradual else ''}"
    return f"{step.name!r}: {sizes}; {split}; {_leave(step.leave)}{more}"


def _leave(leave: Condition) -> str:
    match leave:
        case Ready(role=role, within=within):
            return f"until {role} is ready within {within:g} s"
        case Settled(within=within):
            return f"until it has settled within {within:g} s"
        case Elapsed(lasts=lasts):
            return f"for {lasts:g} s"
        case Judged():
            return (
                f"until {leave.until} for {leave.exposure}, {leave.dwell:g} s to {leave.deadline:g} s, then "
                f"{leave.on_unsure}"
            )
