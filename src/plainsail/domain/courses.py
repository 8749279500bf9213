"""The way of each strategy, there and back: pure functions from what people asked for to steps."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TypeVar, assert_never

import msgspec

from plainsail.domain import rollforward, rolling
from plainsail.domain.criteria import EvidenceCriteria
from plainsail.domain.insiders import kept
from plainsail.domain.match import Match
from plainsail.domain.mirroring import Shadow
from plainsail.domain.steps import (
    ASKED_WITHIN,
    JUST_LIVE,
    SETTLE_WITHIN,
    START_WITHIN,
    Asked,
    both,
    finish,
    gone,
    needed,
    split_at,
    start_and_switch,
    switch,
    twin,
    watch,
)  # fmt: skip
from plainsail.domain.strategy import (
    AB,
    BlueGreen,
    Canary,
    Copies,
    Course,
    Custom,
    CustomStep,
    Dark,
    Exposed,
    Incremental,
    Inside,
    Judged,
    Pace,
    Ready,
    Recreate,
    RedBlack,
    Role,
    Rolling,
    RollingCanary,
    RollingRedBlack,
    Settled,
    Step,
    Strategy,
)  # fmt: skip
from plainsail.domain.tested import cleared, divided, each
from plainsail.domain.units import ALL, percent

replace = msgspec.structs.replace
T = TypeVar("T")


def course(
    chain: Strategy | Sequence[Strategy],
    pace: Pace,
    replicas: int,
    live: int | None,
    criteria: EvidenceCriteria = EvidenceCriteria(),  # noqa: B008  (frozen)
    exposed: Exposed | None = None,
) -> Course:
    """The steps from live (so many instances; None: a first deploy) to `replicas` of the candidate, and back.

    `exposed` is what a superseded candidate has. It keeps its users until this one takes them over (`rollforward`); with a
    test, and where the old is stopped first, they have live again first.
    """
    if live is None:
        return Course(start_and_switch(replicas, None, ()), (gone(None),))
    whole = (chain,) if isinstance(chain, Strategy) else tuple(chain)
    last, taken = whole[-1], rollforward.taken(whole, exposed)
    counted = taken if not rollforward.begins_there(whole) else None
    asked = Asked(pace, replicas, live, criteria, counted)
    if isinstance(last, Recreate):
        return _recreated(asked)
    steps: list[Step] = []
    for strategy in whole:
        steps += _exposing(strategy, steps, asked)
    if taken is not None and rollforward.begins_there(whole):
        steps = [
            _shared(taken.share_bp, asked),
            *(step for step in steps if step.share("candidate") > taken.share_bp),
        ]
    ends = _ending(last, steps, asked)
    first = [*steps, *ends][0].sizes
    start = Step("start", first, JUST_LIVE, Ready("candidate", START_WITHIN), gradual=taken is None)
    there = (start, *_analysis(start, asked), *kept([*_exposed(steps), *ends]))
    if taken is not None:
        there = tuple(rollforward.keeping(step, taken) for step in there)
    return cleared(Course(there, (_back([*steps, *ends[:1]], asked, taken),)), whole)


def rollback_course(replicas: int, live: int) -> Course:
    """Back to an earlier release whose instances are gone: start it, move everybody at once. No evidence is asked."""
    return Course(start_and_switch(replicas, live, JUST_LIVE), (gone(live),))


def _exposing(strategy: Strategy, before: Sequence[Step], asked: Asked) -> tuple[Step, ...]:
    """From the first that anybody sees of it, after the strategies before it, until all users are to follow."""
    match strategy:
        case Canary(steps=shares) | Incremental(steps=shares):
            return tuple(_shared(share, asked) for share in shares)
        case RollingRedBlack(steps=shares):
            return _followed(shares, asked)
        case Rolling(max_surge=surge, max_unavailable=missing):
            return rolling.rolled(before, surge, missing, asked)
        case RollingCanary(steps=shares, max_surge=surge, max_unavailable=missing):
            beside = tuple(_shared(share, asked) for share in shares)
            return (*beside, *rolling.rolled(beside, surge, missing, asked))
        case BlueGreen(preview=preview, switch=switch):
            return _previewed(preview, switch == "manual", asked)
        case Dark():
            return (_dark(strategy, asked),)
        case Shadow():
            return (_shadowed(strategy, asked),)
        case Custom(steps=steps):
            return tuple(_own(step, asked) for step in steps)
        case AB():
            carrying = needed(each(strategy), asked.replicas)
            return divided(strategy, asked.live, carrying, asked.replicas, START_WITHIN)
        case RedBlack() | Recreate():
            return ()
        case _:
            assert_never(strategy)


def _ending(last: Strategy, steps: Sequence[Step], asked: Asked) -> tuple[Step, ...]:
    """All users are the candidate's; what is left of live stays warm for as long as it is watched."""
    pace, replicas, old = asked.pace, asked.replicas, _left(last, steps, asked)
    live = old.live
    if isinstance(last, AB) and last.then == "keep":
        return ()
    if isinstance(last, BlueGreen | RedBlack):
        return (watch("100 %", replicas, live, pace, max(last.keep, pace.bake)), finish(replicas))
    fresh = any("baseline" in step.sizes for step in steps)
    bake = (watch("bake", replicas, live, pace, pace.bake),) if pace.bake else ()
    moved = switch(replicas, live)
    if old.warm:
        moved = replace(moved, sizes={**moved.sizes, "warm": old.warm})
    return (*rolling.handed(steps, live), moved, *bake, finish(replicas, fresh))


