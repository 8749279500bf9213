"""Caddy's way: weighted round robin, changed by PATCH on the admin API, which is a graceful reload inside
(https://caddyserver.com/docs/api).

`stream_close_delay` keeps WebSockets open over it (https://github.com/caddyserver/caddy/issues/5471).
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
from pathlib import Path

from bench.rig.machine import family, version
from bench.rig.way import Table, await_port, connected
from plainsail.testing.conformance.bench import free_port


class Caddy:
    """PATCH on the admin API for each change."""

    def __init__(self, directory: Path, program: str) -> None:
        directory.mkdir(parents=True)
        self.port, self._admin = free_port(), free_port()
        self._directory, self._program = directory, program
        self.name = f"Caddy {version(program, 'version')} PATCH"
        self.note = "weighted round robin, PATCH on the admin API, `stream_close_delay 1h`, one core"
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self, table: Table) -> None:
        route = {"handle": [_reverse_proxy(table)]}
        config = {
            "admin": {"listen": f"127.0.0.1:{self._admin}", "config": {"persist": False}},
            "logging": {"logs": {"default": {"level": "ERROR"}}},
            "apps": {
                "http": {
                    "servers": {
                        "shop": {
                            "listen": [f"127.0.0.1:{self.port}"],
                            "automatic_https": {"disable": True},
                            "routes": [route],
                        }
                    }
                }
            },
        }
        file = self._directory / "caddy.json"
        file.write_text(json.dumps(config))
        self._process = self._launch(file)
        await_port(self.port)

    def _launch(self, file: Path) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [self._program, "run", "--config", str(file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={"HOME": str(self._directory), "PATH": os.defpath, "GOMAXPROCS": "1"},
        )  # fmt: skip

    async def apply(self, table: Table) -> None:
        asked = http.client.HTTPConnection("127.0.0.1", self._admin, timeout=30)
        asked.request(
            "PATCH", "/id/split", json.dumps(_reverse_proxy(table)), {"Content-Type": "application/json"}
        )
        answer = asked.getresponse()
        words = answer.read()
        asked.close()
        assert answer.status == 200, words

    async def left(self, instance: str, port: int) -> bool:
        return not connected(port)

    def pids(self) -> list[int]:
        assert self._process is not None
        return family(self._process.pid)

    async def end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def _reverse_proxy(table: Table) -> dict[str, object]:
    """Each instance with its group's share over the group's size."""
    upstreams, weights = [], []
    for group, its in table.members.items():
        if table.split.get(group) and its:
            upstreams += [{"dial": f"127.0.0.1:{port}"} for port in its.values()]
            weights += [table.split[group] // len(its)] * len(its)
    return {
        "@id": "split",
        "handler": "reverse_proxy",
        "stream_close_delay": "1h",
        "transport": {"protocol": "http", "keep_alive": {"max_idle_conns_per_host": 128}},
        "load_balancing": {
            "selection_policy": {"policy": "weighted_round_robin", "weights": weights},
            "retries": 2,
        },
        "upstreams": upstreams,
    }
