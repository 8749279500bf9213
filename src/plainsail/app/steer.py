"""Steers what is under way. Rollback and abort ask no gate, ever."""

from __future__ import annotations

from functools import partial
from typing import Literal, get_args

import msgspec

from plainsail.app import naming
from plainsail.app.access import Subject, allow
from plainsail.app.context import Context
from plainsail.app.documents import RolloutDocument
from plainsail.app.expected import Conflict, Expected, agreed, refusal
from plainsail.app.status import describe, rollout_by_id
from plainsail.domain import quarantine
from plainsail.domain.approval import answered, awaited, instead, is_at
from plainsail.domain.intents import Abort, Advance, Approve, Intent, Pause, Reject, Resume, Rollback
from plainsail.domain.release import Release, short
from plainsail.domain.rollout import Revision, Rollout, Target
from plainsail.domain.strategy import Judged
from plainsail.domain.trying import no_advance
from plainsail.ports.errors import Failure, Rejected, Transient
from plainsail.ports.store import Key

Verb = Literal["pause", "resume", "advance", "abort", "approve", "reject"]


def steer(
    context: Context,
    subject: Subject,
    verb: Verb,
    rollout: str,
    environment: str | None = None,
    reason: str = "",
    expected: Expected | None = None,
    gradual: bool = False,
    at: str | None = None,
) -> RolloutDocument:
    """Write the intent; `rollout` is an id or a service, `gradual` how an abort takes users back, `at` the name of the step
    that is meant. Raises NotFound, Conflict, Rejected (`ambiguous`, `only_abort`)."""
    allow(subject, "steer")
    if gradual and verb != "abort":
        raise Rejected("only_abort", f"To {verb} is not gradual", "leave 'gradual' out; it is for abort")
    found = naming.rollout(context, rollout, environment)
    step = expected.step if expected else None
    if verb == "abort" and expected is not None:  # however far it has come meanwhile: it is to stop
        expected = Expected(rollout=expected.rollout)
    with agreed(context, found.key, expected):
        if isinstance(found.of, Rollout):
            if answered(verb, found.of, at):
                return msgspec.structs.replace(rollout_by_id(context, found.id), already=True)
            if not is_at(found.of, at) and not found.of.ended() and found.of.phase != "rolling_back":
                raise _elsewhere(found.of, at or "")
            _check(verb, found.of, gradual)
            if verb in ("approve", "reject"):  # what was seen, and not what comes a moment later
                step = found.of.step
        _ask(context, found.key, _intent(verb, found.id, subject.name, reason, step, gradual))
    return rollout_by_id(context, found.id)


def abort_all(context: Context, subject: Subject, reason: str = "") -> tuple[RolloutDocument, ...]:
    """Every rollout that can still be taken back, except rollbacks: who is on the way off a bad release stays on it, and is
    stopped by name only. The empty tuple if there is none.

    One that can't be asked keeps no other from being asked: after the last, raises Transient (`not_all_aborted`) with
    the names of all that were not.
    """
    allow(subject, "steer")
    asked: list[naming.Found] = []
    missed: dict[Key, Failure] = {}
    for key in context.store.busy():
        try:
            found = naming.under_way(context, key)
            if found is None or _goes_back(found):
                continue
            _ask(context, key, Abort(found.id, subject.name, reason))
            asked.append(found)
        except Failure as failure:
            missed[key] = failure
    if missed:
        raise _not_all(len(asked), missed)
    return tuple(describe(context, found) for found in asked)


def _not_all(asked: int, missed: dict[Key, Failure]) -> Transient:
    names = ", ".join(f"{key.service} in {key.environment}" for key in missed)
    first = next(iter(missed.values()))
    return Transient(
        "not_all_aborted",
        f"{asked} of {asked + len(missed)} rollouts are being aborted; could not ask {names}: {first.message}",
        "abort all again: asking twice harms nobody",
    )


def rollback(
    context: Context,
    subject: Subject,
    key: Key,
    to: str | None = None,
    reason: str = "",
    expected: Expected | None = None,
) -> RolloutDocument:
    """Back to `to`, or to the last good release, at once; the rollout that does it.

    While a candidate is on its way the last good release is the live one, so then that rollout is aborted; asked a
    second time, the rollback that is under way is the answer. Raises NotFound, Conflict (`nothing_to_go_back_to`).
    """
    allow(subject, "steer")
    with agreed(context, key, expected):
        state = naming.target(context, key)
        found = naming.under_way(context, key) if to is None else None
        if found is not None and _goes_back(found):
            return rollout_by_id(context, found.id)
        if found is not None and _keeps_live(found, state):
            _ask(context, key, Abort(found.id, subject.name, reason or f"rollback asked by {subject.name}"))
            return rollout_by_id(context, found.id)
        release = naming.release(context, key.service, to) if to is not None else None
        _check_good(state, release)
        intent = Rollback(context.new_id(), subject.name, release.digest if release else None, reason)
        _ask(context, key, intent)
        return rollout_by_id(context, intent.rollout)


