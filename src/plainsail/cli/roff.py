"""The command line as pages: Markdown for the docs, roff (man(7)) for `man`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from plainsail import __version__
from plainsail.cli.commands import ABOUT, GROUPS
from plainsail.cli.reference import Entry, Parameter
from plainsail.cli.topics import TOPICS

OPENING = f"""\
# The command line

{ABOUT} This page is made from the code (`python -m tests.cli.reference`); `plainsail help COMMAND` says the same.

Where a ROLLOUT is asked for, a SERVICE does (with `--env` if it has several environments). With `--json` a command prints
one JSON document on standard output and nothing else; progress goes to standard error.
"""


def markdown(entries: Sequence[Entry]) -> str:
    """docs/reference/cli.md."""
    parts = [OPENING]
    for group in GROUPS:
        rows = [
            f"| [`plainsail {one.name}`](#plainsail-{one.name}) | {one.short} |"
            for one in entries
            if one.group == group
        ]
        parts.append("\n".join([f"| {group} | |", "|---|---|", *rows, ""]))
    parts += ["\n".join(_section(one)) for one in entries]
    for topic in TOPICS.values():
        rows = [f"| `{left}` | {_cell(right)} |" for left, right in topic.rows]
        parts.append("\n".join([f"## {topic.title}", "", topic.opening, "", "| | |", "|---|---|", *rows, ""]))
    return "\n".join(parts)


def manual_page(entries: Sequence[Entry]) -> str:
    """plainsail(7)."""
    lines = [
        f'.TH PLAINSAIL 7 "" "plainsail {__version__}" "Progressive delivery"', ".SH NAME",
        f"plainsail \\- {_roff(ABOUT[0].lower() + ABOUT[1:].rstrip('.'))}", ".SH SYNOPSIS", "plainsail COMMAND [OPTIONS]", ".SH COMMANDS",
    ]  # fmt: skip
    for one in entries:
        lines += [f".SS plainsail {_roff(one.name)}", f".B {_roff(one.usage)}", ".PP", _roff(one.about)]
        for paragraph in one.story:
            lines += [".PP", _roff(paragraph)]
        for parameter in one.parameters:
            lines += [".TP", f".B {_roff(parameter.left())}", _roff(parameter.right())]
        lines += [
            ".PP",
            "Examples:",
            ".PP",
            ".nf",
            *(f"    {_roff(example)}" for example in one.examples),
            ".fi",
        ]
        lines += [".PP", f"Exit codes: {', '.join(map(str, one.exits))}."]
    for topic in TOPICS.values():
        lines += [f".SH {_roff(topic.title.upper())}", _roff(topic.opening)]
        for left, right in topic.rows:
            lines += [".TP", f".B {_roff(left)}", _roff(right)]
    return "\n".join(lines) + "\n"


def _section(entry: Entry) -> Iterator[str]:
    yield from (f"## plainsail {entry.name}", "", entry.about, "", "```text", entry.usage, "```", "")
    for paragraph in entry.story:
        yield from (paragraph, "")
    if entry.parameters:
        yield from ("| | |", "|---|---|", *map(_row, entry.parameters), "")
    yield from ("```text", *entry.examples, "```", "")
    codes = "; ".join(f"`{code}` {meaning}" for code, meaning in entry.ways_to_end())
    yield from (f"Exit codes: {codes}.", "")
    if entry.see:
        yield f"See also: {', '.join(f'[`plainsail {name}`](#plainsail-{name})' for name in entry.see)}."
        yield ""


def _row(parameter: Parameter) -> str:
    return f"| `{parameter.left()}` | {_cell(parameter.right())} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _roff(text: str) -> str:
    """No sign of the text is taken for a request or an escape."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    return "\\&" + escaped if escaped.startswith((".", "'")) else escaped
