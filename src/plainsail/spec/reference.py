"""The reference page of `plainsail.yaml`, made from the Structs and the docstrings of their fields."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

import msgspec
from msgspec import inspect

from plainsail.domain.driver import Driver
from plainsail.domain.strategy import name_of
from plainsail.domain.units import percent, percent_of
from plainsail.spec.drivers import Drivers
from plainsail.spec.keys import keys, type_of
from plainsail.spec.write import quoted

Docs = Mapping[tuple[str, str], str]
"""By (module and name of a Struct, field) its docstring; by (..., "") the Struct's own."""

OPENING = """\
# plainsail.yaml

Every key, its default, and what it means. This page is made from the code (`python -m tests.spec.reference`).

Names in capitals stand for names of your own: small letters, digits and `-`, at most 40. Durations (`250ms`, `30s`,
`5m`, `2h`, `14d`, `1h30m`), shares (`1%`, `0.5%`), parts (`0.5%` or `0.005`) and sizes (`10MB`, `10MiB`) carry their
units. A value is read as what is declared here: where a text is asked for, `no`, `12:30` and `007` are texts.
YAML's aliases work; its tags and merge keys are refused. `plainsail check` says everything that is wrong, at once.
"""


def reference(docs: Docs, drivers: Drivers) -> str:
    """The whole page, in Markdown."""
    sections = [OPENING]
    for struct, paths in _structs().items():
        title = ", ".join(f"`{'.'.join(path)}`" for path in paths) if all(paths) else "The file"
        sections.append(_section(title, struct, docs))
    for key, place in (("router", "router"), ("provider", "provider"), ("metrics", "metrics.NAME")):
        for name, config in drivers.of(key).items():
            sections.append(_section(f"`environments.ENVIRONMENT.{place}.{name}`", config, docs))
    for name, config in drivers.verifiers.items():
        sections.append(_section(f"`services.SERVICE.in.ENVIRONMENT.checks.STEP.{name}`", config, docs))
    return "\n".join(sections)


def docstrings(module: str, source: str) -> dict[tuple[str, str], str]:
    """Of the classes in a module, given its text, and of their fields: what stands in quotes below each."""
    found: dict[tuple[str, str], str] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef):
            name = f"{module}.{node.name}"
            found[name, ""] = ast.get_docstring(node) or ""
            for field, below in pairwise(node.body):
                if isinstance(field, ast.AnnAssign) and isinstance(below, ast.Expr):
                    found[name, ast.unparse(field.target)] = str(ast.literal_eval(below.value))
    return found


def _structs() -> dict[type[msgspec.Struct], list[tuple[str, ...]]]:
    """Each Struct once, with all the places where it may stand."""
    places: dict[type[msgspec.Struct], list[tuple[str, ...]]] = {}
    for key in keys():
        at = places.setdefault(key.owner, [])
        if key.path[:-1] not in at:
            at.append(key.path[:-1])
    return places


def _section(title: str, struct: type[msgspec.Struct], docs: Docs) -> str:
    of = f"{struct.__module__}.{struct.__name__}"
    lines = [f"## {title}", "", " ".join(docs.get((of, ""), "").split()), ""]
    fields = type_of(struct).fields
    if fields:
        lines += ["| key | value | default | meaning |", "|---|---|---|---|"]
    for field in fields:
        meaning = meaning_of(struct, field, docs)
        default = "required" if field.required else _default(field)
        cells = (f"`{field.encode_name}`", _value(field.type), default, meaning)
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines) + "\n"


def meaning_of(struct: type, field: inspect.Field, docs: Docs) -> str:
    """The field's own docstring, or that of the mapping it holds. It may come from a Struct that this one extends."""
    kind = field.type
    if isinstance(kind, inspect.UnionType):
        kind = next(each for each in kind.types if not isinstance(each, inspect.NoneType))
    below = f"{kind.cls.__module__}.{kind.cls.__name__}" if isinstance(kind, inspect.StructType) else ""
    owners = (f"{one.__module__}.{one.__name__}" for one in struct.__mro__)
    own = next((said for owner in owners if (said := docs.get((owner, field.name)))), "")
    return " ".join((own or docs.get((below, ""), "")).split())


def _value(kind: inspect.Type) -> str:
    """What is to be written, in words."""
    match kind:
        case inspect.Metadata(extra={"scalar": str(unit)}):
            return {"ratio": "part", "level": "number or part"}.get(unit, unit)
        case inspect.UnionType(types=types):
            options = [each for each in types if not isinstance(each, inspect.NoneType)]
            tags = [str(each.tag) for each in options if isinstance(each, inspect.StructType) and each.tag]
            return _one_of(tags) if tags else _value(options[0])
        case inspect.StructType(cls=cls):
            return "name of a driver, or the name with its keys" if cls is Driver else "mapping"
        case inspect.DictType(value_type=inspect.StructType()):
            return "mapping by name"
        case inspect.DictType():
            return "mapping of texts"
        case inspect.VarTupleType(item_type=item):
            return f"list of: {_value(item)}"
        case inspect.LiteralType(values=values):
            return _one_of(map(str, values))
        case inspect.BoolType():
            return "`true` or `false`"
        case inspect.IntType():
            return "whole number"
        case inspect.FloatType():
            return "number"
        case _:
            return "text"


def _one_of(names: Iterable[str]) -> str:
    return " or ".join(f"`{name}`" for name in names)


def _default(field: inspect.Field) -> str:
    if field.default is msgspec.NODEFAULT or field.default in (None, ()):
        return "none"
    text = _written(field.default, field.type)
    return f"`{text}`" if text else "see below"


def _written(value: Any, kind: inspect.Type) -> str:
    """A default as people write it; empty for a mapping whose keys have their own."""
    match kind:
        case inspect.Metadata(extra={"scalar": str(unit)}):
            return with_unit(value, unit)
        case inspect.UnionType(types=types):
            return _written(value, next(each for each in types if not isinstance(each, inspect.NoneType)))
        case inspect.StructType(tag=str()):
            return name_of(value)
        case inspect.StructType(cls=cls) if cls is Driver:
            return str(value.name)
        case inspect.StructType(cls=cls, fields=fields):
            own = {field.name: field for field in fields if getattr(value, field.name) != field.default}
            parts = (
                f"{field.encode_name}: {_written(getattr(value, name), field.type)}"
                for name, field in own.items()
            )
            return f"{{{', '.join(parts)}}}" if own else ""
        case inspect.VarTupleType(item_type=item):
            return f"[{', '.join(_written(each, item) for each in value)}]"
        case inspect.BoolType():
            return str(value).lower()
        case _:
            return quoted(str(value))


def with_unit(value: float, unit: str) -> str:
    worths = {"duration": DURATIONS, "size": SIZES}.get(unit, ())
    for worth, name in worths:
        if value >= worth and value % worth == 0:
            return f"{value / worth:g}{name}"
    match unit:
        case "share":
            return percent(value).replace(" ", "")
        case "ratio":
            return percent_of(value).replace(" ", "")
        case "level":
            return f"{value:g}"
        case _:
            return f"{value:g}/s" if unit == "rate" else f"{value:g}s"


DURATIONS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"), (0.001, "ms"))
SIZES = ((10**9, "GB"), (10**6, "MB"), (1000, "kB"), (1, "B"))