def possible(context: Context, subject: Subject, key: Key) -> dict[str, str]:
    """By verb, and for `rollback`: why it can't be done now; empty if it can."""
    allow(subject, "read")
    state = naming.target(context, key)
    found = naming.under_way(context, key)
    reasons: dict[str, str] = {}
    for verb in get_args(Verb):
        reasons[verb] = "No rollout is under way" if found is None else ""
        if found is not None and isinstance(found.of, Rollout):
            reasons[verb] = refusal(partial(_check, verb, found.of))
    if found is not None and _goes_back(found):
        reasons["rollback"] = f"{found.id} goes back already"
    elif found is not None and _keeps_live(found, state):
        reasons["rollback"] = ""
    else:
        reasons["rollback"] = refusal(partial(_check_good, state, None))
    return reasons


def _at_once(rollout: Rollout) -> bool:
    """It is on its way back, and no other is faster."""
    return rollout.phase == "rolling_back" and not rollout.goes_back_gradually()


def _goes_back(found: naming.Found) -> bool:
    if isinstance(found.of, Rollout):
        return found.of.kind == "rollback" or _at_once(found.of)
    return isinstance(found.of.intent, Rollback)


def _keeps_live(found: naming.Found, state: Target) -> bool:
    """Aborting it leaves users with the release that was live before, and there is one."""
    if isinstance(found.of, Rollout):
        return found.of.live is not None and found.of.phase != "finishing"
    return state.live is not None and state.rollout is None


def _ask(context: Context, key: Key, intent: Intent) -> None:
    context.store.ask(key, intent, context.now())
    context.live.nudge(key)


def _intent(verb: Verb, rollout: str, by: str, reason: str, step: int | None, gradual: bool) -> Intent:
    match verb:
        case "abort":
            return Abort(rollout, by, reason, gradual)
        case "pause":
            return Pause(rollout, by, reason)
        case "resume":
            return Resume(rollout, by)
        case "advance":
            return Advance(rollout, by, step)
        case "approve":
            return Approve(rollout, by, reason, step)
        case "reject":
            return Reject(rollout, by, reason, step)


def _elsewhere(rollout: Rollout, step: str) -> Conflict:
    name, here = f"Rollout {rollout.id} of {rollout.service} in {rollout.environment}", rollout.current().name
    return Conflict(
        "moved_on", f"{name} is at step {here}, not at {step}", "nothing was done; look again, then decide"
    )


def _check(verb: Verb, found: Rollout, gradual: bool = False) -> None:
    """Say at once what the engine would refuse a moment later."""
    name = f"Rollout {found.id} of {found.service} in {found.environment}"
    if found.ended():
        ended = found.phase.replace("_", " ")
        raise Conflict(
            "rollout_ended",
            f"{name} is over: {ended}",
            f"to go back: plainsail rollback {found.service} --env {found.environment}"
            if found.phase == "succeeded"
            else "nothing has to be done: users are on the release before",
        )
    if found.phase == "rolling_back" and (verb != "abort" or gradual or _at_once(found)):
        raise Conflict(
            "rolling_back",
            f"{name} is on its way back already",
            f"follow it: plainsail watch {found.service}",
        )
    if verb == "resume" and found.phase != "paused":
        raise Conflict("not_paused", f"{name} is {found.phase}, not paused", "nothing has to be done")
    if verb == "resume" and found.against is not None and found.against.held:
        raise Conflict(
            "held_for_harm", f"{name} is held because users are worse off with it", "advance or abort it"
        )
    if verb in ("approve", "reject") and not awaited(found):
        steer = f"plainsail {'advance' if verb == 'approve' else 'abort'} {found.service}"
        raise Conflict(
            "nothing_to_approve",
            f"{name} waits for no approval; it is at {instead(found)}",
            f"to {'go on' if verb == 'approve' else 'take it back'} all the same: {steer}",
        )
    if verb == "pause" and found.phase != "progressing":
        raise Conflict(
            "not_progressing", f"{name} is {found.phase}", "only a progressing rollout can be paused"
        )
    if verb == "advance" and (why := no_advance(found)):
        raise Conflict(
            "test_under_way",
            f"{name} can't go on: {why}",
            f"see where it stands: plainsail verdict {found.id}",
        )
    ready = found.in_force_at is not None or found.phase == "paused"
    if verb == "advance" and not (ready and isinstance(found.current().leave, Judged)):
        raise Conflict(
            "nothing_to_skip",
            f"{name} waits for instances, not for evidence",
            "see what they say: plainsail output " + found.service,
        )


def _check_good(state: Target, release: Release | None) -> None:
    live = state.group(state.live)
    good: tuple[Revision, ...] = state.good
    if state.rollout is not None and state.rollout.phase == "finishing" and live is not None:
        good = (live.revision, *good)
    if quarantine.good(msgspec.structs.replace(state, good=good), release.digest if release else None):
        return
    where = f"{state.service} in {state.environment}"
    if live is None:
        raise Conflict("nothing_to_go_back_to", f"{where} has nothing live", "deploy a release")
    if release is not None and release.digest in state.quarantine:
        deploy = f"plainsail deploy {state.service} {release.version} --to {state.environment} --again"
        raise Conflict("nothing_to_go_back_to", f"{release.version} is in quarantine since it was rolled back",
                       f"if that is meant: {deploy}")  # fmt: skip
    if release is not None:
        names = ", ".join(f"{one.version} ({short(one.release)})" for one in good[:5])
        raise Conflict("nothing_to_go_back_to", f"{release.version} was not live as {where} before",
                       f"there is {names}" if names else "deploy it instead")  # fmt: skip
    raise Conflict(
        "nothing_to_go_back_to",
        f"{where} has no good release before {live.revision.version}",
        "deploy another release",
    )
