"""Steering a rollout. Where a ROLLOUT is asked for a SERVICE does: nobody knows ids at three in the morning."""

from __future__ import annotations

from typing import Literal

from plainsail.cli.connect import HERE, Plane
from plainsail.cli.deploy import follow
from plainsail.cli.exits import ABORTED, DONE, USAGE, Refusal
from plainsail.cli.options import AsJson, Duration, Env, Flag, Reason
from plainsail.cli.screen import Json, out, plain, print_json, release_name, tell, words
from plainsail.cli.status import find
from plainsail.client import Client


def pause(
    rollout: str, /, *, env: Env = None, reason: Reason = "", as_json: AsJson = False, plane: Plane = HERE
) -> int:
    """Hold a rollout where it is: shares stay, the watch goes on.

    A release that turns out to be worse is taken back also while it is paused.

    Example: `plainsail pause shop --reason 'looking at a graph'`

    Parameters
    ----------
    rollout
        Its id, or a service.
    """
    return ask("pause", rollout, env, reason, as_json, plane)


def resume(rollout: str, /, *, env: Env = None, as_json: AsJson = False, plane: Plane = HERE) -> int:
    """Let a paused rollout go on.

    It goes on from the step it is at, with the evidence gathered so far.

    Example: `plainsail resume shop`

    Parameters
    ----------
    rollout
        Its id, or a service.
    """
    return ask("resume", rollout, env, "", as_json, plane)


def advance(rollout: str, /, *, env: Env = None, as_json: AsJson = False, plane: Plane = HERE) -> int:
    """Take the next step now, whatever the evidence still lacks.

    For whoever knows more than the numbers do. A release that is proven worse is still taken back.

    Example: `plainsail advance shop`
    Example: `plainsail advance shop --env production`

    Parameters
    ----------
    rollout
        Its id, or a service.
    """
    return ask("advance", rollout, env, "", as_json, plane)


def abort(
    rollout: str | None = None, /, *, all: Flag = False, gradual: Flag = False, env: Env = None, reason: Reason = "",
    as_json: AsJson = False, plane: Plane = HERE,
) -> int:  # fmt: skip
    """Take a rollout back: all users to the release they had before.

    Passes every gate and freeze. Users are off the new release within a moment, then its instances end. With --all
    it is every rollout under way, everywhere, and no id is needed; a rollback goes on. With --gradual they go back by
    the shares they came by, in reverse; harm on that way makes it one at once, and so does another abort.

    Example: `plainsail abort shop`
    Example: `plainsail abort shop --gradual --reason 'the caches of the old one are cold'`
    Example: `plainsail abort --all --reason 'fire in the data centre'`

    Parameters
    ----------
    rollout
        Its id, or a service.
    all
        Every rollout under way, everywhere.
    gradual
        The shares in reverse, each for the dwell time of the pace, instead of all users at once.
    """
    if all and gradual:
        raise Refusal(
            USAGE,
            "usage",
            "abort --all takes everybody back at once",
            "leave --gradual out, or name a rollout",
        )
    if all == (rollout is not None):
        raise Refusal(
            USAGE,
            "usage",
            "abort takes a rollout, a service, or --all, and exactly one of them",
            "for example: plainsail abort shop",
        )
    if rollout is not None:
        return ask("abort", rollout, env, reason, as_json, plane, gradual)
    with plane.connect() as client:
        answer = client.abort_all(reason)
    if as_json:
        print_json(answer)
        return DONE
    for one in answer["rollouts"]:
        out().print(
            f"Aborting {one['service']} {plain(one['version'] or '')} in {one['environment']} ({one['id']})"
        )
    if not answer["rollouts"]:
        out().print("No rollout is under way that does not go back already")
    return DONE


def rollback(
    service: str, /, *, env: Env = None, to: str | None = None, reason: Reason = "", wait: Flag = False,
    timeout: Duration | None = None, as_json: AsJson = False, plane: Plane = HERE,
) -> int:  # fmt: skip
    """Go back to the last good release, at once.

    Passes every gate and freeze. Instances of the earlier release are started, then all users move at once; no
    evidence is asked. While a rollout is under way, the last good release is the live one: then that rollout is
    aborted.

    Example: `plainsail rollback shop --wait`
    Example: `plainsail rollback shop --env production --to 1.3`

    Parameters
    ----------
    service
        The service.
    to
        Another release that was live before, by version or digest.
    wait
        Stay until it is done.
    timeout
        With --wait: stay no longer, such as 90s or 10m. The rollback goes on.
    """
    with plane.connect() as client:
        environment = env or only_environment(client, service)
        rollout = client.rollback(service, environment, to, reason)
        what = "" if as_json or rollout["kind"] == "rollback" else _taken_back(client, rollout)
        code = follow(client, rollout, wait, timeout, as_json, what)
    # Taking back what was under way is what was asked for.
    return DONE if code == ABORTED else code


def _taken_back(client: Client, rollout: Json) -> str:
    """What a rollback does to a rollout under way."""
    groups = client.status(rollout["service"], rollout["environment"])["groups"]
    live = next((plain(one["version"]) for one in groups if one["role"] == "live"), "the release before")
    name = release_name(rollout["version"], rollout["release"])
    return f"Rollout {rollout['id']} of {name} is being taken back; all users go back to {live}"


def only_environment(client: Client, service: str) -> str:
    """The one a service is in. Raises Refusal (`ambiguous`)."""
    environments = [document["environment"] for document in find(client, service, None)]
    if len(environments) != 1:
        raise Refusal(
            USAGE, "ambiguous", f"{service} is in {', '.join(environments)}", "say which with --env"
        )
    return str(environments[0])


def ask(
    verb: Literal["pause", "resume", "advance", "abort", "approve", "reject"],
    rollout: str,
    env: str | None,
    reason: str,
    as_json: bool,
    plane: Plane,
    gradual: bool = False,
    step: str | None = None,
) -> int:
    with plane.connect() as client:
        answer = client.steer(verb, rollout, env, reason, gradual, step)
    if as_json:
        print_json(answer)
        return DONE
    done = {
        "pause": "Pausing", "resume": "Resuming", "advance": "Advancing", "abort": "Aborting",
        "approve": "Approving", "reject": "Rejecting",
    }[verb]  # fmt: skip
    done = f"Gradually {done.lower()}" if gradual else done
    name = release_name(answer["version"], answer["release"])
    said = f"rollout {answer['id']} of {answer['service']} {name} in {answer['environment']}"
    said = (
        f"R{said[1:]} was {verb}{'d' if verb == 'approve' else 'ed'} already"
        if answer.get("already")
        else f"{done} {said}"
    )
    where = f"plainsail status {answer['service']} --env {answer['environment']}"
    tell(out(), f"{said} ({words(answer['phase'])}); see it: {where}")
    return DONE
