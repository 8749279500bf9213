"""Where something is declared, and how it is told that it could not be read."""

from __future__ import annotations

from typing import Final

import msgspec

from plainsail.spec.diagnostics import Mark, Path, Problems, shown
from plainsail.spec.nodes import Fields, Items, Node, Scalar


class Bad(msgspec.Struct, frozen=True):
    """Stands for a value that could not be read; the reason has been told."""


BAD: Final = Bad()


class Spot(msgspec.Struct, frozen=True):
    """Where something is declared: its path, and the place of its key (in a list: of the value itself)."""

    path: Path
    mark: Mark

    def under(self, key: str | int, mark: Mark) -> Spot:
        return Spot((*self.path, key), mark)

    def name(self) -> str:
        """As the subject of a sentence: `'replicas'`, `An entry of 'hosts'`."""
        if not self.path:
            return "The file"
        key = next((part for part in reversed(self.path) if isinstance(part, str)), "")
        return f"An entry of {shown(key)}" if isinstance(self.path[-1], int) else shown(key)


class Telling:
    """Tells `problems` what could not be read, and goes on with BAD in its place."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems

    def _wrong(self, node: Node, spot: Spot, expected: str, hint: str = "") -> Bad:
        match node:
            case Scalar(text=text):
                found = shown(text)
            case Items():
                found = "a list"
            case Fields():
                found = "a mapping"
        return self._bad(node.mark, spot, f"{spot.name()} must be {expected}, and is {found}", hint)

    def _bad(self, mark: Mark, spot: Spot, message: str, hint: str = "") -> Bad:
        self._problems.say(mark, message, hint, spot.path)
        return BAD
