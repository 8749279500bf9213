"""What strategies must be beyond their types: ways that go forward, that end, and on which what is asked can happen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

from plainsail.domain import strategy as made
from plainsail.domain.courses import course
from plainsail.domain.mirroring import Shadow
from plainsail.domain.service import Placement
from plainsail.domain.steps import needed
from plainsail.domain.strategy import (
    Chain,
    Custom,
    CustomStep,
    Dark,
    Incremental,
    Recreate,
    Rolling,
    RollingCanary,
    Strategy,
    name_of,
)
from plainsail.domain.trial import MOST
from plainsail.domain.units import ALL, percent
from plainsail.spec.checks import MOST_REPLICAS, Check, Fault, between
from plainsail.spec.diagnostics import Path
from plainsail.spec.write import flow

SHOWN = 8
"""Shares that a hint spells out."""


def chain(given: Chain) -> Iterator[Fault]:
    """One after the other: each must leave users to the next."""
    if not given:
        yield Fault("No strategy is given", "write one such as canary, or leave the key out")
    for index, strategy in enumerate(given):
        if isinstance(strategy, Recreate) and len(given) > 1:
            yield Fault(
                "'recreate' stops the old release first, so nothing can come before or after it",
                "keep it alone, or write blue-green",
                (index,),
            )
            return
    for index, (before, after) in enumerate(pairwise(given), 1):
        if isinstance(before, made.AB):
            after_a_test = f"A test ends the rollout, so {name_of(after)} after it is never reached"
            yield Fault(after_a_test, "put dark before it, and deploy a winner by canary", (index,))
        elif not _leaves(before):
            called, last = name_of(after), name_of(before)
            yield Fault(
                f"All users have the release at the end of {last}, so {called} after it is never reached",
                f"put it before {last}"
                if isinstance(after, Dark | Shadow)
                else "keep one of the two: only dark, shadow and custom can stand before another",
                (index,),
            )


def shares(whose: str) -> Check:
    def check(steps: tuple[int, ...]) -> Iterator[Fault]:
        if not steps:
            yield Fault(
                f"{whose} needs a step", "write shares such as [1%, 10%, 50%]; 100% follows by itself"
            )
        for index, share in enumerate(steps):
            before = steps[index - 1] if index else 0
            if share == ALL:
                yield Fault("100% follows the last step by itself", "leave it out", (index,))
            elif share == 0:
                yield Fault(
                    "A step of 0% would show the candidate to nobody",
                    "start with a share such as 1%",
                    (index,),
                )
            elif share <= before:
                yield Fault(
                    f"Steps must grow, and {_written(share)} comes after {_written(before)}",
                    _in_order(steps),
                    (index,),
                )

    return check


def batch(name: str) -> Check:
    """How many instances at a time."""
    return between(name, 0, MOST_REPLICAS)


def moving(strategy: Rolling | RollingCanary) -> Iterator[Fault]:
    if strategy.max_surge == strategy.max_unavailable == 0:
        yield Fault(
            "With neither one instance more nor one fewer than 'replicas' nothing can be replaced",
            "write 'max_surge: 1'",
            ("max_surge",),
        )


def own_steps(steps: tuple[CustomStep, ...]) -> Iterator[Fault]:
    if not steps:
        yield Fault("A custom rollout needs a step", "write one such as {share: 10%}; 100% follows by itself")
    for index, (before, step) in enumerate(pairwise(steps), 1):
        if step.share < before.share:
            yield Fault(
                f"Shares must not shrink, and {_written(step.share)} comes after {_written(before.share)}: users would lose the new release again",
                f"write {_written(before.share)} or more",
                (index, "share"),
            )


def going(placement: Placement) -> Iterator[Fault]:
    """What strategies ask of the rest of a placement, and of each other."""
    for index, strategy in enumerate(placement.strategy):
        at = ("strategy", index)
        match strategy:
            case Incremental() if placement.sticky is None:
                yield Fault(
                    "An incremental rollout keeps users on what they have, and nothing says what a user is known by",
                    "add 'sticky: {cookie: version}' beside 'strategy', or write canary",
                    at,
                )
            case Rolling() | RollingCanary() if strategy.max_unavailable >= placement.replicas > 0:
                yield Fault(
                    f"With {strategy.max_unavailable} of {placement.replicas} missing nobody would answer",
                    "write 'max_surge: 1' instead",
                    (*at, name_of(strategy), "max_unavailable"),
                )
            case Custom():
                yield from _own(strategy, placement, (*at, "custom", "steps"))
            case _:
                pass
    yield from _backwards(placement)
    yield from _no_room(placement)


def exposures(placement: Placement, strategy: Strategy | None = None) -> set[int]:
    """All shares of the users that the candidate has on its way, or on one strategy's; empty if that can't be said, since
    it is refused."""
    asked = placement.strategy if strategy is None else (strategy,)
    return {share for share in _way(asked, placement) if share} if _sound(asked, placement) else set()


def _own(strategy: Custom, placement: Placement, at: Path) -> Iterator[Fault]:
    """Each step changes something, and can be left."""
    pace, before = placement.pace, None
    for index, step in enumerate(strategy.steps):
        until = step.until or pace.until
        requests = pace.requests if step.requests is None else step.requests
        if not step.share and step.match is None:
            if until == "proven":
                yield Fault(
                    "Nobody has the new release at this step, so nothing is ever proven there",
                    "write 'until: dwell', or add a share or a match",
                    (*at, index, "until") if step.until else (*at, index),
                )
            elif requests and until == "dwell":
                yield Fault(
                    f"Nobody has the new release at this step, so it never has {requests:,} requests",
                    "write 'requests: 0', or add a share or a match",
                    (*at, index, "requests") if step.requests else (*at, index),
                )
        dwell = pace.dwell if step.dwell is None else step.dwell
        if step.deadline is not None and step.deadline < dwell:
            yield Fault(
                "'deadline' is shorter than 'dwell', so the step could not be left in time",
                "make it longer",
                (*at, index, "deadline"),
            )
        asks = (step.approval, step.checks)
        does = (step.share, step.match, step.instances or needed(step.share, placement.replicas), until, asks)
        if does == before:
            yield Fault(
                "This step changes nothing: it is the one before it again",
                "leave it out, and let the one before it last longer ('dwell')",
                (*at, index),
            )
        before = does


def _backwards(placement: Placement) -> Iterator[Fault]:
    """What one strategy of a chain has reached, the next goes on from."""
    given, reached = placement.strategy, 0
    if any(chain(given)):
        return
    for index, strategy in enumerate(given):
        if not _sound((strategy,), placement):
            return
        own = _way((strategy,), placement)
        begins = own[0]
        if reached and begins <= reached:
            nobody = "nobody" if isinstance(strategy, Shadow) else "nobody but insiders"
            said = f"begins with {percent(begins) if begins else nobody}"
            yield Fault(
                f"'{name_of(strategy)}' {said}, and {percent(reached)} of users have the release by then",
                _further(strategy, reached, name_of(given[index - 1])),
                ("strategy", index),
            )
        reached = max([reached, *(share for share in own if share < ALL)])


def _no_room(placement: Placement) -> Iterator[Fault]:
    """What is asked of a way there on which it can't happen."""
    evidence, last = placement.evidence, placement.strategy[-1:]
    if evidence.compare == "baseline" and not any(
        isinstance(one, made.Canary | Incremental) for one in placement.strategy
    ):
        yield Fault(
            f"With {made.chain_name(placement.strategy)} there is no share for a baseline beside the candidate's, so there is nothing to compare",
            "write canary, or 'compare: live'",
            ("evidence", "compare"),
        )
    if placement.pace.on_failure == "gradual" and last and not exposures(placement) - {ALL}:
        yield Fault(
            f"With {made.chain_name(placement.strategy)} all users move at once, so there are no shares to go back by",
            "leave it out, or write canary",
            ("pace", "on_failure"),
        )
    if not last or not isinstance(last[0], Recreate):
        return
    if placement.pace.bake:
        yield Fault(
            "'recreate' stops the old release first, so none is kept warm for 'bake'",
            "leave it out, or write blue-green",
            ("pace", "bake"),
        )
    if evidence.decisive("start"):
        yield Fault(
            "'recreate' leaves users without the service until the new release is ready, so nothing is asked before",
            "leave 'start' out of 'during', or write blue-green",
            ("evidence", "metrics"),
        )


