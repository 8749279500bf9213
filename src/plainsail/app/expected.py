"""What a person saw when they decided. If it has moved on since, the decision may be the wrong one: it is refused."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec

from plainsail.app import naming
from plainsail.app.context import Context
from plainsail.domain.rollout import Rollout
from plainsail.ports.errors import Rejected
from plainsail.ports.store import Key


class Conflict(Rejected):
    """Not possible as things are now."""


class Expected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was on the screen. A field that is left out is not compared."""

    rollout: str | None = None
    """Id of the rollout under way; empty: none was."""
    phase: str | None = None
    step: int | None = None
    """Counts from 0."""
    live: str | None = None
    """The live group; empty: there was none."""


_deciding = threading.Lock()
"""Two who press at once are told apart here; between two control planes the engine refuses the second, by its step."""


@contextmanager
def agreed(context: Context, key: Key, expected: Expected | None) -> Iterator[None]:
    """While it lasts nobody else decides here, so what was seen still holds when the intent is written. Raises Conflict
    (`moved_on`) with what is the case now."""
    with _deciding:
        if expected is not None:
            _compare(context, key, expected)
        yield


def refusal(check: Callable[[], None]) -> str:
    """Why it can't be done now; empty if it can."""
    try:
        check()
    except Conflict as conflict:
        return conflict.message
    return ""


def _compare(context: Context, key: Key, expected: Expected) -> None:
    waiting = context.store.pending(key)  # before the rest: what is carried out meanwhile shows there
    found = naming.under_way(context, key)
    id = found.id if found else ""
    begun = found.of if found and isinstance(found.of, Rollout) else None
    state = context.store.target(key)
    live = (state.live if state else None) or ""
    if expected.rollout not in (None, id):
        raise _moved_on(_now(key, found))
    if expected.live not in (None, live):
        group = state.group(live) if state else None
        raise _moved_on(
            f"Users of {key.service} in {key.environment} have {group.revision.version if group else 'nothing'} now"
        )
    if expected.phase not in (None, begun.phase if begun else "pending" if found else ""):
        raise _moved_on(_now(key, found))
    if expected.step is not None and begun is not None and expected.step != begun.step:
        raise _moved_on(_now(key, found))
    for pending in waiting if (expected.phase, expected.step) != (None, None) else ():  # it will change these
        if begun is not None and pending.intent.rollout == id:
            verb = type(pending.intent).__name__.lower()
            raise _moved_on(f"{pending.intent.by} asked to {verb} rollout {id} a moment ago")


def _now(key: Key, found: naming.Found | None) -> str:
    where = f"{key.service} in {key.environment}"
    if found is None:
        return f"No rollout of {where} is under way any more"
    if not isinstance(found.of, Rollout):
        return f"Another rollout of {where} was asked for ({found.id})"
    rollout = found.of
    step = f"step {rollout.step + 1} of {len(rollout.steps())} ({rollout.current().name})"
    return f"Rollout {found.id} of {where} is {rollout.phase.replace('_', ' ')} at {step} now"


def _moved_on(now: str) -> Conflict:
    return Conflict(
        "moved_on", f"{now}, which is not what you saw", "nothing was done; look again, then decide"
    )
