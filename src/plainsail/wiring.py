"""The only place that loads drivers and builds objects: a control plane from a data directory."""

from __future__ import annotations

import asyncio
import os
import secrets
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, cast, get_type_hints
from urllib.parse import quote

import msgspec

from plainsail.app.access import hash_token
from plainsail.app.context import Context, rollout_id
from plainsail.domain.driver import Driver
from plainsail.domain.service import Environment, Service
from plainsail.drivers.stores.sql import open_store
from plainsail.drivers.stores.tree import TreeStore
from plainsail.engine.aside import StoreThreads
from plainsail.engine.loop import Engine
from plainsail.engine.probing import Answer, probe
from plainsail.engine.sources import Source
from plainsail.engine.turn import Aside
from plainsail.engine.turn import Site as Held
from plainsail.ports.artifacts import Artifacts
from plainsail.ports.errors import Broken, Failure, NotFound
from plainsail.ports.metrics import Metrics
from plainsail.ports.notifier import Notifier
from plainsail.ports.site import Site
from plainsail.ports.store import Store
from plainsail.ports.verifier import Verifier
from plainsail.spec.drivers import Drivers

READ_EVERY = 0.5
"""Seconds after which settings of an environment that another control plane changed are seen; our own, at once."""


class ControlPlane(msgspec.Struct, frozen=True):
    """Everything one `plainsail up` is made of."""

    store: Store
    sites: Sites
    engine: Engine
    context: Context


class Sites:
    """The drivers of each environment, made and started on first use, made anew when their configuration changed."""

    def __init__(
        self, data: Path, store: Store | None, artifacts: Artifacts, aside: Aside = asyncio.to_thread
    ) -> None:
        self._data, self._store, self._artifacts, self._aside = data, store, artifacts, aside
        self._held: dict[str, tuple[Environment, Held]] = {}
        self._declared: tuple[float, Mapping[str, Environment]] = (0.0, {})
        """When that was asked of the store, and what it was."""
        self._changed_at = 0.0
        self._making = asyncio.Lock()

    async def get(self, environment: str) -> Held:
        """Raises NotFound for an environment nobody declared, and whatever its drivers can't start with."""
        async with self._making:
            declared = await self._find(environment)
            if declared is None:
                raise NotFound(
                    "environment_unknown", f"environment {environment} is not declared", "apply it first"
                )
            known = self._held.get(environment)
            if known and known[0] == declared:
                return known[1]
            self._held.pop(environment, None)
            if known and (known[0].router, known[0].provider) == (declared.router, declared.provider):
                held = known[1]
            else:
                if known:
                    await _let_go(known[1])
                held = self.make(environment, declared.router, declared.provider)
                await held.router.start()
                await held.provider.start()
            sources = await self._sources(
                environment, declared, known[0] if known else declared, held.metrics
            )
            held = msgspec.structs.replace(held, metrics=sources)
            self._held[environment] = (declared, held)
            return held

    async def _sources(
        self, environment: str, declared: Environment, before: Environment, held: Mapping[str, Metrics]
    ) -> Mapping[str, Metrics]:
        """The metric sources, those anew whose settings changed."""
        kept = {
            name: source
            for name, source in held.items()
            if name in declared.metrics and before.metrics[name] == declared.metrics[name]
        }
        for name, source in held.items():
            if name not in kept:
                await source.stop()
        return {
            name: kept.get(name) or self.source(environment, name, driver)
            for name, driver in declared.metrics.items()
        }

    def source(self, environment: str, name: str, driver: Driver) -> Metrics:
        """One that is made and started when it is first asked: it must keep no environment from being looked after."""
        return Source(name, lambda: _driver("metric", driver, self._site(environment, f"metrics-{name}")))

    def verifier(self, environment: str, driver: Driver) -> Verifier:
        """One for one question: it keeps nothing, and what its file said last counts."""
        made: Verifier = _driver("verifier", driver, self._site(environment, "verifiers"))
        return made

    async def _find(self, environment: str) -> Environment | None:
        """As it was declared half a second ago at the latest: every turn of every service asks."""
        asked_at, declared = self._declared
        old = asked_at <= self._changed_at or time.monotonic() - asked_at > READ_EVERY
        if self._store and (old or environment not in declared):
            asked_at = time.monotonic()
            declared = await self._aside(self._store.environments)
            self._declared = (asked_at, declared)
        return declared.get(environment)

    def forget(self) -> None:
        """What was declared may have changed: the next who asks reads it, also when a read is under way. From any thread."""
        self._changed_at = time.monotonic()

    def make(self, environment: str, router: Driver, provider: Driver) -> Held:
        return Held(
            router=_driver("router", router, self._site(environment, "router")),
            provider=_driver("provider", provider, self._site(environment, "provider")),
            verifiers=partial(self.verifier, environment),
        )

    async def stop(self) -> None:
        """Let go of everything; it goes on running."""
        for _, held in self._held.values():
            await _let_go(held)
        self._held.clear()

    async def end(self, declared: Mapping[str, Environment]) -> list[str]:
        """End every instance and router, also of environments that are known by their directory alone; returns what
        could not be ended."""
        left = []
        for name in sorted({*declared, *(place.name for place in (self._data / "sites").glob("*"))}):
            one = declared.get(name, Environment(Driver("haproxy")))  # lost: these are the drivers there are
            held = self.make(name, one.router, one.provider)
            for what, driver in (("router", held.router), ("instances", held.provider)):
                try:
                    await driver.end()
                except (Failure, OSError) as failure:
                    left.append(f"{what} of {name}: {failure}")
        return left

    def _site(self, environment: str, kind: str) -> Site:
        directory = self._data / "sites" / environment / kind
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Site(environment, directory, self._artifacts)


