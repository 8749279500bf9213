"""Graphite, by its render API: graphite.readthedocs.io/en/latest/render_api.html."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from urllib.parse import urlencode

import msgspec

from plainsail.domain.measurement import Ask, Reading
from plainsail.domain.units import Duration
from plainsail.drivers._kit import asking
from plainsail.drivers._kit.asking import Known
from plainsail.drivers._kit.web import Answer, Web, wrong_with
from plainsail.ports.errors import Broken, Rejected, Unsupported
from plainsail.ports.metrics import Metrics
from plainsail.ports.site import Site

PIECES = re.compile(r"\"[^\"]*\"?|'[^']*'?|[^\"']+")
"""A target as far as quotes go. Strings in it know no escapes."""
TELLS = re.compile(rb"^(?:Invalid|[A-Za-z]+(?:Error|Exception|Failed)\b)[^\n]*", re.MULTILINE)
"""The lines of an error page that say what is wrong; of a traceback it is the last."""


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of the `graphite` metric source."""

    url: str
    """Where graphite-web is, without `/render`: `http://127.0.0.1:8080`."""
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


class Graphite:
    """Each query is a target of one series. `value` is the last point of the window; the other parts are sums over its points.

    Which of the two follows from what is asked for, and needs no setting: counts add up, a value is as of the window's end.
    """

    def __init__(self, config: Config, site: Site) -> None:
        self._web = Web(config, "Graphite")

    async def start(self) -> None:
        await self._web.start()

    async def stop(self) -> None:
        await self._web.stop()

    def check(self, queries: Mapping[str, str]) -> str | None:
        return asking.checked(queries, _problem)

    async def read(self, ask: Ask) -> Reading:
        """Besides what Web raises: Rejected `metrics_query`, `metrics_ambiguous`; Unsupported `metrics_histogram`; Broken
        `metrics_foreign`."""
        if "buckets" in ask.queries:
            raise Unsupported("metrics_histogram", f"{ask.metric} can't be asked for: {NO_HISTOGRAM}")
        asking.refuse(ask.metric, self.check(ask.queries))
        if lonely := asking.lonely(ask):
            return asking.reading(ask, dict.fromkeys(ask.queries, lonely))
        found = await asking.all_of(self._part(part, query, ask) for part, query in ask.queries.items())
        partial = next((why for _, why in found if why), "")
        return asking.reading(
            ask, dict(zip(ask.queries, (known for known, _ in found), strict=True)), partial
        )

    async def _part(self, part: str, query: str, ask: Ask) -> tuple[Known, str]:
        words = {
            "target": target(query, ask),
            "from": str(math.floor(ask.since)),
            "until": str(math.ceil(ask.until)),
            "format": "json",
            "noCache": "true",  # else it may answer with what it knew a minute ago
        }
        answer = await self._web.ask("GET", f"/render?{urlencode(words)}")
        where = f"The target for {part} of {ask.metric}"
        told = TELLS.findall(answer.body)
        self._web.refuse(answer, told[-1].decode("utf-8", "replace") if told else "")
        series = self._series(answer)
        if len(series) > 1:
            raise Rejected(
                "metrics_ambiguous",
                f"{where} gives {len(series)} series, not one",
                "aggregate: sumSeries(...)",
            )
        if not series:
            return "the target gives no series", ""
        inside = [value for value, at in series[0].datapoints if ask.since < at <= ask.until]
        points = [one for one in map(asking.number, inside) if one is not None]
        if not points:
            return "the window has no points", ""
        lost = len(inside) - len(points)
        partial = f"{lost} of {len(inside)} points of the window are missing" if lost else ""
        return points[-1] if part == "value" else math.fsum(points), partial

    def _series(self, answer: Answer) -> list[Series]:
        try:
            return msgspec.convert(answer.json(), list[Series])
        except ValueError:
            raise Broken(
                "metrics_foreign", f"What answers at {self._web.name} is no Graphite", "mend its 'url'"
            ) from None


class Series(msgspec.Struct, frozen=True):
    """One line of an answer."""

    target: str
    datapoints: list[tuple[float | None, float]]
    """(value, seconds since 1970)."""


NO_HISTOGRAM = "Graphite has no histograms; ask for a quantile as a value"


def _problem(part: str, query: str) -> str | None:
    """Graphite itself answers a target that it can't parse with nothing, as if there was no data."""
    if part == "buckets":
        return NO_HISTOGRAM
    pieces: list[str] = PIECES.findall(query)
    if any(piece[0] in "\"'" and (len(piece) < 2 or piece[-1] != piece[0]) for piece in pieces):
        return "a quote is not closed"
    open_ones: list[str] = []
    for each in "".join(piece for piece in pieces if piece[0] not in "\"'"):
        if each in "({[":
            open_ones.append(each)
        elif each in ")}]" and (not open_ones or open_ones.pop() + each not in ("()", "{}", "[]")):
            return f"'{each}' closes nothing"
    return f"'{open_ones[-1]}' is not closed" if open_ones else None


def target(query: str, ask: Ask) -> str:
    """The query with its placeholders replaced. In the name of a series all but letters, digits, `_` and `-` becomes `_`, as
    StatsD and others write it; in quotes only quotes and backslashes do. Instances are `{a,b}` in a name and `a|b` in quotes."""

    def fill(piece: str) -> str:
        if piece[0] in "\"'":
            return asking.filled(piece, ask, _in_quotes, lambda those: _in_quotes(asking.alternation(those)))
        return asking.filled(piece, ask, _node, lambda those: "{" + ",".join(map(_node, those)) + "}")

    return "".join(map(fill, PIECES.findall(query)))


def _node(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "_", text)


def _in_quotes(text: str) -> str:
    return re.sub(r"[\"'\\\n]", "_", text)


def _is_source(graphite: Graphite) -> Metrics:
    return graphite
