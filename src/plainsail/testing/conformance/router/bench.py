"""What the router suite works with: a router at a place, instances behind it, and users before it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from plainsail.domain.match import Match
from plainsail.domain.service import Shield, Sticky
from plainsail.domain.traffic import GroupShare, Member, Mirror, Route, Traffic
from plainsail.domain.units import ALL
from plainsail.ports.errors import Transient
from plainsail.ports.router import Router, RouterSeen
from plainsail.testing.conformance.bench import SiteBench, free_port
from plainsail.testing.conformance.router.street import SLOW_AFTER, Backend, Mode, Street, User, crowd, users


class RouterBench(SiteBench):
    """The defaults fit a router of this machine that users reach where its setting `listen: host:port` says, in HTTP/1.1,
    and that is a process of its own."""

    kind = "router"
    serves = True
    """Users can ask through it. False for a simulated one."""
    is_process = True
    """It can be killed and stopped with signals."""

    def __init__(self, name: str, driver: Any, directory: Path) -> None:
        self.port = free_port()
        super().__init__(name, driver, directory)
        self._street: Street | None = None

    def config(self) -> dict[str, object]:
        has_listen = "listen" in self.config_type.__struct_fields__
        return {"listen": f"127.0.0.1:{self.port}"} if has_listen else {}

    @classmethod
    def able(cls, driver: Any, what: str) -> bool:
        return driver.capabilities.granularity_bp > 0 if what == "splits" else super().able(driver, what)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Router]:
        """A started router, ended afterwards."""
        router: Router = self.make()
        try:
            await router.start()
            yield router
        finally:
            await router.end()

    @contextlib.asynccontextmanager
    async def another(self) -> AsyncIterator[Router]:
        """One more object for the same router, let go afterwards. As the engine does, a start that is Transient (the old
        process is still dying, say) is tried again."""
        router: Router = self.make()
        for _ in range(100):
            with contextlib.suppress(Transient):
                await router.start()
                break
            await asyncio.sleep(0.1)
        else:
            await router.start()
        try:
            yield router
        finally:
            await router.stop()

    def group(self, name: str, size: int, mode: Mode = "ok") -> list[Backend]:
        """New instances; where nobody asks, names with addresses are all that is needed."""
        if not self.serves:
            return [Backend(f"{name}-{number}", name, mode) for number in range(size)]
        if self._street is None:
            self._street = Street()
        return self._street.group(name, size, mode)

    def shut(self, backend: Backend) -> None:
        """The instance ends, with its port and every connection."""
        assert self._street is not None
        self._street.shut(backend)

    def traffic(
        self, groups: dict[str, list[Backend]], split: dict[str, int], live: str | None, *, service: str = "shop",
        hosts: tuple[str, ...] = (), shield: Shield | None = None, sticky: Sticky | None = None,
        insiders: Sequence[tuple[Match, str]] = (), mirror: Mirror | None = None,
    ) -> Traffic:  # fmt: skip
        """A table of one rule for everybody, after those for insiders. The shield is on where the router can do it."""
        default = Route(Match(), tuple(GroupShare(group, share) for group, share in split.items()))
        can = self.able(self.driver, "shield")
        return Traffic(
            service=service,
            hosts=hosts,
            routes=(*(Route(match, (GroupShare(group, ALL),)) for match, group in insiders), default),
            members={
                group: tuple(sorted(Member(one.name, one.address) for one in its))
                for group, its in groups.items()
                if its
            },
            live=live,
            shield=shield or Shield(enabled=can, budget=1.0),
            sticky=sticky,
            slow_after=SLOW_AFTER,
            mirror=mirror,
        )

    def shares(self, candidate: int) -> dict[str, int]:
        """A split between `one`, which is live, and `two`, as near to this as the router can do it."""
        step = self.driver.capabilities.granularity_bp or ALL
        near = min(ALL, max(step, round(candidate / step) * step)) if candidate else 0
        return {"one": ALL - near, "two": near} if near else {"one": ALL}

    async def ask(self, requests: int = 1, method: str = "GET", **how: Any) -> Counter[tuple[int, str]]:
        return await users(self.port, requests, method, **how)

    @contextlib.asynccontextmanager
    async def asking(self) -> AsyncIterator[Counter[tuple[int, str]]]:
        """Users who ask all the while, and what they were answered; nobody, where nobody can ask."""
        if not self.serves:
            yield Counter()
            return
        async with crowd(self.port) as seen:
            yield seen

    def user(self, **how: Any) -> User:
        return User(self.port, **how)

    async def comes(self, router: Router, holds: Any, service: str = "shop") -> RouterSeen:
        return await self.until(lambda: router.observe(service), holds)

    def signal(self, number: signal.Signals) -> None:
        """To every process that listens where users come in."""
        found = [pid for pid in _listeners(self.port) if pid != os.getpid()]
        assert found, "nobody listens where users come in"
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def listened(self) -> bool:
        return bool(_listeners(self.port))

    def clear(self) -> None:
        if self._street is not None:
            self._street.close()


def by_group(seen: Counter[tuple[int, str]]) -> Counter[str]:
    """Answers 200 by the group that gave them, others by their status."""
    total: Counter[str] = Counter()
    for (status, instance), number in seen.items():
        total[instance.rpartition("-")[0] if status == 200 else str(status)] += number
    return total


def _listeners(port: int) -> list[int]:
    """Processes with a listening TCP socket on this port, as far as we may look."""
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for row in Path(table).read_text().splitlines()[1:]:
                fields = row.split()
                if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                    inodes.add(f"socket:[{fields[9]}]")
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if any(os.readlink(handle) in inodes for handle in (entry / "fd").iterdir()):
                    found.append(int(entry.name))
    return found
