"""What may get into HAProxy's files. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from plainsail.domain.traffic import Traffic
from plainsail.drivers.routers.haproxy import rules
from plainsail.drivers.routers.haproxy.table import entries
from plainsail.drivers.routers.haproxy.template import Kept, hosts_of
from plainsail.ports.errors import Rejected

SERVICE = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
"""Of a group or an instance, and a salt."""


def check(traffic: Traffic, kept: Mapping[str, Kept]) -> None:
    """Nothing that was not looked at gets into the file. Rejected (`name_invalid`, `match_invalid`, `host_invalid`,
    `host_taken`); Unsupported."""
    names = [*traffic.members, *(part.group for route in traffic.routes for part in route.split)]
    names += [member.instance for members in traffic.members.values() for member in members]
    names += [traffic.live] if traffic.live is not None else []
    names += [traffic.mirror.group] if traffic.mirror is not None else []
    names += [traffic.salt] if traffic.salt else []
    wrong = [name for name in names if not NAME.fullmatch(name)]
    wrong += [traffic.service] if not SERVICE.fullmatch(traffic.service) else []
    if wrong:
        raise Rejected(
            "name_invalid", f"{wrong[0]!r} cannot be a name in HAProxy", "use small letters, digits and -"
        )
    for host in traffic.hosts:
        rules.check_host(host)
    sticky = traffic.sticky
    copied = traffic.mirror.methods if traffic.mirror is not None else ()
    for token in (
        *traffic.shield.methods,
        *copied,
        *([sticky.cookie or sticky.header or "?"] if sticky else []),
    ):
        if not rules.FIELD.fullmatch(token):
            raise Rejected(
                "name_invalid", f"{token!r} cannot be a name in HTTP here", "use letters, digits, - and _"
            )
    for members in traffic.members.values():
        for member in members:
            _check_address(member.address)
    rules.check(traffic.routes)
    for name, one in kept.items():
        if name != traffic.service:
            _check_hosts(traffic, name, one.traffic)
    entries(traffic, 0)


def _check_address(address: str) -> None:
    host, _, port = address.rpartition(":")
    if not re.fullmatch(r"[0-9.]+|\[[0-9a-fA-F:]+\]", host) or not port.isdigit():
        raise Rejected("address_invalid", f"{address!r} is not an IP address with a port")


def _check_hosts(traffic: Traffic, name: str, other: Traffic) -> None:
    both = {*hosts_of(traffic)} & {*hosts_of(other)}
    if both or not (traffic.hosts or other.hosts):
        what = f"the host {min(both)}" if both else "every host that nobody else has"
        raise Rejected(
            "host_taken", f"{name} already answers for {what}", f"give {traffic.service} `hosts` of its own"
        )
