"""The way of each strategy, step by step: the desired state and what is waited for."""

from __future__ import annotations

from tests.domain.storybook import compare

from plainsail.domain.strategy import (
    BlueGreen,
    Canary,
    Condition,
    Course,
    Judged,
    Pace,
    Ready,
    Recreate,
    Settled,
    Step,
    course,
    name_of,
    needed,
    rollback_course,
)
from plainsail.domain.units import ALL

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
    ):
        for live in (None, 0, 4):
            lines += _told(f"{name_of(strategy)} {strategy}, live {live}", course(strategy, PACE, 3, live))
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
    return f"{step.name!r}: {sizes}; {split}; {_leave(step.leave)}{'; finishing' if step.finishing else ''}"


def _leave(leave: Condition) -> str:
    match leave:
        case Ready(role=role, within=within):
            return f"until {role} is ready within {within:g} s"
        case Settled(within=within):
            return f"until it has settled within {within:g} s"
        case Judged():
            return (
                f"until {leave.until} for {leave.exposure}, {leave.dwell:g} s to {leave.deadline:g} s, then "
                f"{leave.on_unsure}"
            )
