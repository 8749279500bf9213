"""Events: everything that happened, in the past tense, written in the transaction of the state it changed."""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal[
    "spec_applied",
    "release_made",
    "intent_refused",
    "rollout_started",
    "step_entered",
    "traffic_moved",
    "rollout_paused",
    "rollout_resumed",
    "rollout_turned_back",
    "rollout_ended",
    "instance_failed",
    "drift_corrected",
    "driver_failed",
]


class Event(msgspec.Struct, frozen=True):
    """One thing that happened. `data` holds numbers and names, never a secret and never an instance's output."""

    kind: Kind
    at: float
    service: str = ""
    environment: str = ""
    rollout: str = ""
    by: str = "plainsail"
    reason: str = ""
    code: str = ""
    data: dict[str, str | int | float | bool | None] = {}
