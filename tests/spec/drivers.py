"""Configurations of drivers as the tests of the spec know them: one of each kind of field."""

import msgspec

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


DRIVERS = Drivers(routers={"haproxy": HAProxy}, providers={"process": Process})
