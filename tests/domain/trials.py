"""What tests of variants are told with: a KPI, who had how much of it, and who has which arm."""

from __future__ import annotations

from typing import Any

from tests.domain.stage import EASY, PACE, Stage, replace

from plainsail.domain.criteria import Averaged, Metric
from plainsail.domain.measurement import Reading
from plainsail.domain.observation import Measured
from plainsail.domain.rollout import Rollout
from plainsail.domain.service import Sticky
from plainsail.domain.strategy import AB, Variant
from plainsail.domain.traffic import Traffic

KPI = Metric("shop", mean=Averaged("n", "s", "q"), better="higher", role="informative")
PLACE: dict[str, Any] = {
    "sticky": Sticky(cookie="who"),
    "evidence": replace(EASY, metrics={"conversion": KPI}),
    "pace": PACE,
}
COLOURS = {"red": Variant({"BUTTON": "red"}), "blue": Variant({"BUTTON": "blue"})}
Hits = tuple[int, int]
"""Users, and those of them who bought."""


def of(stage: Stage) -> Rollout:
    rollout = stage.target.rollout
    assert rollout is not None
    return rollout


def begun(stage: Stage, test: AB, **place: Any) -> None:
    """v1 is live, and the test of v2 divides its users."""
    stage.settled("v1", **PLACE)
    stage.turn(stage.deploy("v2", test, **(PLACE | place)))
    for _ in range(20):
        if of(stage).current().tests() and of(stage).in_force_at is not None:
            return
        stage.ready(*stage.groups)
        stage.ask()
        stage.turn()
    raise AssertionError("the test never begins")


def measured(stage: Stage, **arms: Hits) -> None:
    """What the source knows of all time so far; `live`, and variants by name."""
    rollout = of(stage)
    assert rollout.trial is not None
    since = rollout.in_force_at or stage.now

    def reading(hits: Hits) -> Reading:
        parts = {"n": float(hits[0]), "s": float(hits[1]), "q": float(hits[1])}
        named = dict(zip(KPI.queries(), parts.values(), strict=True))
        return Reading(since, stage.now, named)

    by_group = dict(zip(rollout.trial.groups, rollout.trial.names, strict=True))
    known = {group: reading(arms[name]) for group, name in by_group.items()}
    mine = known.pop(rollout.candidate)
    stage.measured["conversion"] = Measured(mine, reading(arms["live"]), known)


def looks(stage: Stage, number: int) -> None:
    """A helpful world and good answers."""
    for _ in range(number):
        stage.ready(*stage.groups)
        stage.gone()
        stage.ask()
        stage.turn()


def fates(traffic: Traffic | None) -> list[tuple[int, str]]:
    """Up to which bucket users have which group, as routers read a split; live has the rest."""
    split = traffic.routes[-1].split if traffic else ()
    upper, found = 0, []
    for part in split:
        if traffic is not None and part.group != traffic.live:
            upper += part.share_bp
            found.append((upper, part.group))
    return found
