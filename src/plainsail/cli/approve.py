"""Answers a step that asks a person. Where a ROLLOUT is asked for a SERVICE does."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from plainsail.cli.connect import HERE, Plane
from plainsail.cli.options import AsJson, Env, Reason
from plainsail.cli.steer import ask

AtStep = Annotated[
    str | None,
    Parameter(name="--step", metavar="NAME", help="Only if it is at the step of this name, such as 10%."),
]


def approve(
    rollout: str, /, *, step: AtStep = None, env: Env = None, reason: Reason = "", as_json: AsJson = False,
    plane: Plane = HERE,
) -> int:  # fmt: skip
    """Say yes to a step that asks a person.

    It stands for this step alone, and passes over nothing else: evidence and checks still have to be good. Who said
    it, and why, is kept in the history. Before it is asked for, it is refused; saying it twice changes nothing. A
    script names the step: tried again later, it approves no other.

    Example: `plainsail approve shop`
    Example: `plainsail approve shop --step 10%`
    Example: `plainsail approve shop --env production --reason 'seen by the support team'`

    Parameters
    ----------
    rollout
        Its id, or a service.
    """
    return ask("approve", rollout, env, reason, as_json, plane, step=step)


def reject(
    rollout: str, /, *, step: AtStep = None, env: Env = None, reason: Reason = "", as_json: AsJson = False,
    plane: Plane = HERE,
) -> int:  # fmt: skip
    """Say no to a step that asks a person: the rollout is taken back.

    All users get the release they had before, at once, and the rollout ends as aborted with this reason. Where no
    approval is waited for, plainsail abort does the same.

    Example: `plainsail reject shop --reason 'the price is wrong on the basket page'`

    Parameters
    ----------
    rollout
        Its id, or a service.
    """
    return ask("reject", rollout, env, reason, as_json, plane, step=step)
