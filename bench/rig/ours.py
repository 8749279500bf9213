"""plainsail's way: its own HAProxy driver. Shares in a map of a running HAProxy, servers over its socket, no reload."""

from __future__ import annotations

import json
from pathlib import Path

from bench.rig.machine import family, version
from bench.rig.way import Table
from plainsail.domain.match import Match
from plainsail.domain.service import Shield
from plainsail.domain.traffic import GroupShare, Member, Route, Traffic
from plainsail.drivers.routers.haproxy import Config, HAProxy
from plainsail.drivers.routers.haproxy import binary as haproxy
from plainsail.drivers.stores.tree import TreeStore
from plainsail.ports.site import Site
from plainsail.testing.conformance.bench import free_port


class Plainsail:
    """Our driver: shares in a map of a running HAProxy, servers over its socket, never a reload."""

    name = "plainsail"

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True)
        self.port = free_port()
        self._directory = directory
        self._router = HAProxy(
            Config(listen=f"127.0.0.1:{self.port}"),
            Site("bench", directory, TreeStore(directory.with_name("releases"))),
        )
        self._program = haproxy.find(None)
        self.note = f"its HAProxy driver, HAProxy {version(self._program, '-v')}, one thread"

    async def start(self, table: Table) -> None:
        await self._router.start()
        await self.apply(table)

    async def apply(self, table: Table) -> None:
        await self._router.apply(_traffic(table), 1)

    async def left(self, instance: str, port: int) -> bool:
        seen = await self._router.observe("shop")
        return not seen.sessions.get(instance)

    def pids(self) -> list[int]:
        record = json.loads((self._directory / "process.json").read_text())
        return family(int(record["pid"]))

    async def end(self) -> None:
        await self._router.end()


def _traffic(table: Table) -> Traffic:
    live = max(table.split, key=lambda group: table.split[group])
    parts = tuple(GroupShare(group, share) for group, share in sorted(table.split.items()) if share)
    return Traffic(
        service="shop", hosts=(), routes=(Route(Match(), parts),),
        members={
            group: tuple(sorted(Member(name, f"127.0.0.1:{port}") for name, port in its.items()))
            for group, its in table.members.items() if its
        },
        live=live, shield=Shield(), sticky=None, slow_after=1.0,
    )  # fmt: skip
