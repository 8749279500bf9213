"""When a step is left, in the words of whoever waits for it."""

from __future__ import annotations

from typing import assert_never

from plainsail.domain.strategy import Condition, Judged, Ready, Settled
from plainsail.domain.units import percent, seconds


def leaving(condition: Condition) -> str:
    match condition:
        case Ready(role=role, within=within):
            return f"when every {role} instance is ready (within {seconds(within)})"
        case Judged(until="dwell", dwell=dwell):
            return f"after {seconds(dwell)}, unless the evidence shows harm"
        case Judged(exposure=exposure, dwell=dwell, deadline=deadline, on_unsure=on_unsure):
            then = {"hold": "hold", "rollback": "roll back", "advance": "advance"}[on_unsure]
            return f"when safe for {percent(exposure)}, after {seconds(dwell)} or more; not in {seconds(deadline)}: {then}"
        case Settled():
            return "when the other instances are gone"
        case _:
            assert_never(condition)
