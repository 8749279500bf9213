"""The router port over a table in memory: it splits, shields and counts as HAProxy does under our driver, and it may fail to
answer, or forget everything.

What a request's fate is called, and when it is counted, follows `drivers/routers/haproxy`: a request counts when its
answer begins, or as slow when it is past the bound without one; one that is answered by live instead is the candidate's
failure and nothing of live's; one whose instance can't be reached is sent to live whatever its method.
"""

from __future__ import annotations

import heapq
import math
from typing import TYPE_CHECKING

import msgspec

from plainsail.domain.observation import Counts, Latency
from plainsail.domain.service import Shield
from plainsail.domain.traffic import Traffic
from plainsail.domain.units import ALL
from plainsail.ports.errors import Fenced, Transient
from plainsail.ports.router import Capabilities, Router, RouterSeen
from plainsail.testing.behaviour import Behaviour
from plainsail.testing.chance import binomial, poisson
from plainsail.testing.clusters import Clusters
from plainsail.testing.insiders import led, looking, share
from plainsail.testing.instances import Running
from plainsail.testing.leaving import HANGS, Leaving
from plainsail.testing.mirroring import Copying
from plainsail.testing.seats import Seats, beyond
from plainsail.testing.shielding import Budget

if TYPE_CHECKING:
    from plainsail.testing.world import World

SOUND = Behaviour()


