"""Which page is made by what."""

from __future__ import annotations

from collections.abc import Callable

from tests.docs.made import api, drivers, errors, events, exits

PAGES: dict[str, Callable[[], str]] = {
    "api": api.page,
    "drivers": drivers.page,
    "errors": errors.page,
    "events": events.page,
    "exit-codes": exits.page,
}
