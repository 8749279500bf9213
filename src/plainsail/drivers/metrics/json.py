"""Any JSON over HTTP: a query is where to ask and, after a space, the JSONPath of the number in the answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from plainsail.domain.measurement import Ask, Reading
from plainsail.domain.units import Duration
from plainsail.drivers._kit import asking, jsonpath
from plainsail.drivers._kit.asking import Known
from plainsail.drivers._kit.web import Web, wrong_with
from plainsail.ports.errors import Rejected
from plainsail.ports.metrics import Metrics
from plainsail.ports.site import Site


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of the `json` metric source."""

    url: str
    """What all queries begin with: `https://shop.example/internal`."""
    token: str | None = None
    """File that holds a bearer token, or the password of `user`; read anew for each question. None: neither is sent."""
    user: str | None = None
    """Name to log in with (HTTP Basic). None: the token is a bearer token."""
    headers: dict[str, str] = {}
    """Sent with each question; no place for secrets."""
    timeout: Duration = 5.0
    """Longest time for an answer."""

    def check(self) -> str | None:
        """What is wrong beyond the types; told at its line by `plainsail check`."""
        return wrong_with(self)


class Query(msgspec.Struct, frozen=True):
    """A query in its two halves."""

    address: str
    """Path and query of the URL, beginning with `/`."""
    path: jsonpath.Path


class Json:
    """Answers GET requests with what a JSONPath finds. Queries with the same address are one request."""

    def __init__(self, config: Config, site: Site) -> None:
        self._web = Web(config, "JSON source")

    async def start(self) -> None:
        await self._web.start()

    async def stop(self) -> None:
        await self._web.stop()

    def check(self, queries: Mapping[str, str]) -> str | None:
        return asking.checked(queries, _problem)

    async def read(self, ask: Ask) -> Reading:
        """Besides what Web raises: Rejected `metrics_query`, `metrics_ambiguous`, `metrics_no_number`."""
        asking.refuse(ask.metric, self.check(ask.queries))
        if lonely := asking.lonely(ask):
            return asking.reading(ask, dict.fromkeys(ask.queries, lonely))
        queries = {part: parsed(query) for part, query in ask.queries.items()}
        addresses = {part: _address(query.address, ask) for part, query in queries.items()}
        wanted = list(dict.fromkeys(addresses.values()))
        answers = dict(zip(wanted, await asking.all_of(map(self._fetch, wanted)), strict=True))
        known = {
            part: picked(
                part,
                jsonpath.filled(query.path, lambda text: _text(text, ask)),
                answers[addresses[part]],
                ask,
            )
            for part, query in queries.items()
        }
        return asking.reading(ask, known)

    async def _fetch(self, address: str) -> Any:
        answer = await self._web.ask("GET", address)
        self._web.refuse(answer)
        try:
            return answer.json()
        except ValueError:
            raise Rejected(
                "metrics_no_number", f"The {self._web.name} answers with what is no JSON", "mend the address"
            ) from None


def parsed(query: str) -> Query:
    """ValueError: what is wrong with it."""
    address, _, path = query.strip().partition(" ")
    if not address.startswith("/") or address.startswith("//"):
        raise ValueError("it starts with the path of the address: /kpi?group={group} $.orders")
    if "#" in address or not path.strip():
        raise ValueError("a JSONPath stands after the address and a space: /kpi?group={group} $.orders")
    return Query(address, jsonpath.parsed(path.strip()))


def picked(part: str, path: jsonpath.Path, answer: Any, ask: Ask) -> Known:
    """The one value at the path, as a number, or as a histogram for `buckets`."""
    where = f"The JSONPath for {part} of {ask.metric}"
    values = jsonpath.found(path, answer)
    if len(values) > 1:
        raise Rejected(
            "metrics_ambiguous",
            f"{where} leads to {len(values)} values, not one",
            "write one that leads to one",
        )
    if not values:
        return "the JSONPath leads to nothing in the answer"
    try:
        value = asking.histogram(values[0]) if part == "buckets" else asking.number(values[0])
    except ValueError as error:
        raise Rejected(
            "metrics_no_number", f"{where} leads to no number: {error}", "mend the JSONPath"
        ) from None
    return "the value is null or not finite" if value is None else value


def _problem(part: str, query: str) -> str | None:
    try:
        parsed(query)
    except ValueError as error:
        return str(error)
    return asking.misspelt(query)


def _address(address: str, ask: Ask) -> str:
    return asking.filled(
        address, ask, lambda text: quote(text, safe=""), lambda those: quote(",".join(those), safe="")
    )


def _text(text: str, ask: Ask) -> str:
    return asking.filled(text, ask, str, ",".join)


def _is_source(source: Json) -> Metrics:
    return source
