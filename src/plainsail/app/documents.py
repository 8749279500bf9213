"""The documents that the API, the CLI's --json and the pages show: plain, flat, and the same everywhere.

Shares are basis points (10,000 = all), times seconds since 1970, durations seconds.
"""

from __future__ import annotations

import msgspec

from plainsail.app.wording import left
from plainsail.domain.approval import awaited
from plainsail.domain.checking import asked
from plainsail.domain.checkpoints import way
from plainsail.domain.checks import called, names
from plainsail.domain.events import Event
from plainsail.domain.evidence import Verdict
from plainsail.domain.intents import Beginning, Deploy, Rollback
from plainsail.domain.lifecycle import tag
from plainsail.domain.observation import Counts, Latency
from plainsail.domain.patience import back_at
from plainsail.domain.release import Release
from plainsail.domain.rollout import Configured, Phase, Rollout
from plainsail.domain.strategy import Copies, Exposed, Inside, Role, Step, chain_name
from plainsail.domain.traffic import Route
from plainsail.ports.store import Key, Pending, Written


class InstanceDocument(msgspec.Struct, frozen=True):
    id: str
    state: str
    address: str
    since: float


class GroupDocument(msgspec.Struct, frozen=True):
    """Instances of one release with one configuration. `replicas` is what is asked for at this step; `ready` and
    `share_bp` are what is in force now."""

    group: str
    role: Role
    release: str
    version: str
    config: str
    replicas: int
    ready: int
    share_bp: int
    instances: tuple[InstanceDocument, ...] = ()
    crashes: int = 0
    failed_starts: int = 0
    trouble: str = ""
    counts: Counts | None = None
    latency: Latency | None = None
    variant: str = ""
    """What it is called in the test that it was made for."""


class StepDocument(msgspec.Struct, frozen=True):
    name: str
    share_bp: int
    """Of the candidate."""
    instances: dict[Role, int]
    leave: str
    """When it is left, in words."""
    inside: tuple[Inside, ...] = ()
    """Insiders, who have a role's release whatever the shares."""
    shares: dict[Role, int] = {}
    """By role, in basis points; empty: nobody answers."""
    copies: Copies | None = None
    """Which requests are copied to a role besides, whose answers nobody sees."""
    checks: tuple[str, ...] = ()
    """Who else has to say go."""
    approval: bool = False
    """A person has to, too."""
    notify: str = ""
    """What is told to those who are notified when it is entered."""


class CheckDocument(msgspec.Struct, frozen=True):
    """What a check of the present step says."""

    name: str
    state: str
    """`asked` until it has said anything; then `go`, `no_go`, `not_yet` or `silent`."""
    reason: str = ""
    """In its own words, or why there are none."""
    asked_at: float | None = None


class RolloutDocument(msgspec.Struct, frozen=True):
    """`step` counts from 0 and points into `steps`, which is the way there or, when rolling back, the way back."""

    id: str
    service: str
    environment: str
    kind: str
    by: str
    phase: Phase
    strategy: str
    release: str | None
    version: str | None
    step: int
    steps: tuple[StepDocument, ...]
    reason: str
    reason_code: str
    started_at: float | None
    step_entered_at: float | None = None
    decided_at: float | None = None
    ended_at: float | None = None
    reached_bp: int = 0
    candidate: str | None = None
    live: str | None = None
    verdict: Verdict | None = None
    checks: tuple[CheckDocument, ...] = ()
    """Of the present step."""
    awaits_approval: bool = False
    """A person is asked: `approve` or `reject` it."""
    config: str | None = None
    """Digest of the configuration that its instances run with."""
    back_at: float | None = None
    """When it goes back by itself if nobody decides; null: it is not on hold."""
    worse: bool = False
    """It is on hold because users were proven to be worse off with it: it can be advanced or aborted."""
    gradual: bool = False
    """It goes back with the shares in reverse, and can still be told to go back at once."""
    already: bool = False
    """Of the answer to `approve` and `reject`: it had been said before, and nothing was done."""


class GoodDocument(msgspec.Struct, frozen=True):
    """What was live before, and can be again."""

    release: str
    version: str
    config: str = ""
    """Digest of the configuration that it ran with."""


