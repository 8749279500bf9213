"""A scene: what the world of some rollouts is like, and what happens in it when. Plain data, drawn from a seed, so that it can
be played again, made smaller, and told."""

from __future__ import annotations

from typing import Literal

import msgspec

from plainsail.domain.service import Placement, Probe, Run, Stop
from plainsail.domain.strategy import Chain
from plainsail.testing.behaviour import Behaviour

RUN = Run(command=("serve",), ready=Probe(tcp=True, within=5.0), stop=Stop(drain=2.0, grace=1.0))
SERVICE, ENVIRONMENT = "shop", "production"


Verb = Literal[
    "pause", "resume", "advance", "abort", "abort gradually", "approve", "reject", "rollback", "restart", "remove"
]  # fmt: skip


class Deploys(msgspec.Struct, frozen=True, tag="deploys"):
    """Somebody deploys a release."""

    number: int
    """Of the release; one that was deployed before is meant when it comes again."""
    like: Behaviour
    placement: Placement
    chain: Chain
    again: bool = False
    """Also if it was taken back before."""


class Asks(msgspec.Struct, frozen=True, tag="asks"):
    """Somebody steers, or asks for upkeep."""

    verb: Verb


class Scales(msgspec.Struct, frozen=True, tag="scales"):
    replicas: int
    declared: int


class RouterAway(msgspec.Struct, frozen=True, tag="router away"):
    seconds: float


class RouterForgets(msgspec.Struct, frozen=True, tag="router forgets"):
    """It is started anew with nothing."""


class ProviderFails(msgspec.Struct, frozen=True, tag="provider fails"):
    orders: int


class InstanceDies(msgspec.Struct, frozen=True, tag="instance dies"):
    pick: int
    """Of those that run, whichever is there."""


class Killed(msgspec.Struct, frozen=True, tag="killed"):
    """The control plane dies in its next turn; another one takes over with nothing but the store."""

    recorded: bool
    """After it has written down what it decided."""
    after: int
    """So many orders are given then."""
    gone: float
    """Seconds until the other one is there."""
    skew: float = 0.0
    """Seconds that the machine's clock was set on meanwhile."""


class OldOrder(msgspec.Struct, frozen=True, tag="old order"):
    """An order of one that died arrives late."""

    pick: int


class StoreFails(msgspec.Struct, frozen=True, tag="store fails"):
    seconds: float
    full: bool
    """It can be read, and not written."""


class StoreSlow(msgspec.Struct, frozen=True, tag="store slow"):
    seconds: float
    each: float
    """Seconds between a turn's look and its orders."""


Happening = (
    Deploys | Asks | Scales | RouterAway | RouterForgets | ProviderFails | InstanceDies | Killed | OldOrder | StoreFails
    | StoreSlow
)  # fmt: skip


class At(msgspec.Struct, frozen=True):
    """When something happens, in seconds since live had all users; what happens at one moment does so in its order."""

    at: float
    what: Happening


class Scene(msgspec.Struct, frozen=True):
    """One service, from a release that is live on."""

    seed: int
    """Of what the world leaves to chance."""
    happenings: tuple[At, ...] = ()
    rate: float = 50.0
    """Requests a second."""
    grain: float = 1.0
    """Seconds, at most, of which all requests come at once."""
    late: float = 6.0
    """While nothing changes, each look comes after so many times as long as the one before, as on a busy machine; 0: as soon as
    the loop asks for it."""
    tended: bool = True
    """From time to time a person looks after what waits for one; else nobody does before the end."""
    quantiles: bool = False
    """The router tells how long answers take."""
    serial: int = 0
    """Groups that there were before."""
    live: int | None = 2
    """Instances of the release that is live; None: the first deploy is still to come."""


def deploys(scene: Scene) -> list[Deploys]:
    return [one.what for one in scene.happenings if isinstance(one.what, Deploys)]
