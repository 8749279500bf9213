"""Answers a step that asks a person. Where a ROLLOUT is asked for a SERVICE does."""

from __future__ import annotations

from plainsail.cli.connect import HERE, Plane
from plainsail.cli.options import AsJson, Env, Reason
from plainsail.cli.steer import ask


def approve(
    rollout: str, /, *, env: Env = None, reason: Reason = "", as_json: AsJson = False, plane: Plane = HERE
) -> int:
    """Say yes to a step that asks a person.

    It stands for this step alone, and passes over nothing else: evidence and checks still have to be good. Who said
    it, and why, is kept in the history. Saying it twice changes nothing.

    Example: `plainsail approve shop`
    Example: `plainsail approve shop --env production --reason 'seen by the support team'`

    Parameters
    ----------
    rollout
        Its id, or a service.
    """
    return ask("approve", rollout, env, reason, as_json, plane)


def reject(
    rollout: str, /, *, env: Env = None, reason: Reason = "", as_json: AsJson = False, plane: Plane = HERE
) -> int:
    """Say no to a step that asks a person: the rollout is taken back.

    All users get the release they had before, at once, and the rollout ends as aborted with this reason. Where no
    approval is waited for, plainsail abort does the same.

    Example: `plainsail reject shop --reason 'the price is wrong on the basket page'`

    Parameters
    ----------
    rollout
        Its id, or a service.
    """
    return ask("reject", rollout, env, reason, as_json, plane)
