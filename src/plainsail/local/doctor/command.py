"""`plainsail doctor`: runs the checks and tells what they found."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter
from rich.text import Text

from plainsail.cli.exits import DONE, INTERNAL, Refusal
from plainsail.cli.options import AsJson
from plainsail.cli.screen import out, plain, print_json
from plainsail.cli.whereabouts import find, nearest
from plainsail.client import Client
from plainsail.domain.service import Document
from plainsail.domain.units import plural
from plainsail.local.doctor import disk, machine, plane, sources
from plainsail.local.doctor.finding import Finding, State, bad, ok
from plainsail.local.up import LISTEN
from plainsail.spec.diagnostics import SpecError
from plainsail.spec.merge import read
from plainsail.wiring import drivers

MARKS: dict[State, tuple[str, str]] = {
    "ok": ("ok  ", "green"),
    "warn": ("warn", "yellow"),
    "bad": ("bad ", "red"),
}


def doctor(
    *, data: Annotated[Path | None, Parameter(env_var="PLAINSAIL_DATA")] = None, as_json: AsJson = False
) -> int:
    """Say what works here and what is missing, each with the command that mends it.

    It looks at the machine (Python, HAProxy, limits, process 1, the clock), at the data directory (can it be written,
    room, kind of disk, who may read the token, is the store whole, cut-off uploads), at the addresses that plainsail.yaml
    names, at its metric sources (does each answer), and at the control plane: does it run, has it this version, do its
    drivers have troubles, does anything run that nobody looks after. It changes nothing.

    It ends with 0 when nothing that is needed is missing (there may be warnings), and with 1 when something is: it is a
    state of this machine, not a mistake in how the command was called.

    Example: `plainsail doctor`
    Example: `plainsail doctor --data /var/lib/plainsail --json`

    Parameters
    ----------
    data
        The directory given to plainsail up; else .plainsail here or in a directory above.
    """
    place = (data or nearest() or Path(".plainsail")).absolute()
    found = tuple(examine(place))
    worst = "bad" if any(one.state == "bad" for one in found) else "ok"
    if as_json:
        print_json({"data": str(place), "state": worst, "findings": msgspec.to_builtins(found)})
    else:
        _show(found)
    return INTERNAL if worst == "bad" else DONE


def examine(data: Path, file: Path = Path("plainsail.yaml")) -> Iterator[Finding]:
    """All checks, the machine first."""
    document, said = _declared(file)
    yield from machine.python()
    yield from machine.haproxy(document.environments if document else {})
    yield from machine.limits()
    yield from machine.orphans()
    yield from machine.clock()
    yield from disk.directory(data)
    yield from disk.room(data)
    yield from disk.file_system(data)
    yield from disk.secrets(data)
    yield from disk.store(data)
    yield from disk.spool(data)
    yield from said
    yield from plane.ports(document, data, LISTEN)
    yield from sources.metric_sources(document)
    client = _client(data)
    yield from plane.control_plane(data, client)
    yield from plane.left_alone(data)


def _declared(file: Path) -> tuple[Document | None, list[Finding]]:
    if not file.exists():
        return None, []
    try:
        text = file.read_bytes().decode(errors="surrogateescape")
        document = read([(str(file), text)], drivers())
    except SpecError as error:
        return None, [
            bad("file", f"{file} has {plural(len(error.diagnostics), 'problem')}", "plainsail check")
        ]
    except OSError as failure:
        return None, [bad("file", f"{file} can't be read: {failure.strerror}", "is it yours?")]
    return document, [ok("file", f"{file} is fine")]


def _client(data: Path) -> Client | None:
    try:
        return Client(*find(None, data))
    except Refusal:
        return None


def _show(found: tuple[Finding, ...]) -> None:
    console = out()
    longest = max(len(one.check) for one in found)
    for one in found:
        mark, style = MARKS[one.state]
        console.print(
            Text.assemble((mark, style), f"  {one.check:<{longest}}  ", plain(one.found)), soft_wrap=True
        )
        if one.mend:
            console.print(" " * (longest + 8) + plain(one.mend), soft_wrap=True)
    counts = {state: sum(one.state == state for one in found) for state in MARKS}
    console.print(f"{counts['ok']} well, {plural(counts['warn'], 'warning')}, {counts['bad']} to mend")
