"""A control plane that stands still: the real API and pages over a real store, with nobody who acts. For what is asked,
shown and refused, and for numbers of services that no machine would run."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx2
import uvicorn
from tests.api.practice import DRIVERS, TOKEN, until

from plainsail.api import create_app
from plainsail.app.access import hash_token
from plainsail.app.context import Context, rollout_id
from plainsail.domain.driver import Driver
from plainsail.domain.observation import Seen
from plainsail.domain.recent import Sample
from plainsail.domain.service import Environment, Placement, Run, Service
from plainsail.drivers.stores.sql import SqlStore, open_store
from plainsail.drivers.stores.tree import TreeStore
from plainsail.ports.provider import OutputLine
from plainsail.ports.store import Key
from plainsail.web.pages import Pages

NOW = 1_790_000_000.0
ENVIRONMENTS = {
    "staging": Environment(router=Driver("haproxy", {"listen": "127.0.0.1:8080"})),
    "production": Environment(router=Driver("haproxy", {"listen": "127.0.0.1:8081"}), after="staging"),
}


class Nobody:
    """Sees nothing and does nothing; tells the lines it was given."""

    def __init__(self) -> None:
        self.lines: tuple[OutputLine, ...] = ()
        self.troubles: dict[Key, dict[str, str]] = {}

    def seen(self, key: Key) -> Seen | None:
        return None

    def recent(self, key: Key, after: float = 0.0) -> tuple[Sample, ...]:
        return ()

    def trouble(self, key: Key) -> Mapping[str, str]:
        return self.troubles.get(key, {})

    def nudge(self, key: Key) -> None:
        pass

    async def output(self, key: Key, group: str | None = None, lines: int = 50) -> tuple[OutputLine, ...]:
        return self.lines


class Still:
    """Its address, its store, and a browser that is signed in."""

    def __init__(self, url: str, store: SqlStore, live: Nobody, pages: Pages) -> None:
        self.url, self.store, self.live, self.pages = url, store, live, pages
        self.browser = browser(url)


@contextmanager
def still(directory: Path, names: tuple[str, ...] = ("shop",), token: str = TOKEN) -> Iterator[Still]:
    """Run one with these services, each in both environments."""
    store = open_store(f"sqlite:///{directory / 'plainsail.db'}")
    (directory / "spool").mkdir(exist_ok=True)
    run = Run(("bin/serve", "--port", "{port}"))
    store.put_spec(
        ENVIRONMENTS,
        {name: Service(run, {where: Placement(hosts=(f"{name}.{where}",)) for where in ENVIRONMENTS}) for name in names},
        None,
        (),
    )  # fmt: skip
    live = Nobody()
    context = Context(
        store=store, artifacts=TreeStore(directory / "releases"), live=live, drivers=DRIVERS, now=lambda: NOW,
        new_id=lambda: rollout_id(NOW), token_hash=hash_token(token), spool=directory / "spool",
    )  # fmt: skip
    pages = Pages(context.now)
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(context, pages.handlers), port=0, log_config=None, timeout_graceful_shutdown=3
        )
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        until(lambda: server.started or not thread.is_alive())
        host, port = server.servers[0].sockets[0].getsockname()
        plane = Still(f"http://{host}:{port}", store, live, pages)
        if token == TOKEN:
            sign_in(plane.browser)
        yield plane
        plane.browser.close()
    finally:
        pages.close()
        server.should_exit = True
        thread.join(20)
        store.close()


def browser(url: str) -> httpx2.Client:
    """Sends what a browser's forms send; follows no redirect."""
    return httpx2.Client(base_url=url, headers={"Origin": url}, timeout=20, trust_env=False)


def sign_in(client: httpx2.Client, token: str = TOKEN) -> httpx2.Response:
    return client.post("/login", data={"token": token, "next": "/"})
