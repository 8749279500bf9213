"""What is asked of others about a rollout, and the errands that are left when it is over."""

from __future__ import annotations

import msgspec

from plainsail.domain.checks import Errand, Moment, Question
from plainsail.domain.rollout import Rollout, Target

KEPT_ERRANDS = 50
"""Of one target: more than anybody's hooks of some rollouts in a row. Beyond it the oldest are given up, or a hook that
answers nothing would gather them for ever."""
NOTHING_HAPPENED = ("no_change", "quarantined", "nothing_to_go_back_to")
"""Codes of rollouts that were over as they began: no hook is told of them."""


def question(target: Target, rollout: Rollout, moment: Moment, number: int) -> Question:
    """The one of this number (from 0) at the present step, or of a hook afterwards."""
    live, over = target.group(rollout.live), moment in ("after", "failure")
    step = rollout.current()
    return Question(
        key=f"{rollout.id}/{moment if over else rollout.step}/{number}", moment=moment,
        service=rollout.service, environment=rollout.environment, rollout=rollout.id, strategy=rollout.strategy,
        step=step.name, share_bp=rollout.reached_bp if over else step.share("candidate"),
        release=rollout.revision.release, version=rollout.revision.version,
        live=live.revision.version if live else None, live_release=live.revision.release if live else None,
        by=rollout.by, outcome=rollout.phase if over else "", reason=rollout.reason if over else "",
    )  # fmt: skip


def with_errands(target: Target, over: Rollout, now: float) -> Target:
    """The target as it is left by a rollout that is over (`target` as it was before): its hooks are to be told."""
    hooks = over.placement.hooks
    if over.kind != "deploy" or over.reason_code in NOTHING_HAPPENED or over.phase == "superseded":
        return target
    moment: Moment = "after" if over.phase == "succeeded" else "failure"
    drivers = hooks.after if moment == "after" else hooks.failure
    left = tuple(
        Errand(question(target, over, moment, number), driver, now) for number, driver in enumerate(drivers)
    )
    return msgspec.structs.replace(target, errands=(*target.errands, *left)[-KEPT_ERRANDS:])
