"""HAProxy as a router: one process for an environment, holding the traffic of all its services."""

from __future__ import annotations

import asyncio
import contextlib

import msgspec

from plainsail.domain.observation import Counts, Mirrored
from plainsail.domain.traffic import Traffic
from plainsail.drivers.routers.haproxy import binary, checks, counts, fence, members, mirror, table, template
from plainsail.drivers.routers.haproxy.cli import Line, session
from plainsail.drivers.routers.haproxy.config import Config as HAProxyConfig
from plainsail.drivers.routers.haproxy.latency import Log
from plainsail.drivers.routers.haproxy.ledger import Ledger
from plainsail.drivers.routers.haproxy.process import RUNNING, Process, running
from plainsail.drivers.routers.haproxy.shelf import Shelf, State
from plainsail.drivers.routers.haproxy.template import Kept
from plainsail.ports.errors import Broken, Failure, Fenced, Transient, Unsupported
from plainsail.ports.router import Capabilities, Router, RouterSeen
from plainsail.ports.site import Site

TRY_EVERY = 0.1
"""Seconds between attempts to start a HAProxy that has died."""


class HAProxy:
    """The order of every change: disk, new members, the map (shares, fenced), old members."""

    Config = HAProxyConfig
    capabilities = Capabilities(
        granularity_bp=1,
        groups=table.SLOTS + 1,
        sticky_cookie=True,
        sticky_header=True,
        shield=True,
        mirror=True,
        match=True,
        fencing=True,
        counts=True,
        instances=True,
    )

    def __init__(self, config: HAProxyConfig, site: Site) -> None:
        self._config = config
        self._maxconn = binary.most_connections(config.maxconn)
        self._shelf = Shelf(
            site.directory,
            lambda port, kept: template.render(config, self._maxconn, port, kept, self._copying),
        )
        self._process = Process(config, self._shelf)
        self._log = Log()
        self._ledger = Ledger(self._shelf)
        self._copying = True
        self._identified: tuple[dict[str, Kept] | None, int, str] = (None, 0, "")
        self._turn = asyncio.Lock()
        self._watching: asyncio.Task[None] | None = None

    @staticmethod
    def lacks(config: HAProxyConfig) -> dict[str, str]:
        """Which of the capabilities one with this configuration has not got here, and why. Asks the program that would be
        started; without one nothing is known, and starting says so."""
        try:
            program = binary.find(config.binary)
        except Broken:
            return {}
        if binary.has_lua(program):
            return {}
        return {"mirror": f"{program} was built without Lua, which sends copies ('binary' names another)"}

    async def start(self) -> None:
        await self._begin()
        self._watching = asyncio.create_task(self._stay_up())

    async def _begin(self) -> None:
        async with self._turn:
            self._copying = "mirror" not in await asyncio.to_thread(self.lacks, self._config)
            self._shelf.load()
            port = self._shelf.state.log_port
            if await self._process.adopt():
                self._log.open(port)  # if another control plane still reads it, we do without
                if self._written(self._shelf.state):
                    await self._reloaded()
                return
            if not (port and self._log.open(port)):
                self._log.open()
            await self._start(msgspec.structs.replace(self._shelf.state, log_port=self._log.port or 0))

    async def apply(self, traffic: Traffic, epoch: int) -> None:
        async with self._turn:
            await self._up()
            checks.check(traffic, self._shelf.state.services)
            if traffic.mirror is not None and not self._copying:
                raise Unsupported(
                    "haproxy_lua",
                    "This HAProxy was built without Lua, and copies of requests are sent by that",
                    "use another one (`binary`), or write dark instead of shadow",
                )
            await self._refuse_older(traffic.service, epoch)
            kept = Kept(traffic, epoch)
            try:
                self._shelf.keep(traffic.service, kept)
            except Broken as error:
                if error.code == "disk_full":
                    await self._put_unwritten(kept)
                raise
            await self._reloaded()
            self._log.expect(traffic.service, table.servers(traffic))
            async with session(self._shelf.directory) as line:
                await _put(line, traffic, epoch)

    async def _put_unwritten(self, kept: Kept) -> None:
        """Users come off a bad release also while the disk is full. What takes a reload has to wait for room."""
        services = {**self._shelf.state.services, kept.traffic.service: kept}
        port = self._shelf.state.log_port
        wanted = template.digest(self._config, self._maxconn, port, services, self._copying)
        async with session(self._shelf.directory) as line:
            if (await running(line))[0] == wanted:
                await _put(line, kept.traffic, kept.epoch)

    async def observe(self, service: str) -> RouterSeen:
        async with self._turn:
            await self._up()
            kept = self._shelf.state.services.get(service)
            if kept is None:
                return RouterSeen(None)
            async with session(self._shelf.directory) as line:
                await line.ahead(_questions(service))
                return await self._look(line, kept)

    async def remove(self, service: str, epoch: int) -> None:
        async with self._turn:
            await self._up()
            await self._refuse_older(service, epoch)
            self._shelf.keep(service, None)
            self._ledger.forget(service)
            self._log.keep(service, ())
            await self._reloaded()

    async def stop(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
        self._log.close()

    async def end(self) -> None:
        await self.stop()
        async with self._turn:
            await self._process.end()

    async def _stay_up(self) -> None:
        """Nobody is served while HAProxy is dead, so that is not left to the next turn."""
        while True:
            await self._process.ended()
            with contextlib.suppress(Failure):  # apply and observe tell what keeps it down
                async with self._turn:
                    await self._up()
            await asyncio.sleep(TRY_EVERY)

    async def _up(self) -> None:
        """HAProxy runs, with what is on disk, whoever wrote that."""
        self._shelf.load()
        if not self._process.alive():
            await self._start(self._shelf.state)

    async def _start(self, state: State) -> None:
        identity = self._identity() if self._written(state) else self._shelf.identity()
        await self._process.ensure(identity)

    def _written(self, state: State) -> bool:
        """False: the disk is full. HAProxy serves from the files that are there rather than not at all."""
        try:
            self._shelf.write(state)
        except Broken as error:
            if error.code != "disk_full" or not self._shelf.identity():
                raise
            return False
        return True

    async def _refuse_older(self, service: str, epoch: int) -> None:
        kept = self._shelf.state.services.get(service)
        if kept is not None and kept.epoch > epoch:
            raise Fenced(
                "fenced", f"The traffic of {service} is held under epoch {kept.epoch}; this order has {epoch}"
            )
        async with session(self._shelf.directory) as line:
            fence.refuse_older(service, epoch, await fence.read(line, service) or {})

    async def _reloaded(self) -> None:
        """A service that came or went, its hosts, stickiness or rules take a reload; nothing else does."""
        wanted = self._identity()
        async with session(self._shelf.directory) as line:  # the worker does not end while it is open
            identity, born = await running(line)
            if identity == wanted:
                return
            await self._process.check()
            services = tuple(self._shelf.state.services.values())
            older: list[str] = []
            for worker in await self._process.older_workers():
                with contextlib.suppress(Transient):  # it has just ended
                    older.append((await running(worker))[1])
            await self._ledger.over_reload(line, born, services, older, lambda: self._process.reload(wanted))

    def _identity(self) -> str:
        """Of what is on disk. It takes the whole file's text, so it is reckoned once for each set of services: a look
        at one of fifty services must not cost fifty."""
        state = self._shelf.state
        services, log_port, identity = self._identified
        if services is not state.services or log_port != state.log_port:
            identity = template.digest(
                self._config, self._maxconn, state.log_port, state.services, self._copying
            )
            self._identified = (state.services, state.log_port, identity)
        return identity

    async def _look(self, line: Line, kept: Kept) -> RouterSeen:
        service, wanted = kept.traffic.service, table.servers(kept.traffic)
        entries, present = await fence.read(line, service), await members.present(line, service)
        if entries is None or present is None:
            return RouterSeen(None)
        await members.forget(line, service, wanted, present)
        self._log.keep(service, {**wanted, **present})
        identity, born = await running(line)
        sessions = await self._sessions(kept, present)
        counted = await self._ledger.count(line, born, kept)
        mirrored = await self._mirrored(line, kept)
        counts = {**{group: Counts() for group in kept.traffic.members}, **counted}
        serving = {
            name: table.Server(one.address, one.weight) for name, one in present.items() if one.serves()
        }
        traffic = table.traffic(entries, serving, kept.traffic, kept.epoch)
        if identity != self._identity():  # it runs with another configuration than the one on disk
            traffic = msgspec.structs.replace(traffic, hosts=(table.UNKNOWN,))
        return RouterSeen(
            traffic=traffic,
            sessions=sessions,
            counts=counts,
            latency=self._log.latency(service, counts),
            instances=self._log.instances(service),
            mirrored=mirrored,
        )

    async def _mirrored(self, line: Line, kept: Kept) -> dict[str, Mirrored]:
        """Of the worker that serves; a reload begins anew, which its reader understands."""
        if kept.traffic.mirror is None or not self._copying:
            return {}
        return mirror.parse(await line.ask(mirror.question(kept.traffic.service)))

    async def _sessions(self, kept: Kept, present: dict[str, members.Present]) -> dict[str, int]:
        """Of older workers too; what those counted is taken down on the way."""
        service, sessions = kept.traffic.service, {name: one.sessions for name, one in present.items()}
        for older in await self._process.older_workers():
            with contextlib.suppress(Transient):
                for name, one in (await members.present(older, service) or {}).items():
                    if one.sessions:
                        sessions[name] = sessions.get(name, 0) + one.sessions
                await self._ledger.count_late(older, (await running(older))[1], kept)
        return sessions


def _questions(service: str) -> tuple[str, ...]:
    """All that a look asks of HAProxy when nothing is amiss, in the order in which it is asked."""
    return (*fence.questions(service), *members.questions(service), *RUNNING, *counts.questions(service))


async def _put(line: Line, traffic: Traffic, epoch: int) -> None:
    """Raise the new before lowering the old, so that there is never nobody."""
    service, wanted = traffic.service, table.servers(traffic)
    found = await members.present(line, service)
    if found is None:
        raise Transient("haproxy_unreachable", f"HAProxy does not know {service} yet")
    await members.bring_in(line, service, wanted, found)
    await fence.write(line, service, table.entries(traffic, epoch), epoch)
    await members.let_out(line, service, wanted, found)
    await members.forget(line, service, wanted, found)


_: type[Router] = HAProxy
