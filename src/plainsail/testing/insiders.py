"""Which of the simulated users are insiders: a part of them, all of whom a table's first rule is for."""

from __future__ import annotations

from plainsail.domain.traffic import Traffic
from plainsail.domain.units import ALL

PART = 0.02
"""Of the users, if a table has rules for insiders: the people who make a shop are few beside those who buy there."""


def led(table: Traffic) -> str | None:
    """The group that insiders are led to; None: there is no rule for them."""
    first = table.routes[0].split if len(table.routes) > 1 else ()
    return first[0].group if first else None


def share(table: Traffic, group: str, part: float) -> float:
    """Basis points of all users, insiders or not, that the group is to have."""
    leads = led(table)
    if leads is None:
        return table.share(group)
    return table.share(group) * (1.0 - part) + ALL * part * (group == leads)