class StatusDocument(msgspec.Struct, frozen=True):
    """A service in one environment. `observed_at` is null when this control plane has not looked yet; shares and ready
    counts are 0 then."""

    service: str
    environment: str
    url: str | None
    hosts: tuple[str, ...]
    groups: tuple[GroupDocument, ...]
    routes: tuple[Route, ...]
    rollout: RolloutDocument | None
    last_rollout: RolloutDocument | None
    good: tuple[GoodDocument, ...]
    """Latest first; a rollback goes to the first that is not in quarantine."""
    quarantine: tuple[str, ...]
    trouble: dict[str, str]
    """By driver: what it last failed with."""
    observed_at: float | None
    misconfigured: tuple[Configured, ...] = ()
    """What was taken back while its release was live with another configuration: these two are not deployed together again
    unless that is meant."""


class ReleaseDocument(msgspec.Struct, frozen=True):
    digest: str
    service: str
    version: str
    commit: str
    labels: dict[str, str]
    made_at: float


class EventDocument(msgspec.Struct, frozen=True):
    id: int
    kind: str
    at: float
    service: str
    environment: str
    rollout: str
    by: str
    reason: str
    code: str
    data: dict[str, str | int | float | bool | None]


def release_document(release: Release) -> ReleaseDocument:
    return ReleaseDocument(
        release.digest,
        release.service,
        release.version,
        release.commit,
        release.labels,
        release.made_at,
    )


def event_document(written: Written) -> EventDocument:
    event: Event = written.event
    return EventDocument(
        written.id, event.kind, event.at, event.service, event.environment,
        event.rollout, event.by, event.reason, event.code, event.data,
    )  # fmt: skip


def step_documents(steps: tuple[Step, ...]) -> tuple[StepDocument, ...]:
    return tuple(
        StepDocument(
            step.name,
            sum(part.share_bp for part in step.split if part.role == "candidate"),
            step.sizes,
            left(step),
            step.inside,
            {part.role: part.share_bp for part in step.split},
            step.copies,
            names(step.checks),
            step.approve_within is not None,
            step.notify,
        )
        for step in steps
    )


def rollout_document(rollout: Rollout) -> RolloutDocument:
    return RolloutDocument(
        id=rollout.id, service=rollout.service, environment=rollout.environment, kind=rollout.kind, by=rollout.by,
        phase=rollout.phase, strategy=rollout.strategy, release=rollout.revision.release, version=rollout.revision.version,
        step=rollout.step, steps=step_documents(rollout.steps()), reason=rollout.reason, reason_code=rollout.reason_code,
        started_at=rollout.started_at, step_entered_at=rollout.entered_at,
        decided_at=rollout.decided_at, ended_at=rollout.ended_at,
        reached_bp=rollout.reached_bp, candidate=rollout.candidate, live=rollout.live, verdict=rollout.verdict,
        config=rollout.revision.config, back_at=back_at(rollout) if rollout.held_at is not None else None,
        worse=rollout.against is not None and rollout.against.held,
        gradual=rollout.goes_back_gradually(),
        checks=_checks(rollout), awaits_approval=awaited(rollout),
    )  # fmt: skip


def _checks(rollout: Rollout) -> tuple[CheckDocument, ...]:
    if rollout.ended():
        return ()
    return tuple(
        CheckDocument(called(driver), word.state, word.why, word.at)
        if word is not None
        else CheckDocument(called(driver), "asked")
        for _, driver, word in asked(rollout)
    )


def waiting_document(
    pending: Pending, key: Key, live_replicas: int | None, exposed: Exposed | None = None
) -> RolloutDocument:
    """A rollout that has been asked for and that the engine has not begun yet."""
    intent = pending.intent
    assert isinstance(intent, Beginning)
    steps: tuple[StepDocument, ...] = ()
    if isinstance(intent, Deploy):
        placement = intent.placement
        steps = step_documents(way(intent.strategy, placement, live_replicas, exposed).steps)
    return RolloutDocument(
        id=intent.rollout, service=key.service, environment=key.environment, kind=tag(intent),
        by=intent.by, phase="pending", strategy=chain_name(intent.strategy) if isinstance(intent, Deploy) else tag(intent),
        release=intent.revision.release if isinstance(intent, Deploy) else intent.release if isinstance(intent, Rollback) else None,
        version=intent.revision.version if isinstance(intent, Deploy) else None, step=0, steps=steps,
        reason="waiting for the engine to begin", reason_code="asked", started_at=None,
    )  # fmt: skip
