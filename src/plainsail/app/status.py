"""What runs where, which share of users it has, and why: the store's state joined with what was last seen."""

from __future__ import annotations

import msgspec

from plainsail.app import naming
from plainsail.app.access import Subject, allow
from plainsail.app.context import Context
from plainsail.app.documents import (
    GoodDocument,
    GroupDocument,
    InstanceDocument,
    RolloutDocument,
    StatusDocument,
    rollout_document,
    waiting_document,
)
from plainsail.domain.intents import Remove, Restart, Scale
from plainsail.domain.kept import handed
from plainsail.domain.observation import Counts, GroupSeen, Seen
from plainsail.domain.plan import wanted
from plainsail.domain.rollout import Group, Phase, Rollout, Target
from plainsail.domain.service import Environment
from plainsail.domain.upkeep import meant
from plainsail.ports.errors import NotFound
from plainsail.ports.store import Key
from plainsail.spec.diagnostics import shown


class ServiceDocument(msgspec.Struct, frozen=True):
    service: str
    environments: tuple[StatusDocument, ...]


class ServicesDocument(msgspec.Struct, frozen=True):
    services: tuple[ServiceDocument, ...]


def status(context: Context, subject: Subject, key: Key) -> StatusDocument:
    """One target. Raises NotFound."""
    allow(subject, "read")
    _, placement, environment = naming.placed(context, key.service, key.environment)
    return status_of(context, key, placement.hosts, environment)


def services(context: Context, subject: Subject, service: str | None = None) -> ServicesDocument:
    """All targets, or those of one service. Raises NotFound."""
    allow(subject, "read")
    declared = {service: naming.service(context, service)} if service else context.store.services()
    environments = context.store.environments()
    return ServicesDocument(tuple(
        ServiceDocument(name, tuple(
            status_of(context, Key(name, where), placement.hosts, environments[where])
            for where, placement in one.placements.items() if where in environments
        ))
        for name, one in sorted(declared.items())
    ))  # fmt: skip


def rollout_by_id(context: Context, id: str) -> RolloutDocument:
    """Also one that is still to begin, that the engine refused to begin, or that was over at once, for nothing ran. Raises
    NotFound."""
    found = naming.rollout_by_id(context, id)
    if found is not None:
        return describe(context, found)
    for written in context.store.events(0, None, id):
        event = written.event
        if event.kind in ("intent_refused", "spec_applied"):
            phase: Phase = "failed" if event.kind == "intent_refused" else "succeeded"
            return RolloutDocument(
                id=id, service=event.service, environment=event.environment, kind=str(event.data.get("kind", "rollback")), by=event.by, phase=phase,
                strategy="", release=None, version=None, step=0, steps=(), reason=event.reason, reason_code=event.code,
                started_at=event.at, ended_at=event.at,
            )  # fmt: skip
    raise NotFound("rollout_unknown", f"There is no rollout {shown(id)}", "plainsail history lists them")


def describe(context: Context, found: naming.Found) -> RolloutDocument:
    if isinstance(found.of, Rollout):
        return rollout_document(found.of)
    stored = context.store.target(found.key)
    state = meant(stored) if stored is not None else None
    live = state.group(state.live) if state else None
    exposed = handed(state) if state else None
    document = waiting_document(found.of, found.key, live.replicas if live else None, exposed)
    if live is None or not isinstance(found.of.intent, Scale | Restart | Remove):
        return document
    return msgspec.structs.replace(document, release=live.revision.release, version=live.revision.version)


def status_of(context: Context, key: Key, hosts: tuple[str, ...], environment: Environment) -> StatusDocument:
    """Of a service that is known to be placed there."""
    state = context.store.target(key) or Target(key.service, key.environment)
    seen = context.live.seen(key)
    sizes = wanted(state).sizes
    routes = seen.traffic.routes if seen and seen.traffic else ()
    return StatusDocument(
        service=key.service, environment=key.environment, url=_url(environment), hosts=hosts,
        groups=tuple(_group(group, sizes[group.id], seen) for group in _shown(state, seen)), routes=routes,
        rollout=_under_way(context, key, state), last_rollout=_last(context, key),
        good=tuple(GoodDocument(one.release, one.version, one.config) for one in state.good), quarantine=state.quarantine, misconfigured=state.misconfigured, trouble=dict(context.live.trouble(key)),
        observed_at=seen.at if seen else None,
    )  # fmt: skip


def _shown(state: Target, seen: Seen | None) -> tuple[Group, ...]:
    """Live first, then the candidate and its baseline; old groups only as long as something is left of them."""
    order: dict[str | None, int] = {state.live: 0}
    if state.rollout is not None:
        order |= {state.rollout.candidate: 1, state.rollout.baseline: 2}
        order |= dict.fromkeys(state.rollout.others(), 2)
    busy = [group for group in state.groups if group.id in order or (seen and seen.groups.get(group.id))]
    return tuple(sorted(busy, key=lambda group: order.get(group.id, 3)))


def _group(group: Group, replicas: int, seen: Seen | None) -> GroupDocument:
    found = seen.groups.get(group.id, GroupSeen(group.id, 0)) if seen else GroupSeen(group.id, 0)
    counts: Counts | None = seen.counts.get(group.id) if seen else None
    return GroupDocument(
        group=group.id, role=group.role, release=group.revision.release, version=group.revision.version,
        config=group.revision.config, replicas=replicas, ready=found.ready(),
        share_bp=seen.share(group.id) if seen else 0,
        instances=tuple(InstanceDocument(one.id, one.state, one.address, one.since) for one in found.instances),
        crashes=found.crashes, failed_starts=found.failed_starts, trouble=found.trouble,
        counts=counts, latency=seen.latency.get(group.id) if seen else None, variant=group.variant,
    )  # fmt: skip


def _under_way(context: Context, key: Key, state: Target) -> RolloutDocument | None:
    """Of the same moment as the groups; what waits to begin is shown when nothing else is under way."""
    if state.rollout is not None:
        return rollout_document(state.rollout)
    found = naming.under_way(context, key)
    return describe(context, found) if found else None


def _last(context: Context, key: Key) -> RolloutDocument | None:
    ended = [one for one in context.store.rollouts(key.service, key.environment, limit=5) if one.ended()]
    return rollout_document(ended[0]) if ended else None


def _url(environment: Environment) -> str | None:
    """Where users come in, if the router's configuration says it."""
    listen = environment.router.config.get("listen")
    return f"http://{listen}" if isinstance(listen, str) else None
