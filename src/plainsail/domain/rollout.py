"""A target (a service in one environment), the groups that run there, and the rollout that changes it.

Stored shapes: `SHAPE` is their version, and `upgrade` in the store's migrations brings older ones up to it.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from plainsail.domain.checks import Errand, Word
from plainsail.domain.evidence import Verdict
from plainsail.domain.past import Past
from plainsail.domain.service import Placement, Run
from plainsail.domain.strategy import Course, Exposed, Judged, Role, Step
from plainsail.domain.trial import OTHERS, Trial
from plainsail.domain.units import ALL

SHAPE = 1

Phase = Literal[
    "pending", "gated", "progressing", "paused", "finishing", "succeeded", "rolling_back", "rolled_back",
    "aborted", "superseded", "failed",
]  # fmt: skip
ENDED: frozenset[Phase] = frozenset({"succeeded", "rolled_back", "aborted", "superseded", "failed"})


Undertaking = Literal["deploy", "rollback", "scale", "restart", "remove"]
"""What a rollout is for."""


class Revision(msgspec.Struct, frozen=True):
    """What can be put back: a release with the configuration it ran with. Code and configuration go together."""

    release: str
    version: str
    run: Run
    config: str
    """Digest of `run`."""


class Group(msgspec.Struct, frozen=True):
    """What instances belong to and traffic is split between."""

    id: str
    role: Role
    revision: Revision
    replicas: int
    variant: str = ""
    """What it is called in the test that it was made for."""


class Against(msgspec.Struct, frozen=True):
    """What was known against a candidate when its gradual way back, or its hold, began, and somebody may go on in spite of."""

    failed: bool = False
    """It was proven to be worse."""
    harm: float = 0.0
    """As `Verdict.harm`."""
    crashes: int = 0
    held: bool = False
    """It is on hold for that."""


class Rollout(msgspec.Struct, frozen=True):
    """One change on its way. Its row; every tick derives the plan anew from it and the state of the world."""

    id: str
    service: str
    environment: str
    kind: Undertaking
    by: str
    strategy: str
    revision: Revision
    candidate: str
    """Group."""
    live: str | None
    """The group that users had when it began."""
    replicas: int
    placement: Placement
    """What was asked for with it. Hosts and stickiness become the target's when it succeeds; until then live keeps its
    own."""
    course: Course
    started_at: float
    entered_at: float
    """When the present step was entered."""
    in_force_at: float | None = None
    """When the present step's traffic was first seen in force."""
    phase: Phase = "pending"
    step: int = 0
    reason: str = ""
    reason_code: str = ""
    ending: Phase | None = None
    """While rolling back: the phase it will end in."""
    ended_at: float | None = None
    reached_bp: int = 0
    """The largest share of users the candidate has had."""
    decided_at: float | None = None
    """When it was decided to take it back, or that it stays."""
    verdict: Verdict | None = None
    baseline: str | None = None
    """The group that the candidate is compared with, if that is not live; None also once it was given up."""
    had: int = 0
    """The candidate's requests that had been compared when the present step's traffic came in force."""
    warm: str | None = None
    """The candidate of the rollout that this one superseded, while it keeps its users; None: it has none."""
    retired: tuple[str, ...] = ()
    """The candidate's instances that are replaced because they alone were bad (`suspect`)."""
    baked: float = 0.0
    """Seconds for which it was watched with all users."""
    words: dict[str, Word] = {}
    """What was said by others: by number of the step, and of the check or `approval`: `2/0`, `2/approval`."""
    trial: Trial | None = None
    """The test that it is."""
    held_at: float | None = None
    """Since when it waits for a person, while it is paused."""
    called_at: float | None = None
    """When it was said that the wait is nearly over."""
    against: Against | None = None
    """While it goes back gradually, or was held for having been proven to be worse."""
    worse_at: float | None = None
    """When it was found that what users keep of the superseded one is worse than live."""

    def steps(self) -> tuple[Step, ...]:
        """The way it is on."""
        return self.course.back if self.phase == "rolling_back" else self.course.steps

    def current(self) -> Step:
        return self.steps()[self.step]

    def group(self, role: Role) -> str | None:
        match role:
            case "candidate":
                return self.candidate
            case "live":
                return self.live
            case "baseline":
                return self.baseline
            case "warm":
                return self.warm
            case "variant-2" | "variant-3":
                return dict(zip(OTHERS, self.others(), strict=False)).get(role)
            case _:
                return None

    def others(self) -> tuple[str, ...]:
        """Groups of a test's variants beside the candidate."""
        return self.trial.others(self.candidate) if self.trial is not None else ()

    def goes_back_gradually(self) -> bool:
        """And may still be told to go back at once."""
        return self.phase == "rolling_back" and self.against is not None

    def renews(self) -> bool:
        """Users get other instances than those they had. A change of the live group's size, or its end, has no candidate
        of its own: that is live itself."""
        return self.candidate != self.live

    def control(self) -> str | None:
        """The group that the candidate is compared with."""
        return self.baseline or self.live

    def exposed(self) -> Exposed | None:
        """What the candidate has of the users, while it is on its way, not all are its own and nothing is suspected of it; as
        long as it has none, what is kept by the one that it superseded."""
        if self.kind != "deploy" or self.phase not in ("progressing", "paused") or self.trial is not None:
            return None
        step, verdict = self.current(), self.verdict
        kept = step.share("warm")
        # Where its users are about to be handed over a step asks for none of live's, and they are there until then.
        live = step.sizes.get("live") or self.steps()[self.step - 1].sizes.get("live", 0)
        share = min(self.reached_bp, step.share("candidate"))
        if not share and kept and self.warm is not None:
            return Exposed(kept, step.sizes.get("warm", 0), live, self.warm)
        suspected = verdict is not None and (verdict.outcome == "fail" or verdict.harm > SUSPECTED)
        # The first one's users would go to live at once, and that may be too small for them.
        small = kept > 0 and live < self.course.back[-1].sizes.get("live", 0)
        if suspected or small or not 0 < share < ALL:
            return None
        return Exposed(share, step.sizes.get("candidate", 0), live, self.candidate)

    def watched(self) -> bool:
        """Whether the way there has a step in which all users are the candidate's and it can still be taken back."""
        return any(isinstance(step.leave, Judged) and step.during() == "bake" for step in self.course.steps)

    def ended(self) -> bool:
        return self.phase in ENDED

    def took_over(self) -> bool:
        """It succeeded, and its release has the users: of a test that ended with live kept that can't be said."""
        return self.phase == "succeeded" and self.ending is None


