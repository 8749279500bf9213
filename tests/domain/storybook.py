"""Golden stories: what was decided, as text that a person can read, beside the code that tells the story.

    GOLDEN=write .venv/bin/python -m pytest tests/domain -k golden

writes them again. Then read the difference: each line is a decision that has changed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import msgspec

DIRECTORY = Path(__file__).parent / "golden"


class Telling(Protocol):
    """What a story is told on; it writes down what happens."""

    lines: list[str]


T = TypeVar("T", bound=Telling)


class Book(Generic[T]):
    """The stories of one file; as a decorator it takes one in."""

    def __init__(self, stage: Callable[[], T], title: str = "") -> None:
        """`stage` makes a new one for each. `title`: what its files' names begin with."""
        self._stage, self._title = stage, title
        self.stories: list[Callable[[T], None]] = []

    def __call__(self, tell: Callable[[T], None]) -> Callable[[T], None]:
        self.stories.append(tell)
        return tell

    def read(self, tell: Callable[[T], None]) -> None:
        """Tell it, and compare it with how it was told before."""
        stage = self._stage()
        tell(stage)
        compare(f"{self._title}{tell.__name__}", stage.lines)


def compare(name: str, lines: list[str]) -> None:
    path, text = DIRECTORY / f"{name}.txt", "\n".join(lines) + "\n"
    if os.environ.get("GOLDEN") == "write":
        path.write_text(text)
    kept, lines = path.read_text().splitlines(), text.splitlines()
    for number, (was, now) in enumerate(zip_longest(kept, lines, fillvalue="(nothing)"), start=1):
        if was != now:  # one line tells enough; a comparison of the whole takes seconds
            raise AssertionError(
                f"{path.name}:{number} said {was!r}, now {now!r}; GOLDEN=write writes it again"
            )


def changes(before: Any, after: Any) -> Iterator[str]:
    """What differs between two values, one line for each leaf."""
    old, new = dict(leaves(msgspec.to_builtins(before))), dict(leaves(msgspec.to_builtins(after)))
    for path in old | new:
        if path not in new:
            yield f"{path}: gone"
        elif path not in old or old[path] != new[path]:
            yield f"{path}: {shown(new[path])}"


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    match value:
        case dict():
            for name, part in value.items():
                yield from leaves(part, f"{path}.{name}" if path else str(name))
        case list() | tuple() if any(isinstance(part, dict | list | tuple) for part in value):
            for place, part in enumerate(value):
                yield from leaves(part, f"{path}[{place}]")
        case _:
            yield path, value


def shown(value: Any) -> str:
    """Numbers to nine digits: machines may differ in the last ones."""
    match value:
        case float():
            return f"{round(value, 12):.9g}"
        case list() | tuple():
            return f"[{', '.join(shown(part) for part in value)}]"
        case _:
            return str(value)
