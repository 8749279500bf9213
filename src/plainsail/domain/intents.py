"""Intents: what people and machines ask of a target. Written by use cases, carried out only by the engine."""

from __future__ import annotations

import msgspec

from plainsail.domain.rollout import Revision
from plainsail.domain.service import Placement
from plainsail.domain.strategy import Strategy


class Deploy(msgspec.Struct, frozen=True, tag="deploy"):
    """Bring this revision to all users. `rollout` is the id its rollout gets."""

    rollout: str
    by: str
    revision: Revision
    placement: Placement
    strategy: Strategy
    again: bool = False


class Rollback(msgspec.Struct, frozen=True, tag="rollback"):
    """Back to `release`, or to the last good one, at once."""

    rollout: str
    by: str
    release: str | None = None
    reason: str = ""


class Abort(msgspec.Struct, frozen=True, tag="abort"):
    rollout: str
    by: str
    reason: str = ""


class Pause(msgspec.Struct, frozen=True, tag="pause"):
    rollout: str
    by: str
    reason: str = ""


class Resume(msgspec.Struct, frozen=True, tag="resume"):
    rollout: str
    by: str


class Advance(msgspec.Struct, frozen=True, tag="advance"):
    """Leave the present step now, whatever the evidence still lacks."""

    rollout: str
    by: str
    step: int | None = None
    """The step that is meant; when it has been left already there is nothing to do. None: whichever is present."""


Intent = Deploy | Rollback | Abort | Pause | Resume | Advance
