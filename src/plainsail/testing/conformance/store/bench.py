"""What the store suite works with: a store at an address of its own."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from plainsail.ports.store import Store
from plainsail.testing.conformance.bench import Bench
from plainsail.testing.conformance.store import samples


class StoreBench(Bench):
    """The defaults fit a store that is made with `Driver(url)`, whose addresses begin with its name and end in a path."""

    kind = "store"
    shared = True
    """Several objects, also of several threads and processes, work on one store at once."""
    durable = True
    """Everything is found again by another object for the same address, in this process or another."""

    def __init__(self, name: str, driver: Any, directory: Path) -> None:
        super().__init__(name, driver, directory)
        self._opened: list[Store] = []

    def url(self) -> str:
        """Where there was never a store before."""
        return f"{self.name}:///{self.directory}/store"

    def open(self) -> Store:
        """A store object; all that are made here are of one store."""
        made: Store = self.driver(self.url())
        self._opened.append(made)
        return made

    def filled(self) -> Store:
        """With environments, services and their targets."""
        store = self.open()
        store.put_spec(samples.ENVIRONMENTS, samples.SERVICES, samples.NOTIFY, ())
        return store

    def copy_to(self, other: StoreBench) -> None:
        """Make another store like this one, which nobody has open. Quicker where files can be copied."""
        other.filled().close()

    def clear(self) -> None:
        for store in self._opened:
            store.close()


class SqlBench(StoreBench):
    """SQLAlchemy's way to write the address of a file."""

    def url(self) -> str:
        return f"sqlite:///{self.directory / 'plainsail.db'}"

    def copy_to(self, other: StoreBench) -> None:
        shutil.copy(self.directory / "plainsail.db", other.directory / "plainsail.db")
