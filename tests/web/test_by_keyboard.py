"""No mouse is needed, and one always sees where one is."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from tests.api.practice import TOKEN, until
from tests.web.stage import Stage
from tests.web.window import Window


def test_from_signing_in_to_a_paused_rollout_without_a_mouse(plane: Stage, window: Window) -> None:
    plane.live("v1")
    v2 = plane.canary("v2")
    page = window.open("/")
    page.keyboard.type(TOKEN)  # the field has the focus already
    page.keyboard.press("Enter")
    expect(page.locator("tr[data-service]")).to_have_count(2)
    expect(page.locator("#contact")).to_have_text("Live")
    page.keyboard.press("/")
    page.keyboard.type("sho")
    expect(page.locator("tr[data-service]")).to_have_count(1)
    tab_to(page, "shop in production")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("shop")
    tab_to(page, "Pause")
    assert outlined(page)
    page.keyboard.press("Enter")
    until(lambda: plane.rollout()["phase"] == "paused")
    expect(page.locator("#state .sentence")).to_contain_text("Paused")
    assert focused(page) == "Resume"  # the same place, and the way back
    tab_to(page, "Abort…")
    page.keyboard.press("Enter")
    question = page.get_by_role("dialog")
    expect(question).to_be_visible()
    page.keyboard.press("Escape")
    expect(question).to_be_hidden()
    assert focused(page).startswith("Abort")  # back where one was
    assert plane.share(v2) == 1000
    page.keyboard.press("Enter")
    expect(question.get_by_label("Reason")).to_be_focused()
    page.keyboard.type("by keyboard")
    page.keyboard.press("Enter")
    until(lambda: plane.rollout()["phase"] == "aborted")
    assert "by keyboard" in plane.rollout()["reason"]


def test_shortcuts_do_what_their_list_says(plane: Stage, window: Window) -> None:
    plane.live("v1")
    plane.canary("v2")
    page = window.sign_in("/services/shop/production")
    expect(page.locator("#contact")).to_have_text("Live")
    page.keyboard.press("?")
    shortcuts = page.get_by_role("dialog")
    expect(shortcuts).to_contain_text("to Pause or Resume; Enter does it")
    page.keyboard.press("Escape")
    page.keyboard.press("p")
    assert focused(page) == "Pause"
    assert plane.rollout()["phase"] == "progressing"  # a key that slipped does nothing yet
    page.keyboard.press("Enter")
    until(lambda: plane.rollout()["phase"] == "paused")
    expect(page.get_by_role("button", name="Resume")).to_be_focused()
    page.keyboard.press("Enter")
    until(lambda: plane.rollout()["phase"] == "progressing")
    page.keyboard.press("a")
    expect(page.get_by_role("dialog")).to_contain_text("Abort the rollout of shop in production?")
    page.keyboard.press("p")  # typed into the reason; nothing is paused by it
    expect(page.get_by_label("Reason")).to_have_value("p")
    page.keyboard.press("Escape")
    assert plane.rollout()["phase"] == "progressing"
    dark = page.evaluate(GROUND)
    page.keyboard.press("t")
    assert page.evaluate(GROUND) != dark
    page.keyboard.press("g")
    page.keyboard.press("h")
    expect(page.get_by_role("heading", level=1)).to_contain_text("History")
    page.keyboard.press("g")
    page.keyboard.press("s")
    expect(page.locator("tr[data-service]")).to_have_count(2)


def test_what_has_the_focus_keeps_it_while_the_page_moves(plane: Stage, window: Window) -> None:
    """A person is about to press Enter; what they mean must not move away below their finger."""
    plane.live("v1")
    v2 = plane.canary("v2")
    page = window.sign_in("/services/shop/production")
    tab_to(page, "Abort…")
    plane.steer("advance")
    until(lambda: plane.share(v2) == 5000)
    expect(page.locator("#state .legend")).to_contain_text("50 %")
    assert focused(page).startswith("Abort")


GROUND = "getComputedStyle(document.body).backgroundColor"


def tab_to(page: Page, name: str) -> None:
    """Press Tab until what is so called has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if focused(page).startswith(name):
            return
    raise AssertionError(f"no {name} among 60 stops")


def focused(page: Page) -> str:
    return str(
        page.evaluate("(document.activeElement.ariaLabel || document.activeElement.innerText || '').trim()")
    )


def outlined(page: Page) -> bool:
    """Whether what has the focus shows it."""
    return bool(page.evaluate(
        "(style => (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1) || style.boxShadow !== 'none')"
        "(getComputedStyle(document.activeElement))"
    ))  # fmt: skip
