"""What is kept of workers that are gone stays as it is, whatever a dying worker answers."""

from __future__ import annotations

import asyncio
from pathlib import Path

from plainsail.domain.observation import Counts
from plainsail.domain.service import Shield
from plainsail.domain.traffic import Traffic
from plainsail.drivers.routers.haproxy.cli import Answered, Line, Relay
from plainsail.drivers.routers.haproxy.ledger import GONE, Ledger
from plainsail.drivers.routers.haproxy.process import running
from plainsail.drivers.routers.haproxy.shelf import Earlier, Shelf
from plainsail.drivers.routers.haproxy.template import Kept


class Dying(Answered):
    """A worker that takes connections and answers nothing any more."""

    def __init__(self, line: Line) -> None:
        super().__init__(line, {})

    async def ask(self, command: str) -> str:
        return ""


def test_a_dying_worker_that_does_not_say_who_it_is_changes_nothing_of_those_that_are_gone(
    tmp_path: Path,
) -> None:
    shelf = Shelf(tmp_path, lambda port, services: "")
    known = Earlier("now", {GONE: {"shop": {"g1": Counts(requests=95)}}})
    shelf.note(known)
    ledger, worker = Ledger(shelf), Dying(Relay(tmp_path))
    kept = Kept(Traffic("shop", (), (), {}, "g1", Shield(), None, 1.0), 1)

    async def looked() -> None:
        for more in (0, 200):
            shelf.note(Earlier("now", {GONE: {"shop": {"g1": Counts(requests=95 + more)}}}))
            _, born = await running(worker)
            await ledger.count_late(worker, born, kept)

    asyncio.run(looked())
    assert shelf.state.earlier.before[GONE]["shop"]["g1"].requests == 295
