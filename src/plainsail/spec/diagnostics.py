"""What is wrong with a file, each complaint at its line: `file:line:col: message; did you mean 'x'?`."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from itertools import islice

import msgspec

Path = tuple[str | int, ...]
"""The way to a value as it is written: `("services", "shop", "in", "staging", "hosts", 0)`."""


class Mark(msgspec.Struct, frozen=True, order=True):
    """A place in a text; both count from 1, columns in characters."""

    line: int
    col: int


START = Mark(1, 1)


class Diagnostic(msgspec.Struct, frozen=True):
    """One complaint. `message` says what is wrong, `hint` (may be empty) what to do."""

    file: str
    line: int
    col: int
    path: str
    """Dotted, for programs: `services.shop.in.staging.hosts[0]`; empty for the text as a whole."""
    message: str
    hint: str = ""

    def __str__(self) -> str:
        told = f"{self.message}; {self.hint}" if self.hint else self.message
        return f"{self.file}:{self.line}:{self.col}: {told}"


class SpecError(Exception):
    """All that is wrong, at once, in the order of the files and their lines."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        super().__init__("\n".join(map(str, diagnostics)))
        self.diagnostics = diagnostics


MOST = 100
"""Complaints about one file. Nobody reads on past them, and a file made to annoy could have a million."""


class Enough(Exception):
    """There are `MOST` complaints; reading on makes no sense."""


class Problems:
    """Collects complaints about one file while it is read, so that a person sees all of them together."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._found: dict[tuple[Mark, str], Diagnostic] = {}

    def __len__(self) -> int:
        return len(self._found)

    def say(self, mark: Mark, message: str, hint: str = "", path: Path = ()) -> None:
        """Add one. The same complaint at the same place (an alias is read several times) counts once.

        Raises Enough when it was the last that is taken.
        """
        told = Diagnostic(self.file, mark.line, mark.col, dotted(path), one_line(message), one_line(hint))
        self._found.setdefault((mark, message), told)
        if len(self._found) >= MOST:
            raise Enough

    def below(self, path: Path) -> bool:
        """Is anything wrong further down? Then what is said of the whole may be no more than what follows from it."""
        here = dotted(path)
        return any(told.path.startswith((f"{here}.", f"{here}[")) for told in self._found.values())

    def found(self) -> tuple[Diagnostic, ...]:
        """In the order of the text."""
        return tuple(self._found[key] for key in sorted(self._found))


def dotted(path: Path) -> str:
    """A path as people write it: `hosts[0]`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`did you mean 'x'?` for the nearest of the known words, or nothing if none is near."""
    # Words beyond these numbers and lengths are no slip of the pen; comparing them would only take time.
    by_folded = {name.lower().replace("_", "-"): name for name in islice(known, 500)}
    near = difflib.get_close_matches(word[:100].lower().replace("_", "-"), by_folded, n=1, cutoff=0.6)
    return f"did you mean '{by_folded[near[0]]}'?" if near else ""


def there_are(known: Collection[str]) -> str:
    """`there are a, b and c`: all that could have been written."""
    return (
        f"there {'are' if len(known) > 1 else 'is only'} {listed(known, 'and')}"
        if known
        else "there are none"
    )


def listed(words: Iterable[str], last: str) -> str:
    """`a, b or c`"""
    *before, final = words
    return f"{', '.join(before)} {last} {final}" if before else final


def shown(text: str) -> str:
    """A piece of somebody's text, quoted, on one line, and short enough for a message."""
    plain = one_line(text)
    return f"'{plain}'" if len(plain) <= 60 else f"'{plain[:57]}...'"


def one_line(text: str) -> str:
    """The text with '?' for whatever could move a terminal's cursor or begin a line (a driver's words may hold it)."""
    return "".join(character if character.isprintable() else "?" for character in text)
