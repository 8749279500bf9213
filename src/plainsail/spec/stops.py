"""Checks, approvals and hooks beyond their types: asked at steps that there are, and of few."""

from __future__ import annotations

from collections.abc import Iterator

from plainsail.domain.checkpoints import EACH, stops, waits
from plainsail.domain.courses import course
from plainsail.domain.driver import Driver
from plainsail.domain.service import Placement
from plainsail.domain.strategy import Custom, chain_name
from plainsail.spec.checks import Fault
from plainsail.spec.diagnostics import Path, did_you_mean, shown
from plainsail.spec.ways import exposures

MOST = 10
"""Checks at one place. All are asked at once, and beyond it somebody meant one that asks the others."""


def asked(placement: Placement) -> Iterator[Fault]:
    """What a placement asks of others."""
    yield from unplaced(placement)
    for at, drivers in _places(placement):
        if len(drivers) > MOST:
            yield Fault(
                f"{len(drivers)} checks at one place, and {MOST} are the limit", "let one ask the others", at
            )
    for moment, drivers in (
        ("before", placement.hooks.before),
        ("after", placement.hooks.after),
        ("failure", placement.hooks.failure),
    ):
        for index, driver in enumerate(drivers):
            if "on_error" in driver.config:
                yield Fault(
                    "'on_error' is for checks: a hook 'before' that does not answer ends the rollout, and the others change nothing",
                    "leave it out",
                    ("hooks", moment, index, driver.name, "on_error"),
                    at_key=True,
                )


def unplaced(placement: Placement) -> Iterator[Fault]:
    """Steps that the strategy does not have: what is asked there would never be asked."""
    if not (placement.checks or placement.approvals) or not exposures(placement):
        return
    way = course(
        placement.strategy, placement.pace, placement.replicas, placement.replicas, placement.evidence
    )
    there = {name.replace(" ", ""): name for name in (EACH, *stops(way.steps))}
    gap = not waits(way.steps, placement.replicas)
    named: list[tuple[str, Path, bool]] = [(name, ("checks", name), True) for name in placement.checks]
    named += [(name, ("approvals", index), False) for index, name in enumerate(placement.approvals)]
    for name, at, is_key in named:
        if gap:
            yield Fault(
                f"{chain_name(placement.strategy)} leaves users without the service until the new release is ready, so nobody is asked meanwhile",
                "ask before it begins, by 'hooks: {before: ...}', or write blue-green",
                at,
                is_key,
            )
        elif name.replace(" ", "") not in there:
            yield Fault(
                f"Nobody can be asked at {shown(name)}: {chain_name(placement.strategy)} has no such step that lasts",
                did_you_mean(name, there.values()) or f"there are {', '.join(there.values())}",
                at,
                is_key,
            )


def _places(placement: Placement) -> Iterator[tuple[Path, tuple[Driver, ...]]]:
    for name, drivers in placement.checks.items():
        yield ("checks", name), drivers
    for moment in ("before", "after", "failure"):
        yield ("hooks", moment), getattr(placement.hooks, moment)
    for index, strategy in enumerate(placement.strategy):
        if isinstance(strategy, Custom):
            for number, step in enumerate(strategy.steps):
                yield ("strategy", index, "custom", "steps", number, "checks"), step.checks
