"""All services at a glance: what runs where, which share it has, and of ten thousand the one that is looked for."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect
from tests.web.stage import Stage
from tests.web.window import Window

from plainsail.domain.units import percent


def test_it_says_what_runs_where_and_which_share_it_has(plane: Stage, window: Window) -> None:
    v1 = plane.live("v1")
    page = window.sign_in()
    shop = cell(page, "shop", "production")
    assert plane.share(v1) == 10_000
    expect(shop).to_contain_text("v1")
    expect(shop).to_have_accessible_name(re.compile(r"v1 has all users"))
    expect(cell(page, "search", "production")).to_contain_text("nothing yet")
    v2 = plane.canary("v2")
    expect(shop).to_contain_text("v2")  # by itself
    assert plane.share(v2) == 1000
    bar = shop.get_by_role("img")
    expect(bar).to_have_accessible_name(f"v1 {percent(9000)} of the users, v2 {percent(1000)} of the users")
    expect(page.locator("#summary")).to_contain_text("1 rollout under way")


def test_the_filter_leaves_what_is_asked_for(plane: Stage, window: Window) -> None:
    plane.live("v1")
    plane.canary("v2")
    page = window.sign_in()
    expect(rows(page)).to_have_count(2)
    page.get_by_role("searchbox").press_sequentially("sea")
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text(["search"])
    page.get_by_role("searchbox").fill("")
    expect(rows(page)).to_have_count(2)
    page.get_by_role("radio", name="Under way").check()
    expect(rows(page)).to_contain_text(["shop"])
    expect(page).to_have_url(re.compile("only=busy"))
    page.reload()  # the address says it all
    expect(rows(page)).to_contain_text(["shop"])


def test_what_is_not_there_is_said(window: Window) -> None:
    page = window.sign_in("/?q=nobody")
    expect(page.get_by_role("main")).to_contain_text("nobody")
    page.get_by_role("link", name="Show all").click()
    expect(rows(page)).to_have_count(2)


def cell(page: Page, service: str, environment: str) -> Locator:
    return page.locator(f"tr[data-service={service}]").get_by_role(
        "link", name=re.compile(f"^{service} in {environment}:")
    )


def rows(page: Page) -> Locator:
    return page.locator("tr[data-service]")
