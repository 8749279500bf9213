"""Checks, approvals and the hook `before` on the way of a rollout: steps that ask somebody before they are left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile

import msgspec

from plainsail.domain.courses import course
from plainsail.domain.driver import Driver
from plainsail.domain.service import Placement
from plainsail.domain.steps import ASKED_WITHIN, JUST_LIVE
from plainsail.domain.strategy import Course, Exposed, Judged, Role, Step, Strategy

replace = msgspec.structs.replace

EACH = "each"
"""Stands for all steps that can be named."""
START = "start"
"""All instances are ready, and no user has the new release."""
CONFIRM, BEFORE = "confirm", "before"
"""Names of the steps that are there only to ask: before the first user, and before the first instance."""


def way(
    chain: Strategy | Sequence[Strategy],
    placement: Placement,
    live: int | None,
    exposed: Exposed | None = None,
) -> Course:
    """A strategy's course (`courses.course`) with all that the placement asks on it. The way back asks nobody."""
    made = course(chain, placement.pace, placement.replicas, live, placement.evidence, exposed)
    return replace(made, steps=tuple(_woven(made.steps, placement, live, exposed)))


def stops(steps: Iterable[Step]) -> tuple[str, ...]:
    """The steps at which something can be asked, by the names that people write: `start`, `10%`, `1 of 4`, `bake`. Blanks
    in a name make no difference."""
    there = (step.name for step in steps if _asks(step) and step.name not in (CONFIRM, BEFORE))
    named = (name.replace(" %", "%") for name in there)
    return tuple(dict.fromkeys((START, *named)))


def waits(steps: Sequence[Step], live: int | None) -> bool:
    """Whether users have something while somebody is asked before the first of them has the new release: where the old one is
    stopped first (`recreate`), each question would be a gap."""
    return live is None or all(step.split for step in steps)


def _woven(
    steps: Sequence[Step], placement: Placement, live: int | None, exposed: Exposed | None
) -> Iterator[Step]:
    opened = sum(1 for _ in takewhile(_opening, steps)) - 1
    held = waits(steps, live) and (_checks(placement, START) or _approved(placement, START))
    if placement.hooks.before:
        yield _before(steps[0], placement, live, exposed)
    for index, step in enumerate(steps):
        name = _written(step.name)
        yield _asking(step, _checks(placement, name), _approved(placement, name)) if _asks(step) else step
        if index == opened and held:
            leave = Judged("checked", 0, 0.0, placement.pace.deadline, placement.pace.on_unsure)
            ready = replace(step, name=CONFIRM, leave=leave)
            yield _asking(ready, _checks(placement, START), _approved(placement, START))


def _asking(step: Step, checks: tuple[Driver, ...], approval: bool) -> Step:
    within = ASKED_WITHIN if approval and step.approve_within is None else step.approve_within
    return replace(step, checks=(*step.checks, *checks), approve_within=within)


def _before(first: Step, placement: Placement, live: int | None, exposed: Exposed | None) -> Step:
    """All is as it was: who is there keeps what they have, and nobody else is started."""
    sizes: dict[Role, int] = {role: size if role == "warm" else 0 for role, size in first.sizes.items()}
    split = first.split
    if live is not None:
        sizes["live"], split = live, split or JUST_LIVE
        if exposed is not None and first.share("warm"):
            sizes["warm"] = exposed.instances
            if exposed.live is not None and first.sizes["live"] < live:
                sizes["live"] = exposed.live  # where instances are counted none is started for the question
    leave = Judged("hooked", 0, 0.0, placement.pace.deadline, "rollback")
    return replace(first, name=BEFORE, sizes=sizes, split=split, leave=leave, checks=placement.hooks.before)


def _asks(step: Step) -> bool:
    """It lasts until something is known, so somebody can be asked meanwhile."""
    return isinstance(step.leave, Judged) and step.leave.until != "analysed"


def _opening(step: Step) -> bool:
    """Until it is left nobody has the new release, and nobody is asked: instances start, of a test those of all variants."""
    return step.during() == "start" and not _asks(step)


def _checks(placement: Placement, name: str) -> tuple[Driver, ...]:
    return tuple(
        driver
        for where, drivers in placement.checks.items()
        if where.replace(" ", "") in (EACH, name)
        for driver in drivers
    )


def _approved(placement: Placement, name: str) -> bool:
    return any(where.replace(" ", "") in (EACH, name) for where in placement.approvals)


def _written(name: str) -> str:
    """`10%` for the step that is shown as `10 %`."""
    return name.replace(" ", "")
