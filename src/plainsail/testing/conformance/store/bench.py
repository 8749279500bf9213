"""What the store suite works with: a store at an address of its own."""

from __future__ import annotations

from plainsail.ports.store import Store
from plainsail.testing.conformance.bench import Bench


class StoreBench(Bench):
    """The defaults fit a store that is made with `Driver(url)`, whose addresses begin with its name and end in a path."""

    kind = "store"
    durable = True
    """Everything is found again by another object for the same address, in this process or another."""

    def url(self) -> str:
        """Where there was never a store before."""
        return f"{self.name}:///{self.directory}/store"

    def open(self) -> Store:
        """A store object; all that are made here are of one store."""
        made: Store = self.driver(self.url())
        return made


class SqlBench(StoreBench):
    """SQLAlchemy's way to write the address of a file."""

    def url(self) -> str:
        return f"sqlite:///{self.directory / 'plainsail.db'}"
