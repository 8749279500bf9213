"""The language between deciding and doing: set-shaped orders. Doing one twice does no harm."""

from __future__ import annotations

import msgspec

from plainsail.domain.service import Run
from plainsail.domain.traffic import Traffic


class GroupOrder(msgspec.Struct, frozen=True):
    """So many instances of a release, run this way."""

    group: str
    release: str
    version: str
    run: Run
    replicas: int
    retire: tuple[str, ...] = ()
    """Instances that are to end and be replaced, whatever they say of themselves: they leave at once and never come back."""


class Fleet(msgspec.Struct, frozen=True, tag="fleet"):
    """All groups of a target, whole: what is not named here ends.

    A provider that ends instances itself first reports them as `leaving`, and ends one when it is in `released` (the
    router sends it nothing and no connection is open) or when its drain time is over.
    """

    service: str
    environment: str
    groups: tuple[GroupOrder, ...]
    released: tuple[str, ...] = ()


class Send(msgspec.Struct, frozen=True, tag="send"):
    """This table of traffic."""

    traffic: Traffic


class Withdraw(msgspec.Struct, frozen=True, tag="withdraw"):
    """No rule of this service."""

    service: str


Action = Fleet | Send | Withdraw
