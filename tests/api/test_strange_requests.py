"""No request, however strange, is an internal error, and none leaves anything behind."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx2
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.api.practice import TOKEN, Plane, archive, practice, until

TEXT = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["shop", "production", "..", ".", "", "\0", "%00", "'; --", "sha256:" + "0" * 64, "0" * 12]
    ),
)
VALUE = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXT),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=5,
)  # fmt: skip
GETS = (
    "/services?service={0}", "/services/{0}/environments/{1}", "/services/{0}/environments/{1}/output?lines={2}&group={2}",
    "/rollouts?service={0}&environment={1}&limit={2}", "/rollouts/{0}?environment={1}", "/rollouts/{0}/verdict",
    "/releases/{0}?service={1}", "/events?after={0}&rollout={1}", "/history?service={0}&limit={1}", "/{0}", "/{0}/{1}",
)  # fmt: skip
POSTS = (
    "/spec", "/services/{0}/environments/{1}/rollouts", "/services/{0}/environments/{1}/rollback",
    "/rollouts/{0}/pause", "/rollouts/{0}/{1}", "/abort-all",
)  # fmt: skip
FIELDS = st.dictionaries(
    st.sampled_from(["files", "dry_run", "release", "strategy", "plan", "again", "to", "reason", "environment", "name", "text"]),
    VALUE, max_size=4,
)  # fmt: skip
STRANGE = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    with practice(tmp_path_factory.mktemp("plane")) as running:
        yield running


def answered(answer: httpx2.Response) -> None:
    assert answer.status_code < 500, answer.text
    json.loads(answer.text)
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"]


@given(st.sampled_from(GETS), st.lists(TEXT, min_size=3, max_size=3))
@STRANGE
def test_strange_questions(plane: Plane, path: str, parts: list[str]) -> None:
    filled = path.format(*(quote(part.encode("utf-8", "replace"), safe="") for part in parts))
    answer = plane.http.get(filled)
    assume(answer.request.url.path.startswith("/api/"))  # `/../..` has led the client to a page
    answered(answer)


@given(st.sampled_from(POSTS), st.lists(TEXT, min_size=2, max_size=2), st.one_of(FIELDS, VALUE))
@STRANGE
def test_strange_orders(plane: Plane, path: str, parts: list[str], body: Any) -> None:
    filled = path.format(*(quote(part.encode("utf-8", "replace"), safe="") for part in parts))
    answered(plane.http.post(filled, json=body))


@given(st.binary(max_size=200))
@STRANGE
def test_strange_bytes(plane: Plane, body: bytes) -> None:
    answered(plane.http.post("/spec", content=body, headers={"Content-Type": "application/json"}))
    answered(plane.http.put("/releases/sha256:" + "0" * 64, params={"service": "shop"}, content=body))
    token = bytes(byte for byte in body if byte > 32 and byte != 127)
    answered(plane.http.get("/services", headers=[(b"Authorization", b"Bearer x" + token)]))


def test_an_upload_that_breaks_off_leaves_nothing(plane: Plane) -> None:
    body, digest = archive({"bin/serve": b"x" * 3_000_000})
    address = urlsplit(plane.url)
    with socket.create_connection((str(address.hostname), int(address.port or 0))) as connection:
        head = (
            f"PUT /api/v1/releases/{digest}?service=shop HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Authorization: Bearer {TOKEN}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        connection.sendall(head.encode() + body[:2_000_000])
    until(lambda: not list((plane.directory / "spool").iterdir()))
    assert plane.http.get(f"/releases/{digest}", params={"service": "shop"}).status_code == 404
    assert not plane.context.artifacts.has(digest)


def test_the_spool_is_not_in_memory(plane: Plane) -> None:
    """An upload of many times what may rest in memory; the process grows by a part of it."""
    size = 200_000_000
    body, digest = archive({"bin/serve": b"\0" * 10})
    before = _resident()

    def stream() -> Iterator[bytes]:
        yield body.ljust(20_480, b"\0")
        for _ in range(size // 1_000_000):
            yield b"\0" * 1_000_000

    answer = plane.http.put(
        f"/releases/{digest}", params={"service": "shop", "version": "1"}, content=stream()
    )
    assert answer.status_code in (201, 422), answer.text
    assert _resident() - before < size / 4


def _resident() -> int:
    """Bytes of this process in memory."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024
