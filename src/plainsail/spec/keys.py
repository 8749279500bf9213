"""Every key a `plainsail.yaml` may have, taken from the Structs: where it stands, its type, its default."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import msgspec
from msgspec import inspect

from plainsail.domain.driver import Driver
from plainsail.domain.service import Document

PLURALS = {
    "environments": "ENVIRONMENT",
    "services": "SERVICE",
    "in": "ENVIRONMENT",
    "env": "VARIABLE",
    "secrets": "VARIABLE",
}
"""What the free names under a mapping are called."""


class Key(msgspec.Struct, frozen=True):
    """One key: `services.SERVICE.in.ENVIRONMENT.replicas`."""

    path: tuple[str, ...]
    owner: type[msgspec.Struct]
    field: inspect.Field


EXAMPLES = {
    "kpi": "'kpi: conversion'",
    "schema": "'schema: 1' as its first line",
    "run": "'run: {command: [bin/serve]}'",
    "command": "'command: [bin/serve]'",
    "match": "'match: {header: \"X-Insider: yes\"}'",
    "steps": "'steps: [{share: 10%}, {share: 50%}]'",
    "router": "'router: {haproxy: {listen: 127.0.0.1:8080}}'",
}


@cache
def type_of(struct: type[msgspec.Struct]) -> inspect.StructType:
    """How msgspec sees a Struct."""
    seen = inspect.type_info(struct)
    assert isinstance(seen, inspect.StructType)
    return seen


def keys(struct: inspect.StructType | None = None, path: tuple[str, ...] = ()) -> Iterator[Key]:
    """All keys in the order they are declared, a mapping's own key before those under it."""
    struct = struct or type_of(Document)
    for field in struct.fields:
        here = (*path, field.encode_name)
        yield Key(here, struct.cls, field)
        for below, tail in _structs_in(field.type, field.encode_name):
            yield from keys(below, (*here, *tail))


def stands_alone(kind: inspect.Type) -> bool:
    """Of what is chosen by name (a strategy, a check) one may stand without its list."""
    return isinstance(kind, inspect.UnionType) or (
        isinstance(kind, inspect.StructType) and kind.cls is Driver
    )


def example_of(key: str) -> str:
    """What to add where the key is missing."""
    return EXAMPLES.get(key, f"'{key}: ...'")


@cache
def _homes() -> dict[str, list[str]]:
    homes: dict[str, list[str]] = {}
    for key in keys():
        homes.setdefault(key.path[-1], []).append(".".join(key.path))
    return homes


def home_of(word: str) -> str:
    """Where a key of this name stands, if one place is nearer to the top than all others."""
    first, *others = sorted(_homes().get(word, [""]), key=lambda home: home.count("."))
    return "" if others and others[0].count(".") == first.count(".") else first


def _structs_in(kind: inspect.Type, name: str) -> Iterator[tuple[inspect.StructType, tuple[str, ...]]]:
    match kind:
        case inspect.StructType(tag=None, cls=cls) if cls is not Driver:
            yield kind, ()
        case inspect.StructType(tag=str(tag)):
            yield kind, (tag,)
        case inspect.UnionType(types=types):
            for each in types:
                yield from _structs_in(each, name)
        case inspect.DictType(value_type=value):
            for below, tail in _structs_in(value, name):
                yield below, (PLURALS.get(name, "NAME"), *tail)
        case inspect.VarTupleType(item_type=item):
            yield from _structs_in(item, name)
        case _:
            return
