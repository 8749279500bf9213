"""What the person says who is asked in a simulation: go, at once."""

from __future__ import annotations

from plainsail.domain.approval import awaited
from plainsail.domain.intents import Advance, Approve
from plainsail.domain.rollout import Rollout

WHO = "simulate"


def answer(rollout: Rollout) -> Approve | Advance | None:
    """To a step, or to the winner of a test; None: nobody is asked anything."""
    if awaited(rollout):
        return Approve(rollout.id, WHO, step=rollout.step)
    if asked_of_winner(rollout):
        return Advance(rollout.id, WHO, step=rollout.step)
    return None


def asked_of_winner(rollout: Rollout) -> bool:
    """A test has a winner, and a person is asked what it gets."""
    trial = rollout.trial
    if rollout.phase != "progressing" or trial is None or not rollout.current().tests():
        return False
    return trial.asked.then == "ask" and trial.decided is not None and bool(trial.decided.winner)
