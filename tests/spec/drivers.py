"""Configurations of drivers as the tests of the spec know them: one of each kind of field."""

from collections.abc import Mapping

import msgspec

from plainsail.domain.checks import Terms
from plainsail.domain.units import Duration
from plainsail.spec.drivers import Drivers


class HAProxy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    listen: str
    maximum: int = 1000
    idle: Duration = 60.0

    def check(self) -> str | None:
        host, _, port = self.listen.rpartition(":")
        return None if host and port.isdigit() else f"listen: '{self.listen}' is not host:port"


class Process(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    ports: str = "20000-29999"


class Prometheus(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    url: str
    timeout: Duration = 5.0


class Webhook(Terms, frozen=True, forbid_unknown_fields=True, kw_only=True):
    url: str

    def check(self) -> str | None:
        return None if self.url.startswith("https://") else f"url: '{self.url}' is no address"


def refuses(config: Mapping[str, object], queries: Mapping[str, str]) -> str | None:
    """As a driver that can tell a part of its language without asking."""
    for part, query in queries.items():
        if query.count("(") != query.count(")"):
            return f"{part}: its parentheses don't match"
    return None


DRIVERS = Drivers(
    routers={"haproxy": HAProxy},
    providers={"process": Process},
    metrics={"prometheus": Prometheus},
    refuses={"prometheus": refuses},
    verifiers={"webhook": Webhook},
)
