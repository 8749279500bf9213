"""Values of the domain as rows: JSON, and the version of the shape it has."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from functools import lru_cache
from typing import Any, TypeVar

import msgspec

from plainsail.domain.rollout import SHAPE
from plainsail.ports.errors import Broken

T = TypeVar("T")

Upgrade = Callable[[str, Any], Any]
"""Table and plain data of one version -> plain data of the next. Pure."""

UPGRADES: Mapping[int, Upgrade] = {}
"""By the version they start from; one for each below `SHAPE`. Rows are upgraded when they are read."""


def encode(value: msgspec.Struct) -> dict[str, int | str]:
    """The columns `shape` and `state`. Raises ValueError on a value that could not be read again.

    (JSON has no infinity: it would be written as null. Better one write fails than every read after it.)
    """
    state = msgspec.json.encode(value)
    _decoder(type(value)).decode(state)
    return {"shape": SHAPE, "state": state.decode()}


def decode(type_: type[T], table: str, key: str, shape: int, state: str) -> T:
    """The value in a row. Raises Broken (`store_damaged`, `store_newer`)."""
    decoder: msgspec.json.Decoder[T] = _decoder(type_)  # type: ignore[arg-type]
    try:
        if shape == SHAPE:
            return decoder.decode(state)
        return msgspec.convert(upgrade(table, msgspec.json.decode(state), shape), type_)
    except msgspec.MsgspecError as error:
        raise Broken(
            "store_damaged",
            f"{table} {key} in the store can't be read: {error}",
            "restore a backup, or ask for help with this message; nothing was changed",
        ) from error


def upgrade(
    table: str, data: Any, shape: int, to: int = SHAPE, upgrades: Mapping[int, Upgrade] = UPGRADES
) -> Any:
    """Plain data as version `to` has it. Raises Broken (`store_newer`, `store_damaged`)."""
    if shape > to:
        raise Broken(
            "store_newer",
            f"the store holds a {table} of shape {shape}, and this plainsail knows shapes up to {to}",
            "run the newer plainsail that wrote it",
        )
    for version in range(shape, to):
        if version not in upgrades:
            raise Broken(
                "store_damaged",
                f"the store holds a {table} of shape {version}, which no plainsail wrote",
                "restore a backup; nothing was changed",
            )
        data = upgrades[version](table, data)
    return data


@lru_cache
def _decoder(type_: Hashable) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(type_)
