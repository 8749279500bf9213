"""Changing a service's map so that an older holder's change is refused.

HAProxy keeps versions of a map: one is prepared, filled and committed, and a commit is refused if a later prepared one
was committed before it. The map itself holds its writer's epoch, which is read between the two. So a holder that was
stopped at any point of this and goes on after a newer one has written is refused: either by the version, or because it
reads the newer epoch. What is left is an older holder that prepares while the newer one's first change is under way;
therefore a newer epoch first commits once to say that it is there, and then does its work.
"""

from __future__ import annotations

from collections.abc import Mapping

from plainsail.drivers.routers.haproxy.cli import Line
from plainsail.drivers.routers.haproxy.table import number
from plainsail.drivers.routers.haproxy.template import split_map
from plainsail.ports.errors import Fenced, Transient


async def read(line: Line, service: str) -> dict[str, str] | None:
    """The entries in force; None: HAProxy does not know the service."""
    (question,) = questions(service)
    text = await line.ask(question)
    if not text.startswith("0x"):
        return None
    rows = (row.split(" ", 2) for row in text.splitlines() if row.startswith("0x"))
    return {row[1]: row[2] if len(row) > 2 else "" for row in rows}


def questions(service: str) -> tuple[str]:
    """What `read` asks."""
    return (f"show map {split_map(service)}",)


async def write(line: Line, service: str, entries: Mapping[str, str], epoch: int) -> None:
    """Put these entries, which carry the epoch, in force, all at once. Raises Fenced."""
    found = await read(line, service)
    if found is None:
        raise Transient("haproxy_unreachable", f"HAProxy does not know {service} yet")
    refuse_older(service, epoch, found)
    if found == entries:
        return
    if number(found, "epoch") < epoch:
        await _replace(line, service, {**found, "epoch": str(epoch)}, epoch)
    await _replace(line, service, entries, epoch)


def refuse_older(service: str, epoch: int, found: Mapping[str, str]) -> None:
    """Raises Fenced if the entries in force are of a newer epoch."""
    newest = number(dict(found), "epoch")
    if newest > epoch:
        raise Fenced(
            "fenced", f"The traffic of {service} is held under epoch {newest}; this order has {epoch}"
        )


async def _replace(line: Line, service: str, entries: Mapping[str, str], epoch: int) -> None:
    version = await prepare(line, service, entries)
    refuse_older(service, epoch, await read(line, service) or {})
    await commit(line, service, version, epoch)


async def prepare(line: Line, service: str, entries: Mapping[str, str]) -> str:
    """A new version with these entries, which nobody sees yet: its number."""
    answer = await line.ask(f"prepare map {split_map(service)}")
    version = answer.rpartition(" ")[2]
    if not version.isdigit():
        raise Transient("haproxy_refused", f"HAProxy prepared no map: {answer}")
    rows = [f"{key} {value}" for key, value in entries.items()]
    if complaint := await line.pay(f"add map @{version} {split_map(service)}", rows):
        raise Transient("haproxy_refused", f"HAProxy did not take the map: {complaint}")
    return version


async def commit(line: Line, service: str, version: str, epoch: int) -> None:
    """Put it in force. Raises Fenced, or Transient if one of our own epoch came in between."""
    if complaint := await line.ask(f"commit map @{version} {split_map(service)}"):
        refuse_older(service, epoch, await read(line, service) or {})
        raise Transient("haproxy_refused", f"HAProxy did not commit the map: {complaint}")
