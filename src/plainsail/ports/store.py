"""The store port: state and events, in one transaction. Synchronous; callers on an event loop use a thread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from plainsail.domain.events import Event
from plainsail.domain.evidence import Evidence
from plainsail.domain.intents import Intent
from plainsail.domain.release import Release
from plainsail.domain.rollout import Rollout, Target
from plainsail.domain.service import Environment, Notify, Service


class Key(msgspec.Struct, frozen=True, order=True):
    """A target's name."""

    service: str
    environment: str


class Claimed(msgspec.Struct, frozen=True):
    """A target, held by one control plane under an epoch that nobody had before."""

    target: Target
    epoch: int
    evidence: Evidence | None


class Written(msgspec.Struct, frozen=True):
    """An event with its place in the order of all events."""

    id: int
    event: Event


class Pending(msgspec.Struct, frozen=True):
    """An intent not yet carried out."""

    id: int
    intent: Intent


class Store(Protocol):
    """Raises Fenced on a write under an older epoch, Transient when busy, Broken (`store_damaged`, `disk_full`)."""

    # What the engine does.

    def targets(self) -> tuple[Key, ...]:
        """All targets, of every service in every environment it is placed in."""
        ...

    def due(self, now: float, holder: str) -> tuple[Key, ...]:
        """Targets whose `due_at` has come or that have an intent, and that nobody but this holder holds."""
        ...

    def claim(self, key: Key, holder: str, now: float, lease: float) -> Claimed | None:
        """Take or renew it for `lease` seconds; bumps the epoch. None if another holder's lease runs."""
        ...

    def pending(self, key: Key) -> tuple[Pending, ...]: ...

    def save(
        self,
        target: Target,
        epoch: int,
        *,
        rollouts: Sequence[Rollout] = (),
        events: Sequence[Event] = (),
        done: Sequence[int] = (),
        due_at: float,
        held_until: float,
    ) -> None:
        """Write target, changed rollouts, events and done intents together, if the epoch still holds. With the end of a
        removal among the rollouts, the service's registration there ends too; the target stays, as does what happened."""
        ...

    def save_evidence(self, rollout: str, key: Key, epoch: int, evidence: Evidence) -> None: ...

    def release_claim(self, key: Key, epoch: int) -> None:
        """Let others take it at once."""
        ...

    # What the use cases do.

    def ask(self, key: Key, intent: Intent, now: float) -> int: ...

    def add_release(self, release: Release, events: Sequence[Event]) -> None: ...

    def releases(self, service: str | None = None, limit: int | None = None) -> tuple[Release, ...]:
        """Latest first; of all services without one."""
        ...

    def release(self, digest: str, service: str) -> Release | None: ...

    def put_spec(
        self,
        environments: dict[str, Environment],
        services: dict[str, Service],
        notify: Notify | None,
        events: Sequence[Event],
    ) -> None:
        """Register or update; makes targets for new placements. What is not named stays as it is."""
        ...

    def unplace(self, key: Key, events: Sequence[Event]) -> bool:
        """End the registration of a service there of which nothing was ever asked, or is over. False, and nothing is written,
        where a rollout is under way or an intent waits, or it is not registered."""
        ...

    def environments(self) -> dict[str, Environment]: ...

    def services(self) -> dict[str, Service]: ...

    def service(self, name: str) -> Service | None:
        """One, without reading the others."""
        ...

    def notify(self) -> Notify: ...

    def target(self, key: Key) -> Target | None: ...

    def busy(self) -> tuple[Key, ...]:
        """Targets with a rollout under way, or with an intent that waits to be carried out."""
        ...

    def rollout(self, id: str) -> Rollout | None: ...

    def asked(self, rollout: str) -> Pending | None:
        """The intent that will become this rollout, if it is still waiting."""
        ...

    def rollouts(
        self, service: str | None = None, environment: str | None = None, limit: int = 50
    ) -> tuple[Rollout, ...]:
        """Latest first."""
        ...

    def evidence(self, rollout: str) -> Evidence | None: ...

    def events(
        self, after: int = 0, service: str | None = None, rollout: str | None = None, limit: int = 200
    ) -> tuple[Written, ...]:
        """In order, those with an id above `after`. With `after` < 0: the last `limit`."""
        ...

    def close(self) -> None: ...