def _left(last: Strategy, steps: Sequence[Step], asked: Asked) -> rolling.Old:
    """The instances of others while the last of the users move, as far as they are counted."""
    match last:
        case Rolling(surge, missing) | RollingCanary(max_surge=surge, max_unavailable=missing):
            return rolling.last(steps, surge, missing, asked)
        case RollingRedBlack(steps=shares):
            return rolling.Old(min(asked.live, needed(ALL - shares[-1], asked.live)))
        case _:
            return rolling.Old(asked.live)


def _exposed(steps: Sequence[Step]) -> tuple[Step, ...]:
    """Each step that is judged is left when the next one's exposure may be."""
    after = [max(step.share("candidate"), later.share("candidate")) for step, later in pairwise(steps)]
    return tuple(
        replace(step, leave=replace(step.leave, exposure=exposure))
        if isinstance(step.leave, Judged) and not step.tests() and step.copies is None
        else step
        for step, exposure in zip(steps, [*after, ALL], strict=False)
    )


def _shared(share: int, asked: Asked) -> Step:
    """A share of the users beside all of live's instances."""
    sizes: dict[Role, int] = {"live": asked.live, "candidate": needed(share, asked.replicas)}
    if asked.fresh():  # a baseline's instances carry as much each as the candidate's
        sizes["baseline"] = needed(twin(share), asked.replicas)
    return Step(percent(share), sizes, split_at(share, asked.fresh()), asked.judged())


def _followed(shares: Sequence[int], asked: Asked) -> tuple[Step, ...]:
    """In each live has what carried its users at the step before: the new is raised before the old is lowered."""
    lives = [asked.live, *(min(asked.live, needed(ALL - share, asked.live)) for share in shares)]
    return tuple(
        Step(
            percent(share), {"live": live, "candidate": needed(share, asked.replicas)}, split_at(share, False), asked.judged()
        )
        for share, live in zip(shares, lives, strict=False)
    )  # fmt: skip


def _previewed(preview: Match | None, manual: bool, asked: Asked) -> tuple[Step, ...]:
    """In full beside live, for whoever may see it, until the users move."""
    if preview is None and not manual:
        return ()
    leave = _waiting(asked.pace) if manual else _lasting(asked.pace, asked.pace.dwell)
    return (Step("preview", both(asked.live, asked.replicas), JUST_LIVE, leave, inside=_inside(preview)),)


