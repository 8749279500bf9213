"""The control plane and what it looks after: does it run, does it fit, does it have troubles, is anything left alone."""

from __future__ import annotations

import fcntl
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from plainsail import __version__
from plainsail.client import Client, Json, ProblemError, Unreachable
from plainsail.domain.service import Document, Environment
from plainsail.domain.units import plural
from plainsail.drivers._kit import proc
from plainsail.drivers._kit.spawn import SITE_MARK
from plainsail.local.doctor.finding import Finding, bad, ok, warn

MOST_TOLD = 10
"""Findings of one kind; who has more has one cause."""


def control_plane(data: Path, client: Client | None) -> Iterator[Finding]:
    holder = _holder(data)
    if client is None or holder is None:
        yield from _without(data)
        return
    try:
        version = str(client.health().get("version"))
    except (Unreachable, ProblemError) as failure:
        yield bad(
            "control plane",
            f"it runs (pid {holder}) and does not answer: {failure}",
            f"see its own output; if it hangs: kill {holder}, then plainsail up",
        )
        return
    if version == __version__:
        yield ok("control plane", f"it runs at {client.url} (pid {holder}, version {version})")
    else:
        yield warn(
            "control plane",
            f"it has version {version}, this command {__version__}",
            "restart it: plainsail up; what it looks after goes on meanwhile",
        )
    yield from _kill_mode(holder)
    yield from _troubles(client)


def ports(document: Document | None, data: Path, listen: str) -> Iterator[Finding]:
    """Addresses that something else holds. What ours hold is told apart by whether ours run."""
    if _holder(data) is None and (why := _taken(listen)):
        yield bad(
            "ports",
            f"{listen}, where plainsail up would listen, {why}",
            "end what holds it (ss -ltnp), or plainsail up --listen with another",
        )
    for name, environment in (document.environments if document else {}).items():
        address = _address(environment)
        if address and not _routed(data, name) and (why := _taken(address)):
            yield bad(
                "ports",
                f"{address}, where users of {name} come in, {why}",
                "end what holds it (ss -ltnp), or change listen in plainsail.yaml",
            )


def left_alone(data: Path) -> Iterator[Finding]:
    """Instances that nobody looks after."""
    if _holder(data) is not None:
        return
    running = 0
    for place in (data / "sites").glob("*/provider/site"):
        try:
            running += sum(1 for _ in proc.marked(SITE_MARK, place.read_text().strip()))
        except OSError:
            continue
    if running:
        yield warn(
            "instances",
            f"{plural(running, 'process')[:-1] + 'es' if running != 1 else '1 process'} of instances run without a control plane: who dies stays dead",
            f"plainsail up --data {data}, or plainsail down --data {data}",
        )


def _without(data: Path) -> Iterator[Finding]:
    if (data / "plainsail.db").exists():
        yield warn("control plane", f"none runs on {data}", f"plainsail up --data {data}")
    else:
        yield ok("control plane", "none runs, and there is nothing to look after")


def _troubles(client: Client) -> Iterator[Finding]:
    try:
        found = [one for known in client.services()["services"] for one in known["environments"]]
    except (Unreachable, ProblemError) as failure:
        yield bad(
            "services",
            f"can't be asked for: {failure}",
            "is the token that of this control plane? see PLAINSAIL_TOKEN",
        )
        return
    told = [*_of_drivers(found), *_of_quarantine(found)]
    yield from told[:MOST_TOLD]
    if len(told) > MOST_TOLD:
        yield warn("services", f"{len(told) - MOST_TOLD} more like these", "plainsail status")
    if not told:
        yield ok("services", f"{plural(len(found), 'target')}, no trouble")


def _of_drivers(targets: list[Json]) -> Iterator[Finding]:
    for one in targets:
        for driver, trouble in one["trouble"].items():
            where = f"{one['service']} in {one['environment']}"
            yield bad(
                "services",
                f"{driver} of {where}: {trouble}",
                f"plainsail status {one['service']} --env {one['environment']}",
            )


def _of_quarantine(targets: list[Json]) -> Iterator[Finding]:
    for one in targets:
        if one["quarantine"]:
            where = f"{one['service']} in {one['environment']}"
            count = plural(len(one["quarantine"]), "release")
            yield warn(
                "services",
                f"{where}: {count} taken back and in quarantine",
                f"plainsail history {one['service']}; plainsail deploy --again if one is meant after all",
            )


def _kill_mode(pid: int) -> Iterator[Finding]:
    """systemd ends all of a unit's processes with it, unless told otherwise: then no instance would outlive us."""
    unit = _unit(Path(f"/proc/{pid}/cgroup"))
    if not unit:
        return
    try:
        mode = subprocess.run(
            ["systemctl", "show", "--value", "--property=KillMode", unit],
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        ).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return
    if mode and mode not in ("process", "none"):
        yield bad(
            "systemd",
            f"{unit} has KillMode={mode}: stopping it ends every instance and router",
            "add KillMode=process to its [Service], then systemctl daemon-reload",
        )


def _unit(cgroup: Path) -> str:
    try:
        last = cgroup.read_text().strip().splitlines()[-1].rpartition(":")[2]
    except (OSError, IndexError):
        return ""
    names = [part for part in last.split("/") if part.endswith(".service") and not part.startswith("user@")]
    return names[-1] if names else ""


def _holder(data: Path) -> int | None:
    """Who holds the data directory; None if nobody does."""
    try:
        with open(data / "lock") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                written = lock.read().strip()
                return int(written) if written.isdigit() else 0
    except OSError:
        pass
    return None


def _address(environment: Environment) -> str:
    return str(environment.router.config.get("listen", ""))


def _routed(data: Path, environment: str) -> bool:
    """Is there a router of ours, which then is the one that listens?"""
    return any((data / "sites" / environment / "router").glob("*"))


def _taken(address: str) -> str:
    """Why it can't be listened on; empty if it can."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]").replace("*", "")
    if not port.isdigit() or port == "0":
        return ""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(port)))
            probe.listen(1)
        except PermissionError:
            return "needs a right this user does not have (ports below 1024)"
        except OSError as failure:
            return f"can't be listened on: {failure.strerror}"
    return ""
