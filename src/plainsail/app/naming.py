"""From the names that people type to the things they mean: services, environments, releases, rollouts."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from plainsail.app.context import Context
from plainsail.domain.intents import Beginning
from plainsail.domain.release import Release, short
from plainsail.domain.rollout import Rollout, Target
from plainsail.domain.service import Environment, Placement, Service
from plainsail.ports.errors import NotFound, Rejected
from plainsail.ports.store import Key, Pending
from plainsail.spec.diagnostics import did_you_mean, shown

PREFIX = 8
"""Hex digits of a digest that are enough to mean one."""


def service(context: Context, name: str) -> Service:
    """Raises NotFound, with the nearest name that is known."""
    known = context.store.service(name)
    if known is None:
        names = context.store.services()
        raise NotFound(
            "service_unknown", f"There is no service {shown(name)}",
            _removed(context, name) or _nearest(name, names, "plainsail apply"),
        )  # fmt: skip
    return known


def placed(context: Context, name: str, environment: str) -> tuple[Service, Placement, Environment]:
    """The service, how it is placed there, and the environment. Raises NotFound."""
    declared = service(context, name)
    environments = context.store.environments()
    if environment not in environments:
        raise NotFound(
            "environment_unknown", f"There is no environment {shown(environment)}",
            _nearest(environment, environments, "plainsail apply"),
        )  # fmt: skip
    placement = declared.placements.get(environment)
    if placement is None:
        raise NotFound(
            "not_placed", f"{name} is not placed in {environment}",
            f"{name} is in {', '.join(declared.placements)}; add '{environment}: {{}}' under its 'in:' and apply",
        )  # fmt: skip
    return declared, placement, environments[environment]


def target(context: Context, key: Key) -> Target:
    """What runs there; empty before the first deploy. Raises NotFound."""
    placed(context, key.service, key.environment)
    return context.store.target(key) or Target(key.service, key.environment)


def only_environment(context: Context, name: str, environment: str | None) -> Key:
    """The target that a service's name means: the environment given, or its only one."""
    if environment is not None:
        placed(context, name, environment)
        return Key(name, environment)
    environments = tuple(service(context, name).placements)
    if len(environments) != 1:
        raise Rejected("ambiguous", f"{name} is in {', '.join(environments)}", "say which with --env")
    return Key(name, environments[0])


def release(context: Context, service: str, text: str) -> Release:
    """By digest, by the first digits of one (8 or more), or by version (the latest of that name). Raises NotFound."""
    exact = context.store.release(text, service)
    if exact is not None:
        return exact
    releases = context.store.releases(service)
    for one in releases:
        if one.version == text:
            return one
    digits = text.removeprefix("sha256:")
    found = [
        one
        for one in releases
        if len(digits) >= PREFIX and one.digest.removeprefix("sha256:").startswith(digits)
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise Rejected("ambiguous", f"{text} begins {len(found)} releases of {service}", "write more digits")
    latest = ", ".join(f"{one.version} ({short(one.digest)})" for one in releases[:3])
    raise NotFound(
        "release_unknown", f"There is no release {shown(text)} of {service}",
        f"the latest are {latest}" if latest else "deploy a directory first",
    )  # fmt: skip


class Found(msgspec.Struct, frozen=True):
    """A rollout, or the intent it will come from, and its target."""

    key: Key
    of: Rollout | Pending

    @property
    def id(self) -> str:
        return self.of.id if isinstance(self.of, Rollout) else self.of.intent.rollout


def rollout(context: Context, text: str, environment: str | None = None) -> Found:
    """By id, or by service: the one under way there, else the last. Raises NotFound, Rejected (`ambiguous`)."""
    found = rollout_by_id(context, text)
    if found is not None:
        return found
    known = context.store.services()
    declared = known.get(text)
    if declared is None:
        what = f"There is no rollout and no service {shown(text)}"
        raise NotFound(
            "rollout_unknown", what, _removed(context, text) or _nearest(text, known, "plainsail apply")
        )
    if environment is not None:
        placed(context, text, environment)
    environments = [environment] if environment is not None else list(declared.placements)
    candidates = [under_way(context, Key(text, name)) for name in environments]
    busy = [one for one in candidates if one is not None]
    if len(busy) == 1:
        return busy[0]
    if busy:
        where = ", ".join(one.key.environment for one in busy)
        raise Rejected("ambiguous", f"{text} has rollouts under way in {where}", "say which with --env")
    last = context.store.rollouts(text, environment, limit=1)
    if not last:
        start = f"plainsail deploy {text} DIRECTORY --to {environments[0]}"
        raise NotFound("rollout_unknown", f"{text} has had no rollout", f"start one: {start}")
    return Found(Key(text, last[0].environment), last[0])


def rollout_by_id(context: Context, id: str) -> Found | None:
    """Begun, or still to begin."""
    for _ in range(2):  # it may begin between two questions
        begun = context.store.rollout(id)
        if begun is not None:
            return Found(Key(begun.service, begun.environment), begun)
        if context.store.asked(id) is None:
            continue
        for key in context.store.busy():
            for one in context.store.pending(key):
                if isinstance(one.intent, Beginning) and one.intent.rollout == id:
                    return Found(key, one)
    return None


def under_way(context: Context, key: Key) -> Found | None:
    """What waits to begin is newer than what is under way."""
    waiting = [one for one in context.store.pending(key) if isinstance(one.intent, Beginning)]
    if waiting:
        return Found(key, waiting[-1])
    state = context.store.target(key)
    return Found(key, state.rollout) if state and state.rollout else None


def _removed(context: Context, name: str) -> str:
    """How it comes back, if it was there; empty: it never had a rollout."""
    if not context.store.rollouts(name, None, limit=1):
        return ""
    return f"it was removed; plainsail apply with its file registers it again, and plainsail history {name} tells the rest"


def _nearest(name: str, known: Iterable[str], otherwise: str) -> str:
    names = sorted(known)
    guess = did_you_mean(name, names)
    if guess or not names:
        return guess or f"register it first: {otherwise}"
    return f"there is {', '.join(names[:10])}"
