"""Strategies, as people write them, and the one thing they all are: a tuple of steps, each a desired state plus a
condition to leave it.

Steps name roles, not groups: the rollout says which group plays which role. The planner knows only steps; `courses` makes
them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import msgspec

from plainsail.domain.driver import Driver
from plainsail.domain.match import Match
from plainsail.domain.mirroring import Shadow
from plainsail.domain.units import ALL, Duration, Level, Ratio, Share, percent

Role = Literal["live", "candidate", "baseline", "variant", "variant-2", "variant-3", "warm", "dark"]
"""In the steps of a test the first variant is the candidate, and the others are `variant-2` and `variant-3`; all their groups
are called `variant`."""


class Canary(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="canary"):
    """A growing part of the users gets the new release; the rest keeps the old one for comparison."""

    steps: tuple[Share, ...] = (100, 1000, 5000)
    """Shares, growing; 100 % follows the last."""


class Incremental(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="incremental"):
    """A canary by user: who has had the new release once keeps it while the share grows. It needs `sticky`, which says
    what a user is known by."""

    steps: tuple[Share, ...] = (100, 1000, 5000)
    """Shares of the users, growing; 100 % follows the last."""


class BlueGreen(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="blue-green"):
    """The new release is started in full beside the old one, then all users move at once."""

    keep: Duration = 10.0
    """How long the old one stays warm, and the new one is watched, after the switch."""
    preview: Match | None = None
    """Who can see the new one before the switch."""
    switch: Literal["automatic", "manual"] = "automatic"
    """`manual`: users move when a person says so (`plainsail advance`)."""


class RedBlack(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="red-black"):
    """As blue-green, with the old release kept warm for long: the way back is one change of the router's table."""

    keep: Duration = 3600.0
    """How long the old one stays warm, and the new one is watched, after the switch."""


class Rolling(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="rolling"):
    """New instances take the place of old ones, a few at a time; users follow the instances."""

    max_surge: int = 1
    """Instances beyond `replicas` while it lasts."""
    max_unavailable: int = 0
    """Instances that may be missing from `replicas` while it lasts; with these the old ones end first."""


class RollingRedBlack(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="rolling-red-black"):
    """Shares as a canary's, on machines that follow: the old group shrinks as the new one is proven."""

    steps: tuple[Share, ...] = (1000, 2500, 5000)
    """Shares, growing; 100 % follows the last."""


class RollingCanary(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="rolling-canary"):
    """A canary first, beside all of the old instances; once it is proven, the rest is rolled."""

    steps: tuple[Share, ...] = (100, 1000)
    """Shares of the canary, growing; the rest follows instance by instance."""
    max_surge: int = 1
    """Instances beyond `replicas` while the rest is rolled."""
    max_unavailable: int = 0
    """Instances that may be missing from `replicas` while the rest is rolled."""


class Recreate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="recreate"):
    """The old release is stopped before the new one is started: two never run at once, and users see a gap."""


class Dark(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="dark"):
    """The new release runs in production, and only insiders see it. In front of another strategy, or alone: then all users
    follow at once."""

    match: Match
    """Who the insiders are."""
    instances: int = 1
    """Of the new release."""
    lasts: Duration | None = None
    """How long; absent: until a person goes on (`plainsail advance`)."""


