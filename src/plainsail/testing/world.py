"""A simulated world in virtual time: instances, a router and users behind the real ports, driven by one seed.

Nothing in it awaits, so a port's coroutine can be run to its end without an event loop (`done`).
"""

from __future__ import annotations

import random
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from plainsail.domain.observation import Latency, Seen
from plainsail.ports.errors import Transient
from plainsail.testing.behaviour import Behaviour
from plainsail.testing.chance import LogNormal, poisson
from plainsail.testing.insiders import PART
from plainsail.testing.instances import Running, SimProvider
from plainsail.testing.routing import SimRouter
from plainsail.testing.verifier import SimVerifier

__all__ = ["Behaviour", "LogNormal", "Running", "SimProvider", "SimRouter", "World", "done"]

T = TypeVar("T")

STEP = 0.1
"""Seconds of which all requests are taken to come at once, if nothing is said: as long as a look of the loop."""


class World:
    """Time, releases' behaviours, and what users got."""

    def __init__(
        self,
        seed: int = 0,
        rate: float = 100.0,
        latency: LogNormal = LogNormal(0.05, 0.4),  # noqa: B008  (frozen)
        reads: float = 1.0,
        grain: float = STEP,
    ) -> None:
        self.now = 1_000_000.0
        self.zero = self.now
        """The moment that `Behaviour.after` counts from."""
        self.random = random.Random(seed)
        self.aside = random.Random(seed)
        """Decides what nobody's fate depends on: whose of a group's requests it was, how long it took exactly."""
        self.rate = rate
        """Requests per second of each service, coming independently of each other."""
        self.latency = latency
        """How long requests take."""
        self.reads = reads
        """Part of requests that are GET; the others are POST."""
        self.grain = grain
        """Seconds, at most, of which all requests are taken to come at once; more where many worlds are to be had cheaply."""
        self.insiders = PART
        """Part of requests that rules for insiders are for, where a table has some."""
        self.behaviours: dict[str, Behaviour] = {}
        """By release digest."""
        self.provider = SimProvider(self)
        self.router = SimRouter(self)
        self.verifier = SimVerifier(self)
        self.asked = 0
        self.answered = 0
        """By an instance, well or not."""
        self.user_errors = 0
        """Requests whose user saw a failure."""
        self.slowed = 0
        """Requests answered well, but beyond the bound because of the release that answered them: a sound one is in time."""
        self.unanswered = 0
        """Those of them that came while nobody was in service."""
        self.insiders_hurt = 0
        """What would be among the failed and the slowed, of insiders: they look on purpose, and are no users."""
        self.lost = 0
        """Requests that went where nobody was although somebody was ready: plainsail's fault."""
        self._quantiles: dict[Behaviour, Latency] = {}

    def advance(self, seconds: float) -> None:
        """Let time pass: instances start, crash and end; users ask and are answered."""
        until = self.now + seconds
        while True:
            self._pass_to(min(until, self.now + self.grain, self.next_at()))
            if self.now >= until:
                return

    def next_at(self) -> float:
        """When the next thing happens to an instance that nobody has to order."""
        at = self.provider.next_at()
        return float("inf") if at is None else max(at, self.now)

    def reseed(self, seed: int) -> None:
        """What comes by chance from here on is decided by this seed, however long it took to come here."""
        self.random.seed(seed)
        self.aside.seed(seed)
        self.router.rewind()

    def look(self, service: str) -> Seen:
        """What a control plane would see now; a router that fails is seen as not answering."""
        groups = {found.group: found for found in done(self.provider.observe(service))}
        try:
            router = done(self.router.observe(service))
        except Transient:
            return Seen(at=self.now, groups=groups, router_up=False)
        return Seen(
            at=self.now,
            groups=groups,
            traffic=router.traffic,
            sessions=router.sessions,
            counts=router.counts,
            latency=router.latency,
            instances=router.instances,
            mirrored=router.mirrored,
        )

    def like(self, one: Running) -> Behaviour:
        """How an instance behaves at this moment."""
        return one.behaviour.at(self.now - self.zero, self.now - one.since)

    def repeatable(self, methods: Sequence[str]) -> float:
        """The part of requests that have one of these methods."""
        return self.reads * ("GET" in methods) + (1.0 - self.reads) * ("POST" in methods)

    def quantiles(self, like: Behaviour) -> Latency:
        """Of a release that behaves like this, when all is known of it."""
        if like not in self._quantiles:
            takes = self.latency.times(1.0 + like.slower)
            p50, p90, p99 = (takes.quantile(part) for part in (0.5, 0.9, 0.99))
            self._quantiles[like] = Latency(p50, p90, p99 * (1.0 + like.slow_tail), coverage=1.0)
        return self._quantiles[like]

    def _pass_to(self, moment: float) -> None:
        """What is so now holds until then."""
        expected = self.rate * (moment - self.now)
        self.now = moment
        if expected > 0.0:
            for service in self.router.tables:
                requests = poisson(self.random, expected)
                if requests:
                    self.router.serve(service, requests)
        self.router.settle()
        self.provider.live_on()


def done(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never waits."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        answer: T = stop.value
        return answer
    raise AssertionError("it waits for something outside the simulated world")
