"""What happened, and the numbers behind it."""

from __future__ import annotations

import msgspec

from plainsail.app import naming
from plainsail.app.access import Subject, allow
from plainsail.app.context import Context
from plainsail.app.documents import (
    EventDocument,
    ReleaseDocument,
    RolloutDocument,
    event_document,
    release_document,
    rollout_document,
)
from plainsail.app.status import describe, rollout_by_id
from plainsail.domain.criteria import EvidenceCriteria
from plainsail.domain.evidence import Evidence, Verdict
from plainsail.domain.explain import Explanation, explain
from plainsail.domain.recent import Sample
from plainsail.domain.rollout import Rollout
from plainsail.ports.provider import OutputLine
from plainsail.ports.store import Key

MOST = 1000
"""Rows in one answer."""


class RolloutsDocument(msgspec.Struct, frozen=True):
    rollouts: tuple[RolloutDocument, ...]


class EventsDocument(msgspec.Struct, frozen=True):
    """`last` is what to give as `after` next."""

    events: tuple[EventDocument, ...]
    last: int


class HistoryDocument(msgspec.Struct, frozen=True):
    """Latest first, but events in the order in which they happened."""

    releases: tuple[ReleaseDocument, ...]
    rollouts: tuple[RolloutDocument, ...]
    events: tuple[EventDocument, ...]


class VerdictDocument(msgspec.Struct, frozen=True):
    """What a decision rested on. `verdict` is null when nothing was judged: a first deploy, a rollback."""

    rollout: RolloutDocument
    verdict: Verdict | None
    criteria: EvidenceCriteria | None
    evidence: Evidence | None
    explanation: Explanation | None
    """Why, in a sentence and all its numbers; null as long as the rollout has not begun."""


class RecentDocument(msgspec.Struct, frozen=True):
    """Samples, oldest first: about one a second while a rollout is under way, else one in five."""

    service: str
    environment: str
    samples: tuple[Sample, ...]


class OutputDocument(msgspec.Struct, frozen=True):
    """The last lines of each instance, oldest first."""

    service: str
    environment: str
    lines: tuple[OutputLine, ...]


def rollout(context: Context, subject: Subject, name: str, environment: str | None = None) -> RolloutDocument:
    """By id or service. Raises NotFound, Rejected (`ambiguous`)."""
    allow(subject, "read")
    if context.store.service(name) is not None:
        return describe(context, naming.rollout(context, name, environment))
    return rollout_by_id(context, name)


def rollouts(
    context: Context,
    subject: Subject,
    service: str | None = None,
    environment: str | None = None,
    limit: int = 50,
) -> RolloutsDocument:
    allow(subject, "read")
    if service is not None:
        _known(context, service)
    found = context.store.rollouts(service, environment, min(limit, MOST))
    return RolloutsDocument(tuple(map(rollout_document, found)))


def events(
    context: Context,
    subject: Subject,
    after: int = 0,
    service: str | None = None,
    rollout: str | None = None,
    limit: int = 200,
) -> EventsDocument:
    """Those after an id; with `after` < 0 the last `limit`."""
    allow(subject, "read")
    found = tuple(map(event_document, context.store.events(after, service, rollout, min(limit, MOST))))
    return EventsDocument(found, found[-1].id if found else max(after, 0))


def history(
    context: Context, subject: Subject, service: str | None = None, limit: int = 50
) -> HistoryDocument:
    """Of one service or of all. Raises NotFound."""
    allow(subject, "read")
    if service is not None:
        _known(context, service)
    releases = context.store.releases(service, limit)
    return HistoryDocument(
        tuple(map(release_document, releases)),
        rollouts(context, subject, service, None, limit).rollouts,
        events(context, subject, -1, service, None, limit * 10).events,
    )


def _known(context: Context, service: str) -> None:
    """Also of one that was removed there is a past. Raises NotFound."""
    if not context.store.rollouts(service, limit=1):
        naming.service(context, service)


def verdict(context: Context, subject: Subject, name: str, environment: str | None = None) -> VerdictDocument:
    """By rollout id or service. Raises NotFound, Rejected (`ambiguous`)."""
    allow(subject, "read")
    found = naming.rollout(context, name, environment)
    begun = found.of
    if not isinstance(begun, Rollout):
        return VerdictDocument(describe(context, found), None, None, None, None)
    evidence = context.store.evidence(begun.id)
    return VerdictDocument(
        rollout_document(begun), begun.verdict, begun.placement.evidence, evidence, explain(begun, evidence)
    )


def recent(context: Context, subject: Subject, key: Key, after: float = 0.0) -> RecentDocument:
    """What was seen in the last quarter of an hour. Raises NotFound."""
    allow(subject, "read")
    naming.placed(context, key.service, key.environment)
    return RecentDocument(key.service, key.environment, context.live.recent(key, after))


async def output(
    context: Context, subject: Subject, key: Key, group: str | None = None, lines: int = 50
) -> OutputDocument:
    """Of each instance, also of ended ones as long as they are kept. Raises NotFound. Does not touch the store."""
    allow(subject, "read")
    found = await context.live.output(key, group, min(max(lines, 1), MOST))
    return OutputDocument(key.service, key.environment, found)
