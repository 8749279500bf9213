"""Insiders on the way of a chain: whoever was given the new release keeps it, whatever the shares, until all have it."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from plainsail.domain.strategy import Inside, Step
from plainsail.domain.units import ALL


def kept(steps: Iterable[Step]) -> tuple[Step, ...]:
    """The same steps; each with the rules of those before it behind its own, up to the first that gives the release to all:
    not all have it as soon as that begins. An insider who looks at a release in the dark would lose it when the first user
    gets it, and with it whatever was begun there."""
    found: list[Step] = []
    had: tuple[Inside, ...] = ()
    for step in steps:
        inside = step.inside
        if not found or found[-1].share("candidate") < ALL:
            inside = (*inside, *(one for one in had if one not in inside))
            had = tuple(one for one in inside if one.role == "candidate")
        found.append(msgspec.structs.replace(step, inside=inside))
    return tuple(found)
