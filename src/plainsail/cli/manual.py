"""Help as text for a terminal: one manner for the list of commands, each command, and each topic. Loads nothing heavy."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

from plainsail.cli.commands import ABOUT, COMMANDS, GROUPS, NAMES
from plainsail.cli.topics import TOPICS

if TYPE_CHECKING:
    from plainsail.cli.reference import Entry

NARROWEST, WIDEST = 40, 100
"""Columns. Lines longer than a hundred are hard to read, however wide the terminal is."""
NAMES_UP_TO = 26
"""Columns for the names of options; a longer one has its meaning on the next line."""

Rows = Sequence[tuple[str, str]]


def width() -> int:
    """Columns to write in: COLUMNS, else the terminal's, else 80."""
    told = os.environ.get("COLUMNS", "")
    if told.isdigit() and int(told):
        columns = int(told)
    else:
        try:
            columns = os.get_terminal_size(sys.stdout.fileno()).columns or 80
        except (OSError, ValueError):
            columns = 80
    return max(NARROWEST, min(WIDEST, columns))


def overview(columns: int) -> str:
    """The list of commands."""
    parts = [_paragraph(ABOUT, columns), _title("Usage") + "\n  plainsail COMMAND [OPTIONS]"]
    longest = max(map(len, NAMES))
    for group in GROUPS:
        rows = [
            (f"{command.name:<{longest}}", command.about) for command in COMMANDS if command.group == group
        ]
        parts.append(_section(group, rows, columns))
    options = (
        (f"{'--help, -h':<{longest}}", "This; after a command: all about it."),
        ("--version", "The version."),
    )
    parts.append(_section("Options", options, columns))
    parts.append(
        _paragraph(
            "Begin with plainsail init and plainsail up; then: plainsail deploy shop ./dist --to production --wait."
            f" Topics: plainsail help {', '.join(TOPICS)}.",
            columns,
        )
    )
    return "\n\n".join(parts) + "\n"


def page(entry: Entry, columns: int) -> str:
    """All about one command."""
    parts = [_paragraph(entry.about, columns)]
    parts.append(_title("Usage") + "\n" + _hanging(entry.usage, columns))
    parts += [_paragraph(each, columns) for each in entry.story]
    for group in dict.fromkeys(one.group for one in entry.parameters):
        rows = [(one.left(), one.right()) for one in entry.parameters if one.group == group]
        parts.append(_section(group, rows, columns))
    parts.append(_title("Examples") + "\n" + "\n".join(f"  {example}" for example in entry.examples))
    parts.append(_section("Exit codes", entry.ways_to_end(), columns))
    if entry.see:
        parts.append(
            _title("See also")
            + "\n"
            + _hanging(", ".join(f"plainsail {name}" for name in entry.see), columns)
        )
    return "\n\n".join(parts) + "\n"


def topic(name: str, columns: int) -> str:
    """One of `topics.TOPICS`."""
    told = TOPICS[name]
    parts = [_paragraph(told.opening, columns), _section(told.title, told.rows, columns)]
    return "\n\n".join(parts) + "\n"


def _section(title: str, rows: Rows, columns: int) -> str:
    return "\n".join((_title(title), *_table(rows, columns)))


def _table(rows: Rows, columns: int) -> Iterable[str]:
    longest = max((len(left) for left, _ in rows if len(left) <= NAMES_UP_TO), default=0)
    indent = 2 + longest + 2
    for left, right in rows:
        lines = wrap(right, columns - indent, break_on_hyphens=False) or [""]
        if len(left) > longest:
            yield f"  {left}"
        else:
            yield f"  {left:<{longest}}  {lines.pop(0)}".rstrip()
        yield from (" " * indent + line for line in lines)


def _paragraph(text: str, columns: int) -> str:
    return "\n".join(wrap(text, columns, break_on_hyphens=False, break_long_words=False))


def _hanging(text: str, columns: int) -> str:
    return "\n".join(
        wrap(text, columns, initial_indent="  ", subsequent_indent="      ", break_on_hyphens=False)
    )


def _title(text: str) -> str:
    """Bold on a terminal that wants it (no-color.org: NO_COLOR is about colour; we take it as plain)."""
    bold = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return f"\x1b[1m{text}\x1b[0m" if bold else text
