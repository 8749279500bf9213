"""nginx's way: `split_clients` between upstreams that keep their connections; each change writes the file and sends SIGHUP
(https://nginx.org/en/docs/control.html).

The newer one has `keepalive_min_timeout`, made so that a reload does not close a connection on which a request may be
under way (https://nginx.org/en/docs/http/ngx_http_core_module.html#keepalive_min_timeout, since 1.27.4).
"""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from bench.rig.machine import family, version
from bench.rig.way import Table, await_port, connected
from plainsail.testing.conformance.bench import free_port


class Nginx:
    """A new file and SIGHUP for each change."""

    def __init__(self, directory: Path, program: str, *, keeps: bool) -> None:
        directory.mkdir(parents=True)
        self.port = free_port()
        self._directory, self._program, self._keeps = directory, program, keeps
        number = version(program, "-v")
        self.name = f"nginx {number} reload"
        with_timeout = " and `keepalive_min_timeout 10s`" if keeps else ""
        self.note = f"`split_clients`, new file and SIGHUP{with_timeout}, one worker"
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self, table: Table) -> None:
        self._write(table)
        self._process = self._launch()
        await_port(self.port)

    def _launch(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [self._program, "-p", str(self._directory), "-c", "nginx.conf"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    async def apply(self, table: Table) -> None:
        assert self._process is not None
        self._write(table)
        self._process.send_signal(signal.SIGHUP)

    async def left(self, instance: str, port: int) -> bool:
        return not connected(port)

    def pids(self) -> list[int]:
        assert self._process is not None
        return family(self._process.pid)

    async def end(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait()

    def _write(self, table: Table) -> None:
        upstreams = "\n".join(
            f"upstream {group} {{ {' '.join(f'server 127.0.0.1:{port} max_fails=0;' for port in its.values())} keepalive 64; }}"
            for group, its in table.members.items() if its
        )  # fmt: skip
        *small, largest = sorted(table.split, key=lambda group: table.split[group])
        parts = "".join(f"{table.split[group] / 100:.2f}% {group}; " for group in small if table.split[group])
        text = NGINX.format(
            user="user root; " if os.getuid() == 0 else "",
            keep="keepalive_min_timeout 10s;" if self._keeps else "",
            upstreams=upstreams, split=f"{parts}* {largest};", port=self.port,
        )  # fmt: skip
        fresh = self._directory / "nginx.conf.new"
        fresh.write_text(text)
        fresh.rename(self._directory / "nginx.conf")


NGINX = """\
{user}daemon off; worker_processes 1; pid nginx.pid; error_log error.log warn;
events {{ worker_connections 4096; }}
http {{
    access_log off; keepalive_timeout 60s; keepalive_requests 100000000; {keep}
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    map $http_upgrade $connection_upgrade {{ default upgrade; "" ""; }}
    split_clients $request_id $group {{ {split} }}
    {upstreams}
    server {{
        listen 127.0.0.1:{port} backlog=1024;
        location / {{
            proxy_pass http://$group; proxy_http_version 1.1; proxy_set_header Host $host; proxy_buffering on;
            proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;
        }}
    }}
}}
"""