class Variant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of those that are tested: the new release with this configuration on top."""

    env: dict[str, str] = {}
    """On top of the service's and the environment's; the same name is replaced."""
    match: Match | None = None
    """Who has it, by what their requests carry; then all variants have one, and `share` has no meaning."""


class AB(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="a-b"):
    """Users are divided between live and one to three variants for a while; which of them is better by a KPI is found out,
    and then live has all users again unless `then` says otherwise."""

    kpi: str
    """A metric under `evidence.metrics` that counts users, or has a mean over users (`counts`, `mean`)."""
    share: Share = 5000
    """Of the users, divided equally among the variants; live has the rest."""
    lasts: Duration = 1_209_600.0
    """The longest it takes; sooner when it is decided."""
    margin: Level = 0.0
    """A difference that is not worth a change, in the unit of the KPI: the test ends when it is proven that no variant is better
    by more than this."""
    match: Match | None = None
    """Without `variants`: who has the new release, by what their requests carry, instead of a share."""
    variants: dict[str, Variant] = {}
    """By name; without: the new release as it is."""
    then: Literal["keep", "promote", "ask"] = "keep"
    """What a winner gets: nothing by itself, all users, or all users when a person says so (`plainsail advance`)."""

    def by_match(self) -> bool:
        """Requests themselves say who has which variant."""
        return self.match is not None or any(one.match for one in self.variants.values())


class CustomStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One step of your own. What is absent is as `pace` says."""

    share: Share = 0
    """Of the users; 0: nobody but insiders."""
    instances: int | None = None
    """Of the new release; absent: as many as carry the share."""
    match: Match | None = None
    """Insiders, who have the new release whatever the share."""
    until: Literal["proven", "dwell", "advanced"] | None = None
    """As in `pace`; `advanced`: when a person says so (`plainsail advance`)."""
    dwell: Duration | None = None
    """As in `pace`: shortest time at this step."""
    deadline: Duration | None = None
    """As in `pace`: longest time at this step; then `on_unsure`."""
    on_unsure: Literal["hold", "rollback", "advance"] | None = None
    """As in `pace`: wait for a person, go back, or go on."""
    requests: int | None = None
    """As in `pace`: fewest requests of the new release at this step."""
    approval: bool = False
    """`true`: it is left only when a person says so too (`plainsail approve`), within `deadline` or 7 days."""
    checks: tuple[Driver, ...] = ()
    """Who else has to say go before it is left, asked from the moment its traffic is in force. One that says no takes the
    release back."""
    notify: str | None = None
    """What is told to those who are notified when this step is reached."""


class Custom(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="custom"):
    """Steps of your own; all users follow the last."""

    steps: tuple[CustomStep, ...]
    """One after the other; shares never shrink."""


Strategy = (
    Canary | Incremental | BlueGreen | RedBlack | Rolling | RollingRedBlack | RollingCanary | Recreate | Dark | Custom | AB | Shadow
)  # fmt: skip
KINDS: dict[str, type[Strategy]] = {str(kind.__struct_config__.tag): kind for kind in get_args(Strategy)}
"""By the name people write."""
SIMPLE: dict[str, Strategy] = {
    str(one.__struct_config__.tag): one
    for one in (
        Canary(), Incremental(), BlueGreen(), RedBlack(), Rolling(), RollingRedBlack(), RollingCanary(), Recreate(), Shadow(),
    )
}  # fmt: skip
"""Those that need no keys, and so can be asked for by their names, with their defaults."""
Chain = tuple[Strategy, ...]
"""One after the other in one rollout; the last one takes all users."""


