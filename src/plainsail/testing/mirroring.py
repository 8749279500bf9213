"""Copies of requests in the simulated world, as the HAProxy driver sends them: nobody waits for them, so many at a time and no
more, and what came of each is counted beside live's answer.

What live answered is drawn anew for each pair, from how live behaves at that moment: users' own answers are counted elsewhere.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from plainsail.domain.observation import Mirrored
from plainsail.domain.traffic import Traffic
from plainsail.domain.units import ALL
from plainsail.testing.behaviour import Behaviour
from plainsail.testing.chance import binomial
from plainsail.testing.seats import beyond

if TYPE_CHECKING:
    from plainsail.testing.world import World

MOST = 64
"""Copies under way at a time; as in the HAProxy driver, and so is how long one may take: twice the bound, at least a second."""
LEAST_WITHIN = 1.0
REFUSED = Behaviour(errors=1.0)
"""Of an instance that can't be reached."""


class Copying:
    """All that one router copies."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._counts: dict[tuple[str, str], dict[str, int]] = {}
        """By service and group."""
        self._hanging: list[tuple[float, str, str, int]] = []
        """Until when, whose, and how many: a heap."""

    def seen(self, table: Traffic | None) -> dict[str, Mirrored]:
        if table is None or table.mirror is None:
            return {}
        self._settle()
        found = self._counts.get((table.service, table.mirror.group))
        return {table.mirror.group: Mirrored(**found)} if found else {}

    def forget(self) -> None:
        self._counts.clear()
        self._hanging.clear()

    def asked(self, table: Traffic, requests: int) -> None:
        """So many users asked."""
        mirror, world = table.mirror, self._world
        members = table.members.get(mirror.group, ()) if mirror is not None else ()
        if mirror is None or not members:
            return
        self._settle()
        part = world.repeatable(mirror.methods) * mirror.share_bp / ALL
        copies = binomial(world.random, requests, part)
        room = max(0, MOST - sum(number for *_, number in self._hanging))
        self._count(table, dropped=max(0, copies - room))
        left = min(copies, room)
        for place, member in enumerate(members):
            mine = binomial(world.random, left, 1 / (len(members) - place))
            left -= mine
            one = world.provider.find(member.instance)
            there = one is not None and one.ready_at is not None
            self._answer(table, world.like(one) if one is not None and there else REFUSED, mine)

    def _answer(self, table: Traffic, like: Behaviour, copies: int) -> None:
        dice, live = self._world.random, self._live(table)
        if not copies:
            return
        self._count(table, asked=copies)
        if like.lies:
            until = self._world.now + max(LEAST_WITHIN, 2 * table.slow_after)
            heapq.heappush(self._hanging, (until, table.service, self._group(table), copies))
            return
        failures = binomial(dice, copies, like.errors)
        live_failures = binomial(dice, copies, live.errors)
        both = binomial(dice, failures, live.errors)
        good = copies - failures
        others = binomial(dice, good, like.differs)
        statuses = max(failures - both, 0) + binomial(dice, good, live.errors)
        self._count(
            table,
            answered=copies,
            pairs=copies,
            failures=failures,
            slow=binomial(dice, copies, self._late(like, table.slow_after)),
            live_failures=live_failures,
            live_slow=binomial(dice, copies, self._late(live, table.slow_after)),
            classes=statuses,
            statuses=statuses,
            compared=copies,
            bodies=others,
            differing=min(copies, statuses + others),
        )

    def _settle(self) -> None:
        """Those that have hung for long enough have failed."""
        while self._hanging and self._hanging[0][0] <= self._world.now:
            _, service, group, copies = heapq.heappop(self._hanging)
            for name in ("pairs", "failures", "slow", "classes", "statuses", "differing"):
                self._add(service, group, name, copies)

    def _live(self, table: Traffic) -> Behaviour:
        for member in table.members.get(table.live or "", ()):
            one = self._world.provider.find(member.instance)
            if one is not None and one.ready_at is not None:
                return self._world.like(one)
        return REFUSED

    def _late(self, like: Behaviour, bound: float) -> float:
        return 1.0 - (1.0 - like.slow) * (1.0 - beyond(self._world.latency, like, bound))

    def _group(self, table: Traffic) -> str:
        assert table.mirror is not None
        return table.mirror.group

    def _count(self, table: Traffic, **more: int) -> None:
        for name, number in more.items():
            self._add(table.service, self._group(table), name, number)

    def _add(self, service: str, group: str, name: str, number: int) -> None:
        tally = self._counts.setdefault((service, group), dict.fromkeys(Mirrored.__struct_fields__, 0))
        tally[name] += number
