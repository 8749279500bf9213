"""What people declare: environments, services, and how one instance is run. The shape of `plainsail.yaml`.

Everything but the command has a default that is right for a newcomer. Field docstrings are the reference.
"""

from __future__ import annotations

import hashlib
from typing import Literal

import msgspec

from plainsail.domain.checks import Hooks
from plainsail.domain.criteria import EvidenceCriteria
from plainsail.domain.driver import Driver
from plainsail.domain.strategy import Canary, Pace, Strategy
from plainsail.domain.units import Duration, Ratio, Size


class Probe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to ask an instance whether it is well. Exactly one of `http`, `tcp`, `command`."""

    http: str | None = None
    """A path; any answer from 200 to 399 is yes."""
    tcp: bool = False
    """Yes when the port accepts a connection."""
    command: tuple[str, ...] = ()
    """Yes when it exits 0; run in the release's directory with the instance's environment."""
    within: Duration = 30.0
    """A started instance must be ready within this time (readiness only)."""
    every: Duration = 1.0
    """Time between two probes of an instance that is ready."""
    timeout: Duration = 2.0
    """Time after which one probe counts as failed."""
    failures: int = 3
    """This many failed probes in a row and the instance is not ready (readiness) or is replaced (liveness)."""


class Stop(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How an instance is ended: out of the router, `drain`, SIGTERM, `grace`, SIGKILL."""

    drain: Duration = 10.0
    """Longest time to wait for open connections after the router stopped sending new ones."""
    grace: Duration = 10.0
    """Longest time between SIGTERM and SIGKILL."""


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one instance may use, as far as the machine permits."""

    memory: Size | None = None
    """Memory; past it the instance is given no more, or is ended."""
    files: int | None = None
    """Open files."""
    cpu: float | None = None
    """Cores."""


class Run(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One instance."""

    command: tuple[str, ...]
    """Run in the release's directory; `{port}` becomes the port to listen on."""
    env: dict[str, str] = {}
    """Environment variables. `PORT` is set to the port to listen on."""
    secrets: dict[str, str] = {}
    """Environment variable -> absolute path of the file that holds its value; read when an instance starts."""
    ready: Probe = Probe(tcp=True)
    live: Probe | None = None
    stop: Stop = Stop()
    limits: Limits = Limits()


class Shield(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Requests that the candidate fails are answered by live instead."""

    enabled: bool = True
    """`false`: the user sees every failure of the candidate."""
    methods: tuple[str, ...] = ("GET", "HEAD", "OPTIONS")
    """Methods that may be asked twice; never POST or PATCH."""
    budget: Ratio = 0.2
    """At most this part of the service's requests, per second, is asked again."""


class Sticky(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who stays with one version. Exactly one of the two."""

    cookie: str | None = None
    """Name of a cookie; set by the router for users who have none."""
    header: str | None = None
    """Name of a header that carries the user's identity."""


class Placement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A service in one environment."""

    replicas: int = 1
    """Instances, 1 to 1000."""
    hosts: tuple[str, ...] = ()
    """Host names that lead here; none: every host."""
    env: dict[str, str] = {}
    """On top of the service's own; the same name is replaced."""
    secrets: dict[str, str] = {}
    """On top of the service's own; the same name is replaced."""
    strategy: tuple[Strategy, ...] = (Canary(),)
    """How a release reaches its users: a name, or the name with its keys. `recreate` has none: it stops the old
    release before it starts the new one."""
    pace: Pace = Pace()
    checks: dict[str, tuple[Driver, ...]] = {}
    """Who else has to say go, by the step they are asked at: `start` (all instances are ready, no user yet), a step's name
    as `deploy --plan` shows it (`10%`, `bake`), or `each`. Going back asks nobody."""
    approvals: tuple[str, ...] = ()
    """Steps that are left only when a person says so (`plainsail approve`); named as for `checks`."""
    hooks: Hooks = Hooks()
    evidence: EvidenceCriteria = EvidenceCriteria()
    shield: Shield = Shield()
    sticky: Sticky | None = None


class Service(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A service and where it runs (`in:` in the file)."""

    run: Run
    placements: dict[str, Placement] = msgspec.field(name="in", default_factory=dict)
    """By environment; at least one."""


class Environment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A place releases go to."""

    router: Driver
    """What moves the users' traffic."""
    provider: Driver = Driver("process")
    """What runs the instances."""
    after: str | None = None
    """The environment a release must have passed before."""
    metrics: dict[str, Driver] = {}
    """Metric sources by name, for services to ask: `shop-metrics: {prometheus: {url: ...}}`."""
    gates: tuple[str, ...] = ()
    """Not available yet; only the empty list is taken."""


class Notify(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where verdicts are told: a Slack-compatible incoming webhook."""

    webhook: str | None = None
    """File that holds the URL (a secret), or the URL itself."""


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A `plainsail.yaml`."""

    schema: Literal[1]
    """The version of this format."""
    environments: dict[str, Environment] = {}
    """Places releases go to; they belong to whoever runs the platform."""
    services: dict[str, Service] = {}
    """What is run; they belong to whoever writes them."""
    notify: Notify = Notify()


def run_in(service: Service, placement: Placement) -> Run:
    """How an instance runs there: the service's way with the placement's variables on top."""
    return msgspec.structs.replace(
        service.run,
        env={**service.run.env, **placement.env},
        secrets={**service.run.secrets, **placement.secrets},
    )


def config_digest(run: Run) -> str:
    """The identity of a configuration: what, besides the release, makes two groups differ."""
    return "sha256:" + hashlib.sha256(msgspec.json.encode(run, order="sorted")).hexdigest()
