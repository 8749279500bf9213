"""What a value must be beyond its type. Each check sees one field, or one Struct all of whose fields could be read.

Complaints name the rule and its reason where it is not plain; `keys` say at which part of the value they are told.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from plainsail.domain import criteria, strategy
from plainsail.domain import service as shape
from plainsail.domain.units import percent_of
from plainsail.spec.diagnostics import Path, did_you_mean, listed, shown, there_are


class Fault(msgspec.Struct, frozen=True):
    """A complaint about a part of the value that was checked; about the key there, or about what it holds."""

    message: str
    hint: str = ""
    keys: Path = ()
    at_key: bool = False


Check = Callable[[Any], Iterable[Fault]]

NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
"""Of services and environments: they become parts of host names, paths and the names of a router's backends."""
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
TOKEN = re.compile(r"[A-Za-z0-9!&*+.\^_\|~\-]{1,128}")
"""A name of a header or a cookie (RFC 9110, 5.6.2) without what routers read otherwise in their configuration: # $ % ' and `."""
HOST = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")
"""RFC 1123, 2.1, in lower case, since it is compared with what a request asks for."""
URL_PATH = re.compile(r"/[!-~]*")
PLACEHOLDER = re.compile(r"(\$?)\{([A-Za-z_][A-Za-z0-9_]*)\}")
"""`${NAME}` is the shell's own and stays as it is."""
MOST_REPLICAS = 1000
"""Instances on one machine; far beyond it a zero too many is likelier."""
REPEATABLE = ("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE")
"""Idempotent methods (RFC 9110, 9.2.2): asked twice, done once."""


def name_of(noun: str) -> Check:
    def check(name: str) -> Iterator[Fault]:
        if not NAME.fullmatch(name):
            meant = re.sub(r"[^a-z0-9-]+", "-", name.lower()).strip("-0123456789")
            yield Fault(
                f"{shown(name)} can't be the name of {noun}: a small letter, then at most 39 of a-z, 0-9 and '-'",
                f"did you mean '{meant}'?" if NAME.fullmatch(meant) else "write one such as 'shop-2'",
            )

    return check


def variable(name: str) -> Iterator[Fault]:
    if not VARIABLE.fullmatch(name):
        yield Fault(
            f"{shown(name)} can't be the name of a variable", "use letters, digits and '_', no digit first"
        )
    elif name == "PORT":
        yield Fault("PORT is set by plainsail, to the port the instance must listen on", "leave it out")
    elif name.startswith("PLAINSAIL_"):
        yield Fault(
            f"{shown(name)} is plainsail's to set: names with PLAINSAIL_ are taken", "give it another name"
        )


def command(words: tuple[str, ...]) -> Iterator[Fault]:
    if not words or not words[0]:
        yield Fault("The command is empty", 'write a list such as [bin/serve, --port, "{port}"]')
    for index, word in enumerate(words):
        for dollar, name in PLACEHOLDER.findall(word):
            if name == "port" and dollar:
                yield Fault(
                    "'${port}' is neither ours nor the shell's", "write '{port}' or '$PORT'", (index,)
                )
            elif name != "port" and not dollar:
                meant = did_you_mean(name, ["port"]).replace("'port'", "'{port}'")
                yield Fault(
                    f"Nothing is put in for {shown('{' + name + '}')}",
                    meant or "'{port}' is all there is",
                    (index,),
                )


def secrets(files: Mapping[str, str]) -> Iterator[Fault]:
    for name, path in files.items():
        if not path.startswith("/"):
            yield Fault(
                f"The secret {shown(name)} is to be read from {shown(path)}, which is not an absolute path",
                "write the path of the file that holds it, such as /run/secrets/name",
                (name,),
            )


def given_once(place: shape.Run | shape.Placement) -> Iterator[Fault]:
    for name in place.secrets:
        if name in place.env:
            yield Fault(
                f"{shown(name)} is in 'env' too", "keep one of the two", ("secrets", name), at_key=True
            )


def probe(asked: shape.Probe) -> Iterator[Fault]:
    ways = [
        name
        for name, given in (("http", asked.http), ("tcp", asked.tcp), ("command", asked.command))
        if given
    ]
    if not ways:
        yield Fault(
            "A probe needs one of 'http', 'tcp' and 'command'", "add 'tcp: true', or 'http: /healthz'"
        )
    for name in ways[1:2]:
        yield Fault(
            f"A probe asks in one way, and this one has {listed(ways, 'and')}",
            "keep one",
            (name,),
            at_key=True,
        )


