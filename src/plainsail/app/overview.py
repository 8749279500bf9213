"""All services at a glance, a page at a time: names are filtered first, only what is shown is read in full."""

from __future__ import annotations

from typing import Literal

import msgspec

from plainsail.app.access import Subject, allow
from plainsail.app.context import Context
from plainsail.app.documents import StatusDocument
from plainsail.app.status import status_of
from plainsail.domain.service import Environment
from plainsail.ports.store import Key

Only = Literal["all", "busy", "trouble"]


class RowDocument(msgspec.Struct, frozen=True):
    """A service; `environments` by name, only those it is placed in."""

    service: str
    environments: dict[str, StatusDocument]


class OverviewDocument(msgspec.Struct, frozen=True):
    environments: tuple[str, ...]
    """All, in the order in which releases walk them."""
    rows: tuple[RowDocument, ...]
    page: int
    """From 1."""
    pages: int
    found: int
    """Services that the filter leaves."""
    services: int
    busy: int
    """Services with a rollout under way."""
    trouble: int
    """Services of which something is wrong."""
    rollouts: int
    """Targets with a rollout under way."""


def overview(
    context: Context, subject: Subject, text: str = "", only: Only = "all", page: int = 1, size: int = 50
) -> OverviewDocument:
    """Services whose name contains the text: those of which something is wrong, those on the move, the rest by name."""
    allow(subject, "read")
    keys = context.store.targets()
    busy = context.store.busy()
    busy_names = {key.service for key in busy}
    troubled = {key.service for key in keys if in_trouble(context, key)}
    names = {key.service for key in keys}
    chosen = {"all": names, "busy": busy_names, "trouble": troubled}[only]
    found = sorted(
        (name for name in chosen if text.lower() in name.lower()),
        key=lambda name: (name not in troubled, name not in busy_names, name),
    )
    pages = max(1, -(-len(found) // size))
    page = min(max(page, 1), pages)
    environments = context.store.environments()
    return OverviewDocument(
        environments=in_chain_order(environments),
        rows=tuple(_row(context, name, environments) for name in found[(page - 1) * size : page * size]),
        page=page, pages=pages, found=len(found), services=len(names),
        busy=len(busy_names), trouble=len(troubled), rollouts=len(busy),
    )  # fmt: skip


def in_chain_order(environments: dict[str, Environment]) -> tuple[str, ...]:
    """Each after the one that a release must have passed before."""

    def depth(name: str) -> int:
        passed: list[str] = []
        while (before := environments[name].after) in environments and before not in passed:
            assert before is not None
            passed.append(before)
            name = before
        return len(passed)

    return tuple(sorted(environments, key=lambda name: (depth(name), name)))


def in_trouble(context: Context, key: Key) -> bool:
    """A driver failed, or a group that should have instances has none that is ready. Asks only the memory."""
    if context.live.trouble(key):
        return True
    seen = context.live.seen(key)
    return seen is not None and any(
        group.asked and not group.ready() and group.trouble for group in seen.groups.values()
    )


def _row(context: Context, name: str, environments: dict[str, Environment]) -> RowDocument:
    declared = context.store.service(name)
    placements = declared.placements if declared else {}
    return RowDocument(name, {
        where: status_of(context, Key(name, where), placement.hosts, environments[where])
        for where, placement in placements.items() if where in environments
    })  # fmt: skip
