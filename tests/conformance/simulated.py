"""The simulated drivers before the suites of the real ones: what a simulation shows rests on their honesty."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Any

from plainsail.domain.observation import Instance
from plainsail.testing.behaviour import Behaviour
from plainsail.testing.conformance.plugin import Subject
from plainsail.testing.conformance.provider.bench import ProviderBench
from plainsail.testing.conformance.router.bench import RouterBench
from plainsail.testing.conformance.store.bench import StoreBench
from plainsail.testing.instances import SimProvider
from plainsail.testing.routing import SimRouter
from plainsail.testing.store import MemoryStore
from plainsail.testing.world import World

STEP = 0.1
"""Seconds of the world's time between two looks."""


class SimulatedProvider(ProviderBench):
    """Instances of a world without users. It is there as long as its world is."""

    registered = answers = outlives = False

    def __init__(self, name: str, driver: Any, directory: Path) -> None:
        super().__init__(name, driver, directory)
        self.world = World(rate=0)

    def make(self) -> SimProvider:
        return self.world.provider

    def release(self, **behaviour: object) -> str:
        digest = "sha256:" + hashlib.sha256(repr(behaviour).encode()).hexdigest()
        late = behaviour.get("late", 0.3)
        assert isinstance(late, float | int)
        self.world.behaviours[digest] = Behaviour(
            starts_in=late, crash_after=late / 2 if "exit" in behaviour else None
        )
        return digest

    async def crash(self, instance: Instance) -> None:
        self.world.provider.kill(instance.id)

    async def wait(self) -> None:
        self.world.advance(STEP)
        await asyncio.sleep(0)


class SimulatedRouter(RouterBench):
    """A table in memory: nobody but the world can ask through it."""

    registered = serves = is_process = False

    def __init__(self, name: str, driver: Any, directory: Path) -> None:
        super().__init__(name, driver, directory)
        self.world = World(rate=0)

    def config(self) -> dict[str, object]:
        return {}

    def make(self) -> SimRouter:
        return self.world.router


class StoreInMemory(StoreBench):
    """Forgets everything with its object."""

    registered = durable = shared = False

    def __init__(self, name: str, driver: Any, directory: Path) -> None:
        super().__init__(name, driver, directory)
        self._store = MemoryStore()

    def open(self) -> MemoryStore:
        return self._store


SUBJECTS = [
    Subject("simulated", SimProvider, SimulatedProvider),
    Subject("simulated", SimRouter, SimulatedRouter),
    Subject("simulated", MemoryStore, StoreInMemory),
]
