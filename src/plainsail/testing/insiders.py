"""Which of the simulated users the rules of a table are for: a part of them, each as many for every group that rules lead to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from plainsail.domain.traffic import Traffic
from plainsail.domain.units import ALL

if TYPE_CHECKING:
    from plainsail.testing.world import World

PART = 0.02
"""Of the users, if a table has rules for insiders: the people who make a shop are few beside those who buy there."""


def led(table: Traffic) -> tuple[str, ...]:
    """The groups that rules lead to, in their order."""
    rules = table.routes[:-1]
    return tuple(dict.fromkeys(one.split[0].group for one in rules if one.split))


def share(table: Traffic, group: str, part: float) -> float:
    """Basis points of all users, insiders or not, that the group is to have."""
    groups = led(table)
    if not groups:
        return table.share(group)
    return table.share(group) * (1.0 - part) + ALL * part * (group in groups) / len(groups)


@contextmanager
def looking(world: World, insiders: bool) -> Iterator[None]:
    """Who is hurt meanwhile is an insider, if it is they who ask: no user saw it."""
    failed, slowed = world.user_errors, world.slowed
    yield
    if insiders:
        world.insiders_hurt += world.user_errors + world.slowed - failed - slowed
        world.user_errors, world.slowed = failed, slowed
