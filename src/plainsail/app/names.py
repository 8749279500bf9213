"""What a person may mean who has typed the beginning of a name: for completion, so quick and few."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Literal

import msgspec

from plainsail.app.access import Subject, allow
from plainsail.app.context import Context
from plainsail.domain.release import short

Kind = Literal["services", "environments", "rollouts", "busy", "releases"]
MOST = 200
"""Names. Nobody reads on past them; who has more types another letter."""
LATEST = 50
"""Rollouts that are looked at."""


class NamesDocument(msgspec.Struct, frozen=True):
    names: tuple[str, ...]


def names(
    context: Context, subject: Subject, kind: Kind, prefix: str = "", service: str | None = None
) -> NamesDocument:
    """Those that begin so, at most `MOST`. `service`: of this one only. `busy`: with a rollout under way."""
    allow(subject, "read")
    found = (name for name in dict.fromkeys(_all(context, kind, service)) if name.startswith(prefix))
    return NamesDocument(tuple(islice(found, MOST)))


def _all(context: Context, kind: Kind, service: str | None) -> Iterable[str]:
    store = context.store
    match kind:
        case "services":
            return sorted({key.service for key in store.targets()})
        case "environments":
            placed = [key.environment for key in store.targets() if service in (None, key.service)]
            return sorted(placed or store.environments())
        case "busy":
            return sorted({key.service for key in store.busy()})
        case "rollouts":
            latest = store.rollouts(service, None, LATEST)
            return [*sorted({one.service for one in latest}), *(one.id for one in latest)]
        case "releases":
            made = store.releases(service) if service else ()
            return [name for one in made for name in (one.version, short(one.digest))]
