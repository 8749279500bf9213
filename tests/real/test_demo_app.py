"""The demo's shop: it does what it is told, and streams."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.real.provider_site import SHOP
from websockets.sync.client import connect


@contextmanager
def shop(directory: Path, **behaviour: object) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """It runs, and its `host:port`."""
    (directory / "serve.py").write_text(SHOP.read_text())
    (directory / "behaviour.json").write_text(json.dumps(behaviour))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "serve.py", "--port", str(port)]
    with subprocess.Popen(command, cwd=directory, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield process, f"127.0.0.1:{port}"
        finally:
            process.kill()


def ask(address: str, path: str = "/", body: bytes | None = None) -> tuple[int, dict[str, str]]:
    try:
        with urllib.request.urlopen(f"http://{address}{path}", body, timeout=20) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_it_answers_with_its_version(tmp_path: Path) -> None:
    with shop(tmp_path, version="7") as (process, address):
        assert ask(address) == (200, {"version": "7", "instance": str(process.pid)})
        assert ask(address, body=b"x" * 100_000)[0] == 200
        assert ask(address, "/healthz") == (200, {})
        assert ask(address, "/nothing")[0] == 404


def test_the_environment_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_FAIL_RATE", "1")
    with shop(tmp_path, fail_rate=0) as (_, address):
        assert ask(address)[0] == 500
        assert ask(address, "/healthz")[0] == 200


def test_it_fails_as_often_as_it_is_told(tmp_path: Path) -> None:
    with shop(tmp_path, fail_rate=0.5) as (_, address):
        assert {ask(address)[0] for _ in range(60)} == {200, 500}


def test_it_is_slow_when_told(tmp_path: Path) -> None:
    with shop(tmp_path, delay=0.3) as (_, address):
        began = time.monotonic()
        ask(address)
        assert time.monotonic() - began >= 0.3


def test_it_is_unready_when_told(tmp_path: Path) -> None:
    with shop(tmp_path, never_ready=True) as (_, address):
        assert ask(address, "/healthz")[0] == 503
        assert ask(address)[0] == 200


def test_it_crashes_when_told(tmp_path: Path) -> None:
    with shop(tmp_path, crash_after_requests=2) as (process, address):
        ask(address)
        with pytest.raises(OSError):
            ask(address)
        assert process.wait(20) == 1


def test_pipelined_requests_are_answered_in_order(tmp_path: Path) -> None:
    with shop(tmp_path, delay=0.05) as (_, address):
        host, port = address.split(":")
        with socket.create_connection((host, int(port)), timeout=20) as client:
            client.sendall(b"GET / HTTP/1.1\r\n\r\nGET /nothing HTTP/1.1\r\nConnection: close\r\n\r\n")
            received = b""
            while chunk := client.recv(4096):
                received += chunk
        assert received.index(b" 200 ") < received.index(b" 404 ")


def test_sigterm_ends_it_when_everybody_has_an_answer(tmp_path: Path) -> None:
    with shop(tmp_path, delay=0.5) as (process, address):
        host, port = address.split(":")
        with (
            socket.create_connection((host, int(port)), timeout=20) as idle,
            socket.create_connection((host, int(port)), timeout=20) as client,
        ):
            client.sendall(b"GET / HTTP/1.1\r\n\r\n")
            time.sleep(0.1)
            process.send_signal(signal.SIGTERM)
            answer = client.recv(4096)
            assert answer.startswith(b"HTTP/1.1 200 ")
            assert b"Connection: close" in answer
            assert idle.recv(10) == b""
        assert process.wait(20) == 0


def test_events_flow(tmp_path: Path) -> None:
    with shop(tmp_path, version="7", tick=0.01) as (process, address):
        with urllib.request.urlopen(f"http://{address}/events", timeout=20) as stream:
            assert stream.headers["Content-Type"] == "text/event-stream"
            lines = [stream.readline() for _ in range(9)]
        assert lines[6] == b"id: 2\n"
        assert json.loads(lines[7].removeprefix(b"data: "))["version"] == "7"
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_a_websocket_echoes(tmp_path: Path) -> None:
    with shop(tmp_path) as (process, address), connect(f"ws://{address}/ws") as client:
        for message in ("hallo", "ü" * 300, os.urandom(70_000), "", b"\0"):
            client.send(message)
            assert client.recv(timeout=20) == message
        assert client.ping().wait(20)
        process.send_signal(signal.SIGTERM)
        with pytest.raises(Exception, match="1001"):
            client.recv(timeout=20)
        assert process.wait(20) == 0


def test_a_wrong_key_ends_it(tmp_path: Path) -> None:
    with shop(tmp_path, fial_rate=0.5) as (process, _):
        assert process.wait(20) == 1


def test_many_connections_at_once(tmp_path: Path) -> None:
    async def one(host: str, port: int) -> bytes:
        reader, writer = await asyncio.open_connection(host, port)
        answers = b""
        for _ in range(20):
            writer.write(b"GET / HTTP/1.1\r\n\r\n")
            answers += await reader.readuntil(b"}")
        writer.close()
        return answers

    async def all_of_them(host: str, port: int) -> list[bytes]:
        return await asyncio.gather(*(one(host, port) for _ in range(100)))

    with shop(tmp_path) as (_, address):
        host, port = address.split(":")
        answers = asyncio.run(all_of_them(host, int(port)))
        assert sum(answer.count(b"HTTP/1.1 200 OK") for answer in answers) == 2000
