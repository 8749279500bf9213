"""What the pages say: nothing from outside runs in them, ten thousand services fit, and every state has its words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.api.practice import Plane, practice, until
from tests.api.still import Still, browser, sign_in, still

from plainsail.app.sessions import Sessions
from plainsail.domain.events import Event
from plainsail.domain.release import Release
from plainsail.ports.provider import OutputLine
from plainsail.ports.store import Key
from plainsail.web.assets import ASSETS
from plainsail.web.rendering import answer_time, digits

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
SHOP = "/services/shop/production"


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Still]:
    with still(tmp_path) as running:
        yield running


def harmless(text: str) -> None:
    """Nothing of it became markup, and nothing inline is in the page."""
    assert "<img" not in text
    assert "alert(1)</script>" not in text
    assert not re.search(r"<style|\sstyle=|\son\w+=[\"']|hx-on", re.sub(r"&[#\w]+;", "", text))
    scripts = re.findall(r"<script([^>]*)>([^<]*)</script>", text)
    assert all(not body.strip() or 'type="application/json"' in attributes for attributes, body in scripts)


def test_what_others_wrote_is_only_text(plane: Still) -> None:
    plane.live.lines = (
        OutputLine("g1-1", "g1", HOSTILE),
        OutputLine("g1-1", "g1", "\x1b[31mred\r\ndata: x\n\nevent: y"),
    )
    plane.live.troubles = {Key("shop", "production"): {"haproxy": HOSTILE}}
    plane.store.add_release(
        Release("sha256:" + "1" * 64, "shop", HOSTILE, 1.0),
        [Event("release_made", 1.0, "shop", "production", by=HOSTILE, reason=HOSTILE)],
    )
    places = (
        "/",
        SHOP,
        f"{SHOP}/ask/deploy",
        "/history",
        "/?q=" + HOSTILE,
        "/services/" + HOSTILE.replace("/", ""),
    )
    for place in places:
        answer = plane.browser.get(place)
        harmless(answer.text)
        assert answer.status_code == (404 if "services/<" in place else 200)
    assert "&lt;script&gt;" in plane.browser.get(SHOP).text


def test_what_others_wrote_is_only_text_in_the_stream_too(plane: Still) -> None:
    plane.live.lines = (
        OutputLine("g1-1", "g1", HOSTILE),
        OutputLine("g1-1", "g1", "red\r\ndata: x\n\nevent: forged"),
    )
    with plane.browser.stream("GET", f"/live{SHOP}") as stream:
        seen = ""
        for part in stream.iter_text():
            seen += part
            if "event: beat" in seen:
                break
    harmless(seen)
    assert "&lt;script&gt;" in seen
    assert not re.search(r"^event: forged", seen, re.M)


def test_a_reason_and_a_version_are_only_text(tmp_path: Path) -> None:
    with practice(tmp_path) as running:
        _check_reason(running)


def _check_reason(plane: Plane) -> None:
    client = browser(plane.url)
    sign_in(client)
    plane.live("v1")
    rollout = plane.deploy(plane.release(HOSTILE))
    until(lambda: plane.get(f"/rollouts/{rollout}")["step"] == 1)
    plane.post(f"/rollouts/{rollout}/pause", reason=HOSTILE)
    until(lambda: plane.get(f"/rollouts/{rollout}")["phase"] == "paused")
    for place in (
        "/",
        SHOP,
        f"/rollouts/{rollout}",
        "/history",
        f"{SHOP}/ask/abort",
        f"{SHOP}/ask/advance",
        "/ask/abort-all",
    ):
        answer = client.get(place)
        assert answer.status_code == 200
        harmless(answer.text)
    assert "&lt;script&gt;" in client.get(f"/rollouts/{rollout}").text


@pytest.mark.parametrize(
    "place", ["/", SHOP, "/login", "/nothing", "/rollouts/none", "/ask/abort-all", "/live/services"]
)
def test_every_answer_is_strict_with_the_browser(plane: Still, place: str) -> None:
    for client in (plane.browser, browser(plane.url)):
        with client.stream("GET", place) as answer:
            policy = answer.headers["content-security-policy"]
            assert "default-src 'self'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "same-origin"


def test_files_are_kept_for_ever_under_a_path_that_changes_with_them(plane: Still) -> None:
    stranger = browser(plane.url)
    page = stranger.get("/login").text
    names = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    assert names
    for name in names:
        answer = stranger.get(name)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["content-type"].split(";")[0] in (
            "text/css",
            "text/javascript",
            "image/svg+xml",
        )
    digest = names[0].split("/")[2]
    for other in (
        names[0].replace(digest, "0" * 12),
        f"/static/{digest}/..%2fpages.py",
        f"/static/{digest}/none.js",
    ):
        assert stranger.get(other).status_code == 404


def test_pages_are_kept_by_nobody(plane: Still) -> None:
    assert plane.browser.get(SHOP).headers["cache-control"] == "no-store"


def test_nothing_registered_says_the_first_two_commands(tmp_path: Path) -> None:
    with still(tmp_path, ()) as empty:
        text = empty.browser.get("/").text
    assert "plainsail init\nplainsail apply" in text


def test_a_service_without_a_release_says_how_to_bring_one(plane: Still) -> None:
    text = plane.browser.get(SHOP).text
    assert "Nothing runs here yet" in text
    assert "plainsail deploy shop DIRECTORY --to production" in text


def test_trouble_is_seen_at_a_glance(plane: Still) -> None:
    plane.live.troubles = {Key("shop", "staging"): {"haproxy": "the socket is gone"}}
    text = plane.browser.get("/").text
    assert "1 service in trouble" in text
    assert "haproxy: the socket is gone" in text
    assert "shop" in plane.browser.get("/?only=trouble").text
    assert "No rollout is under way" in plane.browser.get("/?only=busy").text


def test_what_is_not_there_is_said_in_a_page(plane: Still) -> None:
    for place, sentence in (
        ("/services/shopp", "There is no service"),
        ("/services/shop/moon", "There is no environment"),
        ("/rollouts/r-none", "There is no rollout"),
        ("/nowhere", "There is nothing at"),
    ):
        answer = plane.browser.get(place)
        assert answer.status_code == 404
        assert sentence in answer.text
        assert answer.headers["content-type"].startswith("text/html")
    assert plane.browser.get("/api/v1/nowhere").headers["content-type"] == "application/problem+json"


def test_the_head_of_a_page_is_that_of_the_page(plane: Still) -> None:
    style = ASSETS.url("plainsail.css")
    for place in ("/", SHOP, "/history", "/ask/abort-all", "/login", "/nowhere", "/services/shopp", style):
        whole, head = plane.browser.get(place), plane.browser.head(place)
        assert (head.status_code, head.content) == (whole.status_code, b"")
        assert head.headers["content-type"] == whole.headers["content-type"]
        assert head.headers.get("content-length") == whole.headers.get("content-length")
        assert head.headers["x-content-type-options"] == "nosniff"
    stranger = browser(plane.url).head("/history")
    assert (stranger.status_code, stranger.headers["location"]) == (303, "/login?next=%2Fhistory")


@pytest.mark.parametrize(
    ("value", "written"),
    [(0, "0"), (0.5, "0.5"), (0.0000123, "0.0000123"), (12.34, "12.3"), (100, "100"), (1234, "1,230"), (1e7, "10,000,000")],
)  # fmt: skip
def test_numbers_have_three_digits_and_no_exponent(value: float, written: str) -> None:
    assert digits(value) == written


@pytest.mark.parametrize(
    ("milliseconds", "written"), [(0.4, "0.4 ms"), (999.4, "999 ms"), (999.6, "1 s"), (1500, "1.5 s")]
)
def test_long_answers_are_in_seconds(milliseconds: float, written: str) -> None:
    assert answer_time(milliseconds) == written


def test_ten_thousand_services_are_paged_and_filtered(tmp_path: Path) -> None:
    names = tuple(f"service-{number:05}" for number in range(10_000))
    with still(tmp_path, names) as plane:
        first = plane.browser.get("/").text
        assert "10,000 services" in first
        assert re.findall(r'data-service="([^"]+)"', first) == list(names[:50])
        assert "Page 1 of 200" in first
        last = plane.browser.get("/?page=200").text
        assert re.findall(r'data-service="([^"]+)"', last) == list(names[-50:])
        assert re.findall(r'data-service="([^"]+)"', plane.browser.get("/?page=99999").text) == list(
            names[-50:]
        )
        found = plane.browser.get("/?q=0777").text
        assert re.findall(r'data-service="([^"]+)"', found) == [name for name in names if "0777" in name]
        assert "has “nothing-like-it” in its name" in plane.browser.get("/?q=nothing-like-it").text
        one = plane.browser.get("/services/service-07777/production")
        assert one.status_code == 200
        assert len(one.content) < 100_000


def test_a_glance_at_many_services_asks_no_more_of_the_store_than_at_few(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    for count in (60, 600):
        place = tmp_path / str(count)
        place.mkdir()
        with still(place, tuple(f"service-{number:05}" for number in range(count))) as plane:
            queries = [0]
            real = plane.store._rows

            def counted(query: object, real: object = real, queries: list[int] = queries) -> object:
                queries[0] += 1
                return real(query)  # type: ignore[operator]  # the store's own

            monkeypatch.setattr(plane.store, "_rows", counted)
            plane.browser.get("/")
            asked.append(queries[0])
    assert asked[0] == asked[1]


def test_a_session_that_ends_ends_its_stream(plane: Still, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = [False]
    real = Sessions.identify

    def identify(self: Sessions, value: str) -> object:
        return real(self, "" if ended[0] else value)

    monkeypatch.setattr(Sessions, "identify", identify)
    with plane.browser.stream("GET", "/live/services") as stream:
        for line in stream.iter_lines():
            if line.startswith("event: beat"):
                ended[0] = True
    assert ended[0]
