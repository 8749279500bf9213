"""The store port in memory, for a simulated world: forgets everything with its process. One thread only."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from plainsail.domain.events import Event
from plainsail.domain.evidence import Evidence
from plainsail.domain.intents import Beginning, Intent
from plainsail.domain.release import Release
from plainsail.domain.rollout import Rollout, Target
from plainsail.domain.service import Environment, Notify, Service
from plainsail.ports.errors import Fenced, NotFound, Rejected
from plainsail.ports.store import Claimed, Key, Pending, Store, Written

replace = msgspec.structs.replace


class _Row(msgspec.Struct):
    """A target, and who holds it."""

    target: Target
    epoch: int = 0
    holder: str = ""
    held_until: float = 0.0
    due_at: float = 0.0


class MemoryStore:
    """`ports.store.Store` in dictionaries, as strict as the real one about epochs, leases and ids."""

    def __init__(self) -> None:
        self._rows: dict[Key, _Row] = {}
        self._intents: dict[int, tuple[Key, Intent]] = {}
        """Those not yet carried out."""
        self._made: set[str] = set()
        """Rollouts that were asked for."""
        self._asked = 0
        self._rollouts: dict[str, Rollout] = {}
        self._evidence: dict[str, Evidence] = {}
        self._events: list[Written] = []
        self._releases: dict[tuple[str, str], Release] = {}
        self._environments: dict[str, Environment] = {}
        self._services: dict[str, Service] = {}
        self._notify = Notify()

    # What the engine does.

    def targets(self) -> tuple[Key, ...]:
        return tuple(sorted(self._rows))

    def due(self, now: float, holder: str) -> tuple[Key, ...]:
        asked = {key for key, _ in self._intents.values()}
        found = [
            (row.due_at, key)
            for key, row in self._rows.items()
            if (row.due_at <= now or key in asked) and (row.held_until <= now or row.holder == holder)
        ]
        return tuple(key for _, key in sorted(found))

    def claim(self, key: Key, holder: str, now: float, lease: float) -> Claimed | None:
        row = self._rows.get(key)
        if row is None or not (row.held_until <= now or row.holder == holder):
            return None
        row.epoch, row.holder, row.held_until = row.epoch + 1, holder, now + lease
        target = self._whole(row)
        evidence = self._evidence.get(target.rollout.id) if target.rollout else None
        return Claimed(target, row.epoch, evidence)

    def pending(self, key: Key) -> tuple[Pending, ...]:
        return tuple(Pending(id, intent) for id, (of, intent) in self._intents.items() if of == key)

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
        key = Key(target.service, target.environment)
        row = self._held(key, epoch)
        row.target, row.due_at, row.held_until = replace(target, rollout=None), due_at, held_until
        self._rollouts.update((rollout.id, rollout) for rollout in rollouts)
        for id in done:
            if id in self._intents and self._intents[id][0] == key:
                del self._intents[id]
        if any(one.kind == "remove" and one.phase == "succeeded" for one in rollouts):
            self._displace(key)
        self._record(events)

    def save_evidence(self, rollout: str, key: Key, epoch: int, evidence: Evidence) -> None:
        self._held(key, epoch)
        self._evidence[rollout] = evidence

    def release_claim(self, key: Key, epoch: int) -> None:
        row = self._held(key, epoch)
        row.holder, row.held_until = "", 0.0

    # What the use cases do.

    def ask(self, key: Key, intent: Intent, now: float) -> int:
        row = self._rows.get(key)
        if row is None:
            raise NotFound(
                "target_unknown",
                f"{key.service} has no place in {key.environment}",
                f"name {key.environment} under `in:` of the service",
            )
        if isinstance(intent, Beginning):
            if intent.rollout in self._made:
                raise Rejected("rollout_known", f"rollout {intent.rollout} was asked for before")
            self._made.add(intent.rollout)
        row.due_at = min(row.due_at, now)
        self._asked += 1
        self._intents[self._asked] = (key, intent)
        return self._asked

    def add_release(self, release: Release, events: Sequence[Event]) -> None:
        if (release.service, release.digest) not in self._releases:
            self._releases[release.service, release.digest] = release
            self._record(events)

    def releases(self, service: str | None = None, limit: int | None = None) -> tuple[Release, ...]:
        found = [one for (of, _), one in self._releases.items() if service in (None, of)]
        return tuple(sorted(found, key=lambda release: (-release.made_at, release.digest))[:limit])

    def release(self, digest: str, service: str) -> Release | None:
        return self._releases.get((service, digest))

    def put_spec(
        self,
        environments: dict[str, Environment],
        services: dict[str, Service],
        notify: Notify | None,
        events: Sequence[Event],
    ) -> None:
        self._environments |= environments
        self._services |= services
        for name, service in services.items():
            for place in service.placements:
                self._rows.setdefault(Key(name, place), _Row(Target(name, place)))
        self._notify = notify or self._notify
        self._record(events)

    def unplace(self, key: Key, events: Sequence[Event]) -> bool:
        known = self._services.get(key.service)
        if key in self.busy() or known is None or key.environment not in known.placements:
            return False
        self._displace(key)
        self._record(events)
        return True

    def environments(self) -> dict[str, Environment]:
        return dict(sorted(self._environments.items()))

    def services(self) -> dict[str, Service]:
        return dict(sorted(self._services.items()))

    def service(self, name: str) -> Service | None:
        return self._services.get(name)

    def notify(self) -> Notify:
        return self._notify

    def target(self, key: Key) -> Target | None:
        row = self._rows.get(key)
        return None if row is None else self._whole(row)

    def busy(self) -> tuple[Key, ...]:
        asked = {key for key, _ in self._intents.values()}
        moving = {Key(one.service, one.environment) for one in self._rollouts.values() if not one.ended()}
        return tuple(sorted(asked | moving))

    def rollout(self, id: str) -> Rollout | None:
        return self._rollouts.get(id)

    def asked(self, rollout: str) -> Pending | None:
        found = (
            Pending(id, intent)
            for id, (_, intent) in self._intents.items()
            if isinstance(intent, Beginning) and intent.rollout == rollout
        )
        return next(found, None)

    def rollouts(
        self, service: str | None = None, environment: str | None = None, limit: int = 50
    ) -> tuple[Rollout, ...]:
        found = [
            one
            for one in self._rollouts.values()
            if service in (None, one.service) and environment in (None, one.environment)
        ]
        return tuple(sorted(found, key=lambda one: (one.started_at, one.id), reverse=True)[:limit])

    def evidence(self, rollout: str) -> Evidence | None:
        return self._evidence.get(rollout)

    def events(
        self, after: int = 0, service: str | None = None, rollout: str | None = None, limit: int = 200
    ) -> tuple[Written, ...]:
        found = [
            one
            for one in self._events
            if service in (None, one.event.service) and rollout in (None, one.event.rollout)
        ]
        if after < 0:
            return tuple(found[-limit:]) if limit else ()
        return tuple([one for one in found if one.id > after][:limit])

    def close(self) -> None:
        """Nothing is held."""

    def _displace(self, key: Key) -> None:
        known = self._services.pop(key.service, None)
        left = (
            {name: one for name, one in known.placements.items() if name != key.environment} if known else {}
        )
        if known is not None and left:
            self._services[key.service] = replace(known, placements=left)

    def _whole(self, row: _Row) -> Target:
        """With the rollout under way."""
        of = (row.target.service, row.target.environment)
        under_way = (
            one for one in self._rollouts.values() if not one.ended() and (one.service, one.environment) == of
        )
        return replace(row.target, rollout=next(under_way, None))

    def _held(self, key: Key, epoch: int) -> _Row:
        row = self._rows.get(key)
        if row is None or row.epoch != epoch:
            raise Fenced(
                "fenced", f"{key.service} in {key.environment} was claimed by another since epoch {epoch}"
            )
        return row

    def _record(self, events: Sequence[Event]) -> None:
        first = len(self._events) + 1
        self._events += [Written(first + place, event) for place, event in enumerate(events)]


def _is_store(store: MemoryStore) -> Store:
    return store
