"""A control plane that begins with more targets than it takes at a time looks first after those that are on the move."""

from __future__ import annotations

import asyncio
from pathlib import Path

from plainsail.domain.driver import Driver
from plainsail.domain.intents import Deploy
from plainsail.domain.rollout import Revision
from plainsail.domain.service import Environment, Placement, Run, Service, config_digest
from plainsail.domain.strategy import BlueGreen
from plainsail.drivers.stores.sql import open_store
from plainsail.engine.loop import STARTING, Engine
from plainsail.engine.turn import Site
from plainsail.ports.errors import Broken
from plainsail.ports.store import Key
from plainsail.testing.world import World

RUN = Run(("bin/serve",))
LAST = Key("z", "moving")


def test_what_was_asked_for_is_taken_before_what_is_at_rest(tmp_path: Path) -> None:
    world = World(1, rate=10.0)
    store = open_store(f"sqlite:///{tmp_path / 'plainsail.db'}")
    placements = {f"s{number:03}": {"resting": Placement()} for number in range(3 * STARTING)}
    placements[LAST.service] = {LAST.environment: Placement()}
    store.put_spec(
        {name: Environment(Driver("simulated")) for name in ("resting", "moving")},
        {name: Service(RUN, one) for name, one in placements.items()}, None, (),
    )  # fmt: skip
    revision = Revision(f"sha256:{'1':0>64}", "v1", RUN, config_digest(RUN))
    store.ask(LAST, Deploy("v1", "test", revision, Placement(), (BlueGreen(),)), world.now)
    taken: list[str] = []

    async def story() -> None:
        first = asyncio.Event()

        async def site(environment: str) -> Site:
            taken.append(environment)
            first.set()
            if environment == "resting":
                raise Broken("port_in_use", "its port is taken", "free it")
            return Site(world.router, world.provider)

        running = asyncio.create_task(Engine(store, site, lambda: world.now, "test").run())
        await asyncio.wait_for(first.wait(), 60.0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(story())
    assert taken[0] == "moving"
