"""Events: everything that happened, in the past tense, written in the transaction of the state it changed."""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal[
    # An environment, a service or the webhook was registered or changed; the reason names the keys, never their values.
    "spec_applied",
    # A directory was uploaded and became a release of a service.
    "release_made",
    # Something was asked that was no longer possible when its turn came; nothing was changed.
    "intent_refused",
    # A rollout began: a deploy or a rollback.
    "rollout_started",
    # The rollout went on to its next step; the traffic follows.
    "step_entered",
    # The step's split of users was first seen in force at the router.
    "traffic_moved",
    # It waits: a person paused it, or its deadline is over with the evidence unsure.
    "rollout_paused",
    # Nobody has decided about a rollout on hold, and it goes back to live soon unless somebody does.
    "rollout_unanswered",
    # A person let it go on.
    "rollout_resumed",
    # A step waits for nothing but a person's approval.
    "approval_asked",
    # A person approved; `by` says who.
    "approval_given",
    # A check said go or no-go, or did not answer after all retries.
    "check_answered",
    # A hook of a rollout that is over has answered, failed, or was given up; nothing follows from it.
    "hook_ended",
    # It was decided to take the candidate back: by evidence, by a person, because it never became ready, or because a test is over.
    "rollout_turned_back",
    # It is over; `phase` says what became of it.
    "rollout_ended",
    # An instance ended by itself, failed its liveness probe, or was never ready.
    "instance_failed",
    # One instance of the candidate was bad while the others were well: it is replaced, and the rollout goes on.
    "instance_replaced",
    # Users who had kept a superseded release have live again: it was worse, or none of its instances answers any more.
    "superseded_taken_back",
    # Traffic was not as it should be while nothing was under way: somebody changed the router; it was put right.
    "drift_corrected",
    # A router or provider could not do or say what it was asked; it is asked again, and told once.
    "driver_failed",
]
"""What happened. The comment above each is its meaning in docs/reference/events.md."""


class Event(msgspec.Struct, frozen=True):
    """One thing that happened. `data` holds numbers and names, never a secret and never an instance's output."""

    kind: Kind
    at: float
    """Seconds since 1970."""
    service: str = ""
    """Empty if it is about no single service."""
    environment: str = ""
    rollout: str = ""
    """Id; empty if it is about none."""
    by: str = "plainsail"
    """Who: the name behind the token, or `plainsail` itself."""
    reason: str = ""
    """One sentence with its numbers."""
    code: str = ""
    """The reason in one stable word, for programs."""
    data: dict[str, str | int | float | bool | None] = {}
