"""What the provider suite works with: a provider at a place, releases to run, and what became of them."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from plainsail.domain.actions import Fleet, GroupOrder
from plainsail.domain.observation import GroupSeen, Instance
from plainsail.domain.release import tree_digest
from plainsail.domain.service import Probe, Run, Stop
from plainsail.drivers._kit.tree import pack, walk
from plainsail.ports.provider import Provider
from plainsail.testing.conformance.bench import SiteBench

APP = Path(__file__).with_name("app.py")


class ProviderBench(SiteBench):
    """The defaults fit a provider whose instances are processes of this machine, and that needs no settings.

    Instances are one small HTTP server (`app.py`): what they were given, and that they are there, they say themselves.
    """

    kind = "provider"
    answers = True
    """Instances are real: they can be asked at their address. False for a simulated world."""
    outlives = True
    """Instances go on while no provider object is there, and a new object finds them."""
    program = sys.executable
    """A Python 3 where instances run."""

    def __init__(self, name: str, driver: Any, directory: Path) -> None:
        super().__init__(name, driver, directory)
        self.book = directory / "book"
        """Every instance notes itself here when it starts."""
        self.book.mkdir(exist_ok=True)

    def release(self, **behaviour: object) -> str:
        """A release of the application that behaves so (see `app.py`): its digest."""
        root = self.directory / "-".join(["made", *(f"{key}{value}" for key, value in behaviour.items())])
        root.mkdir(exist_ok=True)
        (root / "app.py").write_bytes(APP.read_bytes())
        (root / "behaviour.txt").write_text(" ".join(f"{key}={value}" for key, value in behaviour.items()))
        return self.keep(root)

    def keep(self, root: Path) -> str:
        """A directory as a release in the store: its digest."""
        digest = tree_digest(walk(root))
        out = io.BytesIO()
        pack(root, out)
        out.seek(0)
        self.artifacts.receive(out, digest)
        return digest

    def run(self, *arguments: str, **changes: Any) -> Run:
        """How the application is run: quick to be ready and quick to stop, since nobody is connected."""
        env = {"SUITE": str(os.getpid()), "SUITE_BOOK": str(self.book), **changes.pop("env", {})}
        fields = {
            "command": (self.program, "app.py", "{port}", *arguments),
            "env": env,
            "ready": Probe(http="/healthz"),
            "stop": Stop(drain=0.2, grace=5),
            **changes,
        }
        return Run(**fields)

    def order(
        self, release: str, replicas: int = 1, run: Run | None = None, group: str = "shop-1"
    ) -> GroupOrder:
        return GroupOrder(group, release, "1.0", run or self.run(), replicas)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Provider]:
        """A started provider, let go afterwards: what it runs goes on."""
        provider: Provider = self.make()
        await provider.start()
        try:
            yield provider
        finally:
            await provider.stop()

    async def seen(self, provider: Provider, group: str = "shop-1", service: str = "shop") -> GroupSeen:
        """What it reports of the group, the eldest instance first; an empty report when it does not know it."""
        found = [one for one in await provider.observe(service) if one.group == group]
        assert len(found) <= 1, "a group is reported once"
        seen = found[0] if found else GroupSeen(group, 0)
        return replace(seen, instances=tuple(sorted(seen.instances, key=lambda one: (one.since, one.id))))

    async def comes(
        self,
        provider: Provider,
        holds: Callable[[GroupSeen], object],
        group: str = "shop-1",
        service: str = "shop",
    ) -> GroupSeen:
        """Look until the group is so."""
        return await self.until(lambda: self.seen(provider, group, service), holds)

    async def ask(self, address: str, path: str = "/") -> str:
        """What the instance at this address says; empty: nothing."""
        host, _, port = address.rpartition(":")
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(10):
                reader, writer = await asyncio.open_connection(host, int(port))
                writer.write(f"GET {path} HTTP/1.1\r\nHost: suite\r\n\r\n".encode())
                answer = await reader.read()
                writer.close()
                return answer.decode("utf-8", "surrogateescape").partition("\r\n\r\n")[2]
        return ""

    async def given(self, address: str) -> dict[str, str]:
        """All it was given: `pid`, `cwd`, `args`, and `env NAME` for each variable."""
        lines = (await self.ask(address)).splitlines()
        named = (line.partition("=") if line.startswith("env ") else line.partition(" ") for line in lines)
        return {name: value for name, _, value in named}

    async def pids(self, seen: GroupSeen) -> dict[str, str]:
        """Who is at each instance's address."""
        return {one.id: (await self.given(one.address)).get("pid", "") for one in seen.instances}

    async def crash(self, instance: Instance) -> None:
        """It dies, without a word."""
        await self.ask(instance.address, "/die")

    def alive(self) -> set[str]:
        """Processes of the application that live, whoever knows of them."""
        noted = {path.name for path in self.book.iterdir()}
        return {pid for pid in noted if self._lives(pid)}

    async def living(self) -> set[str]:
        return self.alive()

    def clear(self) -> None:
        for pid in self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)

    def _lives(self, pid: str) -> bool:
        """It is still the same: what it was started with is in the kernel's book, and gone with its death."""
        with contextlib.suppress(OSError):
            return f"SUITE_BOOK={self.book}\0".encode() in Path(f"/proc/{pid}/environ").read_bytes()
        return False


def fleet(*orders: GroupOrder, released: tuple[str, ...] = (), service: str = "shop") -> Fleet:
    return Fleet(service, "production", orders, released)


def ready(count: int) -> Callable[[GroupSeen], bool]:
    """So many, and no others."""
    return lambda group: group.ready() == count == len(group.instances)


def gone(group: GroupSeen) -> bool:
    return not group.instances
