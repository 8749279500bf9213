"""What every suite has of a driver: its name, how it is made, a directory; and what a test may ask it to be able to do."""

from __future__ import annotations

import asyncio
import functools
import os
import random
import socket
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, ClassVar, ParamSpec, TypeVar, get_type_hints

import msgspec

from plainsail.drivers.stores.tree import TreeStore
from plainsail.ports.site import Site

P = ParamSpec("P")
T = TypeVar("T")
PATIENCE = float(os.environ.get("PLAINSAIL_CONFORMANCE_PATIENCE", "30"))
"""Seconds until what should come about must have come about. Nothing waits that long unless it is wrong."""


class Bench:
    """One driver at one place. The suites use nothing of the driver but its port."""

    kind: ClassVar[str]
    registered = True
    """Another process finds the driver by its kind and name."""

    def __init__(self, name: str, driver: Any, directory: Path) -> None:
        self.name, self.driver, self.directory = name, driver, directory

    @classmethod
    def able(cls, driver: Any, what: str) -> bool:
        """What tests ask for: a capability of the driver, or an attribute of its bench."""
        return bool(getattr(getattr(driver, "capabilities", None), what, getattr(cls, what, False)))

    def clear(self) -> None:
        """After each test, failed or not: nothing is left running."""


class SiteBench(Bench):
    """A driver that is made with `Driver(config, site)`, where `config` is a Struct."""

    def __init__(self, name: str, driver: Any, directory: Path) -> None:
        super().__init__(name, driver, directory)
        self.artifacts = TreeStore(directory / "releases")
        self.site = Site("production", directory / "sites" / "production" / self.kind, self.artifacts)
        self.site.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.settings = self.config()

    def config(self) -> dict[str, object]:
        """As it would be written in plainsail.yaml. Called once; the same for every object made here."""
        return {}

    @property
    def config_type(self) -> type[msgspec.Struct]:
        found: type[msgspec.Struct] = get_type_hints(self.driver.__init__)["config"]
        return found

    def make(self) -> Any:
        """A driver object, not started. All that are made here share one directory, as restarts do."""
        return self.driver(msgspec.convert(self.settings, self.config_type), self.site)

    async def wait(self) -> None:
        """Between two looks. A simulated world lets its time pass here."""
        await asyncio.sleep(0.02)

    async def until(self, look: Callable[[], Awaitable[T]], holds: Callable[[T], object]) -> T:
        """Look until it is so."""
        loop = asyncio.get_running_loop()
        end = loop.time() + PATIENCE
        while not holds(now := await look()):
            assert loop.time() < end, f"after {PATIENCE:g} s it is still {now}"
            await self.wait()
        return now


def needs(*what: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """A test only for benches that can do this: a capability, or an attribute of the bench; `not x`: that cannot."""

    def mark(test: Callable[P, T]) -> Callable[P, T]:
        test.__needs__ = what  # type: ignore[attr-defined]  # read by the plugin
        return test

    return mark


def story(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """An asynchronous test, run to its end on a loop of its own."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


def free_port() -> int:
    """Below the range that the kernel takes for outgoing connections, so that nobody gets it in the meantime."""
    while True:
        port = random.randrange(15_000, 20_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
