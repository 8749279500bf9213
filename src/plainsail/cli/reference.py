"""The command line as data, the one source of help, of the reference page, of the man page and of completion.

`entries()` loads every command; `entry(name)` one.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from plainsail.cli.commands import COMMANDS, Command
from plainsail.cli.exits import DONE, INTERNAL, MEANING, USAGE

EXAMPLE = re.compile(r"^Example: `(.+)`$", re.MULTILINE)


class Parameter(msgspec.Struct, frozen=True):
    """An argument or option of a command."""

    names: tuple[str, ...]
    """`("--lines", "-n")`; of an argument its one name in capitals."""
    metavar: str
    """What stands for its value; empty for a flag and an argument."""
    required: bool
    several: bool
    """May be given more than once, or take more than one value."""
    default: str
    env: str
    """The environment variable that gives it when it is left out."""
    about: str
    group: str
    field: str
    """Its name in the code; completion goes by it."""

    def flag(self) -> bool:
        return self.option() and not self.metavar

    def option(self) -> bool:
        return self.names[0].startswith("-")

    def left(self) -> str:
        """`--lines, -n NUMBER`"""
        return " ".join(filter(None, (", ".join(self.names), self.metavar)))

    def right(self) -> str:
        """Its meaning with what is to know."""
        more = (
            "Required." if self.required and self.option() else "",
            f"Default: {self.default}." if self.default else "",
            f"Environment: {self.env}." if self.env else "",
        )
        return " ".join(filter(None, (self.about, *more)))


class Entry(msgspec.Struct, frozen=True):
    """All about one command."""

    name: str
    group: str
    short: str
    """The line in the list of commands."""
    about: str
    story: tuple[str, ...]
    """Paragraphs: when one wants it and what happens."""
    usage: str
    parameters: tuple[Parameter, ...]
    examples: tuple[str, ...]
    exits: tuple[int, ...]
    see: tuple[str, ...]

    def ways_to_end(self) -> tuple[tuple[str, str], ...]:
        """Exit codes and their meaning."""
        waits = any("--wait" in one.names for one in self.parameters)
        return tuple((str(code), MEANING[code] if code or waits else "done") for code in self.exits)

    def takes_json(self) -> bool:
        return any("--json" in one.names for one in self.parameters)


def entries() -> Iterator[Entry]:
    """In the order of the list of commands."""
    from plainsail.cli.main import app

    top = app()
    for command in COMMANDS:
        yield _entry(command, top[command.name])


def entry(name: str) -> Entry:
    """Raises KeyError."""
    from plainsail.cli.main import app

    command = {one.name: one for one in COMMANDS}[name]
    return _entry(command, app()[name])


def _entry(command: Command, loaded: Any) -> Entry:
    words = inspect.getdoc(loaded.default_command) or ""
    opening = re.split(r"\n\n(?=Example: )", words)[0]
    about, *story = (" ".join(each.split()) for each in opening.split("\n\n"))
    parameters = tuple(_parameters(loaded.assemble_argument_collection(parse_docstring=True)))
    return Entry(
        name=command.name, group=command.group, short=command.about, about=_plain(about), story=tuple(map(_plain, story)),
        usage=_usage(command.name, parameters), parameters=parameters, examples=tuple(EXAMPLE.findall(words)),
        exits=tuple(sorted({DONE, INTERNAL, USAGE, *command.exits})), see=command.see,
    )  # fmt: skip


def _parameters(arguments: Sequence[Any]) -> Iterator[Parameter]:
    found = []
    for one in arguments:
        if not one.parse or one.names == ("*",):
            continue
        positional = not one.names[0].startswith("-")
        flag = one.hint is bool
        several = "tuple" in str(one.hint) or str(one.field_info.kind) == "VAR_POSITIONAL"
        told = one.parameter
        group = "Arguments" if positional else _group(told.group)
        metavar = "" if positional or flag else told.metavar or _metavar(one.names[0], one.hint)
        found.append(Parameter(
            names=tuple(name for name in one.names if not name.startswith("--empty-")), metavar=metavar, required=bool(one.required), several=several,
            default=_default(one.field_info.default), env=", ".join(told.env_var or ()),
            about=_plain(" ".join((told.help or "").split())), group=group, field=one.field_info.name,
        ))  # fmt: skip
    order = ("Arguments", "Options", "Output", "Control plane")
    yield from sorted(found, key=lambda one: order.index(one.group))


def _group(groups: Sequence[Any]) -> str:
    name = str(groups[0].name) if groups else "Parameters"
    return "Options" if name == "Parameters" else name


def _metavar(name: str, hint: object) -> str:
    told = {"--url": "URL", "--data": "DIR", "--config": "FILE", "--listen": "HOST:PORT"}.get(name)
    return told or ("NUMBER" if hint is int else name.strip("-").upper())


def _default(value: object) -> str:
    """As people write it; nothing for what is as good as left out."""
    if value in (None, "", (), False, inspect.Parameter.empty):
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _usage(name: str, parameters: Sequence[Parameter]) -> str:
    words = ["plainsail", name]
    for one in parameters:
        if one.option():
            continue
        word = f"{one.names[0]}..." if one.several else one.names[0]
        words.append(word if one.required else f"[{word}]")
    words += [one.left() for one in parameters if one.option() and one.required]
    if any(one.option() and not one.required for one in parameters):
        words.append("[OPTIONS]")
    return " ".join(words)


def _plain(text: str) -> str:
    """Without the marks of code, which a terminal can't show."""
    return text.replace("`", "")