class Pace(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a step may be left."""

    until: Literal["proven", "dwell"] = "proven"
    """`proven`: when the margin is proven for the next exposure. `dwell`: when the time is over and the evidence shows no harm: a
    few failures, or few requests, may be too little to show any."""
    dwell: Duration = 10.0
    """Shortest time at a share."""
    deadline: Duration = 1800.0
    """Longest time at a share; then `on_unsure`."""
    on_unsure: Literal["hold", "rollback", "advance"] = "hold"
    """At the deadline, with the evidence still unsure: wait for a person, go back, or go on. Whom nobody answers for a week
    goes back."""
    on_failure: Literal["rollback", "gradual", "hold"] = "rollback"
    """When users of the new release are proven to be worse off: all back at once; the shares in reverse, each for `dwell`,
    and at once if it goes on; or shares stay until a person decides, and go back at the latest after `deadline`."""
    requests: int = 0
    """Fewest requests of the candidate at a share before that may be left, however good they are."""
    bake: Duration = 0.0
    """How long the old release stays warm after 100 %, and the new one is watched: harm still takes it back at once."""


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """Every instance that the step asks of this role is ready, and its traffic is in force."""

    role: Role
    within: Duration


class Judged(msgspec.Struct, frozen=True, tag="judged"):
    """The evidence allows the next exposure (`until: proven`), shows no harm when the dwell time is over, or every metric that is
    asked before the first user has answered (`analysed`), a person says so (`advanced`), a test is decided (`compared`), or
    all that is asked of others has been said (`checked`; `hooked`: before the first instance)."""

    until: Literal["proven", "dwell", "analysed", "advanced", "compared", "checked", "hooked"]
    exposure: Share
    """The next exposure, for which the margin is to be proven; 0: nobody is exposed, so nothing can be."""
    dwell: Duration
    deadline: Duration
    on_unsure: Literal["hold", "rollback", "advance"]
    requests: int = 0
    """Fewest requests of the candidate at this step."""


class Elapsed(msgspec.Struct, frozen=True, tag="elapsed"):
    """So much time has gone by since the step was entered, whatever else."""

    lasts: Duration


class Settled(msgspec.Struct, frozen=True, tag="settled"):
    """Nothing is left of the groups that the step gives no instances."""

    within: Duration


Condition = Ready | Judged | Elapsed | Settled


class Part(msgspec.Struct, frozen=True):
    """The share of one role in a split."""

    role: Role
    share_bp: Share


class Inside(msgspec.Struct, frozen=True):
    """Who matches has this role, whatever the split."""

    match: Match
    role: Role


class Copies(msgspec.Struct, frozen=True):
    """A role gets copies of requests besides; nobody sees what it answers."""

    role: Role
    share_bp: Share
    """Of the requests with these methods."""
    methods: tuple[str, ...]
    differs: Ratio | None = None
    """At most this part may be answered otherwise; None: any."""

    def told(self) -> str:
        """`copies of 25 % of GET and HEAD requests, whose answers are compared and thrown away`"""
        part = "all" if self.share_bp == ALL else f"{percent(self.share_bp)} of"
        *others, last = self.methods
        which = f"{', '.join(others)} and {last}" if others else last
        return f"copies of {part} {which} requests, whose answers are compared and thrown away"


class Step(msgspec.Struct, frozen=True):
    """A desired state and the condition to leave it."""

    name: str
    sizes: dict[Role, int]
    """Instances by role."""
    split: tuple[Part, ...]
    """Traffic by role, 10,000 in all; empty: nobody answers (only `recreate` and a first deploy's way back)."""
    leave: Condition
    finishing: bool = False
    """All users are where they should be; only clearing up is left."""
    inside: tuple[Inside, ...] = ()
    """Rules in front of the split; the first that matches decides."""
    copies: Copies | None = None
    """Who gets copies of the users' requests besides; None: nobody."""
    checks: tuple[Driver, ...] = ()
    """Who has to say go, besides the condition (`checking`)."""
    approve_within: Duration | None = None
    """Seconds that a person has to approve (`approval`); None: nobody is asked."""
    notify: str = ""
    """For those who are notified, when it is entered; empty: nothing."""
    gradual: bool = False
    """Where all users are to come back to live: users follow as fast as instances are ready to take them, not all to the few that are left."""

    def share(self, role: Role) -> int:
        """Basis points."""
        return sum(part.share_bp for part in self.split if part.role == role)

    def during(self) -> Literal["start", "steps", "bake"]:
        """Which part of a way there it belongs to, as metrics name them (`during`)."""
        exposed = self.share("candidate")
        if exposed == ALL and isinstance(self.leave, Judged):
            return "bake"
        return "steps" if exposed or self.tests() else "start"

    def tests(self) -> bool:
        """Variants are compared by a KPI."""
        return isinstance(self.leave, Judged) and self.leave.until == "compared"


class Exposed(msgspec.Struct, frozen=True):
    """What a candidate has that is superseded on its way."""

    share_bp: Share
    instances: int
    live: int | None = None
    """Instances that live has beside it; None: all of its own."""
    group: str = ""
    """Whose they are."""


class Course(msgspec.Struct, frozen=True):
    """The way there and the way back."""

    steps: tuple[Step, ...]
    back: tuple[Step, ...]


def name_of(strategy: Strategy) -> str:
    """The name people write."""
    return str(type(strategy).__struct_config__.tag)


def chain_name(chain: Sequence[Strategy]) -> str:
    """`dark, canary`"""
    return ", ".join(name_of(one) for one in chain)