def _way(strategies: Iterable[Strategy], placement: Placement) -> list[int]:
    """The candidate's shares, from the first step after its start."""
    steps = course(
        tuple(strategies), placement.pace, placement.replicas, placement.replicas, placement.evidence
    ).steps
    return [step.share("candidate") for step in steps if step.name not in ("start", "stop old", "analysis")]


def _sound(strategies: Chain, placement: Placement) -> bool:
    """Each can be asked for its steps: what is wrong with it has been told."""
    if not strategies or not 1 <= placement.replicas <= MOST_REPLICAS:
        return False
    for one in strategies:
        match one:
            case Rolling() | RollingCanary() if min(one.max_surge, one.max_unavailable) < 0 or any(
                moving(one)
            ):
                return False
            case made.Canary() | Incremental() | made.RollingRedBlack() | RollingCanary() | Custom() if (
                not one.steps
            ):
                return False
            case made.AB() if len(one.variants) > MOST:
                return False
            case _:
                pass
    return True


def _leaves(strategy: Strategy) -> bool:
    """Users have something else at its end."""
    match strategy:
        case Dark() | Shadow():
            return True
        case Custom(steps=steps):
            return all(step.share < ALL for step in steps)
        case _:
            return False


def _further(strategy: Strategy, reached: int, before: str) -> str:
    """The nearest that goes on from what is reached."""
    match strategy:
        case Dark() | Shadow():
            return f"put {name_of(strategy)} before it"
        case made.BlueGreen():
            return "leave 'preview' and 'switch' out, or put dark before it"
        case made.Canary() | Incremental() | made.RollingRedBlack() | RollingCanary():
            further = [share for share in strategy.steps if share > reached]
            return (
                f"write 'steps: {_listed(further)}'"
                if further
                else f"begin above {percent(reached)}, or leave it out"
            )
        case _:
            return f"begin above {percent(reached)}, or let '{before}' end below that"


def _in_order(steps: Iterable[int]) -> str:
    sorted_once = sorted({share for share in steps if 0 < share < ALL})
    return f"write {_listed(sorted_once)}" if len(sorted_once) <= SHOWN else "put them in order"


def _listed(steps: Iterable[int]) -> str:
    return flow([_written(share) for share in steps])


def _written(share: int) -> str:
    return f"{share / 100:g}%"
