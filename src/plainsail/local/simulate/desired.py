"""A step's desired state, as a document: as `plainsail deploy --plan` lists it, so that what was foreseen can be held beside it."""

from __future__ import annotations

from typing import Any

import msgspec

from plainsail.app.documents import step_documents
from plainsail.domain.strategy import Step


def desired(step: Step) -> dict[str, Any]:
    """The fields of a `StepDocument`."""
    (document,) = step_documents((step,))
    found: dict[str, Any] = msgspec.to_builtins(document)
    return found
