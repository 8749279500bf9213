"""The drivers a file may name, as the caller has them installed. `spec` knows their configuration types only."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from plainsail.domain.driver import Driver
from plainsail.domain.traffic import Capabilities


class Drivers(msgspec.Struct, frozen=True):
    """By name: the `Config` Struct of each driver.

    A Config may have a method `check(self) -> str | None`: what is wrong with its values. Begins it with a key and a
    colon (`listen: '80' is not host:port`), then it is told at that key, else at the driver's name.
    """

    routers: Mapping[str, type[msgspec.Struct]]
    providers: Mapping[str, type[msgspec.Struct]]
    capabilities: Mapping[str, Capabilities] = {}
    """What a router can do; of one that is not here nothing is known, and nothing is refused for it."""
    lacks: Mapping[str, Callable[[Mapping[str, object]], Mapping[str, str]]] = {}
    """By router: which capabilities of its kind one with this configuration has not got on this machine, and why. Asking may
    start a program, so only who wants one of them asks."""
    metrics: Mapping[str, type[msgspec.Struct]] = {}
    """Metric sources."""
    refuses: Mapping[str, Callable[[Mapping[str, object], Mapping[str, str]], str | None]] = {}
    """By metric source: what is wrong with queries, by part, as one with this configuration can tell without asking."""
    verifiers: Mapping[str, type[msgspec.Struct]] = {}
    """Who can be asked by checks and hooks."""

    def lacking(self, router: Driver) -> Mapping[str, str]:
        """Why this router can't do what its kind can, by capability."""
        ask = self.lacks.get(router.name)
        return ask(router.config) if ask is not None else {}

    def of(self, key: str) -> Mapping[str, type[msgspec.Struct]]:
        """Those that may be named under a key: of an environment `router`, `provider`, `metrics`; of a service those who
        are asked."""
        asked = dict.fromkeys(("checks", "before", "after", "failure"), self.verifiers)
        return {"router": self.routers, "provider": self.providers, "metrics": self.metrics, **asked}[key]
