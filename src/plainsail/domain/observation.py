"""What drivers report: instances by group, the traffic in force, cumulative counts."""

from __future__ import annotations

from typing import Literal

import msgspec

from plainsail.domain.checks import Told
from plainsail.domain.measurement import Reading
from plainsail.domain.traffic import Traffic

InstanceState = Literal["starting", "ready", "unready", "leaving"]
"""`unready`: was ready, its probe fails now. `leaving`: chosen to end, or ending. Dead ones are not reported."""


class Instance(msgspec.Struct, frozen=True):
    """One running copy of a group's release."""

    id: str
    group: str
    state: InstanceState
    address: str
    """`host:port`"""
    since: float
    """When it was started."""


class GroupSeen(msgspec.Struct, frozen=True):
    """What a provider sees of one group. Counts are cumulative over the group's life and survive a restart."""

    group: str
    asked: int
    """The size the provider holds it to."""
    instances: tuple[Instance, ...] = ()
    crashes: int = 0
    """Instances that ended, or failed their liveness probe, after they had been ready."""
    failed_starts: int = 0
    """Instances that ended before they were ready, or were not ready in time."""
    timed_out: int = 0
    """Those of `failed_starts` that were not ready in time."""
    trouble: str = ""
    """The last crash or failed start in one clause: `exited with status 1 after 0.2 s`."""

    def ready(self) -> int:
        return sum(instance.state == "ready" for instance in self.instances)

    def without(self, retired: tuple[str, ...]) -> GroupSeen:
        """The same with these instances on their way out."""
        leaving = tuple(
            msgspec.structs.replace(one, state="leaving") if one.id in retired else one
            for one in self.instances
        )
        return msgspec.structs.replace(self, instances=leaving)

    def alive(self) -> int:
        """All that are not on their way out."""
        return sum(instance.state != "leaving" for instance in self.instances)


class Counts(msgspec.Struct, frozen=True):
    """A group's requests since the router began to count. Cumulative; a smaller value means the router began anew.

    A request that is shielded is the candidate's request and failure, and not live's.
    """

    requests: int = 0
    """Answered, or in flight for longer than the latency bound."""
    failures: int = 0
    """The group's own failures: answered 5xx, or no answer; shielded or not."""
    shielded: int = 0
    """Those of `failures` that live answered instead, so that the user saw none."""
    slow: int = 0
    """Requests whose answer began after the latency bound, or has not begun and is past it."""


class Latency(msgspec.Struct, frozen=True):
    """Quantiles from the router's log, in seconds, and the part of all requests they rest on."""

    p50: float
    p90: float
    p99: float
    coverage: float
    buckets: dict[int, int] = {}
    """The histogram they come from (`domain/histogram.py`), cumulative as counts are: requests by number of the bucket."""


class Mirrored(msgspec.Struct, frozen=True):
    """What came of the copies that a group got. Cumulative; a smaller value means the router began anew.

    A pair is a copy that is over, together with live's answer to the same request; a copy of a request to which live had no
    answer (its user left, say) is in no pair.
    """

    asked: int = 0
    """Copies that were sent."""
    answered: int = 0
    """Those that had an answer in time, whatever it was."""
    dropped: int = 0
    """Copies that should have been sent and were not: too many were under way, or the request's body was too long."""
    pairs: int = 0
    """What all of the following is counted of."""
    failures: int = 0
    """The copy was answered 5xx, or not in time."""
    slow: int = 0
    """Its answer began after the latency bound, or never."""
    live_failures: int = 0
    live_slow: int = 0
    classes: int = 0
    """The statuses are of different classes (2xx and 4xx, say)."""
    statuses: int = 0
    """The statuses differ."""
    compared: int = 0
    """Both statuses and both bodies are known."""
    bodies: int = 0
    """Those of `compared` whose bodies differ."""
    differing: int = 0
    """Another status, or another body."""


class Measured(msgspec.Struct, frozen=True):
    """One window of a metric source, for both sides; what has not been taken yet comes again with every look."""

    candidate: Reading
    live: Reading | None
    """None: there is nobody to compare with."""
    variants: dict[str, Reading] = {}
    """By group: of a test's variants beside the candidate."""


class Unmeasured(msgspec.Struct, frozen=True):
    """A source that failed to say anything of a window."""

    since: float
    until: float
    why: str
    """In one clause."""


class Seen(msgspec.Struct, frozen=True):
    """All that is known of a target at one moment."""

    at: float
    groups: dict[str, GroupSeen] = {}
    router_up: bool = True
    """False: the router did not answer, so nothing is known of the traffic, and nothing may be concluded."""
    traffic: Traffic | None = None
    """In force at the router; None: it knows nothing of this service."""
    sessions: dict[str, int] = {}
    """Open connections by instance, of those the router still knows."""
    counts: dict[str, Counts] = {}
    latency: dict[str, Latency] = {}
    instances: dict[str, Counts] = {}
    """By instance, from the router's log: what each had of its group's requests, as far as the log came through."""
    mirrored: dict[str, Mirrored] = {}
    """By group that gets, or got, copies."""
    measured: dict[str, Measured | Unmeasured] = {}
    """By metric: the last window that a source was asked about."""
    told: dict[str, Told] = {}
    """By question: the last answer of a check or hook."""

    def ready(self, group: str) -> int:
        seen = self.groups.get(group)
        return seen.ready() if seen else 0

    def without(self, retired: tuple[str, ...]) -> Seen:
        """The same with these instances on their way out, whatever they say of themselves."""
        if not retired:
            return self
        groups = {id: group.without(retired) for id, group in self.groups.items()}
        return msgspec.structs.replace(self, groups=groups)

    def share(self, group: str) -> int:
        """Basis points of the default rule that go to the group now."""
        return self.traffic.share(group) if self.traffic else 0
