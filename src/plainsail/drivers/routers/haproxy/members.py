"""The servers of one backend: what HAProxy has, and the commands that bring it to what it should have."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from plainsail.drivers.routers.haproxy.cli import Line
from plainsail.drivers.routers.haproxy.table import Server
from plainsail.drivers.routers.haproxy.template import CHECK
from plainsail.ports.errors import Transient

MAINT, DRAIN, CHECKED = 0x01 | 0x04 | 0x20, 0x08, 0x04
"""Bits of srv_admin_state (forced, by configuration, by name resolution; forced drain) and of srv_check_state
(enabled), from HAProxy's `server-t.h` and `check-t.h`."""


class Present(msgspec.Struct, frozen=True):
    """A server as HAProxy has it."""

    address: str
    weight: int
    admin: int
    checked: bool
    sessions: int

    def serves(self) -> bool:
        """It may be sent new requests, by name at least."""
        return not self.admin & (MAINT | DRAIN)


async def present(line: Line, service: str) -> dict[str, Present] | None:
    """By name; None: HAProxy does not know the service."""
    states, stats = [await line.ask(question) for question in questions(service)]
    if "srv_name" not in states:
        return None
    sessions = {row[1]: int(row[4] or 0) for row in _rows(stats, ",") if len(row) > 4}
    return {
        row[3]: Present(
            address=f"[{row[4]}]:{row[18]}" if ":" in row[4] else f"{row[4]}:{row[18]}",
            weight=int(row[7]), admin=int(row[6]), checked=bool(int(row[13]) & CHECKED),
            sessions=sessions.get(row[3], 0),
        )
        for row in _rows(states, " ")
        if len(row) > 18
    }  # fmt: skip


def questions(service: str) -> tuple[str, str]:
    """What `present` asks."""
    return f"show servers state {service}", f"show stat {service} 4 -1"


async def bring_in(
    line: Line, service: str, wanted: Mapping[str, Server], found: Mapping[str, Present]
) -> None:
    """Everything that gives: new servers, those that come back, higher weights. Before the map is changed."""
    for name, server in wanted.items():
        one, place = found.get(name), f"{service}/{name}"
        if one is not None and one.address != server.address:
            await _delete(line, place, by_force=True)
            one = None
        if one is None:
            await _told(
                line, f"add server {place} {server.address} weight {server.weight} {CHECK}", "registered"
            )
        if one is None or not one.checked:
            await _told(line, f"enable health {place}")
        if one is None or not one.serves():
            await _told(line, f"set server {place} state ready")
        if one is not None and one.weight < server.weight:
            await _told(line, f"set server {place} weight {server.weight}")


async def let_out(
    line: Line, service: str, wanted: Mapping[str, Server], found: Mapping[str, Present]
) -> None:
    """Everything that takes: lower weights, and no new connections for those that leave. After the map is changed."""
    for name, one in found.items():
        place = f"{service}/{name}"
        if name not in wanted:
            if one.serves():
                await _told(line, f"set server {place} state drain")
        elif one.weight > wanted[name].weight:
            await _told(line, f"set server {place} weight {wanted[name].weight}")


async def forget(
    line: Line, service: str, wanted: Mapping[str, Server], found: Mapping[str, Present]
) -> None:
    """Delete those that have left and have no connection any more. HAProxy refuses if one has come in between."""
    for name, one in found.items():
        if name not in wanted and not one.serves() and not one.sessions:
            await _delete(line, f"{service}/{name}")


async def _delete(line: Line, place: str, by_force: bool = False) -> None:
    await _told(line, f"set server {place} state maint")
    if by_force:
        await _told(line, f"shutdown sessions server {place}")
    answer = await line.ask(f"del server {place}")
    if by_force and "deleted" not in answer:
        raise Transient("haproxy_refused", f"HAProxy did not give up {place}: {answer}")


async def _told(line: Line, command: str, yes: str = "") -> None:
    answer = await line.ask(command)
    if (yes not in answer) if yes else answer:
        raise Transient(
            "haproxy_refused", f"HAProxy refused '{command}': {answer.splitlines()[0] if answer else ''}"
        )


def _rows(text: str, separator: str) -> list[list[str]]:
    return [
        row.split(separator)
        for row in text.splitlines()
        if row and not row.startswith("#") and separator in row
    ]
