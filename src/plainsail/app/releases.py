"""Makes releases: an artifact that has arrived whole, and the name people give it."""

from __future__ import annotations

from typing import BinaryIO

from plainsail.app import naming
from plainsail.app.access import Subject, allow
from plainsail.app.context import Context
from plainsail.app.documents import ReleaseDocument, release_document
from plainsail.domain.events import Event
from plainsail.domain.release import Release, short
from plainsail.ports.errors import NotFound


def find_release(context: Context, subject: Subject, service: str, text: str) -> ReleaseDocument:
    """A release whose files are here, by digest, digits of it, or version. Raises NotFound."""
    allow(subject, "read")
    naming.service(context, service)
    release = naming.release(context, service, text)
    if not context.artifacts.has(release.digest):
        raise NotFound(
            "release_missing", f"The files of {release.version} are gone", "deploy its directory again"
        )
    return release_document(release)


def known(context: Context, subject: Subject, service: str) -> tuple[ReleaseDocument, ...]:
    """All of a service, latest first. Raises NotFound."""
    allow(subject, "read")
    naming.service(context, service)
    return tuple(map(release_document, context.store.releases(service)))


def make_release(
    context: Context, subject: Subject, stream: BinaryIO, *, digest: str, service: str, version: str,
    commit: str = "", labels: dict[str, str] | None = None,
) -> ReleaseDocument:  # fmt: skip
    """Keep the tree and register it. A digest that is known already keeps the version it was given first.

    Raises NotFound (service), Rejected (the tree is not what the digest says), Broken (`disk_full`).
    """
    allow(subject, "upload")
    naming.service(context, service)
    context.artifacts.receive(stream, digest)
    known = context.store.release(digest, service)
    if known is not None:
        return release_document(known)
    now = context.now()
    release = Release(digest, service, version or short(digest), now, commit, labels or {})
    event = Event(
        "release_made", now, service, by=subject.name, reason=f"{release.version} of {service} was made",
        data={"release": digest, "version": release.version, "commit": commit},
    )  # fmt: skip
    context.store.add_release(release, [event])
    return release_document(release)
