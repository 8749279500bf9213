"""Asks for more instances of what is live or fewer, for new ones, or for its end. Each is a rollout that supersedes none."""

from __future__ import annotations

from functools import partial

from plainsail.app import naming
from plainsail.app.access import Subject, allow
from plainsail.app.context import Context
from plainsail.app.documents import RolloutDocument
from plainsail.app.expected import Conflict, Expected, agreed, refusal
from plainsail.app.status import rollout_by_id
from plainsail.domain.events import Event
from plainsail.domain.intents import Remove, Restart, Scale
from plainsail.domain.rollout import Rollout, Target
from plainsail.domain.upkeep import MOST
from plainsail.ports.errors import NotFound, Rejected
from plainsail.ports.store import Key


def scale(
    context: Context, subject: Subject, key: Key, replicas: int, reason: str = "", expected: Expected | None = None
) -> RolloutDocument:  # fmt: skip
    """The live group gets so many instances, and keeps them until the file says another number than now. Raises NotFound,
    Rejected (`replicas_range`), Conflict (`nothing_live`, `under_way`, `moved_on`)."""
    allow(subject, "deploy")
    _, placement, _ = naming.placed(context, key.service, key.environment)
    if replicas < 1:
        raise Rejected(
            "replicas_range", f"{key.service} can't run in {replicas} instances",
            f"to take it away: plainsail remove {key.service} --env {key.environment}",
        )  # fmt: skip
    if replicas > MOST:
        what = f"{replicas:,} instances are more than the {MOST:,} that a service may have in one environment"
        raise Rejected("replicas_range", what, f"write a number from 1 to {MOST}")
    intent = Scale(context.new_id(), subject.name, replicas, placement.replicas, reason)
    return _asked(context, key, intent, expected)


def restart(
    context: Context, subject: Subject, key: Key, reason: str = "", expected: Expected | None = None
) -> RolloutDocument:
    """New instances of the release and the configuration that are live. Raises NotFound (also `release_missing`), Conflict."""
    allow(subject, "deploy")
    state = naming.target(context, key)
    live = state.group(state.live)
    if live is not None and not context.artifacts.has(live.revision.release):
        raise NotFound(
            "release_missing", f"The files of {live.revision.version} are gone", "deploy its directory again"
        )
    return _asked(context, key, Restart(context.new_id(), subject.name, reason), expected)


def remove(
    context: Context, subject: Subject, key: Key, reason: str = "", expected: Expected | None = None
) -> RolloutDocument:
    """Users, instances, the router's rules, and in the end the registration there; of what never ran, or runs no more, the
    registration at once. Raises NotFound, Conflict."""
    allow(subject, "deploy")
    naming.placed(context, key.service, key.environment)
    if naming.under_way(context, key) is None and _nothing_runs(naming.target(context, key)):
        with agreed(context, key, expected):
            if id := _unplaced(context, subject, key, reason):
                return rollout_by_id(context, id)
    return _asked(context, key, Remove(context.new_id(), subject.name, reason), expected)


def possible(context: Context, subject: Subject, key: Key) -> dict[str, str]:
    """By verb: why it can't be done now; empty if it can."""
    allow(subject, "read")
    why = refusal(partial(_check, context, key, "restart"))
    return {"scale": why, "restart": why, "remove": refusal(partial(_check, context, key, "remove"))}


def _nothing_runs(state: Target) -> bool:
    return state.live is None and not state.groups


def _unplaced(context: Context, subject: Subject, key: Key, reason: str) -> str:
    """Its registration ends; the id under which that is told. Empty: somebody was faster."""
    id = context.new_id()
    where = f"nothing of {key.service} ran in {key.environment}, and it is not registered there any more"
    told = f"{where}: {reason}" if reason else where
    data: dict[str, str | int | float | bool | None] = {"kind": "remove", "phase": "succeeded"}
    removed = Event(
        "spec_applied", context.now(), key.service, key.environment, id, subject.name, told, "removed", data
    )
    return id if context.store.unplace(key, (removed,)) else ""


def _asked(
    context: Context, key: Key, intent: Scale | Restart | Remove, expected: Expected | None
) -> RolloutDocument:
    with agreed(context, key, expected):
        _check(context, key, type(intent).__name__.lower())
        context.store.ask(key, intent, context.now())
    context.live.nudge(key)
    return rollout_by_id(context, intent.rollout)


def _check(context: Context, key: Key, verb: str) -> None:
    """Say at once what the engine would refuse a moment later."""
    found = naming.under_way(context, key)
    where = f"{key.service} in {key.environment}"
    if found is not None:
        phase = found.of.phase.replace("_", " ") if isinstance(found.of, Rollout) else "about to begin"
        raise Conflict(
            "under_way", f"Rollout {found.id} of {where} is {phase}",
            f"wait until it is over, or take it back first: plainsail abort {key.service} --env {key.environment}",
        )  # fmt: skip
    state = naming.target(context, key)
    if verb == "remove" and _nothing_runs(state):
        return
    if state.live is None:
        start = f"deploy a release first: plainsail deploy {key.service} DIRECTORY --to {key.environment}"
        raise Conflict(
            "nothing_live",
            f"{where} has nothing live",
            "its last instances are ending; ask again in a moment" if verb == "remove" else start,
        )