def http_path(path: str) -> Iterator[Fault]:
    if not URL_PATH.fullmatch(path):
        plain = "/" + path.lstrip("/") if re.fullmatch(r"[\w./-]+", path, re.ASCII) else ""
        yield Fault(
            f"{shown(path)} is not a path of a URL",
            f"did you mean '{plain}'?" if plain else "write one such as /healthz",
        )


def live(asked: shape.Probe) -> Iterator[Fault]:
    if asked.within != shape.Probe().within:
        yield Fault(
            "'within' has no meaning for 'live', which asks only after 'ready' said yes",
            "leave it out",
            ("within",),
            True,
        )


def hosts(given: tuple[str, ...]) -> Iterator[Fault]:
    first = {host: index for index, host in reversed(list(enumerate(given)))}
    for index, host in enumerate(given):
        if not HOST.fullmatch(host):
            meant = re.sub(r"^https?://|[:/].*$", "", host.lower(), flags=re.ASCII)
            yield Fault(
                f"{shown(host)} is not a host name in small letters",
                f"did you mean '{meant}'?" if HOST.fullmatch(meant) else "write one such as shop.example",
                (index,),
            )
        elif first[host] < index:
            yield Fault(f"{shown(host)} is here twice", "keep one", (index,))


def methods(given: tuple[str, ...]) -> Iterator[Fault]:
    for index, method in enumerate(given):
        if method.upper() in ("POST", "PATCH"):
            yield Fault(
                f"{method.upper()} can't be shielded: it may have been carried out before it failed, and would be done twice",
                "leave it out",
                (index,),
            )
        elif method not in REPEATABLE:
            hint = did_you_mean(method, REPEATABLE) or there_are(REPEATABLE)
            yield Fault(f"{shown(method)} is not a method that can be shielded", hint, (index,))


def sticky(chosen: shape.Sticky) -> Iterator[Fault]:
    if (chosen.cookie is None) == (chosen.header is None):
        have = "has neither" if chosen.cookie is None else "has both"
        yield Fault(
            f"'sticky' needs either 'cookie' or 'header', and {have}", "write one such as {cookie: version}"
        )


def token(noun: str) -> Check:
    def check(name: str) -> Iterator[Fault]:
        if not TOKEN.fullmatch(name):
            yield Fault(f"{shown(name)} can't be the name of a {noun}", "use letters, digits, '-' and '_'")

    return check


def pace(chosen: strategy.Pace) -> Iterator[Fault]:
    if chosen.deadline < chosen.dwell:
        yield Fault(
            "'deadline' is shorter than 'dwell', so no step could be left in time",
            "make it longer",
            ("deadline",),
        )


def errors(criteria: criteria.ErrorCriteria) -> Iterator[Fault]:
    if criteria.max < criteria.margin:
        yield Fault(
            f"'max' ({percent_of(criteria.max)}) is below 'margin' ({percent_of(criteria.margin)})",
            "make it at least as large",
            ("max",),
        )


def gates(given: tuple[str, ...]) -> Iterator[Fault]:
    if given:
        yield Fault(
            "Gates are not available yet, and a gate that is not kept would be worse than none",
            "leave them out",
        )


def has_environment(declared: shape.Service) -> Iterator[Fault]:
    if not declared.placements:
        yield Fault(
            "The service has no environment", "add 'in: {production: {}}', with the name of one of yours"
        )


def webhook(address: str) -> Iterator[Fault]:
    if not re.fullmatch(r"https?://[!-~]+|/[^\s]*", address):
        yield Fault(
            f"{shown(address)} is neither a URL nor the absolute path of a file with one",
            "write https://... or /run/secrets/...",
        )


def between(name: str, lowest: float, highest: float) -> Check:
    def check(number: float) -> Iterator[Fault]:
        if not lowest <= number <= highest:
            yield Fault(f"'{name}' must be from {lowest:g} to {highest:g}, and is {number:g}")

    return check


def above_zero(name: str) -> Check:
    def check(number: float) -> Iterator[Fault]:
        if number <= 0:
            yield Fault(f"'{name}' must be more than 0")

    return check


def odds(name: str) -> Check:
    def check(part: float) -> Iterator[Fault]:
        if not 0 < part <= 0.5:
            yield Fault(f"'{name}' must be more than 0 and at most 50%, and is {part:.4g}")

    return check


def margin(part: float) -> Iterator[Fault]:
    if part <= 0:
        yield Fault(
            "'margin' must be more than 0: no number of requests could prove that nothing differs",
            "write the smallest difference that matters, such as 0.1%",
        )
