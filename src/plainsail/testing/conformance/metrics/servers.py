"""Real servers of this machine for the time of a test run: each started once, and ended with the run."""

from __future__ import annotations

import atexit
import contextlib
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

import pytest

from plainsail.testing.conformance.bench import PATIENCE, free_port

DIRECT = build_opener(ProxyHandler({}))
WITH_US = ("setpriv", "--pdeathsig", "KILL")
"""Put before a command: it is ended when we are, however that may be."""
_children: list[subprocess.Popen[bytes]] = []
_places: list[tempfile.TemporaryDirectory[str]] = []


@cache
def prometheus() -> str:
    """The address of Debian's Prometheus, which takes remote writes."""
    place, port = _place("prometheus"), free_port()
    (place / "prometheus.yml").write_text("global: {}\n")
    _start(
        place, f"http://127.0.0.1:{port}/-/ready",
        ["prometheus", f"--config.file={place}/prometheus.yml", f"--storage.tsdb.path={place}/data", "--log.level=warn",
         f"--web.listen-address=127.0.0.1:{port}", "--web.enable-remote-write-receiver"],
    )  # fmt: skip
    return f"http://127.0.0.1:{port}"


@cache
def victoria_metrics() -> str:
    """The address of Debian's VictoriaMetrics."""
    place, port = _place("victoria-metrics"), free_port()
    _start(
        place, f"http://127.0.0.1:{port}/health",
        ["victoria-metrics", f"-storageDataPath={place}/data", f"-httpListenAddr=127.0.0.1:{port}", "-loggerLevel=WARN"],
    )  # fmt: skip
    return f"http://127.0.0.1:{port}"


@cache
def graphite() -> tuple[str, int]:
    """Debian's Graphite: the address of its pages, and the port where Carbon takes lines."""
    place = _place("carbon-cache")
    ports = {name: free_port() for name in ("lines", "pickles", "cache", "web")}
    (place / "storage" / "whisper").mkdir(parents=True)
    (place / "carbon.conf").write_text(CARBON.format(place=place, **ports))
    (place / "storage-schemas.conf").write_text("[all]\npattern = .*\nretentions = 1s:1h\n")
    (place / "practice_settings.py").write_text(SETTINGS.format(place=place, **ports))
    (place / "practice_web.py").write_text(WEB.format(**ports))
    _start(place, "", ["carbon-cache", f"--config={place}/carbon.conf", "--nodaemon", "start"])
    until(lambda: _connects(ports["lines"]) and _connects(ports["cache"]))
    address = f"http://127.0.0.1:{ports['web']}"
    _start(
        place, f"{address}/render?format=json&target=x", ["/usr/bin/python3", str(place / "practice_web.py")]
    )
    return address, ports["lines"]


def _place(program: str) -> Path:
    if shutil.which(program) is None:
        package = {"carbon-cache": "graphite-carbon graphite-web"}.get(program, program)
        pytest.skip(f"there is no {program}: apt-get install {package}")
    _places.append(tempfile.TemporaryDirectory(prefix="plainsail-", ignore_cleanup_errors=True))
    return Path(_places[-1].name)


def _start(place: Path, ready: str, argv: Sequence[str]) -> None:
    with (place / "output").open("ab") as output:
        child = subprocess.Popen(
            [*WITH_US, *argv], cwd=place, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    _children.append(child)
    end = time.monotonic() + PATIENCE
    while ready and not _answers(ready):
        assert child.poll() is None, f"{argv[0]} ended: {(place / 'output').read_text()[-2000:]}"
        assert time.monotonic() < end, f"{argv[0]} is not ready after {PATIENCE:g} s"
        time.sleep(0.05)


@atexit.register
def _end() -> None:
    for child in _children:
        child.kill()
        child.wait()
    for place in _places:
        place.cleanup()


def _answers(address: str) -> bool:
    with contextlib.suppress(OSError), DIRECT.open(address, timeout=5) as answer:
        return bool(answer.status == 200)
    return False


def _connects(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
        return True
    return False


def until(holds: Callable[[], bool]) -> None:
    """Blocks until a server has what was put into it."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, f"after {PATIENCE:g} s the server has not what was put into it"
        time.sleep(0.02)


CARBON = """\
[cache]
STORAGE_DIR = {place}/storage/
LOCAL_DATA_DIR = {place}/storage/whisper/
CONF_DIR = {place}/
LOG_DIR = {place}/
PID_DIR = {place}/
DATABASE = whisper
MAX_CACHE_SIZE = inf
MAX_UPDATES_PER_SECOND = inf
MAX_CREATES_PER_MINUTE = inf
LINE_RECEIVER_INTERFACE = 127.0.0.1
LINE_RECEIVER_PORT = {lines}
PICKLE_RECEIVER_INTERFACE = 127.0.0.1
PICKLE_RECEIVER_PORT = {pickles}
CACHE_QUERY_INTERFACE = 127.0.0.1
CACHE_QUERY_PORT = {cache}
ENABLE_TAGS = False
"""
SETTINGS = """\
SECRET_KEY = "practice"
CONF_DIR = "{place}"
STORAGE_DIR = "{place}/storage"
STANDARD_DIRS = [WHISPER_DIR := "{place}/storage/whisper"]
LOG_DIR = "{place}"
INDEX_FILE = "{place}/storage/index"
CARBONLINK_HOSTS = ["127.0.0.1:{cache}"]
DATABASES = {{"default": {{"NAME": "{place}/graphite.db", "ENGINE": "django.db.backends.sqlite3"}}}}
ALLOWED_HOSTS = ["*"]
"""
WEB = """\
import os
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIServer, make_server

os.environ |= {{"DJANGO_SETTINGS_MODULE": "graphite.settings", "GRAPHITE_SETTINGS_MODULE": "practice_settings"}}
from graphite.wsgi import application


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 128


make_server("127.0.0.1", {web}, application, server_class=Server).serve_forever()
"""
