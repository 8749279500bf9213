"""Upkeep of what is live: `scale`, `restart` and `remove`, each a rollout of its own."""

from __future__ import annotations

import sys

from plainsail.cli.connect import HERE, Plane
from plainsail.cli.deploy import follow
from plainsail.cli.exits import DONE, USAGE, Refusal
from plainsail.cli.options import AsJson, Duration, Env, Flag, Reason
from plainsail.cli.screen import Json, err, out, plain, print_json, tell
from plainsail.cli.steer import only_environment
from plainsail.domain.units import plural


def scale(
    service: str, n: int, /, *, env: Env = None, reason: Reason = "", wait: Flag = False,
    timeout: Duration | None = None, as_json: AsJson = False, plane: Plane = HERE,
) -> int:  # fmt: skip
    """Run more instances of what is live, or fewer.

    New instances get users when they are ready; those that are too many are drained before they end. The number is
    kept, over deploys too, until the file says another number of replicas than it does now.

    Example: `plainsail scale shop 8 --wait`
    Example: `plainsail scale shop 2 --env production --reason 'the sale is over'`

    Parameters
    ----------
    service
        The service.
    n
        Instances, 1 to 1000.
    wait
        Stay until it is done.
    timeout
        With --wait: stay no longer, such as 90s or 10m. The rollout goes on.
    """
    _timed(timeout, wait)
    with plane.connect() as client:
        environment = env or only_environment(client, service)
        rollout = client.scale(service, environment, n, reason)
        what = f"Scaling {service} in {environment} to {plural(n, 'instance')} ({rollout['id']})"
        return follow(client, rollout, wait, timeout, as_json, what)


def restart(
    service: str, /, *, env: Env = None, reason: Reason = "", wait: Flag = False, timeout: Duration | None = None,
    as_json: AsJson = False, plane: Plane = HERE,
) -> int:  # fmt: skip
    """Replace every instance by a new one of the same release and configuration.

    The new ones are started beside the old ones and get the users when they are ready, batch by batch where the
    declared strategy is a rolling one; with recreate the old ones end first, and users see a gap.

    Example: `plainsail restart shop --wait`
    Example: `plainsail restart shop --env production --reason 'a leak'`

    Parameters
    ----------
    service
        The service.
    wait
        Stay until it is done.
    timeout
        With --wait: stay no longer, such as 90s or 10m. The rollout goes on.
    """
    _timed(timeout, wait)
    with plane.connect() as client:
        environment = env or only_environment(client, service)
        rollout = client.restart(service, environment, reason)
        what = f"Restarting {service} in {environment} ({rollout['id']})"
        return follow(client, rollout, wait, timeout, as_json, what)


def remove(
    service: str, /, *, env: Env = None, yes: Flag = False, reason: Reason = "", wait: Flag = False,
    timeout: Duration | None = None, as_json: AsJson = False, plane: Plane = HERE,
) -> int:  # fmt: skip
    """Take a service away from an environment.

    The router sends it nobody any more, what was begun is answered, its instances end, its rules go, and it is no
    longer registered there. Its releases and its history are kept: apply and deploy bring it back. Other environments
    keep theirs. While it lasts, abort keeps the service. Where nothing runs, only the registration ends, at once.

    Asks once on a terminal; elsewhere it needs --yes.

    Example: `plainsail remove shop --env staging`
    Example: `plainsail remove shop --env staging --yes --wait`

    Parameters
    ----------
    service
        The service.
    yes
        Don't ask.
    wait
        Stay until it is done.
    timeout
        With --wait: stay no longer, such as 90s or 10m. The rollout goes on.
    """
    _timed(timeout, wait)
    with plane.connect() as client:
        environment = env or only_environment(client, service)
        expected = None
        if not yes:
            seen = client.status(service, environment)
            if not _confirmed(seen):
                tell(err(), "Nothing was removed")
                return DONE
            expected = _seen(seen)
        rollout = client.remove(service, environment, reason, expected)
        if rollout["reason_code"] == "removed":
            if as_json:
                print_json(rollout)
            else:
                tell(out(), f"{plain(rollout['reason'][:1].upper() + rollout['reason'][1:])}")
            return DONE
        what = f"Removing {service} from {environment} ({rollout['id']})"
        return follow(client, rollout, wait, timeout, as_json, what)


def _timed(timeout: float | None, wait: bool) -> None:
    if timeout is not None and not wait:
        raise Refusal(USAGE, "usage", "--timeout is for --wait, and --wait is not given", "add --wait")


def _seen(status: Json) -> Json:
    """What the question was about: whatever else went live meanwhile is not to be removed."""
    live = next((one["group"] for one in status["groups"] if one["role"] == "live"), "")
    return {"rollout": status["rollout"]["id"] if status["rollout"] else "", "live": live}


def _confirmed(status: Json) -> bool:
    """What is lost, in numbers, and a yes. Raises Refusal (`not_confirmed`) where nobody can be asked."""
    where = f"{status['service']} from {status['environment']}"
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Refusal(
            USAGE, "not_confirmed", f"Nobody is there to confirm that {where} is to be removed",
            "add --yes if that is meant",
        )  # fmt: skip
    live = next((one for one in status["groups"] if one["role"] == "live"), None)
    console = err()
    if live is None:
        tell(console, "Nothing is live there. Only its registration ends; releases and history are kept.")
    else:
        runs = f"{plain(live['version'])} with {plural(live['replicas'], 'instance')}"
        tell(console, f"Live there: {runs}. Nobody will answer its users; releases and history are kept.")
    console.print(f"Remove {where}? [y/N] ", end="")
    return sys.stdin.readline().strip().lower() in ("y", "yes")