class SimRouter:
    """One for all services. `serve` is what happens to users' requests."""

    capabilities = Capabilities(
        groups=5,
        sticky_cookie=True,
        sticky_header=True,
        shield=True,
        mirror=True,
        match=True,
        fencing=True,
        counts=True,
        instances=True,
    )
    """Users of the world ask once each, so a sticky split is like any other."""

    def __init__(self, world: World) -> None:
        self.tables: dict[str, Traffic] = {}
        self.away_until = 0.0
        self._world = world
        self._epochs: dict[str, int] = {}
        self._counts: dict[str, dict[str, list[int]]] = {}
        """Requests, failures, shielded, slow; by service and group."""
        self._later: list[tuple[float, int, str, str, tuple[int, ...], tuple[str, ...]]] = []
        """What will be counted when, and at which instances: a heap."""
        self._seats: dict[str, Seats] = {}
        """By service."""
        self._serial = 0
        self._walked: dict[str, int] = {}
        self._clusters = Clusters()
        self._copying = Copying(world)
        self._budgets: dict[str, Budget] = {}
        self._leaving = Leaving(world)

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def end(self) -> None:
        self.tables.clear()

    async def apply(self, traffic: Traffic, epoch: int) -> None:
        self._answers()
        service = traffic.service
        self._fence(service, epoch)
        before = self.tables.get(service)
        self.tables[service] = traffic
        if before is not None and before.members != traffic.members:
            self._leaving.begins(before, traffic)
            self._seats_of(service).keep(
                {member.instance for its in traffic.members.values() for member in its}
                | {*self._sessions(service)}
            )

    async def observe(self, service: str) -> RouterSeen:
        self._answers()
        counts = {group: Counts(*tally) for group, tally in self._counts.get(service, {}).items()}
        table = self.tables.get(service)
        seats = self._seats_of(service)
        return RouterSeen(
            table, self._sessions(service), counts, self._latency(table, counts), seats.counts(), self._copying.seen(table)
        )  # fmt: skip

    async def remove(self, service: str, epoch: int) -> None:
        self._answers()
        self._fence(service, epoch)
        self.tables.pop(service, None)

    def forget(self) -> None:
        """It is started anew with nothing."""
        self.tables.clear()
        self._counts.clear()
        self._later.clear()
        self._leaving.forget()
        self._seats.clear()
        self._copying.forget()

    # What the world does.

    def serve(self, service: str, requests: int) -> None:
        """So many users ask now."""
        world, table = self._world, self.tables[service]
        split = table.routes[-1].split if table.routes else ()
        bare = (
            msgspec.structs.replace(table, shield=Shield(enabled=False)) if table.unshielded_rules else table
        )
        world.asked += requests
        for number, group in enumerate(groups := led(table)):
            others = 1.0 - world.insiders * number / len(groups)
            inside = binomial(world.random, requests, world.insiders / len(groups) / others)
            self._budget(service).asked(world.now, inside)
            with looking(world, table.unshielded_rules):
                self._ask(bare, group, inside)
            requests -= inside
        if not split:
            world.unanswered += requests
            world.user_errors += requests
            return
        self._budget(service).asked(world.now, requests)
        walked = self._walked.get(service, 0)
        self._walked[service] = (walked + requests) % ALL
        below = 0
        for part in split:
            # The driver walks through all buckets evenly, so that each group gets its share and not only on average.
            above = below + part.share_bp
            mine = _walk(walked, requests, above) - _walk(walked, requests, below)
            below = above
            if mine:
                self._ask(table, part.group, mine)
                if part.group == table.live:
                    self._copying.asked(table, mine)

    def rewind(self) -> None:
        """The walk through the buckets begins anew."""
        self._walked.clear()

    def settle(self) -> None:
        """Count what is to be counted by now."""
        while self._later and self._later[0][0] <= self._world.now:
            _, _, service, group, more, instances = heapq.heappop(self._later)
            self._count(service, group, more, instances)

    def cut(self, service: str, one: Running) -> None:
        """An instance died: the requests that it had under way fail."""
        table = self.tables.get(service)
        members = table.members.get(one.group, ()) if table else ()
        if table is None or one.id not in {member.instance for member in members}:
            return
        rate = self._world.rate * share(table, one.group, self._world.insiders) / ALL / len(members)
        takes = self._world.latency.mean() * (1.0 + self._world.like(one).slower)
        under_way = poisson(self._world.random, rate * takes)
        if under_way:
            self._world.asked += under_way
            with looking(self._world, table.unshielded_rules and not table.share(one.group)):
                self._fail(table, one.group, under_way, under_way, 0, (one.id,))

    def _ask(self, table: Traffic, group: str, requests: int) -> None:
        """A group's requests go round its members; on one that can't be reached, those of live's go to its others."""
        able: dict[Behaviour, tuple[str, ...]] = {}
        missing: tuple[str, ...] = ()
        members = table.members.get(group, ())
        for member in members:
            one = self._world.provider.find(member.instance)
            if one is not None and one.ready_at is not None:
                like = self._world.like(one)
                able[like] = (*able.get(like, ()), one.id)
            else:
                missing = (*missing, member.instance)
        there = len(members) - len(missing)
        reached = requests
        if not there:
            reached = 0
        elif there < len(members) and group != table.live:
            reached = binomial(self._world.random, requests, there / len(members))
        if requests > reached:
            self._refuse(table, group, requests - reached, missing)
        for behaviour, instances in able.items():
            theirs = binomial(self._world.random, reached, len(instances) / there)
            self._answer(table, group, behaviour, theirs, instances)
            reached, there = reached - theirs, there - len(instances)

    def _answer(
        self, table: Traffic, group: str, behaviour: Behaviour, requests: int, instances: tuple[str, ...]
    ) -> None:
        world = self._world
        if behaviour.lies:
            self._hang(table, group, requests, instances)
            return
        failed = binomial(world.random, requests, behaviour.errors)
        if behaviour.burst:
            failed += self._clusters.among(world, table.service, group, behaviour.burst, requests - failed)
        late = 1.0 - (1.0 - behaviour.slow) * (1.0 - beyond(world.latency, behaviour, table.slow_after))
        slow = binomial(world.random, requests, late)
        usual = beyond(world.latency, SOUND, table.slow_after)
        if slow and late > usual:
            answered = slow - max(0, failed - (requests - slow))
            world.slowed += binomial(world.aside, answered, (late - usual) / late)
        world.answered += requests
        self._fail(table, group, requests, failed, slow, instances)

    def _fail(
        self, table: Traffic, group: str, requests: int, failed: int, slow: int, instances: tuple[str, ...]
    ) -> None:
        """Of these requests so many failed at their instance. Its slow answers are counted at the bound, the others when
        they begin."""
        shielded = self._shielded(table, group, failed) if failed else 0
        self._world.user_errors += failed - shielded
        quick = min(failed, requests - slow)
        covered = min(shielded, quick)
        soon = self._world.latency.median
        self._count_in(soon, table.service, group, (requests - slow, quick, covered, 0), instances)
        if slow:
            more = (slow, failed - quick, shielded - covered, slow)
            self._count_in(table.slow_after, table.service, group, more, instances)

    def _hang(self, table: Traffic, group: str, requests: int, instances: tuple[str, ...]) -> None:
        """No answer ever comes."""
        shielded = self._shielded(table, group, requests)
        self._world.user_errors += requests - shielded
        self._count_in(table.slow_after, table.service, group, (requests, 0, 0, requests), ())
        self._count_in(HANGS, table.service, group, (0, requests, shielded, 0), ())
        # What an instance was asked is told in the log, when it is over.
        self._count_in(HANGS, table.service, "", (requests, requests, shielded, requests), instances)

    def _refuse(self, table: Traffic, group: str, requests: int, missing: tuple[str, ...]) -> None:
        """Nobody accepts the connection. Another group's are sent to live, for they were never begun."""
        world = self._world
        shielded = 0
        if group != table.live and self._live_is_there(table):
            self._budget(table.service).spent(world.now, requests)
            shielded = requests
        elif world.provider.any_ready(table.service):
            world.lost += requests
        world.user_errors += requests - shielded
        meant = missing if group != table.live else ()  # of live's the balancer takes another
        self._count(table.service, group, (requests, requests, shielded, 0), meant)

    def _shielded(self, table: Traffic, group: str, failed: int) -> int:
        """How many of them live answers well instead."""
        world, shield = self._world, table.shield
        if not shield.enabled or group == table.live or not self._live_is_there(table):
            return 0
        budget = self._budget(table.service)
        tried = min(
            binomial(world.random, failed, world.repeatable(shield.methods)),
            budget.left(world.now, shield.budget),
        )
        home = next(
            one
            for member in table.members.get(table.live or "", ())
            if (one := world.provider.find(member.instance)) is not None and one.state == "ready"
        )
        like = world.like(home)
        missed = tried if like.lies else binomial(world.random, tried, like.errors)
        budget.spent(world.now, tried + missed)
        return tried - missed

    def _live_is_there(self, table: Traffic) -> bool:
        members = table.members.get(table.live or "", ())
        return any(
            (one := self._world.provider.find(member.instance)) is not None and one.state == "ready"
            for member in members
        )

    def _count_in(
        self, seconds: float, service: str, group: str, more: tuple[int, ...], instances: tuple[str, ...]
    ) -> None:
        self._serial += 1
        at = self._world.now + seconds
        heapq.heappush(self._later, (at, self._serial, service, group, more, instances))

    def _count(self, service: str, group: str, more: tuple[int, ...], instances: tuple[str, ...]) -> None:
        """Without a group: only of the instances."""
        if group:
            tally = self._counts.setdefault(service, {}).setdefault(group, [0, 0, 0, 0])
            for place, number in enumerate(more):
                tally[place] += number
        if instances:
            self._seats_of(service).add(instances, more)

    def _seats_of(self, service: str) -> Seats:
        return self._seats.setdefault(service, Seats(self._world.aside))

    def _sessions(self, service: str) -> dict[str, int]:
        """Of members about as many as they have requests under way; of others whether they have one still."""
        found = dict.fromkeys(self._leaving.busy(service), 1)
        table = self.tables.get(service)
        for group, members in (table.members if table else {}).items():
            part = share(table, group, self._world.insiders) if table else 0
            rate = self._world.rate * part / ALL / max(1, len(members))
            found |= {member.instance: math.ceil(rate * self._world.latency.median) for member in members}
        return found

    def _latency(self, table: Traffic | None, counts: dict[str, Counts]) -> dict[str, Latency]:
        found = {}
        for group, members in (table.members if table else {}).items():
            one = self._world.provider.find(members[0].instance) if members else None
            like = self._world.like(one) if one is not None else SOUND
            if table is not None and one is not None and not like.lies and group in counts:
                drawn = self._seats_of(table.service).drawn(
                    group, like, self._world.latency, table.slow_after, counts[group].requests
                )
                found[group] = msgspec.structs.replace(
                    self._world.quantiles(like), coverage=drawn.coverage, buckets=drawn.buckets
                )
        return found

    def _budget(self, service: str) -> Budget:
        return self._budgets.setdefault(service, Budget())

    def _fence(self, service: str, epoch: int) -> None:
        if epoch < self._epochs.get(service, 0):
            raise Fenced("stale", f"epoch {epoch} is older than {self._epochs[service]}")
        self._epochs[service] = epoch

    def _answers(self) -> None:
        if self._world.now < self.away_until:
            raise Transient("sim", "the router does not answer")


def _walk(walked: int, requests: int, share: int) -> int:
    """How many of the next requests fall below a share (basis points), after so many before."""
    return (walked + requests) * share // ALL - walked * share // ALL


def _is_router(router: SimRouter) -> Router:
    return router
