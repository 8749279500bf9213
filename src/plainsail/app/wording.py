"""When a step is left, in the words of whoever waits for it."""

from __future__ import annotations

from typing import assert_never

from plainsail.domain.checks import listed
from plainsail.domain.patience import HELD_WITHIN
from plainsail.domain.strategy import Condition, Elapsed, Judged, Pace, Ready, Settled, Step
from plainsail.domain.units import percent, plural, seconds


def left(step: Step) -> str:
    """The condition, and whose word it takes besides."""
    also = [f"{listed(step.checks)} {'says' if len(step.checks) == 1 else 'say'} go"] if step.checks else []
    if step.approve_within is not None:
        also.append(f"a person approves (plainsail approve) within {seconds(step.approve_within)}")
    if isinstance(step.leave, Judged) and step.leave.until in ("checked", "hooked"):
        late = "fail" if step.leave.until == "hooked" else _late(step.leave)
        return f"when {' and '.join(also)}; not in {seconds(step.leave.deadline)}: {late}"
    return " and when ".join((leaving(step.leave), *also))


def leaving(condition: Condition) -> str:
    match condition:
        case Ready(role=role, within=within):
            return f"when every {role} instance is ready (within {seconds(within)})"
        case Judged(until="dwell", dwell=dwell, requests=requests):
            least = f" and {plural(requests, 'request')}" if requests else ""
            return f"after {seconds(dwell)}{least}, unless the evidence shows harm"
        case Judged(until="analysed", deadline=deadline):
            return f"when every metric asked before the first user is good; not in {seconds(deadline)}: {_late(condition)}"
        case Judged(until="compared", deadline=deadline):
            return f"when the KPI decides, or after {seconds(deadline)}"
        case Judged(until="advanced", deadline=deadline):
            return (
                f"when a person says so (plainsail advance); not in {seconds(deadline)}: {_late(condition)}"
            )
        case Judged(exposure=exposure, dwell=dwell, deadline=deadline, requests=requests):
            least = f" and {plural(requests, 'request')}" if requests else ""
            safe = f"when safe for {percent(exposure)}, after {seconds(dwell)}{least} or more"
            return f"{safe}; not in {seconds(deadline)}: {_late(condition)}"
        case Elapsed(lasts=lasts):
            return f"after {seconds(lasts)}"
        case Settled():
            return "when the other instances are gone"
        case _:
            assert_never(condition)


def on_harm(pace: Pace) -> str:
    """What is done when users are proven to be worse off; empty: they go back at once."""
    return {
        "rollback": "",
        "gradual": f"the shares in reverse, {seconds(pace.dwell)} each, and at once if it goes on",
        "hold": f"hold for a person, and after {seconds(pace.deadline)} roll back",
    }[pace.on_failure]


def _late(judged: Judged) -> str:
    return {
        "hold": f"hold, and after {seconds(HELD_WITHIN)} roll back",
        "rollback": "roll back",
        "advance": "advance",
    }[judged.on_unsure]
