"""From text to a Document: all that is wrong with it at once, each complaint at its line."""

from __future__ import annotations

from contextlib import suppress

import msgspec

from plainsail.domain.service import Document
from plainsail.spec.diagnostics import START, Enough, Mark, Problems, SpecError
from plainsail.spec.drivers import Drivers
from plainsail.spec.keys import type_of
from plainsail.spec.nodes import Node, compose, place
from plainsail.spec.reading import Reader
from plainsail.spec.spots import Spot


class Located(msgspec.Struct, frozen=True):
    """A document, and where each of its parts is written."""

    file: str
    document: Document
    root: Node

    def place(self, *path: str | int, key: bool = False) -> Mark:
        """Where the value at a path stands, or its key; the nearest thing above it if it is not written."""
        return place(self.root, path, key=key)


def decode(text: str, file: str, drivers: Drivers) -> Document:
    """One file on its own. SpecError with every problem in it.

    `file` is the name that complaints carry. A caller that has bytes decodes them with `errors="replace"` or
    `"surrogateescape"`, so that what is not UTF-8 is complained of at its line too. What spans files is checked by
    `merge`.
    """
    return locate(text, file, drivers).document


def locate(text: str, file: str, drivers: Drivers) -> Located:
    """As `decode`, with the places. SpecError."""
    problems = Problems(file)
    root = document = None
    with suppress(Enough):
        if root := compose(text, problems):
            document = Reader(drivers, problems).read(root, type_of(Document), Spot((), START))
    if len(problems):
        raise SpecError(problems.found())
    assert isinstance(document, Document)
    assert root
    return Located(file, document, root)