async def _let_go(held: Held) -> None:
    for source in held.metrics.values():
        await source.stop()
    await held.provider.stop()
    await held.router.stop()


def build(data: Path, hosts: frozenset[str] = frozenset(), *, anew: bool = False) -> ControlPlane:
    """A control plane on this data directory. Raises Broken when what is there can't be used.

    A lost database is not taken for a first start (`store_lost`), unless `anew`: a control plane that knows nothing would
    end all that runs.
    """
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not anew and not (data / "plainsail.db").exists() and any((data / "sites").glob("*/*/*")):
        raise Broken(
            "store_lost", f"{data / 'plainsail.db'} is gone, but there are instances or a router of its",
            "put the file back, or stop what runs with plainsail down and begin anew",
        )  # fmt: skip
    store = open_store(f"sqlite:///{quote(str(data / 'plainsail.db'))}")
    artifacts = TreeStore(data / "releases")
    aside = StoreThreads()
    sites = Sites(data, store, artifacts, aside)
    spool = data / "spool"
    spool.mkdir(mode=0o700, exist_ok=True)
    clock = steady_clock()
    engine = Engine(store, sites.get, clock, _identity(data), lambda: _notifiers(store), sites.forget, aside)
    context = Context(
        store=store, artifacts=artifacts, live=engine, drivers=drivers(), now=clock,
        new_id=lambda: rollout_id(clock()), token_hash=hash_token(token(data)), spool=spool, hosts=hosts, probe=probed,
    )  # fmt: skip
    return ControlPlane(store, sites, engine, context)


def remains(data: Path) -> Sites:
    """What runs for a data directory whose store can't be read; only good for ending it."""
    return Sites(data, None, TreeStore(data / "releases"))


def probed(environments: Mapping[str, Environment], services: Mapping[str, Service]) -> tuple[Answer, ...]:
    """Do these environments' metric sources answer? Blocks for some seconds at most; touches nothing of any control plane."""
    with tempfile.TemporaryDirectory(prefix="plainsail-") as place:
        sites = Sites(Path(place), None, TreeStore(Path(place) / "releases"))
        return asyncio.run(probe(environments, services, sites.source, time.time()))


def steady_clock() -> Callable[[], float]:
    """Seconds since 1970 that never jump while this process lives: no step of the machine's clock may end a dwell, or
    fire every deadline."""
    offset = time.time() - time.monotonic()
    return lambda: offset + time.monotonic()


def drivers() -> Drivers:
    """The configuration types of all installed drivers, by kind and name; and what routers can do."""
    routers = entry_points(group="plainsail.routers")
    return Drivers(
        routers=_configs("router"), providers=_configs("provider"), metrics=_configs("metric"),
        verifiers=_configs("verifier"),
        capabilities={point.name: point.load().capabilities for point in routers},
        lacks={point.name: partial(_lacking, point.name) for point in routers},
        refuses={point.name: partial(_refused, point.name) for point in entry_points(group="plainsail.metrics")},
    )  # fmt: skip


def token(data: Path) -> str:
    """The owner's token, made on first use in a file only the owner can read."""
    place = data / "token"
    if not place.exists():
        write_private(place, "ps_" + secrets.token_urlsafe(32))
    return place.read_text().strip()


def write_private(place: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    fresh = place.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text + "\n")
    fresh.rename(place)


def _identity(data: Path) -> str:
    """Who holds targets for this data directory: the same after a restart, so that it need not wait for its own lease."""
    place = data / "id"
    if not place.exists():
        write_private(place, secrets.token_hex(8))
    return place.read_text().strip()


def _notifiers(store: Store) -> tuple[Notifier, ...]:
    address = store.notify().webhook
    if not address:
        return ()
    if address.startswith("/"):
        address = Path(address).read_text().strip()
    return (_load("notifier", "webhook")(address),)


def _configs(kind: str) -> dict[str, type[msgspec.Struct]]:
    return {point.name: _config(point.load()) for point in entry_points(group=f"plainsail.{kind}s")}


def _driver(kind: str, driver: Driver, site: Site) -> Any:
    made = _load(kind, driver.name)
    return made(msgspec.convert(driver.config, _config(made)), site)


def _refused(name: str, config: Mapping[str, object], queries: Mapping[str, str]) -> str | None:
    """What a metric source says of queries before it is started; one that can't tell yet says nothing."""
    nowhere = Site("", Path(os.devnull), cast(Artifacts, None))
    try:
        source = _driver("metric", Driver(name, dict(config)), nowhere)
        refusal: str | None = source.check(queries)
    except Exception:  # it was never promised that one is asked so early
        return None
    return refusal


def _lacking(name: str, config: Mapping[str, object]) -> Mapping[str, str]:
    """What a router lacks here of what its kind can do; one that can't tell (`lacks` is no part of the port) lacks nothing."""
    router = _load("router", name)
    try:
        found: Mapping[str, str] = router.lacks(msgspec.convert(config, _config(router)))
    except Exception:  # starting it says what is wrong
        return {}
    return found


def _config(driver: Any) -> type[msgspec.Struct]:
    """The type of the `config` a driver is built with."""
    config: type[msgspec.Struct] = get_type_hints(driver.__init__)["config"]
    return config


def _load(kind: str, name: str) -> Any:
    found = entry_points(group=f"plainsail.{kind}s", name=name)
    if not found:
        raise Broken("driver_missing", f"there is no {kind} driver {name}", "install the package that has it")
    return next(iter(found)).load()
