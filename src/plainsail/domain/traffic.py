"""Traffic: an ordered table of rules, and who stands behind each group. What a router is asked for and reports."""

from __future__ import annotations

import msgspec

from plainsail.domain.match import Match
from plainsail.domain.service import Shield, Sticky
from plainsail.domain.units import Share


class GroupShare(msgspec.Struct, frozen=True):
    group: str
    share_bp: Share


class Route(msgspec.Struct, frozen=True):
    """One rule. The first that matches decides; its split sums to 10,000, or is empty: nobody answers."""

    match: Match
    split: tuple[GroupShare, ...]


class Member(msgspec.Struct, frozen=True, order=True):
    """An instance that may be sent requests."""

    instance: str
    address: str


class Mirror(msgspec.Struct, frozen=True):
    """A group that gets copies of requests; what it answers is compared and thrown away. WebSockets are never copied."""

    group: str
    share_bp: Share
    """Of live's requests with these methods."""
    methods: tuple[str, ...]


class Traffic(msgspec.Struct, frozen=True):
    """The desired state of a service in one router, whole."""

    service: str
    hosts: tuple[str, ...]
    routes: tuple[Route, ...]
    members: dict[str, tuple[Member, ...]]
    """By group, sorted. Groups without a share may have members: they are warm."""
    live: str | None
    """The group that answers for others: shielded requests, and whatever no rule sends elsewhere."""
    shield: Shield
    sticky: Sticky | None
    slow_after: float
    """Seconds; requests slower than this are counted as slow."""
    mirror: Mirror | None = None
    unshielded_rules: bool = True
    """Who is sent to a group by a rule before the last looks on purpose, and sees what that group answers. Not so in a
    test, whose rules are for users."""
    salt: str = ""
    """With it who stays with a group is reckoned anew (`domain.buckets`), once for each salt: the arms of one test have nothing to
    do with those of the next. Empty: by the hash that all rollouts of a service have in common. Letters, digits, `-`, `.`, `_`."""

    def groups(self) -> tuple[str, ...]:
        """Those that the default (last) rule sends users to."""
        return tuple(part.group for part in self.routes[-1].split) if self.routes else ()

    def share(self, group: str) -> int:
        """Basis points of the default (last) rule."""
        split = self.routes[-1].split if self.routes else ()
        return sum(part.share_bp for part in split if part.group == group)


class Capabilities(msgspec.Struct, frozen=True):
    """What a router can do, as data for the planner and for `check`."""

    granularity_bp: int = 1
    """Smallest share it keeps exactly; 0: no splits at all."""
    groups: int = 2
    """Groups that can have a share at once."""
    sticky_cookie: bool = False
    sticky_header: bool = False
    shield: bool = False
    mirror: bool = False
    """It copies requests to a group, and compares the answers."""
    fault: bool = False
    match: bool = False
    fencing: bool = False
    counts: bool = False
    instances: bool = False
    """It says of each instance what it had of its group's requests."""
