"""How long a rollout is held for a person, and what is said before that is over.

On hold, shares stay as they are: by `on_unsure: hold`, by `on_failure: hold`, or because somebody paused it. If nobody
decides, it goes back to live. Before that there is a last call, from which on somebody still has time: so a control plane
that was off for longer than the hold lasts says so first, and does not take users back in its first second.
"""

from __future__ import annotations

import msgspec

from plainsail.domain.events import Kind
from plainsail.domain.finding import past
from plainsail.domain.lifecycle import Changed, enter, event, turn_back
from plainsail.domain.rollout import Against, Phase, Rollout, Target
from plainsail.domain.strategy import Judged, Step
from plainsail.domain.units import seconds

replace = msgspec.structs.replace

HELD_WITHIN = 7 * 86_400.0
"""Seconds: as long as a step waits for a person (`steps.ASKED_WITHIN`), for the same reason: people have holidays."""
LAST_CALL = 3600.0
"""Seconds before the end; of a hold that is shorter than two of them, its second half. Who is on call sees an hour."""


def hold(
    target: Target, rollout: Rollout, why: str, code: str, now: float, against: Against | None = None
) -> Changed:
    """From here on it waits for a person. `against`: what it is held for."""
    known = replace(against, held=True) if against is not None else rollout.against
    held = replace(rollout, phase="paused", reason_code=code, held_at=now, called_at=None, against=known)
    held = replace(held, reason=f"{why}{_asked(held)}")
    return _told(target, held, "rollout_paused", now)


def where_to_hold(rollout: Rollout, now: float) -> Rollout | None:
    """The rollout at a step where shares stay: the present one if it is watched and users have its share, else the last before
    it of which that is true. A step that waits for instances gives users more of the release as soon as they are ready. None:
    there is none, or somebody went on to the present one in spite of harm."""
    if _stays(rollout.current(), rollout):
        return rollout
    if rollout.against is not None:
        return None
    for number in reversed(range(rollout.step)):
        step = rollout.steps()[number]
        if _stays(step, rollout) and step.share("candidate"):
            return enter(rollout, number, now)
    return None


def _stays(step: Step, rollout: Rollout) -> bool:
    return isinstance(step.leave, Judged) and step.share("candidate") <= rollout.reached_bp


def waited(target: Target, rollout: Rollout, now: float) -> Changed:
    """A rollout on hold after this look: as it is, with its last call, or on its way back."""
    if rollout.held_at is None:  # it was held before holds had an end
        return Changed(replace(target, rollout=replace(rollout, held_at=now)))
    if rollout.called_at is None and now >= rollout.held_at + lasts(rollout) - _last(rollout):
        called = replace(rollout, called_at=now)
        soon = f"nobody has decided yet, and it goes back in {seconds(_last(rollout))}: {_why(rollout)}"
        said = event("rollout_unanswered", replace(called, reason=soon), now)
        return Changed(replace(target, rollout=called), (called,), (said,))
    if rollout.called_at is None or now < back_at(rollout):
        return Changed(target)
    ending: Phase = "aborted" if rollout.reason_code == "paused" else "rolled_back"
    why = f"nobody decided within {seconds(lasts(rollout))}: {_why(rollout)}"
    return turn_back(target, rollout, ending, why, "unanswered", "plainsail", now)


def lasts(rollout: Rollout) -> float:
    """Seconds. Users of what is proven to be worse wait no longer than a step may take."""
    return rollout.placement.pace.deadline if _for_harm(rollout) else HELD_WITHIN


def back_at(rollout: Rollout) -> float:
    """When a rollout on hold goes back if nobody decides. After the last call there is time left, also if that was late."""
    if rollout.called_at is not None:
        return rollout.called_at + _last(rollout)
    return (rollout.entered_at if rollout.held_at is None else rollout.held_at) + lasts(rollout)


def _for_harm(rollout: Rollout) -> bool:
    return rollout.against is not None and rollout.against.held


def _last(rollout: Rollout) -> float:
    return min(LAST_CALL, lasts(rollout) / 2)


def _asked(rollout: Rollout) -> str:
    """What is said beforehand."""
    if rollout.reason_code == "paused":
        return ""
    verbs = "advance or abort it" if _for_harm(rollout) else "resume, advance or abort it"
    return f"; {verbs} within {seconds(lasts(rollout))}, or it goes back"


def _why(rollout: Rollout) -> str:
    """Why it is held, without what may be done about it."""
    return past(rollout.reason.removesuffix(_asked(rollout)))


def _told(target: Target, rollout: Rollout, kind: Kind, now: float) -> Changed:
    return Changed(replace(target, rollout=rollout), (rollout,), (event(kind, rollout, now),))