class Configured(msgspec.Struct, frozen=True):
    """A release with a configuration, by their digests."""

    release: str
    config: str


class Scaled(msgspec.Struct, frozen=True):
    """So many instances instead of the declared number, for as long as that one is declared."""

    replicas: int
    declared: int


class Target(msgspec.Struct, frozen=True):
    """A service in one environment: what should run there, held also while nothing changes."""

    service: str
    environment: str
    placement: Placement = Placement()
    """As of the last deploy that succeeded (the first one: at once)."""
    serial: int = 0
    """Number of the last group made here."""
    groups: tuple[Group, ...] = ()
    live: str | None = None
    good: tuple[Revision, ...] = ()
    """Revisions that were live before, latest first, at most `KEPT_GOOD`."""
    quarantine: tuple[str, ...] = ()
    """Digests that were taken back; deploying one again must be meant."""
    rollout: Rollout | None = None
    """The one under way."""
    scaled: Scaled | None = None
    """The number of instances that a person asked for since the file last named another."""
    past: Past | None = None
    """What live's users met lately; taken down while no rollout is under way."""
    misconfigured: tuple[Configured, ...] = ()
    """What was taken back while its release was live with another configuration: of these the release is not in quarantine."""
    errands: tuple[Errand, ...] = ()
    """Hooks of rollouts that are over, until they have answered."""

    def retired(self, group: str | None = None) -> tuple[str, ...]:
        """Instances that are being replaced; with a group, those of it."""
        rollout = self.rollout
        return rollout.retired if rollout is not None and group in (None, rollout.candidate) else ()

    def group(self, id: str | None) -> Group | None:
        return next((group for group in self.groups if group.id == id), None)


SUSPECTED = 0.2
"""Part of the way to the line of harm past which a superseded candidate gives its users back at once: nobody would judge it
while the next one starts."""

KEPT_GOOD = 10
