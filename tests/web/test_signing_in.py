"""The token opens the pages; nothing else does."""

from __future__ import annotations

import httpx2
from playwright.sync_api import expect
from tests.api.practice import TOKEN
from tests.web.conftest import Open
from tests.web.stage import Stage
from tests.web.window import Window


def test_the_token_opens_the_page_that_was_asked_for(window: Window) -> None:
    page = window.open("/services/shop/production")
    expect(page).to_have_url(f"{window.url}/login?next=%2Fservices%2Fshop%2Fproduction")
    page.get_by_label("Token").fill(TOKEN)
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{window.url}/services/shop/production")
    expect(page.get_by_role("heading", name="shop", level=1)).to_be_visible()


def test_a_wrong_token_is_refused_and_said(window: Window) -> None:
    window.expected.add("status of 401")
    page = window.open("/")
    page.get_by_label("Token").fill("ps_guessed")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("not known here")
    expect(page.get_by_label("Token")).to_have_value("")
    assert window.context.cookies() == []
    window.open("/history")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()


def test_signing_out_ends_it_in_this_browser_only(windows: Open) -> None:
    here, there = windows(), windows()
    page, other = here.sign_in(), there.sign_in()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Token")).to_be_visible()
    assert here.context.cookies() == []
    other.reload()
    expect(other.get_by_role("main")).to_contain_text("shop")


def test_a_one_time_link_opens_one_browser_once(windows: Open, plane: Stage) -> None:
    path = plane.post("/login-codes").json()["path"]
    first, second = windows(), windows()
    expect(first.open(path).get_by_role("main")).to_contain_text("shop")
    second.expected.add("status of 401")
    expect(second.open(path).get_by_role("alert")).to_contain_text("was used")


def test_a_one_time_link_signs_in_who_clicks_it_on_another_site(window: Window, plane: Stage) -> None:
    path = plane.post("/login-codes").json()["path"]
    window.page.goto(f"data:text/html,<a href='{window.url}{path}?next=/history'>the link</a>")
    window.page.get_by_role("link").click()
    expect(window.page).to_have_url(f"{window.url}/history")
    expect(window.page.get_by_role("heading", level=1)).to_have_text("History")


def test_no_script_can_read_the_session_and_the_token_is_nowhere(window: Window) -> None:
    page = window.sign_in()
    (session,) = window.context.cookies()
    assert session.get("httpOnly")
    assert session.get("sameSite") == "Strict"
    assert page.evaluate("document.cookie") == ""
    kept = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, location.href])")
    assert TOKEN not in kept + str(session) + page.content()


def test_every_page_forbids_what_it_does_not_need(plane: Stage, window: Window) -> None:
    window.sign_in()
    cookies = {one["name"]: one["value"] for one in window.context.cookies()}
    with httpx2.Client(base_url=plane.url, cookies=cookies, trust_env=False) as http:
        for path in ("/login", "/", "/services/shop/production", "/history", "/nothing/here"):
            headers = http.get(path).headers
            policy = headers["content-security-policy"]
            assert "default-src 'self'" in policy
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            assert headers["x-content-type-options"] == "nosniff"
