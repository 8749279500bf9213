"""Rules for insiders as HAProxy decides them: what is looked at in the configuration, for which values in the map. Pure.

A rule holds if its key is in the service's map, once all that it looks at is there:

    r1.9f0c2d41.796573.31 2     rule 1 of that shape, for the values `yes` and `1`, leads to slot 2

Values are written in hexadecimal, so nothing in them can be read as anything else. The shape is a digest of what stands in
the configuration: names, hosts and networks. So a map never meets a configuration that asks for less than the rule that
it was written for; a rule that doesn't fit matches nobody.

A header or cookie that comes twice is nobody's: which of the two an application takes, we can't know.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Iterator, Sequence

from plainsail.domain.match import Match
from plainsail.domain.traffic import Route
from plainsail.domain.units import ALL
from plainsail.ports.errors import Rejected, Unsupported

RULES = 16
"""Rules for insiders that a service may have; every request is held against each."""
LONGEST = 512
"""Bytes of a value. Its key in the map has two letters for each, and HAProxy takes lines of 16 KiB."""
HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
FIELD = re.compile(r"[A-Za-z0-9!&*+.^_|~-]{1,128}")
"""A name in HTTP (RFC 9110, 5.6.2) without what HAProxy reads otherwise in its configuration: # $ % ' and `."""
VALUE = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]+")
"""Of a header (RFC 9110, 5.5): no control characters."""
CRUMB = re.compile(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+")
"""Of a cookie (RFC 6265, 4.1.1): no spaces, quotes, commas, semicolons and backslashes."""
MARK = re.compile(r"r\d+\..*")
"""Keys of rules."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def check(routes: Sequence[Route]) -> None:
    """Rejected (`match_invalid`, `host_invalid`) for what can't be looked for; Unsupported (`haproxy_rules`)."""
    if not routes:
        return
    insiders = routes[:-1]
    if len(insiders) > RULES:
        raise Unsupported(
            "haproxy_rules",
            f"{len(insiders)} rules for insiders; this router keeps {RULES}",
            "join some of them",
        )
    if not routes[-1].match.everybody():
        raise Unsupported(
            "haproxy_rules", "The last rule of a table is everybody's, and this one has a match"
        )
    for number, route in enumerate(insiders, 1):
        if len(route.split) != 1 or route.split[0].share_bp != ALL:
            raise Unsupported(
                "haproxy_rules", f"Rule {number} is for insiders; it leads to one group, with all of them"
            )
        if route.match.everybody():
            raise Rejected("match_invalid", f"Rule {number} matches everybody", "say whom it is for")
        _check_match(route.match)


def check_host(host: str) -> None:
    if not HOST.fullmatch(host.lower()):
        raise Rejected(
            "host_invalid", f"{host!r} is not a host name", "write it without scheme, port and wildcards"
        )


def hosts(routes: Sequence[Route]) -> list[str]:
    """Those that lead to the service because of its rules."""
    return [host.lower() for route in routes for host in route.match.hosts]


def key(number: int, match: Match) -> str:
    """Of the rule at this place, from 1, in the service's map."""
    values = [_pair(text, mark)[1] for text, mark in ((match.header, ":"), (match.cookie, "=")) if text]
    return ".".join([f"r{number}", _shape(match), *(value.encode().hex().upper() for value in values)])


def lines(routes: Sequence[Route], file: str) -> list[str]:
    """Sets txn.rule to where the first rule that holds leads: a slot, or `home`. Without rules nothing."""
    insiders = routes[:-1]
    if not insiders:
        return []
    written = ["acl ruled var(txn.rule) -m found", *_TUNNELLED]
    for number, route in enumerate(insiders, 1):
        written += _rule(number, route.match, file)
    return written


_TUNNELLED = ("acl tunnelled src 2002::/16", "acl tunnelled src ::/96")
"""IPv6 addresses that HAProxy would take for the IPv4 address within. Who has one need not have the other."""


def _rule(number: int, match: Match, file: str) -> Iterator[str]:
    mark = f"r{number}"
    holds, looked = ["!ruled"], f"str({mark}.{_shape(match)})"
    if match.hosts:
        holds.append(f"{mark}_host")
        for host in match.hosts:
            yield f"acl {mark}_host req.hdr(host),host_only,lower -m str {host.lower()}"
    if match.networks:
        holds.append(f"{mark}_near")
        yield f"acl {mark}_near var(txn.{mark}_near) -m bool"
        for network in map(_network, match.networks):
            yield f"acl {mark}_net{network.version} src {network}"
        for version, safe in ((4, " !tunnelled"), (6, "")):
            if any(_network(network).version == version for network in match.networks):
                yield f"http-request set-var(txn.{mark}_near) bool(true) if {mark}_net{version}{safe}"
    for text, sign, fetch in ((match.header, ":", "fhdr"), (match.cookie, "=", "cook")):
        if text:
            name, _ = _pair(text, sign)
            holds.append(f"{mark}_{fetch}")
            looked += f",concat(.,txn.{mark}_{fetch})"
            yield f"acl {mark}_{fetch} req.{fetch}_cnt({name}) eq 1"
            yield f"http-request set-var(txn.{mark}_{fetch}) req.{fetch}({name}),hex"
    yield f"http-request set-var(txn.rule) {looked},map_str({file}) if {' '.join(holds)}"


def _shape(match: Match) -> str:
    """Of all that is written in the configuration about it."""
    names = [
        _pair(text, sign)[0] if text else "" for text, sign in ((match.header, ":"), (match.cookie, "="))
    ]
    parts = ([host.lower() for host in match.hosts], [str(_network(one)) for one in match.networks], names)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def _pair(text: str, sign: str) -> tuple[str, str]:
    name, _, value = text.partition(sign)
    return name, value.strip(" \t")


def _check_match(match: Match) -> None:
    for host in match.hosts:
        check_host(host)
    for network in match.networks:
        _network(network)
    for what, text, sign, fits in (
        ("header", match.header, ":", VALUE),
        ("cookie", match.cookie, "=", CRUMB),
    ):
        if text is None:
            continue
        name, value = _pair(text, sign)
        if not FIELD.fullmatch(name):
            raise Rejected(
                "match_invalid", f"{name!r} cannot be the name of a {what}", "use letters, digits, - and _"
            )
        if not fits.fullmatch(value) or len(value.encode()) > LONGEST:
            raise Rejected(
                "match_invalid", f"The {what} {name} cannot have the value {value!r}",
                f"write 1 to {LONGEST} bytes, all of which users can send",
            )  # fmt: skip


def _network(text: str) -> Network:
    try:
        if "%" not in text:
            return ipaddress.ip_network(text)
    except ValueError as error:
        raise Rejected(
            "match_invalid", f"{text!r} is not a network: {error}", "write one such as 10.0.0.0/8"
        ) from error
    raise Rejected(
        "match_invalid", f"{text!r} is not a network, but one interface's", "leave out the % and what follows"
    )
