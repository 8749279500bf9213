"""A YAML text as a tree of nodes, each with its place. What YAML allows and we don't is refused here.

Built from libyaml's events instead of PyYAML's own tree: its composer recurses in C (a text of brackets ends the
process), resolves `no` and `12:30` before anybody said what they should be, and lets a later key silently replace
an earlier one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NoReturn, TypeGuard

import msgspec
import yaml

from plainsail.spec.diagnostics import START, Mark, Path, Problems, shown

LONGEST_TEXT = 4_000_000
"""Characters. Ten thousand services fit twice; a file beyond it is not a spec."""
DEEPEST = 32
"""Levels; the deepest key we have is at 9."""
MOST_NODES = 500_000
"""Nodes after aliases are written out, the bound on what a few lines of nested aliases can grow to. Ten thousand
services are half of it."""

# YAML 1.2's printable characters without the mark U+FFFD, which is what is left of bytes that were not UTF-8.
FOREIGN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffc\U00010000-\U0010ffff]|\ufeff")
BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


class Scalar(msgspec.Struct, frozen=True):
    """A piece of text; what it means depends on what is declared where it stands."""

    mark: Mark
    text: str
    quoted: bool = True

    def null(self) -> bool:
        return not self.quoted and self.text in ("", "~", "null", "Null", "NULL")


class Items(msgspec.Struct, frozen=True):
    """A list."""

    mark: Mark
    items: tuple[Node, ...]


class Entry(msgspec.Struct, frozen=True):
    key: Scalar
    value: Node


class Fields(msgspec.Struct, frozen=True):
    """A mapping, by the text of its keys."""

    mark: Mark
    entries: Mapping[str, Entry] = {}


Node = Scalar | Items | Fields


def compose(text: str, problems: Problems) -> Node | None:
    """The text as a tree, or None when there is none; why is in `problems`."""
    if _foreign(text, problems):
        return None
    composer = _Composer(text, problems)
    try:
        return composer.document()
    except _Stop:
        return None
    except yaml.MarkedYAMLError as error:
        _say_syntax(error, text, problems)
        return None


def place(node: Node | None, path: Path, *, key: bool = False) -> Mark:
    """Where the value at a path is written, or its key, or the nearest thing above it that is."""
    mark = node.mark if node else START
    for part in path:
        if isinstance(node, Fields) and isinstance(part, str) and (entry := node.entries.get(part)):
            node, mark = entry.value, entry.key.mark
            if not key and part == path[-1]:
                mark = node.mark
        elif isinstance(node, Items) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
            mark = node.mark
        elif part == 0 and node:  # the only one of a list may stand without it
            mark = node.mark
        else:
            break
    return mark


class _Stop(Exception):
    """Reading on makes no sense; the problem has been told."""


class _Built(msgspec.Struct, frozen=True):
    """A node with its size and height when all aliases are written out."""

    node: Node
    size: int = 1
    height: int = 0


class _Composer:
    def __init__(self, text: str, problems: Problems) -> None:
        self._events: Iterator[yaml.Event] = iter(yaml.parse(text, Loader=yaml.CSafeLoader))
        self._problems = problems
        self._anchors: dict[str, _Built | None] = {}
        """None: its node is not complete yet."""

    def document(self) -> Node:
        next(self._events)  # the stream starts
        event = next(self._events)
        if isinstance(event, yaml.StreamEndEvent):
            self._empty()
        built = self._node(next(self._events), 0)
        next(self._events)  # the document ends
        event = next(self._events)
        if not isinstance(event, yaml.StreamEndEvent):
            self._stop(_mark(event), "A second document begins here", "write each to a file of its own")
        if isinstance(built.node, Scalar) and built.node.null():
            self._empty()
        return built.node

    def _node(self, event: yaml.Event, depth: int) -> _Built:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, depth)
        assert isinstance(event, yaml.NodeEvent)
        if depth > DEEPEST:
            self._stop(_mark(event), f"Nested deeper than {DEEPEST} levels")
        if getattr(event, "tag", None):
            self._problems.say(_mark(event), "A tag (such as !!str) has no meaning here", "leave it out")
        if event.anchor:
            self._anchors[event.anchor] = None
        match event:
            case yaml.ScalarEvent():
                built = _Built(Scalar(_mark(event), event.value, quoted=bool(event.style)))
            case yaml.SequenceStartEvent():
                built = self._items(event, depth)
            case _:
                built = self._fields(event, depth)
        if built.size > MOST_NODES:
            self._stop(_mark(event), f"More than {MOST_NODES:,} values when all aliases are written out")
        if event.anchor:
            self._anchors[event.anchor] = built
        return built

    def _alias(self, event: yaml.AliasEvent, depth: int) -> _Built:
        name = str(event.anchor)
        if name not in self._anchors:
            self._stop(_mark(event), f"Nothing above is called &{name}", "write the anchor before its alias")
        built = self._anchors[name]
        if built is None:
            self._stop(_mark(event), f"*{name} stands inside the very thing it names")
        if depth + built.height > DEEPEST:
            self._stop(_mark(event), f"Nested deeper than {DEEPEST} levels when all aliases are written out")
        return built

    def _items(self, start: yaml.Event, depth: int) -> _Built:
        parts: list[_Built] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            parts.append(self._node(event, depth + 1))
        return _whole(Items(_mark(start), tuple(part.node for part in parts)), parts)

    def _fields(self, start: yaml.Event, depth: int) -> _Built:
        parts: list[_Built] = []
        entries: dict[str, Entry] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._node(event, depth + 1)
            value = self._node(next(self._events), depth + 1)
            parts += (key, value)
            if self._is_key(key.node) and self._is_new(key.node, entries):
                entries[key.node.text] = Entry(key.node, value.node)
        return _whole(Fields(_mark(start), entries), parts)

    def _is_key(self, key: Node) -> TypeGuard[Scalar]:
        if not isinstance(key, Scalar):
            self._problems.say(key.mark, "A key must be a word, and this is a list or a mapping")
        elif key.text == "<<" and not key.quoted:
            self._problems.say(
                key.mark,
                "Merge keys ('<<') are not read here",
                "write the keys out, or give a whole value by alias",
            )
        elif key.null():
            self._problems.say(key.mark, "A key is missing here")
        else:
            return True
        return False

    def _is_new(self, key: Scalar, entries: dict[str, Entry]) -> bool:
        if not (first := entries.get(key.text)):
            return True
        line = first.key.mark.line
        self._problems.say(
            key.mark, f"The key {shown(key.text)} is already given in line {line}", "keep one of the two"
        )
        return False

    def _empty(self) -> NoReturn:
        self._stop(START, "The file is empty", "start it with 'schema: 1'")

    def _stop(self, mark: Mark, message: str, hint: str = "") -> NoReturn:
        self._problems.say(mark, message, hint)
        raise _Stop


def _whole(node: Node, parts: list[_Built]) -> _Built:
    return _Built(
        node, 1 + sum(part.size for part in parts), 1 + max((part.height for part in parts), default=0)
    )


def _mark(event: yaml.Event) -> Mark:
    at = event.start_mark
    return Mark(at.line + 1, at.column + 1) if at else START


def _foreign(text: str, problems: Problems) -> bool:
    """Does the text hold what no YAML file may? (Bytes that are not UTF-8 arrive as surrogates or as U+FFFD.)"""
    if len(text) > LONGEST_TEXT:
        problems.say(
            START,
            f"The file has {len(text):,} characters; {LONGEST_TEXT:,} are the limit",
            "split it into several files",
        )
        return True
    if not (found := FOREIGN.search(text, text.startswith("\ufeff"))):
        return False
    breaks = list(BREAK.finditer(text, 0, found.start()))
    mark = Mark(len(breaks) + 1, found.start() - (breaks[-1].end() if breaks else 0) + 1)
    code = ord(found[0])
    if 0xD800 <= code <= 0xDFFF or code == 0xFFFD:
        problems.say(mark, "This is not UTF-8 text", "save the file as UTF-8")
    else:
        problems.say(mark, f"The character U+{code:04X} may not stand in a YAML file", "delete it")
    return True


def _say_syntax(error: yaml.MarkedYAMLError, text: str, problems: Problems) -> None:
    """libyaml's complaint in our words, where it is a slip people often make; else in its own."""
    at = error.problem_mark or error.context_mark
    mark = Mark(at.line + 1, at.column + 1) if at else START
    lines = BREAK.split(text)
    while len(lines) > 1 and not lines[-1].strip():
        lines.pop()
    end = Mark(len(lines), len(lines[-1]) + 1)
    mark = min(mark, end)  # libyaml sees the end of a text at the begin of a line after it
    rest = lines[mark.line - 1][mark.col - 1 :]
    problem = error.problem or "it can't be read"
    began = ""
    if error.context and error.context_mark and error.context_mark.line + 1 != mark.line:
        began = f" ({error.context}, which began in line {error.context_mark.line + 1})"
    if "cannot start any token" in problem and rest.startswith("\t"):
        problems.say(mark, "A tab stands here, and YAML is indented with spaces", "replace it by spaces")
    elif "cannot start any token" in problem and rest:
        problems.say(mark, f"A value can't begin with '{rest[0]}'", "put the value in quotes")
    elif "mapping values are not allowed" in problem:
        problems.say(
            mark,
            "A second ':' in one value, or a wrong indentation",
            "quote the value, or align the line with its neighbours",
        )
    elif "did not find expected key" in problem:
        problems.say(mark, "A key is expected here", "give one, or indent the line like its neighbours")
    else:
        ends = "the text ends here, and " if mark == end else ""
        problems.say(mark, f"This is not YAML: {ends}{problem}{began}")
