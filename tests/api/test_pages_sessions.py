"""Who may see the pages, and whose forms are taken."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.api.practice import TOKEN
from tests.api.still import Still, browser, sign_in, still

from plainsail.app.access import hash_token
from plainsail.app.sessions import CODE_LASTS, LASTS, Sessions
from plainsail.ports.errors import Rejected

PLACES = ("/", "/history", "/services/shop/production", "/rollouts/r-1", "/ask/abort-all", "/anything")


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Still]:
    with still(tmp_path_factory.mktemp("plane")) as running:
        yield running


@pytest.mark.parametrize("place", PLACES)
def test_whoever_is_not_signed_in_is_led_to_the_sign_in_page_and_back(plane: Still, place: str) -> None:
    stranger = browser(plane.url)
    answer = stranger.get(place)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login")
    asked = stranger.get(answer.headers["location"])
    assert asked.status_code == 200
    assert f'name="next" value="{place}"' in asked.text


def test_a_script_is_told_so_without_a_page_in_its_place(plane: Still) -> None:
    answer = browser(plane.url).get("/live/services", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "/login")


def test_the_token_gives_a_session_that_does_not_contain_it(plane: Still) -> None:
    client = browser(plane.url)
    wrong = sign_in(client, "ps_guessed")
    assert wrong.status_code == 401
    assert "not known here" in wrong.text
    assert "ps_guessed" not in wrong.text
    right = sign_in(client)
    cookie = right.headers["set-cookie"]
    assert right.status_code == 303
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    assert TOKEN not in cookie
    assert hash_token(TOKEN) not in cookie
    assert client.get("/").status_code == 200


def test_a_session_outlives_a_restart_and_ends_with_the_token(tmp_path: Path) -> None:
    with still(tmp_path) as first:
        cookies = dict(first.browser.cookies)
    with still(tmp_path) as second:
        client = browser(second.url)
        client.cookies.update(cookies)
        assert client.get("/").status_code == 200
    with still(tmp_path, token="ps_another") as third:
        client = browser(third.url)
        client.cookies.update(cookies)
        assert client.get("/").status_code == 303


def test_a_session_ends_in_time_and_can_not_be_made_longer() -> None:
    now = [1000.0]
    sessions = Sessions(hash_token(TOKEN), lambda: now[0])
    session = sessions.begin()
    assert sessions.identify(session).name == "owner"
    longer = re.sub(r"^\d+", str(int(LASTS * 10)), session)
    for forged in (longer, session[:-1], session + "0", "", ".", "1.2.3", "9" * 400, "é.é"):
        with pytest.raises(Rejected):
            sessions.identify(forged)
    now[0] += LASTS + 1
    with pytest.raises(Rejected) as over:
        sessions.identify(session)
    assert over.value.code == "session_over"


def test_the_cookie_opens_no_api_and_the_token_no_page(plane: Still) -> None:
    assert plane.browser.get("/api/v1/services").status_code == 401
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    assert browser(plane.url).get("/", headers=bearer).status_code == 303


def test_a_link_signs_in_once(plane: Still) -> None:
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    assert browser(plane.url).post("/api/v1/login-codes").status_code == 401
    given = browser(plane.url).post("/api/v1/login-codes", headers=bearer).json()
    assert TOKEN not in given["path"]
    client = browser(plane.url)
    led = client.get(given["path"], params={"next": "/services/shop"})
    assert (
        led.status_code == 200
    )  # led on by a redirect, who comes from another site would come without the cookie
    assert '<meta http-equiv="refresh" content="0; url=/services/shop">' in led.text
    assert "SameSite=strict" in led.headers["set-cookie"]
    assert client.get("/").status_code == 200
    again = browser(plane.url).get(given["path"])
    assert again.status_code == 401
    assert "was used" in again.text


def test_a_link_leads_nowhere_else(plane: Still) -> None:
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    for place in ("//elsewhere.example/", "https://elsewhere.example/", "/\\elsewhere"):
        path = browser(plane.url).post("/api/v1/login-codes", headers=bearer).json()["path"]
        led = browser(plane.url).get(path, params={"next": place})
        assert 'content="0; url=/">' in led.text
        assert "elsewhere" not in led.text


def test_who_looks_whether_a_link_is_there_does_not_use_it_up(plane: Still) -> None:
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    path = browser(plane.url).post("/api/v1/login-codes", headers=bearer).json()["path"]
    assert "set-cookie" not in browser(plane.url).head(path).headers
    assert browser(plane.url).get(path).status_code == 200


def test_a_link_is_good_for_a_minute() -> None:
    now = [1000.0]
    sessions = Sessions(hash_token(TOKEN), lambda: now[0])
    code = sessions.give_code()
    now[0] += CODE_LASTS + 1
    assert not sessions.take_code(code)


@pytest.mark.parametrize(
    "place", ["//elsewhere.example/", "https://elsewhere.example/", "/\\elsewhere", "/login"]
)
def test_nobody_is_led_elsewhere(plane: Still, place: str) -> None:
    answer = browser(plane.url).post("/login", data={"token": TOKEN, "next": place})
    assert answer.headers["location"] == "/"


@pytest.mark.parametrize("origin", [None, "null", "https://elsewhere.example", "http://127.0.0.1:1"])
@pytest.mark.parametrize("place", ["/login", "/abort-all", "/services/shop/production/deploy", "/logout"])
def test_forms_of_other_sites_are_refused(plane: Still, origin: str | None, place: str) -> None:
    client = browser(plane.url)
    client.cookies.update(dict(plane.browser.cookies))
    del client.headers["Origin"]
    headers = {"HX-Request": "true", **({"Origin": origin} if origin else {})}
    assert client.post(place, data={"token": TOKEN}, headers=headers).status_code == 403


def test_a_form_carries_its_session(plane: Still) -> None:
    assert plane.browser.post("/abort-all", data={"form_token": "guessed"}).status_code == 403
    assert plane.browser.post("/abort-all").status_code == 403
    asked = plane.browser.get("/ask/abort-all").text
    token = re.findall(r'name="form_token" value="([0-9a-f]+)"', asked)[0]
    assert plane.browser.post("/abort-all", data={"form_token": token}).status_code == 303
    other = browser(plane.url)
    sign_in(other)
    assert other.post("/abort-all", data={"form_token": token}).status_code == 403


def test_a_name_that_was_pointed_at_us_is_refused(plane: Still) -> None:
    answer = plane.browser.get("/", headers={"Host": "elsewhere.example"})
    assert answer.status_code == 403


def test_signing_out_forgets(plane: Still) -> None:
    client = browser(plane.url)
    sign_in(client)
    assert client.post("/logout").headers["location"] == "/login"
    assert client.get("/").status_code == 303
