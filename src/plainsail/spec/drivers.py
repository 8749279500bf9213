"""The drivers a file may name, as the caller has them installed. `spec` knows their configuration types only."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class Drivers(msgspec.Struct, frozen=True):
    """By name: the `Config` Struct of each driver.

    A Config may have a method `check(self) -> str | None`: what is wrong with its values, in one sentence that names
    the key.
    """

    routers: Mapping[str, type[msgspec.Struct]]
    providers: Mapping[str, type[msgspec.Struct]]
