"""Asking an instance whether it is well: over HTTP, by connecting, or by a command. No thread is kept waiting."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

from plainsail.domain.service import Probe
from plainsail.domain.units import seconds
from plainsail.drivers._kit import proc

HOST = "127.0.0.1"
MOST_BYTES = 8192
"""A status line is shorter; no more than this is read of what comes after it."""
POLITE = 0.1
"""Seconds in which a server may finish its answer: many log an error when the connection is cut in the middle."""
PROBE_MARK = "PLAINSAIL_PROBE"
"""Set in a probe command's environment, so that one whose control plane was killed can be told from an instance."""


async def ask(probe: Probe, port: int, command: Sequence[str], tree: Path, env: dict[str, str]) -> str:
    """Why the instance is not well; empty: it is. `command` is the probe's, ready to run."""
    try:
        async with asyncio.timeout(probe.timeout):
            if probe.http is not None:
                return await _get(probe.http, port)
            if probe.tcp:
                return await _connect(port)
            return await _run(command, tree, env)
    except TimeoutError:
        return f"no answer within {seconds(probe.timeout)}"
    except OSError as error:
        return (
            (error.strerror or str(error)).lower()
            if not isinstance(error, ConnectionRefusedError)
            else REFUSED
        )


REFUSED = "connection refused"


def named(probe: Probe) -> str:
    """What is asked, as people say it."""
    if probe.http is not None:
        return f"GET {probe.http}"
    return "TCP connection" if probe.tcp else f"command {probe.command[0]}" if probe.command else "process"


async def _get(path: str, port: int) -> str:
    """The status line of an answer to HTTP/1.1 GET. Redirects are answers, and are not followed.

    On a bare socket: every instance is asked every second, and streams cost twice as much.
    """
    loop = asyncio.get_running_loop()
    with socket.socket() as connection:
        connection.setblocking(False)
        await loop.sock_connect(connection, (HOST, port))
        request = (
            f"GET {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nUser-Agent: plainsail\r\n"
            "Accept: */*\r\nConnection: close\r\n\r\n"
        )
        await loop.sock_sendall(connection, request.encode())
        answer = b""
        while b"\n" not in answer and len(answer) < MOST_BYTES:
            if not (more := await loop.sock_recv(connection, MOST_BYTES)):
                break
            answer += more
        with contextlib.suppress(TimeoutError, OSError):
            async with asyncio.timeout(POLITE):
                await _hear_out(connection, MOST_BYTES - len(answer))
    if not answer:
        return "closed the connection without an answer"
    fields = answer.partition(b"\n")[0].split(None, 2)
    if len(fields) < 2 or not fields[0].startswith(b"HTTP/1.") or not fields[1].isdigit():
        return "answered something that is not HTTP"
    status = int(fields[1])
    return "" if 200 <= status <= 399 else f"answered {status}"


async def _hear_out(connection: socket.socket, most: int) -> None:
    """Until it has said all it had to say, or so many bytes."""
    while most > 0 and (more := await asyncio.get_running_loop().sock_recv(connection, most)):
        most -= len(more)


async def _connect(port: int) -> str:
    _, writer = await asyncio.open_connection(HOST, port)
    writer.transport.abort()
    return ""


async def _run(command: Sequence[str], tree: Path, env: dict[str, str]) -> str:
    """A child in a process group of its own, ended with all it started when its time is over."""
    child = subprocess.Popen(  # noqa: ASYNC220  (vfork: about a millisecond, and no watcher thread as asyncio's)
        command,
        cwd=tree,
        env={**env, PROBE_MARK: "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        process = proc.identify(child.pid)
        if process is not None:
            await proc.ended(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        status = child.wait()
    return (
        "" if status == 0 else f"exited with status {status}" if status > 0 else f"killed by signal {-status}"
    )
