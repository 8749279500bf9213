"""JSONPath (RFC 9535) as far as it leads to one value: names, indexes, and filters by what a member is.

    $.orders.count      $["orders"]["count"]      $.rows[0].count      $.rows[?@.group == "{group}"].count

Placeholders are replaced after the path is read, in its names and texts, so that no value can change the path.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import msgspec

NAME = r"[A-Za-z_\u0080-\U0010ffff][\w\u0080-\U0010ffff]*"
TEXT = r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'"
INDEX = r"-?(?:0|[1-9][0-9]{0,8})"
NUMBER = r"-?[0-9]+(?:\.[0-9]+)?"
STEP = re.compile(
    rf"\.(?P<dotted>{NAME})"
    rf"|\[\s*(?P<text>{TEXT})\s*\]"
    rf"|\[\s*(?P<index>{INDEX})\s*\]"
    rf"|\[\s*\?\s*\(?\s*@(?P<inside>(?:\.{NAME}|\[\s*(?:{TEXT})\s*\])+)\s*==\s*(?P<is>{TEXT}|{NUMBER}|true|false|null)\s*\)?\s*\]"
)
INSIDE = re.compile(rf"\.({NAME})|\[\s*({TEXT})\s*\]")


class Member(msgspec.Struct, frozen=True):
    """`.name`"""

    name: str


class Index(msgspec.Struct, frozen=True):
    """`[3]`; negative: from the end."""

    number: int


class Where(msgspec.Struct, frozen=True):
    """`[?@.a.b == 'text']`: the children for which it is so."""

    inside: tuple[str, ...]
    equals: str | float | bool | None


Step = Member | Index | Where
Path = tuple[Step, ...]


def parsed(text: str) -> Path:
    """ValueError: what of it is not understood."""
    if not text.startswith("$"):
        raise ValueError("a JSONPath starts with $")
    steps: list[Step] = []
    place = 1
    while place < len(text):
        found = STEP.match(text, place)
        if found is None:
            raise ValueError(
                f"{text[place : place + 40]!r} of the JSONPath is not understood; there are .name, ['name'], [0] and "
                "[?@.name == 'text']"
            )
        steps.append(_step(found))
        place = found.end()
    return tuple(steps)


def filled(path: Path, fill: Callable[[str], str]) -> Path:
    """The same path with `fill` applied to its names and texts."""
    return tuple(_filled(step, fill) for step in path)


def found(path: Path, value: Any) -> list[Any]:
    """The values that the path leads to, in their order. What is not there is none."""
    values = [value]
    for step in path:
        values = [below for each in values for below in _below(step, each)]
    return values


def _step(found: re.Match[str]) -> Step:
    if (name := found["dotted"]) is not None:
        return Member(name)
    if (text := found["text"]) is not None:
        return Member(_text(text))
    if (index := found["index"]) is not None:
        return Index(int(index))
    inside = tuple(name or _text(text) for name, text in INSIDE.findall(found["inside"]))
    right = found["is"]
    return Where(inside, _text(right) if right[0] in "\"'" else json.loads(right))


def _text(literal: str) -> str:
    """A string of RFC 9535 has the escapes of JSON's, and its own kind of quotes escaped."""
    inner = literal[1:-1]
    if literal[0] == "'":
        inner = inner.replace("\\'", "'").replace('"', '\\"')
    try:
        text = json.loads(f'"{inner}"')
    except ValueError:
        raise ValueError(f"{literal} of the JSONPath has an escape that is not understood") from None
    return str(text)


def _filled(step: Step, fill: Callable[[str], str]) -> Step:
    match step:
        case Member(name):
            return Member(fill(name))
        case Where(inside, str(text)):
            return Where(tuple(map(fill, inside)), fill(text))
        case Where(inside, other):
            return Where(tuple(map(fill, inside)), other)
        case Index():
            return step


def _below(step: Step, value: Any) -> list[Any]:
    match step:
        case Member(name):
            return [value[name]] if isinstance(value, dict) and name in value else []
        case Index(number):
            there = isinstance(value, list) and -len(value) <= number < len(value)
            return [value[number]] if there else []
        case Where(inside, equals):
            children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
            path = tuple(map(Member, inside))
            return [child for child in children if any(_same(one, equals) for one in found(path, child))]


def _same(one: Any, other: str | float | bool | None) -> bool:
    """In JSON `true` is not 1."""
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)
