"""The sources that keep series: Prometheus, VictoriaMetrics, Graphite."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import socket
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request

from plainsail.testing.conformance.metrics import remote_write, servers
from plainsail.testing.conformance.metrics.bench import HttpBench, Kind, Series
from plainsail.testing.conformance.metrics.door import Behind, server_at
from plainsail.testing.conformance.metrics.known import GAUGE
from plainsail.testing.conformance.metrics.plain import PARTS


class PrometheusBench(HttpBench):
    """Counters that are scraped each second."""

    tolerance = 0.1
    """increase() extrapolates to both ends of the window, at most by a scrape each: 1 s of 10."""

    @staticmethod
    def server() -> str:
        return servers.prometheus()

    def behind(self) -> Behind:
        return server_at(self.server())

    async def put(self, *series: Series) -> None:
        """Prometheus has it when it has answered."""
        written = remote_write.body((self._labels(one), _samples(one)) for one in _cumulative(series))
        request = Request(f"{self.server()}/api/v1/write", written, remote_write.HEADERS)  # noqa: S310  (http, ours)
        with servers.DIRECT.open(request, timeout=20):
            pass

    def queries(self, kind: Kind) -> dict[str, str]:
        match kind:
            case "wrong":
                return {"value": "sum(increase("}
            case "several":
                return {"value": 'requests{service="{service}",group="{group}"}'}
            case "infinite":
                return {"value": f"{_rise('failures')} / {_rise('failures')}"}
            case "value":
                return {
                    "value": "sum(last_over_time(memory{service=\"{service}\",group='{group}'}[{window}]))"
                }
            case "histogram":
                return {"buckets": _rise("seconds", "sum by (le)")}
            case "by_instance":
                return {
                    "requests": _rise("requests").replace("{service=", '{instance=~"{instances}",service=')
                }
            case _:
                return {part: _rise(what) for part, what in PARTS[kind].items()}

    def _labels(self, one: Series) -> dict[str, str]:
        bound = {"le": one.le} if one.le else {}
        return {
            "__name__": one.name, "service": self.service, "group": one.group, "instance": one.instance, **bound,
        }  # fmt: skip


class VictoriaMetricsBench(PrometheusBench):
    """The same API; what is put in is made to be seen at once."""

    registered = False

    @staticmethod
    def server() -> str:
        return servers.victoria_metrics()

    async def put(self, *series: Series) -> None:
        await super().put(*series)
        with servers.DIRECT.open(f"{self.server()}/internal/force_flush", timeout=20):
            pass


class GraphiteBench(HttpBench):
    """Counts of each second, as StatsD would write them."""

    histograms = False

    def behind(self) -> Behind:
        return server_at(servers.graphite()[0])

    async def put(self, *series: Series) -> None:
        """Carbon takes lines and says nothing; they are there when they can be seen."""
        address, port = servers.graphite()
        lines = [
            f"{self._path(one)} {value:.17g} {at}\n" for one in series for at, value in one.points.items()
        ]
        with socket.create_connection(("127.0.0.1", port), timeout=20) as carbon:
            carbon.sendall("".join(lines).encode())
        for one in series:
            at = max(one.points)
            asked = f"{address}/render?format=json&noCache=1&target={quote(self._path(one))}&from={at - 1}&until={at}"
            servers.until(lambda asked=asked, value=one.points[at]: _last(asked) == value)  # type: ignore[misc]  # defaults bind the loop's

    def queries(self, kind: Kind) -> dict[str, str]:
        series = "{service}.{group}.*."
        match kind:
            case "wrong":
                return {"value": f"nonsense({series}requests)"}
            case "several":
                return {"value": f"{series}requests"}
            case "infinite":
                return {"value": f"divideSeries(sumSeries({series}failures),sumSeries({series}failures))"}
            case "by_instance":
                return {"requests": "sumSeries({service}.{group}.{instances}.requests)"}
            case _:
                return {part: f"sumSeries({series}{what})" for part, what in PARTS[kind].items()}

    def _path(self, one: Series) -> str:
        return ".".join(
            re.sub(r"[^A-Za-z0-9_-]", "_", node) for node in (self.service, one.group, one.instance, one.name)
        )


def _rise(name: str, how: str = "sum") -> str:
    return how + "(increase(" + name + '{service="{service}",group="{group}"}[{window}]))'


def _cumulative(series: tuple[Series, ...]) -> list[Series]:
    """A histogram's buckets as Prometheus has them: each with all that is below it."""
    plain = [one for one in series if not one.le]
    sums: list[Series] = []
    for one in sorted((one for one in series if one.le), key=lambda one: float(one.le)):
        below = sums[-1].points if sums else {}
        sums.append(
            Series(one.name, one.group, {at: n + below.get(at, 0) for at, n in one.points.items()}, le=one.le)
        )
    return plain + sums


def _samples(one: Series) -> dict[float, float]:
    """What is counted only grows, from 0."""
    if one.name == GAUGE:
        return {float(at): value for at, value in one.points.items()}
    times = sorted(one.points)
    return {
        times[0] - 1: 0.0, **dict(zip(times, itertools.accumulate(one.points[at] for at in times), strict=True)),
    }  # fmt: skip


def _last(address: str) -> float | None:
    """None: not there yet. While Carbon makes a series' file, Graphite answers 500."""
    found = []
    with contextlib.suppress(HTTPError), servers.DIRECT.open(address, timeout=20) as answer:
        found = json.loads(answer.read())
    return found[0]["datapoints"][-1][0] if found else None
