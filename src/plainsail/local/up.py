"""`plainsail up`: the control plane in the foreground."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import uvicorn
from cyclopts import Parameter

from plainsail.api import create_app
from plainsail.app.access import OWNER
from plainsail.app.apply import apply
from plainsail.local.schema import write_schema
from plainsail.ports.errors import Failure, Rejected
from plainsail.spec.diagnostics import SpecError
from plainsail.web.pages import Pages
from plainsail.wiring import ControlPlane, build, write_private

LISTEN = "127.0.0.1:7676"
GLANCE = 1.0
"""Seconds that a look at the lock may take, on a machine that is busy."""


def up(
    *,
    config: Annotated[tuple[Path, ...], Parameter(consume_multiple=True)] = (),
    data: Annotated[Path, Parameter(env_var="PLAINSAIL_DATA")] = Path(".plainsail"),
    listen: str = LISTEN,
) -> int:
    """Run the control plane in the foreground; Ctrl-C leaves services running.

    It applies the files, adopts the instances and routers that it left running, and prints one line, ready, with
    the address of the page and the API. One control plane runs on a data directory at a time. When it ends,
    whoever uses a service notices nothing: instances and routers go on, and the next plainsail up takes them
    over, also in the middle of a rollout.

    Example: `plainsail up`
    Example: `plainsail up --config plainsail.yaml`
    Example: `plainsail up --data /var/lib/plainsail --listen 127.0.0.1:7676`

    Parameters
    ----------
    config
        Files to apply first; `./plainsail.yaml` if it is there.
    data
        Directory for state, releases and sockets.
    listen
        HOST:PORT of the API and the page; port 0 takes a free one.
    """
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(message)s")
    for noisy in ("httpx2", "httpcore2", "alembic", "uvicorn.error"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    files = config or tuple(path for path in (Path("plainsail.yaml"),) if path.exists())
    data = data.absolute()
    try:
        texts = [(str(path), _text(path)) for path in files]
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone(data), _bound(listen) as listener:
            write_schema(data)
            return asyncio.run(_serve(data, texts, listener))
    except SpecError as wrong:
        print(wrong, file=sys.stderr)
        return 2
    except Rejected as failure:
        print(failure, file=sys.stderr)
        return 2
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 1


async def _serve(data: Path, texts: list[tuple[str, str]], listener: socket.socket) -> int:
    host, port = listener.getsockname()[:2]
    plane = await asyncio.to_thread(build, data, frozenset({str(host)}))
    if texts:
        await asyncio.to_thread(apply, plane.context, OWNER, texts)
    await _start_sites(plane)
    pages = Pages(plane.context.now)
    server = uvicorn.Server(
        uvicorn.Config(create_app(plane.context, pages.handlers), log_config=None, access_log=False, lifespan="on",
                       server_header=False, timeout_graceful_shutdown=3)
    )  # fmt: skip
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    serving = asyncio.create_task(_quietly(server, listener))
    running = asyncio.create_task(plane.engine.run())
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    write_private(data / "url", url)
    print(f"ready {url}", flush=True)
    print(
        f"the page is there too: `plainsail open`, or sign in with the token in {data / 'token'}",
        file=sys.stderr,
    )
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({serving, running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    logging.getLogger("uvicorn.error").setLevel(
        logging.CRITICAL
    )  # who waits for news is cut off, not in error
    pages.close()
    server.should_exit = True
    await asyncio.gather(serving, return_exceptions=True)
    running.cancel()
    outcome = (await asyncio.gather(running, return_exceptions=True))[0]
    await _leave(plane)
    if isinstance(outcome, Exception):
        raise outcome
    print("stopped; services go on running (`plainsail down` stops them)", file=sys.stderr)
    return 0


async def _start_sites(plane: ControlPlane) -> None:
    """Adopt or start what each environment needs. One that is sick does not keep the others from being looked after; when
    all are, the last one's failure is raised, and said by who catches it."""
    environments = await asyncio.to_thread(plane.store.environments)
    sick: list[tuple[str, Failure]] = []
    for environment in environments:
        try:
            await plane.sites.get(environment)
        except Failure as failure:
            sick.append((environment, failure))
    nothing_left = sick.pop() if sick and len(sick) == len(environments) else None
    for environment, why in sick:
        print(f"{environment}: {why}", file=sys.stderr)
    if nothing_left is not None:
        raise nothing_left[1]


async def _quietly(server: uvicorn.Server, listener: socket.socket) -> None:
    """Serve without uvicorn's own signal handling: Ctrl-C is ours."""
    await server._serve([listener])


async def _leave(plane: ControlPlane) -> None:
    await plane.sites.stop()
    await asyncio.to_thread(plane.store.close)


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as failure:
        raise Rejected("file_unreadable", f"can't read {path}: {failure}") from failure


@contextmanager
def _alone(data: Path) -> Iterator[None]:
    """Hold the data directory. Raises Rejected (`already_up`) if another control plane does."""
    with open(data / "lock", "a+") as lock:
        if not _locked(lock.fileno()):
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            raise Rejected(
                "already_up", f"a control plane runs on {data} already (pid {holder})",
                "use it, or name another directory with --data",
            )  # fmt: skip
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def _locked(lock: int) -> bool:
    """Whether we hold it now. Who only looks, as `plainsail doctor` does, holds it for a moment: that is waited out."""
    until = time.monotonic() + GLANCE
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        if time.monotonic() > until:
            return False
        time.sleep(0.02)


@contextmanager
def _bound(listen: str) -> Iterator[socket.socket]:
    """The listening socket. Raises Rejected (`listen`, `port_in_use`)."""
    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65_535:
        raise Rejected("listen", f"--listen {listen} is not HOST:PORT", f"for example {LISTEN}")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host.strip("[]"), int(port)))
        except OSError as failure:
            raise Rejected(
                "port_in_use",
                f"can't listen on {listen}: {failure.strerror}",
                "choose another address with --listen",
            ) from failure
        listener.listen(128)
        yield listener
