"""Who insiders are (`match`, `preview`), as it is written: somebody, and told apart from all other users."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network

from plainsail.domain.match import Match
from plainsail.domain.service import Placement
from plainsail.domain.strategy import AB, BlueGreen, Custom, Dark
from plainsail.spec.checks import TOKEN, Fault
from plainsail.spec.diagnostics import Path, shown

NAME = TOKEN.pattern
HEADER = re.compile(rf"{NAME}:[ \t]*[^\x00-\x20\x7f](?:[^\x00-\x1f\x7f]*[^\x00-\x20\x7f])?")
COOKIE = re.compile(rf"{NAME}=[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+")
"""RFC 6265, 4.1.1: no spaces, quotes, commas, semicolons and backslashes in the value."""
NETWORK = re.compile(r"[0-9a-fA-F.:]+(?:\/[0-9]{1,3})?")
MOST = 16
"""Rules that a router keeps for a service: each request is held against each of them (`drivers/routers/haproxy/rules.py`)."""
LONGEST = 512
"""Bytes of a header or a cookie; routers keep them in tables with a limit to a line."""


def somebody(match: Match) -> Iterator[Fault]:
    if match.everybody():
        yield Fault(
            "This says of nobody in particular that they are insiders",
            "add one of hosts, header, cookie and networks, such as 'header: \"X-Insider: yes\"'",
        )


def header(text: str) -> Iterator[Fault]:
    meant = re.sub(r"^([^:=\s]+)\s*[:=]\s*(\S.*?)\s*$", r"\1: \2", text)
    yield from _carried(text, HEADER, "Name: value", meant, 'write one such as "X-Insider: yes"')


def cookie(text: str) -> Iterator[Fault]:
    meant = re.sub(r"^([^:=\s]+)\s*[:=]\s*(\S+)\s*;?$", r"\1=\2", text)
    yield from _carried(text, COOKIE, "name=value", meant, "write one such as insider=yes")


def _carried(text: str, form: re.Pattern[str], called: str, meant: str, such_as: str) -> Iterator[Fault]:
    """What a request carries. `meant`: the text as it may have been meant."""
    if form.fullmatch(text):
        yield from _too_long(text)
    else:
        near = f"did you mean '{meant}'?" if meant != text and form.fullmatch(meant) else such_as
        yield Fault(f"{shown(text)} is not '{called}'", near)


def networks(given: tuple[str, ...]) -> Iterator[Fault]:
    for index, text in enumerate(given):
        network = _network(text)
        if network is None:
            yield Fault(
                f"{shown(text)} is not a network", "write one such as 10.0.0.0/8 or fd00::/8", (index,)
            )
            continue
        if not network.prefixlen:
            yield Fault(f"{shown(text)} is everybody", "write the network that insiders come from", (index,))
        elif "/" in text and str(network.network_address) != str(
            ip_network(text.partition("/")[0]).network_address
        ):
            yield Fault(
                f"{shown(text)} says more than its first {network.prefixlen} bits",
                f"did you mean '{network}'?",
                (index,),
            )
        elif text in given[:index]:
            yield Fault(f"{shown(text)} is here twice", "keep one", (index,))


def _network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text, strict=False) if NETWORK.fullmatch(text) else None
    except ValueError:
        return None


def told_apart(placement: Placement) -> Iterator[Fault]:
    """What users bring too makes nobody an insider."""
    kept = placement.sticky.cookie if placement.sticky else None
    known: set[Match] = set()
    for at, match in matches(placement):
        known.add(match)
        if len(known) == MOST + 1:
            yield Fault(
                f"These are the insiders of more than {MOST} kinds by now: who was given the new release keeps it",
                "write one match for several steps",
                at,
            )
        for index, host in enumerate(match.hosts):
            if host in placement.hosts:
                yield Fault(
                    f"{shown(host)} is where all users go, so it can't tell insiders apart",
                    f"write one of their own, such as dark-{host}",
                    (*at, "hosts", index),
                )
        if match.cookie and kept == match.cookie.partition("=")[0]:
            yield Fault(
                f"The cookie {shown(kept)} is set for all users by 'sticky', so it can't tell insiders apart",
                "take a cookie of another name",
                (*at, "cookie"),
            )


def matches(placement: Placement) -> Iterator[tuple[Path, Match]]:
    """Each with where it is written, from the placement on."""
    for index, strategy in enumerate(placement.strategy):
        at = ("strategy", index)
        match strategy:
            case Dark(match=found):
                yield (*at, "dark", "match"), found
            case BlueGreen(preview=Match() as found):
                yield (*at, "blue-green", "preview"), found
            case AB(match=found, variants=variants):
                if found is not None:
                    yield (*at, "a-b", "match"), found
                for called, one in variants.items():
                    if one.match is not None:
                        yield (*at, "a-b", "variants", called, "match"), one.match
            case Custom(steps=steps):
                for number, step in enumerate(steps):
                    if step.match is not None:
                        yield (*at, "custom", "steps", number, "match"), step.match
            case _:
                pass


def _too_long(text: str) -> Iterator[Fault]:
    size = len(text.encode("utf-8", "replace"))
    if size > LONGEST:
        yield Fault(f"It has {size:,} bytes, and {LONGEST:,} are the most", "make it shorter")
