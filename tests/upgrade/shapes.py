"""What plainsail writes down for longer than a process lives, and a fingerprint of each type's shape."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import msgspec

from plainsail import __version__
from plainsail.domain.events import Event
from plainsail.domain.evidence import Evidence
from plainsail.domain.intents import Abort, Advance, Deploy, Pause, Resume, Rollback
from plainsail.domain.release import Release
from plainsail.domain.rollout import SHAPE, Rollout, Target
from plainsail.domain.service import Environment, Notify, Service
from plainsail.drivers._kit import journal
from plainsail.drivers.routers.haproxy import shelf
from plainsail.drivers.stores import tree
from plainsail.drivers.stores.sql.tables import HEAD


class Area(msgspec.Struct, frozen=True):
    """Values that are stored in one place, under one version."""

    version: int
    constant: str
    """Where the version stands."""
    upgrades: str
    """Where the steps stand."""
    types: tuple[Any, ...]


ANYTHING = {"description": "plain data of a driver's own"}

AREAS = {
    "store": Area(
        SHAPE, "SHAPE in domain/rollout.py", "UPGRADES in drivers/stores/sql/shapes.py",
        (Target, Rollout, Evidence, Event, Release, Environment, Service, Notify,
         Deploy, Rollback, Abort, Pause, Resume, Advance),
    ),
    "process": Area(
        journal.VERSION, "VERSION in drivers/_kit/journal.py", "UPGRADES there",
        (journal.InstanceRecord, journal.GroupRecord),
    ),
    "haproxy": Area(
        shelf.VERSION, "VERSION in drivers/routers/haproxy/shelf.py", "UPGRADES there", (shelf.State,)
    ),
    "tree": Area(tree.VERSION, "VERSION in drivers/stores/tree.py", "UPGRADES there", (tree.Manifest,)),
}  # fmt: skip


class About(msgspec.Struct, frozen=True):
    """`about.json` of a kept state: which plainsail wrote it, and how its types looked."""

    plainsail: str
    released: bool
    """Somebody may have data like this: never written anew."""
    revision: str
    """Of the tables."""
    versions: dict[str, int]
    """By area."""
    shapes: dict[str, dict[str, str]]
    """By area and type."""

    @property
    def name(self) -> str:
        return f"{self.plainsail}-shape{self.versions['store']}"


def present(released: bool = False) -> About:
    versions = {name: area.version for name, area in AREAS.items()}
    shapes = {name: fingerprints(area.types) for name, area in AREAS.items()}
    return About(__version__, released, HEAD, versions, shapes)


def fingerprints(types: tuple[Any, ...]) -> dict[str, str]:
    """Of these types and all that they hold: what makes a difference to who reads them. Prose and defaults do not."""
    _, components = msgspec.json.schema_components(types, schema_hook=lambda _: ANYTHING)
    return {
        name: hashlib.sha256(json.dumps(_bare(schema), sort_keys=True).encode()).hexdigest()[:12]
        for name, schema in sorted(components.items())
    }


def _bare(schema: Any, of_fields: bool = False) -> Any:
    if isinstance(schema, dict):
        ignored = () if of_fields else ("title", "description", "default")
        return {
            name: _bare(part, name == "properties" and not of_fields)
            for name, part in schema.items()
            if name not in ignored
        }
    return [_bare(part) for part in schema] if isinstance(schema, list) else schema
