"""Intents: what people and machines ask of a target. Written by use cases, carried out only by the engine."""

from __future__ import annotations

import msgspec

from plainsail.domain.rollout import Revision
from plainsail.domain.service import Placement
from plainsail.domain.strategy import Chain


class Deploy(msgspec.Struct, frozen=True, tag="deploy"):
    """Bring this revision to all users. `rollout` is the id its rollout gets."""

    rollout: str
    by: str
    revision: Revision
    placement: Placement
    strategy: Chain
    again: bool = False


class Rollback(msgspec.Struct, frozen=True, tag="rollback"):
    """Back to `release`, or to the last good one, at once."""

    rollout: str
    by: str
    release: str | None = None
    reason: str = ""


class Scale(msgspec.Struct, frozen=True, tag="scale"):
    """As many instances of what is live as this."""

    rollout: str
    by: str
    replicas: int
    declared: int
    """What the file said when it was asked: the new number holds until the file says another one."""
    reason: str = ""


class Restart(msgspec.Struct, frozen=True, tag="restart"):
    """New instances of what is live in the place of the old ones."""

    rollout: str
    by: str
    reason: str = ""


class Remove(msgspec.Struct, frozen=True, tag="remove"):
    """Nothing of the service there any more: no user, no instance, no rule of the router, no registration."""

    rollout: str
    by: str
    reason: str = ""


class Abort(msgspec.Struct, frozen=True, tag="abort"):
    rollout: str
    by: str
    reason: str = ""
    gradual: bool = False
    """The shares in reverse, instead of all users at once."""


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


class Approve(msgspec.Struct, frozen=True, tag="approve"):
    """A person's yes to the step that asks for it."""

    rollout: str
    by: str
    reason: str = ""
    step: int | None = None
    """The step that is meant; None: whichever is present."""


class Reject(msgspec.Struct, frozen=True, tag="reject"):
    """A person's no: the rollout is taken back."""

    rollout: str
    by: str
    reason: str = ""
    step: int | None = None


Beginning = Deploy | Rollback | Scale | Restart | Remove
"""Those that a rollout comes from."""

Intent = Beginning | Abort | Pause | Resume | Advance | Approve | Reject
