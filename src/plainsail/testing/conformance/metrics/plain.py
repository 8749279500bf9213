"""The sources that are of nobody in particular: JSON over HTTP, and a command."""

from __future__ import annotations

import json
import shlex
import sys
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import msgspec

from plainsail.testing.conformance.metrics import known
from plainsail.testing.conformance.metrics.bench import HttpBench, Kind, MetricsBench, Series
from plainsail.testing.conformance.metrics.door import Behind

PARTS: dict[Kind, dict[str, str]] = {
    "counts": {"requests": "requests", "failures": "failures"},
    "by_instance": {"requests": "requests"},
    "mean": {"count": "units", "sum": "total", "squares": "squares"},
    "value": {"value": "memory"},
    "histogram": {"buckets": "seconds"},
    "wrong": {"value": "wrong"},
    "several": {"value": "several"},
    "infinite": {"value": "infinite"},
}
"""What is asked for, by part."""


class JsonBench(HttpBench):
    """A server as a shop would write one: `GET /kpi?group=...&since=...&until=...` answers with an object of numbers."""

    def open(self) -> None:
        self.history: list[Series] = []
        super().open()

    def behind(self) -> Behind:
        def answer(method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
            asked = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
            if urlsplit(path).path != "/kpi" or asked.get("service") != self.service:
                return 404, b"no such page"
            window = float(asked["since"]), float(asked["until"])
            history = msgspec.to_builtins(self.history, str_keys=True)
            said: dict[str, Any] = {
                one.name: known.found(history, one.name, asked["group"], window, asked.get("instances", ""))
                for one in self.history
            }
            rows = [{"name": name, "n": value} for name, value in said.items()]
            return 200, json.dumps(
                {"of": {asked["group"]: said}, "rows": rows, "infinite": float("nan")}
            ).encode()

        return answer

    async def put(self, *series: Series) -> None:
        self.history += series

    def queries(self, kind: Kind) -> dict[str, str]:
        address = "/kpi?service={service}&group={group}&since={since}&until={until}"
        match kind:
            case "wrong":
                return {"value": "/nowhere $.orders"}
            case "several":
                return {"value": f"{address} $.rows[?@.n == 20].n"}
            case "infinite":
                return {"value": f"{address} $.infinite"}
            case "by_instance":
                address += "&instances={instances}"
            case _:
                pass
        return {part: f'{address} $.of["{{group}}"].{what}' for part, what in PARTS[kind].items()}


class CommandBench(MetricsBench):
    """A program that looks into a file."""

    several = False

    def open(self) -> None:
        self.file = self.directory / "history of a 'shop'.json"
        self.history: list[Series] = []
        self.trouble = ""
        self._write()

    async def put(self, *series: Series) -> None:
        self.history += series
        self._write()

    def queries(self, kind: Kind) -> dict[str, str]:
        program = [sys.executable, "-I", "-S", known.__file__, str(self.file)]
        end = ' "{group}" {since} {until}' + (" {instances}" if kind == "by_instance" else "")
        return {part: f"{shlex.join([*program, what])}{end}" for part, what in PARTS[kind].items()}

    def fall(self, trouble: Literal["gone", "silent", "endless"]) -> None:
        self.trouble = trouble
        self._write()

    def recover(self) -> None:
        self.trouble = ""
        self._write()

    def _write(self) -> None:
        kept = {"trouble": self.trouble, "history": self.history}
        self.file.write_bytes(json.dumps(msgspec.to_builtins(kept, str_keys=True)).encode())
