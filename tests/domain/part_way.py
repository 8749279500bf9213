"""A rollout part of the way, put together by hand: v2 after v1, at a step of the test's own."""

from __future__ import annotations

from typing import Any

from tests.domain.stage import PACE, RUN

from plainsail.domain.checks import Told, Word
from plainsail.domain.driver import Driver
from plainsail.domain.events import Event
from plainsail.domain.rollout import Group, Revision, Rollout, Target
from plainsail.domain.service import Placement, config_digest
from plainsail.domain.steps import gone, split_at
from plainsail.domain.strategy import Course, Judged, Step

NOW = 1000.0
V1 = Revision("sha256:" + "1" * 64, "v1", RUN, config_digest(RUN))
V2 = Revision("sha256:" + "2" * 64, "v2", RUN, config_digest(RUN))
LIVE, NEW = Group("g1", "live", V1, 4), Group("g2", "candidate", V2, 4)
WATCHED = Judged("dwell", 5000, 1.0, 60.0, "hold")
BY_HAND = Judged("advanced", 0, 0.0, 60.0, "hold")
SMOKE = Driver("command", {"name": "smoke", "every": 5.0, "retries": 2})
STRICT = Driver("webhook", {"every": 5.0, "retries": 1, "on_error": "rollback"})
GO, NO_GO, NOT_YET = Word("go", 900.0), Word("no_go", 900.0), Word("not_yet", 900.0)


def step(name: str = "10 %", share: int = 1000, **fields: Any) -> Step:
    """One at which the candidate has a share of the users."""
    settings: dict[str, Any] = {"leave": WATCHED, "sizes": {"live": 4, "candidate": 1}}
    return Step(name, split=split_at(share, False), **(settings | fields))


def part_way(*steps: Step, **fields: Any) -> Rollout:
    """At the first of these steps, whose traffic is in force."""
    settings: dict[str, Any] = {
        "id": "r2", "service": "shop", "environment": "production", "kind": "deploy", "by": "ada",
        "strategy": "canary", "revision": V2, "candidate": "g2", "live": "g1", "replicas": 4,
        "placement": Placement(replicas=4, pace=PACE), "course": Course(steps or (step(),), (gone(4),)),
        "started_at": 800.0, "entered_at": 850.0, "in_force_at": 860.0, "phase": "progressing",
    }  # fmt: skip
    return Rollout(**(settings | fields))


def target_of(rollout: Rollout | None, **fields: Any) -> Target:
    settings: dict[str, Any] = {"serial": 2, "groups": (LIVE, NEW), "live": "g1", "rollout": rollout}
    return Target("shop", "production", **(settings | fields))


def told(events: tuple[Event, ...]) -> list[tuple[str, str, str, str]]:
    """What happened, by whom, the sentence and the code."""
    return [(one.kind, one.by, one.reason, one.code) for one in events]


def says(verdict: str, why: str = "", at: float = NOW) -> Told:
    return Told(at, verdict, why)  # type: ignore[arg-type]  # one of them
