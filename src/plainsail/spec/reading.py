"""Reads a node by the type declared for it. Nothing is guessed from how a value looks: where a text is declared,
`no`, `12:30`, `1.10` and `007` are texts; where a whole number is declared, `1.5` is refused.

The types come from the Structs themselves, so a field added there is read, checked and documented from then on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import inspect

from plainsail.domain.driver import Driver
from plainsail.spec.checks import Fault
from plainsail.spec.diagnostics import Mark, Problems, did_you_mean, shown, there_are
from plainsail.spec.drivers import Drivers
from plainsail.spec.keys import example_of, home_of, stands_alone, type_of
from plainsail.spec.nodes import Entry, Fields, Items, Node, Scalar, place
from plainsail.spec.rules import OF_A_FIELD, OF_A_NAME, OF_A_WHOLE
from plainsail.spec.spots import BAD, Bad, Spot
from plainsail.spec.words import Words
from plainsail.spec.write import flow


class Reader(Words):
    """Reads nodes and tells `problems` what it can't read; goes on behind every problem."""

    def __init__(self, drivers: Drivers, problems: Problems) -> None:
        super().__init__(problems)
        self._drivers = drivers

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
        return self._bad(
            key.mark,
            under,
            f"Unknown {noun} {shown(key.text)}",
            did_you_mean(key.text, known) or there_are(known),
        )


def _instead_of_nothing(kind: inspect.Type, spot: Spot) -> str:
    if isinstance(kind, inspect.StructType) and not any(field.required for field in kind.fields):
        return "write {} for its defaults, or leave the key out"
    listed = not spot.path or isinstance(spot.path[-1], int)
    return f"give a value or leave {'it' if listed else 'the key'} out"
