"""A place for the process provider's tests: a real store with releases, a provider, and nothing left running."""

import asyncio
import contextlib
import io
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from plainsail.domain.actions import Fleet, GroupOrder
from plainsail.domain.observation import GroupSeen, Instance
from plainsail.domain.release import tree_digest
from plainsail.domain.service import Limits, Probe, Run, Stop
from plainsail.drivers._kit import proc
from plainsail.drivers._kit.spawn import INSTANCE_MARK, SITE_MARK
from plainsail.drivers._kit.tree import pack, walk
from plainsail.drivers.providers.process import Config, Process
from plainsail.drivers.stores.tree import TreeStore
from plainsail.ports.site import Site
from plainsail.testing.conformance.bench import story

__all__ = ["story"]

SHOP = Path(__file__).parents[2] / "src/plainsail/local/demo_app/serve.py"


class Place:
    """One environment's directory; any number of providers after each other."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.store = TreeStore(root / "store")
        self.directory = root / "provider"
        self._made = 0

    def provider(self, config: Config | None = None) -> Process:
        return Process(config or Config(), Site("production", self.directory, self.store))

    @contextlib.asynccontextmanager
    async def running(self, config: Config | None = None) -> AsyncIterator[Process]:
        """A started provider, let go in the end."""
        provider = self.provider(config)
        await provider.start()
        try:
            yield provider
        finally:
            await provider.stop()

    def release(self, files: dict[str, str]) -> str:
        """Files by path; those in `bin/` are executable."""
        self._made += 1
        root = self.root / f"made-{self._made}"
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
            (root / path).chmod(0o755 if path.startswith("bin/") else 0o644)
        digest = tree_digest(walk(root))
        out = io.BytesIO()
        pack(root, out)
        out.seek(0)
        self.store.receive(out, digest)
        return digest

    def shop(self, **behaviour: object) -> str:
        return self.release({"serve.py": SHOP.read_text(), "behaviour.json": json.dumps(behaviour)})

    def script(self, text: str) -> str:
        """A release of one shell script, `bin/serve`."""
        return self.release({"bin/serve": f"#!/bin/sh\n{text}\n"})

    def processes(self) -> dict[str, set[int]]:
        """All living processes that carry this place's mark, by instance."""
        found: dict[str, set[int]] = {}
        if (self.directory / "site").exists():
            for pid, env in proc.marked(SITE_MARK, (self.directory / "site").read_text()):
                if proc.identify(pid):
                    found.setdefault(env[INSTANCE_MARK], set()).add(pid)
        return found

    def clear(self) -> None:
        for pids in self.processes().values():
            for pid in pids:
                if (process := proc.identify(pid)) is not None:
                    proc.kill(process)


@contextlib.contextmanager
def a_place(root: Path) -> Iterator[Place]:
    place = Place(root)
    try:
        yield place
    finally:
        place.clear()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with a_place(tmp_path) as place:
        yield place


def shop_run(**changes: Any) -> Run:
    """How the shop is run; quick to stop, since nobody is connected."""
    fields = {
        "command": (sys.executable, "serve.py", "--port", "{port}"),
        "ready": Probe(http="/healthz"),
        "stop": Stop(drain=0.3, grace=5),
    }
    return Run(**{**fields, **changes})


def script_run(**changes: Any) -> Run:
    return Run(**{"command": ("bin/serve",), "ready": Probe(), "stop": Stop(drain=0, grace=2), **changes})


def order(release: str, replicas: int = 1, run: Run | None = None, group: str = "g1") -> GroupOrder:
    return GroupOrder(group, release, "v1", run or shop_run(), replicas)


def fleet(*orders: GroupOrder, released: tuple[str, ...] = ()) -> Fleet:
    return Fleet("shop", "production", orders, released)


async def seen(provider: Process, group: str = "g1") -> GroupSeen:
    """What it reports of the group; an empty report when it does not know it."""
    found = {one.group: one for one in await provider.observe("shop")}
    return found.get(group, GroupSeen(group, 0))


async def until(
    provider: Process, condition: Callable[[GroupSeen], bool], group: str = "g1", within: float = 30
) -> GroupSeen:
    """Look until the group is so."""
    end = asyncio.get_running_loop().time() + within
    while not condition(now := await seen(provider, group)):
        assert asyncio.get_running_loop().time() < end, f"it stayed {now}"
        await asyncio.sleep(0.02)
    return now


async def eventually(condition: Callable[[], Awaitable[bool] | bool], within: float = 30) -> None:
    end = asyncio.get_running_loop().time() + within
    while True:
        holds = condition()
        if holds if isinstance(holds, bool) else await holds:
            return
        assert asyncio.get_running_loop().time() < end, "it did not come about"
        await asyncio.sleep(0.02)


def ready(count: int) -> Callable[[GroupSeen], bool]:
    return lambda group: group.ready() == count == len(group.instances)


def pids(place: Place, instances: tuple[Instance, ...]) -> dict[str, set[int]]:
    there = place.processes()
    return {instance.id: there.get(instance.id, set()) for instance in instances}


LIMITED = Limits(memory=64_000_000, cpu=0.5, files=100)
