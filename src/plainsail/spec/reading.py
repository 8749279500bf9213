"""Reads a node by the type declared for it. Nothing is guessed from how a value looks: where a text is declared,
`no`, `12:30`, `1.10` and `007` are texts; where a whole number is declared, `1.5` is refused.

The types come from the Structs themselves, so a field added there is read, checked and documented from then on.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec
from msgspec import inspect

from plainsail.domain.driver import Driver
from plainsail.spec.checks import Fault
from plainsail.spec.diagnostics import Mark, Path, Problems, did_you_mean, listed, shown, there_are
from plainsail.spec.drivers import Drivers
from plainsail.spec.keys import example_of, home_of, stands_alone, type_of
from plainsail.spec.nodes import Entry, Fields, Items, Node, Scalar, place
from plainsail.spec.rules import OF_A_FIELD, OF_A_NAME, OF_A_WHOLE
from plainsail.spec.scalars import PERCENTAGE, READERS, Unreadable
from plainsail.spec.write import flow

COMING = frozenset({"shadow"})
"""Strategies that have a name but no steps yet."""

BOOLEANS = {
    "yes": "true",
    "on": "true",
    "y": "true",
    "true": "true",
    "no": "false",
    "off": "false",
    "n": "false",
    "false": "false",
}
"""What YAML 1.1 takes for a truth value."""


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


class Reader:
    """Reads nodes and tells `problems` what it can't read; goes on behind every problem."""

    def __init__(self, drivers: Drivers, problems: Problems) -> None:
        self._drivers = drivers
        self._problems = problems

    def read(self, node: Node, kind: inspect.Type, spot: Spot) -> Any | Bad:
        """The value, of exactly the declared type, or BAD. TypeError for a type that has no form in YAML."""
        if isinstance(node, Scalar) and node.null():
            return self._bad(node.mark, spot, f"{spot.name()} has no value", _instead_of_nothing(kind, spot))
        match kind:
            case inspect.Metadata(type=inner, extra={"scalar": str(unit)}):
                return self._quantity(node, unit, inner, spot)
            case inspect.Metadata(type=inner):
                return self.read(node, inner, spot)
            case inspect.UnionType(types=types):
                options = [each for each in types if not isinstance(each, inspect.NoneType)]
                if len(options) == 1:
                    return self.read(node, options[0], spot)
                return self._one_of(node, options, spot)
            case inspect.StructType(cls=cls) if cls is Driver:
                return self._driver(node, spot)
            case inspect.StructType():
                return self._struct(node, kind, spot)
            case inspect.DictType(value_type=value):
                return self._mapping(node, value, spot)
            case inspect.VarTupleType(item_type=item):
                return self._items(node, item, spot)
            case inspect.ListType(item_type=item):
                read = self._items(node, item, spot)
                return read if isinstance(read, Bad) else list(read)
            case _:
                return self._scalar(node, kind, spot)

    # Mappings.

    def _struct(self, node: Node, kind: inspect.StructType, spot: Spot) -> Any | Bad:
        if not isinstance(node, Fields):
            known = ", ".join(field.encode_name for field in kind.fields[:4])
            return self._wrong(node, spot, "a mapping", f"its keys are {known}" if known else "write {}")
        fields = {field.encode_name: field for field in kind.fields}
        read: dict[str, Any] = {}
        for entry in node.entries.values():
            if field := fields.get(entry.key.text):
                read[field.name] = self._field(entry, kind.cls, field, spot)
            else:
                self._unknown(entry, fields, spot)
        for field in kind.fields:
            if field.required and field.name not in read:
                lacks = f"{spot.name()} lacks the key '{field.encode_name}'"
                self._bad(spot.mark, spot, lacks, f"add {example_of(field.encode_name)}")
        given = {name: value for name, value in read.items() if value is not BAD}
        if any(field.required and field.name not in given for field in kind.fields):
            return BAD
        try:
            value = kind.cls(**given)
        except (TypeError, ValueError) as error:  # a Config's own __post_init__
            return self._bad(spot.mark, spot, f"{spot.name()} is refused: {error}")
        if len(given) == len(read):
            for check in OF_A_WHOLE.get(kind.cls, ()):
                for fault in check(value):
                    mark = place(node, fault.keys, key=fault.at_key) if fault.keys else spot.mark
                    if not self._problems.below((*spot.path, *fault.keys)):
                        self._tell(fault, mark, spot)
        return value

    def _field(self, entry: Entry, owner: type, field: inspect.Field, above: Spot) -> Any | Bad:
        node, spot = entry.value, above.under(entry.key.text, entry.key.mark)
        of_a_name = OF_A_NAME.get((owner, field.name))
        if of_a_name and isinstance(node, Fields):
            for each in node.entries.values():
                for fault in of_a_name(each.key.text):
                    self._tell(fault, each.key.mark, spot.under(each.key.text, each.key.mark))
        value = self.read(node, field.type, spot)
        if value is not BAD:
            for check in OF_A_FIELD.get((owner, field.name), ()):
                for fault in check(value):
                    self._tell(fault, place(node, fault.keys, key=fault.at_key), spot)
        return value

    def _tell(self, fault: Fault, mark: Mark, spot: Spot) -> None:
        self._problems.say(mark, fault.message, fault.hint, (*spot.path, *fault.keys))

    def _unknown(self, entry: Entry, known: Mapping[str, object], spot: Spot) -> None:
        word = entry.key.text
        hint = did_you_mean(word, known)
        if not hint and (home := home_of(word.replace("-", "_"))):
            hint = f"it belongs to {home}"
        hint = hint or there_are(known)
        told = "the file" if not spot.path else spot.name().replace("An entry", "an entry")
        self._problems.say(entry.key.mark, f"Unknown key {shown(word)} in {told}", hint, (*spot.path, word))

    def _mapping(self, node: Node, value: inspect.Type, spot: Spot) -> dict[str, Any] | Bad:
        if not isinstance(node, Fields):
            return self._wrong(node, spot, "a mapping of names", "write NAME: and the value")
        read = {
            entry.key.text: self.read(entry.value, value, spot.under(entry.key.text, entry.key.mark))
            for entry in node.entries.values()
        }
        return {name: each for name, each in read.items() if each is not BAD}

    # Lists, and things chosen by name.

    def _items(self, node: Node, kind: inspect.Type, spot: Spot) -> tuple[Any, ...] | Bad:
        one = Items(node.mark, (node,))
        if isinstance(node, Items):
            one = node
        elif not stands_alone(kind):
            words = node.text.split()[:20] if isinstance(node, Scalar) else []
            return self._wrong(node, spot, "a list", f"write {flow(words)}" if words else "write [...]")
        read = [self.read(item, kind, spot.under(index, item.mark)) for index, item in enumerate(one.items)]
        return BAD if any(each is BAD for each in read) else tuple(read)

    def _one_of(self, node: Node, options: Sequence[inspect.Type], spot: Spot) -> Any | Bad:
        """One of several tagged Structs."""
        by_name = {
            str(each.tag): each for each in options if isinstance(each, inspect.StructType) and each.tag
        }
        if len(by_name) < len(options):
            raise TypeError(f"{spot.name()}: a union that is not of tagged Structs has no form in YAML")
        noun = next(part for part in reversed(spot.path) if isinstance(part, str))
        chosen = self._chosen(node, by_name, noun, spot)
        if isinstance(chosen, Bad):
            return BAD
        name, inner, under = chosen
        return self._struct(inner, by_name[name], under)

    def _driver(self, node: Node, spot: Spot) -> Driver | Bad:
        key = str(spot.path[-1])
        noun = key if key in ("router", "provider") else "metric source"
        if spot.path[:1] == ("services",):
            noun = "check"
        configs = self._drivers.of({"metric source": "metrics", "check": "checks"}.get(noun, noun))
        chosen = self._chosen(node, configs, noun, spot)
        if isinstance(chosen, Bad):
            return BAD
        name, inner, under = chosen
        told = len(self._problems)
        declared = type_of(configs[name])
        config = self._struct(inner, declared, under)
        if config is BAD or len(self._problems) > told:
            return BAD
        try:
            msgspec.convert(msgspec.to_builtins(config), configs[name])  # limits in its Meta
        except msgspec.ValidationError as error:
            return self._bad(under.mark, under, f"{under.name()} is refused: {error}")
        assert isinstance(inner, Fields)
        if (check := getattr(config, "check", None)) and (refusal := check()):
            key = str(refusal).partition(":")[0]
            mark = place(inner, (key,)) if key in inner.entries else under.mark
            return self._bad(mark, under, str(refusal))
        plain = {
            field.encode_name: msgspec.to_builtins(getattr(config, field.name))
            for field in declared.fields
            if field.encode_name in inner.entries
        }
        return Driver(name, plain)

    def _chosen(
        self, node: Node, known: Mapping[str, object], noun: str, spot: Spot
    ) -> tuple[str, Node, Spot] | Bad:
        """`name`, or `{name: {...}}`: the name, what is under it, and where."""
        inner: Node
        match node:
            case Scalar():
                key = node
                inner = Fields(node.mark)
            case Fields(entries=entries) if len(entries) == 1:
                (entry,) = entries.values()
                key, inner = entry.key, entry.value
            case _:
                example = next(iter(known), "name")
                return self._wrong(
                    node, spot, f"the name of one {noun}", f"write {example}, or {{{example}: {{...}}}}"
                )
        under = spot.under(key.text, key.mark)
        if key.text in known:
            if isinstance(inner, Scalar) and inner.null():
                return self._bad(
                    inner.mark,
                    under,
                    f"{under.name()} has no value",
                    f"write just {key.text}, or {{}} as its value",
                )
            return key.text, inner, under
        if noun == "strategy" and key.text in COMING:
            return self._bad(
                key.mark, under, f"The strategy {shown(key.text)} is not available yet", there_are(known)
            )
        return self._bad(
            key.mark,
            under,
            f"Unknown {noun} {shown(key.text)}",
            did_you_mean(key.text, known) or there_are(known),
        )

    # Scalars.

    def _quantity(self, node: Node, unit: str, kind: inspect.Type, spot: Spot) -> float | int | Bad:
        if not isinstance(node, Scalar):
            return self._wrong(node, spot, f"a {unit}")
        try:
            number = READERS[unit](node.text)
        except Unreadable as error:
            return self._bad(node.mark, spot, f"{spot.name()} {error.problem}", error.hint)
        return self._bounded(number, node, kind, spot)

    def _scalar(self, node: Node, kind: inspect.Type, spot: Spot) -> Any | Bad:
        match kind:
            case inspect.StrType():
                return self._text(node, spot)
            case inspect.IntType():
                if isinstance(node, Scalar) and re.fullmatch(r"-?(0|[1-9][0-9]{0,17})", node.text):
                    return self._bounded(int(node.text), node, kind, spot)
                return self._wrong(node, spot, "a whole number", "write one such as 4")
            case inspect.FloatType():
                if isinstance(node, Scalar) and re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,15})?", node.text):
                    return self._bounded(float(node.text), node, kind, spot)
                return self._wrong(node, spot, "a number", _plain(node) or "write one such as 0.5")
            case inspect.BoolType():
                if isinstance(node, Scalar) and node.text in ("true", "false"):
                    return node.text == "true"
                meant = BOOLEANS.get(node.text.lower()) if isinstance(node, Scalar) else None
                return self._wrong(node, spot, "true or false", f"did you mean '{meant}'?" if meant else "")
            case inspect.LiteralType(values=values):
                by_text = {str(value): value for value in values}
                if isinstance(node, Scalar) and node.text in by_text:
                    return by_text[node.text]
                hint = did_you_mean(node.text, by_text) if isinstance(node, Scalar) else ""
                return self._wrong(node, spot, listed(by_text, "or"), hint)
            case _:
                raise TypeError(f"{spot.name()}: {kind} has no form in YAML")

    def _text(self, node: Node, spot: Spot) -> str | Bad:
        if isinstance(node, Scalar):
            if "\0" in node.text:
                return self._bad(node.mark, spot, f"{spot.name()} holds a NUL character", "leave it out")
            return node.text
        if isinstance(node, Fields) and [_is_null(entry.value) for entry in node.entries.values()] == [True]:
            word = "{" + next(iter(node.entries)) + "}"
            return self._wrong(node, spot, "a text", f'did you mean "{word}", in quotes?')
        return self._wrong(node, spot, "a text")

    def _bounded(self, number: float, node: Node, kind: inspect.Type, spot: Spot) -> float | int | Bad:
        assert isinstance(kind, inspect.IntType | inspect.FloatType)
        for said, limit, kept in (
            ("at least", kind.ge, operator.ge),
            ("more than", kind.gt, operator.gt),
            ("at most", kind.le, operator.le),
            ("less than", kind.lt, operator.lt),
        ):
            if limit is not None and not kept(number, limit):
                message = f"{spot.name()} must be {said} {limit:g}, and is {number:g}"
                return self._bad(node.mark, spot, message)
        return number

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


def _instead_of_nothing(kind: inspect.Type, spot: Spot) -> str:
    if isinstance(kind, inspect.StructType) and not any(field.required for field in kind.fields):
        return "write {} for its defaults, or leave the key out"
    listed = not spot.path or isinstance(spot.path[-1], int)
    return f"give a value or leave {'it' if listed else 'the key'} out"


def _plain(node: Node) -> str:
    """A part in percent, where a plain number is asked for."""
    if isinstance(node, Scalar) and PERCENTAGE.fullmatch(node.text):
        return f"did you mean {Decimal(node.text[:-1]) / 100:f}?"
    return ""


def _is_null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.null()
