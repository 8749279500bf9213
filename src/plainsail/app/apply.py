"""Registers what people declare, and says what that changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from plainsail.app.access import Subject, allow
from plainsail.app.context import Context
from plainsail.domain.driver import Driver
from plainsail.domain.events import Event
from plainsail.domain.service import Document, Environment, Notify, Service, config_digest, run_in
from plainsail.domain.trying import undone
from plainsail.ports.store import Key
from plainsail.spec.keys import type_of
from plainsail.spec.merge import read
from plainsail.spec.schema import as_written


class FieldChange(msgspec.Struct, frozen=True):
    """One key; a side without it is null."""

    path: str
    before: object
    after: object


class Change(msgspec.Struct, frozen=True):
    noun: str
    """`environment`, `service` or `notify`."""
    name: str
    change: str
    """`added` or `changed`."""
    fields: tuple[FieldChange, ...] = ()


class Awaiting(msgspec.Struct, frozen=True):
    """What is live runs as it was deployed; a deploy of the very same release, a rollout like any other, brings it the new
    configuration."""

    service: str
    environment: str
    release: str
    version: str
    winner: str = ""
    """The variant that won a test and runs as live; empty: none, or the file has its variables by now."""
    env: dict[str, str] = {}
    """What the winner runs with and the file does not say: the next deploy would undo it."""


class Applied(msgspec.Struct, frozen=True):
    """What was changed, or with `dry_run` would be. Running instances change with the next deploy."""

    changes: tuple[Change, ...]
    unchanged: int
    dry_run: bool
    warnings: tuple[str, ...] = ()
    """What is registered all the same and somebody should look at, a sentence each: metric sources that do not answer."""
    awaiting: tuple[Awaiting, ...] = ()
    """What runs with another configuration than is registered now (with `dry_run`: would be)."""


def apply(
    context: Context, subject: Subject, files: Sequence[tuple[str, str]], dry_run: bool = False
) -> Applied:
    """Register or update what (name, text) pairs declare; what no file names stays. Raises SpecError with everything that is wrong, at once."""
    allow(subject, "read" if dry_run else "apply")
    store = context.store
    environments, services, notify = store.environments(), store.services(), store.notify()
    known = Document(1, environments, services)
    document = read(files, context.drivers, known)
    changes = (
        *_changes("environment", environments, document.environments),
        *_changes("service", services, document.services),
        *_changes("notify", {"": notify}, {"": document.notify} if document.notify != Notify() else {}),
    )
    if changes and not dry_run:
        events = [_event(change, subject, context.now()) for change in changes]
        changed_notify = document.notify if document.notify != Notify() else None
        store.put_spec(document.environments, document.services, changed_notify, events)
        changed = {(change.noun, change.name) for change in changes}
        for key in store.targets():
            if changed & {("service", key.service), ("environment", key.environment)}:
                context.live.nudge(key)
    warnings = () if dry_run else tuple(_silent(context, document))
    named = len(document.environments) + len(document.services) + (document.notify != Notify())
    awaiting = tuple(_awaiting(context, document.services))
    return Applied(changes, named - len(changes), dry_run, warnings, awaiting)


def declared(context: Context, subject: Subject) -> Document:
    """All that is registered, as one file; an address that is a secret is left out."""
    allow(subject, "read")
    notify = context.store.notify()
    shown = Notify("(set)" if notify.webhook else None)
    return Document(1, context.store.environments(), context.store.services(), shown)


def _awaiting(context: Context, services: dict[str, Service]) -> Iterator[Awaiting]:
    for name, declared in services.items():
        for place, placement in declared.placements.items():
            state = context.store.target(Key(name, place))
            live = state.group(state.live) if state is not None else None
            if live is not None and live.revision.config != config_digest(run_in(declared, placement)):
                env = undone(live, placement, run_in(declared, placement).env)
                revision = live.revision
                yield Awaiting(
                    name, place, revision.release, revision.version, live.variant if env else "", env
                )


def _silent(context: Context, document: Document) -> Iterator[str]:
    """Metric sources that what was applied declares or asks, and that do not answer."""
    known, services = context.store.environments(), context.store.services()
    places = {
        *document.environments,
        *(place for one in document.services.values() for place in one.placements),
    }
    environments = {name: one for name, one in known.items() if name in places and one.metrics}
    for answer in context.probe(environments, {**services, **document.services}) if environments else ():
        if answer.trouble:
            yield f"The metric source {answer.source} of {answer.environment} says nothing: {answer.trouble}"


def _changes(
    noun: str,
    before: dict[str, Environment] | dict[str, Service] | dict[str, Notify],
    after: dict[str, Environment] | dict[str, Service] | dict[str, Notify],
) -> Iterator[Change]:
    for name, value in after.items():
        old = before.get(name)
        if old is None:
            yield Change(noun, name, "added")
        elif old != value and noun == "notify":
            yield Change(noun, name, "changed", (FieldChange("webhook", "(set)", "(set anew)"),))
        elif old != value:
            fields = tuple(_fields("", _plain(old), _plain(value)))
            yield Change(noun, name, "changed", fields)


def _plain(value: Environment | Service | Notify) -> Any:
    """As plain data; strategies as people write them."""
    told = msgspec.to_builtins(value)
    if isinstance(value, Service):
        for name, placement in value.placements.items():
            told["in"][name]["strategy"] = [as_written(one, type_of(type(one))) for one in placement.strategy]
            told["in"][name]["checks"] = {step: _asked(drivers) for step, drivers in placement.checks.items()}
            hooks = msgspec.structs.asdict(placement.hooks)
            told["in"][name]["hooks"] = {moment: _asked(drivers) for moment, drivers in hooks.items()}
    return told


def _asked(drivers: tuple[Driver, ...]) -> list[Any]:
    return [as_written(driver, type_of(Driver)) for driver in drivers]


def _fields(path: str, before: object, after: object) -> Iterator[FieldChange]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in (*before, *(key for key in after if key not in before)):
            yield from _fields(f"{path}.{key}" if path else str(key), before.get(key), after.get(key))
    elif before != after:
        yield FieldChange(path, before, after)


def _event(change: Change, subject: Subject, now: float) -> Event:
    """Says which keys changed, not to what: a variable may hold what nobody should read in a history."""
    keys = ", ".join(field.path for field in change.fields[:5]) + (", ..." if len(change.fields) > 5 else "")
    return Event(
        "spec_applied", now, by=subject.name, code=change.change,
        service=change.name if change.noun == "service" else "",
        environment=change.name if change.noun == "environment" else "",
        reason=f"{change.noun} {change.name} {change.change}".replace("  ", " ") + (f": {keys}" if keys else ""),
    )  # fmt: skip
