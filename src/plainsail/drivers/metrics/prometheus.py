"""Prometheus, and everything that speaks its HTTP API: VictoriaMetrics, Thanos, Mimir, Cortex.

API: prometheus.io/docs/prometheus/latest/querying/api (instant queries); docs.victoriametrics.com has what it adds.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from plainsail.domain.measurement import Ask, Reading
from plainsail.domain.units import Duration
from plainsail.drivers._kit import asking
from plainsail.drivers._kit.asking import Known
from plainsail.drivers._kit.web import Answer, Web, wrong_with
from plainsail.ports.errors import Broken, Rejected, Transient
from plainsail.ports.metrics import Metrics
from plainsail.ports.site import Site

PIECES = re.compile(r'"(?:\\.|[^"\\])*"?|' r"'(?:\\.|[^'\\])*'?|" r"`[^`]*`?|#[^\n]*|[^\"'`#]+", re.DOTALL)
"""PromQL as far as quotes go: three kinds of strings, comments, and the rest."""
LATER = frozenset({"timeout", "canceled", "unavailable", "internal"})
"""Kinds of errors (`errorType`) that are not the query's."""


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of the `prometheus` metric source."""

    url: str
    """Where its API is, without `/api/v1`: `http://127.0.0.1:9090`."""
    token: str | None = None
    """File that holds a bearer token, or the password of `user`; read anew for each question. None: neither is sent."""
    user: str | None = None
    """Name to log in with (HTTP Basic). None: the token is a bearer token."""
    headers: dict[str, str] = {}
    """Sent with each question, such as `X-Scope-OrgID`; no place for secrets."""
    timeout: Duration = 5.0
    """Longest time for an answer."""

    def check(self) -> str | None:
        """What is wrong beyond the types; told at its line by `plainsail check`."""
        return wrong_with(self)


class Prometheus:
    """Instant queries as of the end of the window; `[{window}]` in them makes it a range."""

    def __init__(self, config: Config, site: Site) -> None:
        self._web = Web(config, "Prometheus")
        self._timeout = config.timeout

    async def start(self) -> None:
        await self._web.start()

    async def stop(self) -> None:
        await self._web.stop()

    def check(self, queries: Mapping[str, str]) -> str | None:
        return asking.checked(queries, lambda _, query: _misplaced(query) or asking.misspelt(_bare(query)))

    async def read(self, ask: Ask) -> Reading:
        """Besides what Web raises: Rejected `metrics_query`, `metrics_ambiguous`; Transient `metrics_unwell`; Broken
        `metrics_foreign`."""
        asking.refuse(ask.metric, self.check(ask.queries))
        if lonely := asking.lonely(ask):
            return asking.reading(ask, dict.fromkeys(ask.queries, lonely))
        found = await asking.all_of(self._part(part, query, ask) for part, query in ask.queries.items())
        partial = next((why for _, why in found if why), "")
        return asking.reading(
            ask, dict(zip(ask.queries, (known for known, _ in found), strict=True)), partial
        )

    async def _part(self, part: str, query: str, ask: Ask) -> tuple[Known, str]:
        form = {
            "query": asking.filled(query, ask, quoted, lambda those: quoted(asking.alternation(those))),
            "time": f"{ask.until:.3f}",
            "timeout": f"{self._timeout:g}s",
            # VictoriaMetrics moves questions about the last 30 s to 30 s ago unless told not to (search.latencyOffset).
            "nocache": "1",
        }
        # POST: queries are longer than what every proxy takes for an address.
        answer = await self._web.ask("POST", "/api/v1/query", form)
        said = self._said(answer)
        found = said["data"]["result"]
        kind = said["data"]["resultType"]
        where = f"The query for {part} of {ask.metric}"
        if kind == "vector" and part == "buckets":
            return _buckets(found, where), _partial(said)
        if kind == "vector" and len(found) > 1:
            raise Rejected(
                "metrics_ambiguous", f"{where} gives {len(found)} series, not one", "aggregate them: sum(...)"
            )
        if kind not in ("vector", "scalar") or part == "buckets":
            raise Rejected("metrics_query", f"{where} gives a {kind}", "write one that gives one number")
        if not found:
            return "the query gives no series", _partial(said)
        value = asking.number((found if kind == "scalar" else found[0]["value"])[1])
        return "the query gives no finite number" if value is None else value, _partial(said)

    def _said(self, answer: Answer) -> Any:
        """The answer's content if it is one of this API and no error."""
        try:
            said = answer.json()
        except ValueError:
            said = None
        ours = isinstance(said, dict) and said.get("status") in ("success", "error")
        told = str(said.get("error", "")) if ours else ""
        if ours and said.get("errorType") in LATER:
            raise Transient("metrics_unwell", f"The {self._web.name} could not answer: {asking.brief(told)}")
        if ours or answer.status != 404:
            self._web.refuse(answer, told)
        if not ours or said["status"] == "error" or not isinstance(said.get("data"), dict):
            raise Broken(
                "metrics_foreign", f"What answers at {self._web.name} is no Prometheus API ({answer.status})",
                "mend its 'url'",
            )  # fmt: skip
        return said


def quoted(text: str) -> str:
    """For the inside of a string of PromQL, in either kind of quotes; both know `\\x22`, neither the other's `\\'`."""
    return "".join(ESCAPES.get(each, each) for each in text)


ESCAPES = {"\\": "\\\\", '"': "\\x22", "'": "\\x27", "\n": "\\n"}


def _misplaced(query: str) -> str | None:
    for piece in PIECES.findall(query):
        for word in asking.PLACEHOLDER.findall(piece):
            if piece[0] == "`":
                return f"{{{word}}} stands in backticks, where nothing can be escaped; write quotes"
            if piece[0] not in "\"'#" and word not in asking.NUMBERS:
                return f'{{{word}}} stands outside of quotes; write "{{{word}}}"'
    return None


def _bare(query: str) -> str:
    """What is neither string nor comment: there a word in braces can only be a placeholder."""
    return " ".join(piece for piece in PIECES.findall(query) if piece[0] not in "\"'`#")


def _partial(said: Any) -> str:
    """Warnings are of both; `isPartial` is VictoriaMetrics' when a part of its cluster did not answer."""
    if said.get("isPartial"):
        return "a part of the cluster did not answer"
    warnings = said.get("warnings") or []
    return f"the source warns: {warnings[0]}" if warnings else ""


def _buckets(found: list[Any], where: str) -> Known:
    """Counts by `le` add up in Prometheus; a Reading has each bucket alone."""
    if any("le" not in one["metric"] or len(one["metric"]) > 1 for one in found):
        raise Rejected(
            "metrics_ambiguous", f"{where} gives series by other labels than le", "sum by (le) (...)"
        )
    if not found:
        return "the query gives no series"
    counts = [(asking.bound_of(one["metric"]["le"]), asking.number(one["value"][1])) for one in found]
    known = sorted((bound, count) for bound, count in counts if count is not None)
    if len(known) < len(counts):
        return "the query gives no finite number"
    # Each series is extrapolated for itself, so that sums may fall by a trifle.
    sums = list(itertools.accumulate((count for _, count in known), max, initial=0.0))
    return tuple((bound, sums[i + 1] - sums[i]) for i, (bound, _) in enumerate(known))


def _is_source(prometheus: Prometheus) -> Metrics:
    return prometheus
