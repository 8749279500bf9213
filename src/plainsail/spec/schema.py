"""The JSON Schema of `plainsail.yaml` (draft 2020-12), made from the Structs, so that editors complete and check it.

It never refuses what the decoder takes, save a number or truth value in quotes. What it can't say, the decoder does:
references from one place to another, sums (`ten years`, `a whole number of bytes`), and what a driver checks itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import inspect

from plainsail.domain.driver import Driver
from plainsail.domain.service import Document
from plainsail.spec.drivers import Drivers
from plainsail.spec.keys import stands_alone, type_of
from plainsail.spec.patterns import EXAMPLES, LIMITS, NAMES, QUANTITIES, TEXT, WHOLES
from plainsail.spec.reference import Docs, meaning_of, with_unit

Schema = dict[str, Any]


def schema(docs: Docs, drivers: Drivers) -> Schema:
    """The whole schema. Nothing in it refers to another place, on the network or in itself: every editor reads it."""
    whole = _Writer(docs, drivers).struct(type_of(Document))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "plainsail.yaml", **whole}


class _Writer:
    def __init__(self, docs: Docs, drivers: Drivers) -> None:
        self._docs, self._drivers = docs, drivers

    def struct(self, kind: inspect.StructType) -> Schema:
        fields = {field.encode_name: self._field(kind.cls, field) for field in kind.fields}
        return {
            "type": "object",
            "description": self._told(kind.cls),
            "properties": fields,
            **_some(required=[field.encode_name for field in kind.fields if field.required]),
            "additionalProperties": False,
            **WHOLES.get(kind.cls, {}),
        }

    def _field(self, owner: type, field: inspect.Field) -> Schema:
        where = (owner, field.name)
        form = self._form(field.type, field.encode_name)
        for key, limit in LIMITS.get(where, {}).items():
            form[key] = {**form[key], **limit} if key == "items" and key in form else limit
        if where in NAMES:
            form["propertyNames"] = NAMES[where]
        description = meaning_of(owner, field, self._docs)
        default = None if field.required else as_written(field.default, field.type)
        examples = list(EXAMPLES.get(where, ()))
        return {**form, **_some(description=description, default=default, examples=examples)}

    def _form(self, kind: inspect.Type, name: str) -> Schema:
        """What may be written for a type; the counterpart of `reading.Reader.read`."""
        match kind:
            case inspect.Metadata(extra={"scalar": str(unit)}):
                return dict(QUANTITIES[unit])
            case inspect.Metadata(type=inner, extra_json_schema=more):
                return {**self._form(inner, name), **(more or {})}
            case inspect.UnionType(types=types):
                options = [each for each in types if not isinstance(each, inspect.NoneType)]
                if len(options) == 1:
                    return self._form(options[0], name)
                return self._chosen({
                    str(each.tag): each for each in options if isinstance(each, inspect.StructType)
                })  # fmt: skip
            case inspect.StructType(cls=cls) if cls is Driver:
                return self._chosen(
                    {each: type_of(config) for each, config in self._drivers.of(name).items()}
                )
            case inspect.StructType():
                return self.struct(kind)
            case inspect.DictType(value_type=value):
                return {"type": "object", "additionalProperties": self._form(value, name)}
            case inspect.VarTupleType(item_type=item) | inspect.ListType(item_type=item):
                items = self._form(item, name)
                if not stands_alone(item):
                    return {"type": "array", "items": items}
                # One may stand without its list. No strategy is a mistake; no check is none.
                chain: Schema = {"type": "array", "items": items}
                if isinstance(item, inspect.UnionType):
                    chain["minItems"] = 1
                return {"anyOf": [*items["anyOf"], chain]}
            case _:
                return _scalar(kind)

    def _chosen(self, known: Mapping[str, inspect.StructType]) -> Schema:
        """`name`, or `{name: {...}}`."""
        alone = [
            {"const": name, "description": self._told(kind.cls)}
            for name, kind in known.items()
            if not any(field.required for field in kind.fields)
        ]
        with_keys = {
            "type": "object",
            "properties": {name: self.struct(kind) for name, kind in known.items()},
            "additionalProperties": False,
            "minProperties": 1,
            "maxProperties": 1,
        }
        return {"anyOf": [*alone, with_keys]}

    def _told(self, struct: type) -> str:
        return " ".join(self._docs.get((f"{struct.__module__}.{struct.__name__}", ""), "").split())


def as_written(value: Any, kind: inspect.Type) -> Any:
    """A default as JSON, the way people write it in the file; None where there is nothing to write."""
    match kind:
        case _ if value is None or value is msgspec.NODEFAULT:
            return None
        case inspect.Metadata(extra={"scalar": str(unit)}):
            return with_unit(value, unit)
        case inspect.Metadata(type=inner):
            return as_written(value, inner)
        case inspect.UnionType(types=types) if not isinstance(value, msgspec.Struct):
            return as_written(value, next(each for each in types if not isinstance(each, inspect.NoneType)))
        case inspect.VarTupleType(item_type=item) | inspect.ListType(item_type=item):
            return [as_written(each, item) for each in value]
        case _ if isinstance(value, Driver):
            return {value.name: value.config} if value.config else value.name
        case _ if isinstance(value, msgspec.Struct):
            if tag := value.__struct_config__.tag:
                own = _own(value)
                return {tag: own} if own else tag
            return _own(value)
        case _:
            return value


def _own(value: msgspec.Struct) -> Schema | None:
    """Of a mapping: the keys that differ from their own defaults."""
    own = {
        field.encode_name: as_written(getattr(value, field.name), field.type)
        for field in type_of(type(value)).fields
        if getattr(value, field.name) != field.default
    }
    return own or None


def _scalar(kind: inspect.Type) -> Schema:
    match kind:
        case inspect.StrType(min_length=shortest, max_length=longest, pattern=pattern):
            return {**TEXT, **_some(minLength=shortest, maxLength=longest, pattern=pattern)}
        case inspect.IntType() | inspect.FloatType():
            form = {"type": "integer" if isinstance(kind, inspect.IntType) else "number"}
            bounds = _some(
                minimum=kind.ge, exclusiveMinimum=kind.gt, maximum=kind.le, exclusiveMaximum=kind.lt
            )
            return form | bounds
        case inspect.BoolType():
            return {"type": "boolean"}
        case inspect.LiteralType(values=values):
            return {"const": values[0]} if len(values) == 1 else {"enum": list(values)}
        case _:
            raise TypeError(f"{kind} has no form in YAML")


def _some(**said: Any) -> Schema:
    """Without what says nothing."""
    return {key: value for key, value in said.items() if value is not None and value not in ("", [])}


def described(found: Mapping[str, Any], path: Sequence[str]) -> Iterable[tuple[tuple[str, ...], Schema]]:
    """All keys below a schema, each with what is said of it."""
    for key, below in found.get("properties", {}).items():
        yield (*path, key), below
        yield from described(below, (*path, key))
    more = [*found.get("anyOf", ()), found.get("items"), found.get("additionalProperties")]
    for each in more:
        if isinstance(each, dict):
            yield from described(each, path)
