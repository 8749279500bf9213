"""A test of two variants under way, put together by hand: red is the candidate, and blue the other one."""

from __future__ import annotations

from typing import Any

from tests.domain.part_way import LIVE, NOW, V2, part_way, step, target_of
from tests.domain.stage import replace
from tests.domain.trials import COLOURS, KPI

from plainsail.domain import trying
from plainsail.domain.criteria import EvidenceCriteria
from plainsail.domain.evidence import Evidence, Sums, Track
from plainsail.domain.lifecycle import Changed
from plainsail.domain.rollout import Group, Rollout
from plainsail.domain.service import Placement, config_digest
from plainsail.domain.strategy import AB, Judged, Pace
from plainsail.domain.trial import Decided, Trial

TEST = AB("conversion", lasts=600.0, variants=COLOURS)
DIVIDED = step("test", 2500, leave=Judged("compared", 0, 0.0, 600.0, "rollback"))
AFTER = step("100 %", 9999)
PLACE = Placement(
    replicas=4, pace=Pace(dwell=50.0, deadline=60.0),
    evidence=EvidenceCriteria(metrics={"conversion": KPI}),
)  # fmt: skip
LIVES = (40_000, 1_920)
BETTER = {"g2": (20_000, 1_000), "g3": (20_000, 1_400)}
ALIKE = {"g2": (20_000, 960), "g3": (20_000, 961)}
UNEVEN = {"g2": (25_000, 1_200), "g3": (20_000, 960)}
BLUE = replace(V2, run=replace(V2.run, env={"BUTTON": "blue"}))
VARIANTS = (
    LIVE,
    Group("g2", "variant", V2, 4, "red"),
    Group("g3", "variant", replace(BLUE, config=config_digest(BLUE.run)), 4, "blue"),
)
SAID = "blue is better by conversion: 7 % against live's 4.8 %, by 2.2 points (1.32 to 3.08 at 99 %); better than red too"
RED_AND_BLUE = (
    "red 4.8 % against live's 4.8 %, better by 0 points (-0.741 to 0.741 at 99 %), and blue 4.81 % against live's "
    "4.8 %, better by 0.005 points (-0.736 to 0.746 at 99 %)"
)
WON = Decided("winner", SAID, 900.0, "g3")


def trial_of(test: AB = TEST, decided: Decided | None = None) -> Trial:
    return Trial(test, ("g2", "g3"), ("red", "blue"), decided)


def under_way(trial: Trial | None = None, **fields: Any) -> Rollout:
    """Users are divided since 860 s."""
    return part_way(DIVIDED, AFTER, **({"placement": PLACE, "trial": trial or trial_of()} | fields))


def known_of(
    hits: dict[str, tuple[int, int]], since: float | None = 860.0, live: tuple[int, int] = LIVES
) -> Evidence:
    """What the source has said of the arms: users, and those of them who bought."""
    first, *others = ({"conversion": Track(candidate=_sums(one), live=_sums(live))} for one in hits.values())
    more = {group: Evidence(850.0, tracks=track) for group, track in zip(list(hits)[1:], others, strict=True)}
    return Evidence(850.0, "r2", since, tracks=first, variants=more)


def _sums(hits: tuple[int, int]) -> Sums:
    users, bought = map(float, hits)
    return Sums(users, bought, bought)


def look(rollout: Rollout, evidence: Evidence | None, now: float = NOW) -> Changed:
    return trying.tried(Changed(target_of(rollout, groups=VARIANTS)), rollout, evidence, now)