def _dark(dark: Dark, asked: Asked) -> Step:
    leave = _waiting(asked.pace) if dark.lasts is None else _lasting(asked.pace, dark.lasts)
    return Step("dark", both(asked.live, dark.instances), JUST_LIVE, leave, inside=_inside(dark.match))


def _shadowed(shadow: Shadow, asked: Asked) -> Step:
    """Nobody sees it, so nothing of it says that users may. Without a copy that was compared it is never left by itself."""
    sizes = both(asked.live, shadow.instances or needed(shadow.share, asked.replicas))
    late = "rollback" if asked.pace.on_unsure == "advance" else asked.pace.on_unsure
    leave = replace(_lasting(asked.pace, shadow.lasts), on_unsure=late)
    copies = Copies("candidate", shadow.share, shadow.methods, shadow.differs.max)
    return Step("shadow", sizes, JUST_LIVE, leave, copies=copies)


def _own(step: CustomStep, asked: Asked) -> Step:
    pace, share = asked.pace, step.share
    leave = Judged(
        step.until or pace.until, 0, _given(step.dwell, pace.dwell), _given(step.deadline, pace.deadline),
        step.on_unsure or pace.on_unsure, _given(step.requests, pace.requests),
    )  # fmt: skip
    if leave.until == "advanced":
        waiting = _waiting(pace)
        leave = replace(
            leave,
            deadline=_given(step.deadline, waiting.deadline),
            on_unsure=step.on_unsure or waiting.on_unsure,
        )
    sizes = both(asked.live, step.instances or needed(share, asked.replicas))
    name = percent(share) if share else "insiders" if step.match else "nobody"
    split = split_at(share, False) if share else JUST_LIVE
    within = _given(step.deadline, max(ASKED_WITHIN, pace.deadline)) if step.approval else None
    return Step(
        name, sizes, split, leave, inside=_inside(step.match),
        checks=step.checks, approve_within=within, notify=step.notify or "",
    )  # fmt: skip


def _waiting(pace: Pace) -> Judged:
    """For a person. Whom nobody answers never goes on by itself."""
    late = "rollback" if pace.on_unsure == "advance" else pace.on_unsure
    return Judged("advanced", 0, 0.0, max(ASKED_WITHIN, pace.deadline), late)


def _lasting(pace: Pace, dwell: float) -> Judged:
    return Judged("dwell", 0, dwell, max(dwell, pace.deadline), pace.on_unsure)


def _inside(match: Match | None) -> tuple[Inside, ...]:
    return () if match is None else (Inside(match, "candidate"),)


def _given(own: T | None, otherwise: T) -> T:
    return otherwise if own is None else own


def _recreated(asked: Asked) -> Course:
    stop = Step("stop old", {"live": 0}, (), Settled(SETTLE_WITHIN))
    away = Step("stop new", {"live": 0, "candidate": 0}, (), Settled(SETTLE_WITHIN))
    again = Step("start old", {"live": asked.live, "candidate": 0}, (), Ready("live", START_WITHIN))
    return Course((stop, *start_and_switch(asked.replicas, 0, ())), (away, again, gone(asked.live)))


def _back(steps: Sequence[Step], asked: Asked, taken: Exposed | None) -> Step:
    """All at once if the old is warm; else as its instances come."""
    back = gone(asked.live, any("baseline" in step.sizes for step in steps))
    fewer = taken is not None and taken.live is not None and taken.live < asked.live
    return replace(back, gradual=fewer or any(step.sizes["live"] < asked.live for step in steps))


def _analysis(start: Step, asked: Asked) -> tuple[Step, ...]:
    """The step before the first user, if a metric is asked there."""
    if not asked.criteria.decisive("start"):
        return ()
    leave = Judged("analysed", 0, 0.0, asked.pace.deadline, asked.pace.on_unsure)
    return (replace(start, name="analysis", leave=leave),)
