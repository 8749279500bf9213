"""A step's desired state, as a document: the one place here that knows what a step is made of."""

from __future__ import annotations

from typing import Any

import msgspec

from plainsail.domain.checks import names
from plainsail.domain.rollout import Rollout
from plainsail.domain.strategy import Step

ELSEWHERE = {"split", "leave", "finishing", "checks"}
"""Fields of a step that are no part of what should be, or are told as `shares`."""
NAMES = {"inside": "rules"}


def desired(step: Step, rollout: Rollout) -> dict[str, Any]:
    """`name`, `sizes` by role, `shares` by role in basis points; and what else the step asks for (`rules`), where it does."""
    told: dict[str, Any] = msgspec.to_builtins(step)
    sizes = {role: size for role, size in step.sizes.items() if rollout.group(role) is not None}
    more = {NAMES.get(name, name): value for name, value in told.items() if name not in ELSEWHERE and value}
    if step.checks:
        more["checks"] = list(names(step.checks))
    return {
        **more,
        "name": step.name,
        "sizes": sizes,
        "shares": {part.role: part.share_bp for part in step.split},
    }
