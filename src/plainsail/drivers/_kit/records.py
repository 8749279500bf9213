"""A driver's files of JSON that outlive it: each says (`record`) which version of the driver's shapes it has.

A file without a version is of the first. An older one is brought up to today's by the driver's `upgrades`, a newer one
is refused: what it means is not known, and to write it anew would lose what the newer plainsail wrote down.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from plainsail.ports.errors import Broken

T = TypeVar("T")

Upgrade = Callable[[Any], Any]
"""Plain data of one version -> plain data of the next. Pure."""


class _Versioned(msgspec.Struct):
    record: int = 1


def decode(content: bytes, type_: type[T], path: Path, version: int, upgrades: Mapping[int, Upgrade]) -> T:
    """The record in a file. Raises Broken (`record_newer`), msgspec.MsgspecError if it is damaged.

    `version`: today's; `upgrades`: by the version they start from, one for each below it.
    """
    found = msgspec.json.decode(content, type=_Versioned).record
    if found > version:
        raise Broken(
            "record_newer",
            f"{path} is of version {found}, and this plainsail knows versions up to {version}",
            "run the newer plainsail that wrote it; nothing was changed",
        )
    if found == version:
        return msgspec.json.decode(content, type=type_)
    data = msgspec.json.decode(content)
    for older in range(found, version):
        data = upgrades[older](data)
    return msgspec.convert({**data, "record": version}, type_)
