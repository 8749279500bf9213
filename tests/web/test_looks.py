"""Light, dark, narrow and wide: everything fits, can be read, and is said without colour too."""

from __future__ import annotations

import re
from typing import Literal

import pytest
from playwright.sync_api import expect
from tests.api.practice import until
from tests.web.conftest import Open
from tests.web.looks import faint, nameless, too_wide
from tests.web.stage import Stage
from tests.web.test_following import SHOP

from plainsail.testing.world import Behaviour

WIDTHS = (360, 390, 768, 1280, 1920)


@pytest.fixture
def busy(plane: Stage) -> Stage:
    """One release live, one taken back, and one on its way that is paused."""
    plane.live("v1")
    plane.deploy(plane.release("v2-bad", Behaviour(errors=0.4)))
    until(lambda: one if (one := plane.rollout())["version"] == "v2-bad" and one["ended_at"] else None)
    plane.canary("v3", Behaviour(errors=0.003, slow=0.01))
    return plane


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_and_can_be_read(busy: Stage, windows: Open, scheme: Literal["light", "dark"]) -> None:
    window = windows(color_scheme=scheme)
    page = window.open("/login")
    assert (faint(page), nameless(page), too_wide(page)) == ([], [], [])
    window.sign_in()
    ended = next(
        one["id"] for one in busy.get("/rollouts", service="shop")["rollouts"] if one["version"] == "v2-bad"
    )
    for path in (
        "/",
        SHOP,
        "/services/search/production",
        "/history",
        f"/rollouts/{ended}",
        f"{SHOP}/ask/abort",
    ):
        window.open(path)
        expect(page.get_by_role("main")).to_be_visible()
        page.wait_for_timeout(1500)  # what the stream and the charts bring
        assert faint(page) == [], path
        assert nameless(page) == [], path
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            page.wait_for_timeout(100)
            assert too_wide(page) == [], (path, width)


def test_a_chosen_theme_stays_and_is_read_as_well(busy: Stage, windows: Open) -> None:
    window = windows(color_scheme="light")
    page = window.sign_in(SHOP)
    page.get_by_role("button", name="Light or dark").click()
    assert faint(page) == []
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert faint(page) == []


def test_questions_fit_and_can_be_read(busy: Stage, windows: Open) -> None:
    window = windows(viewport={"width": 360, "height": 640})
    page = window.sign_in(SHOP)
    for verb in ("Advance…", "Abort…"):
        page.get_by_role("group", name="Steer").get_by_role("link", name=verb).click()
        question = page.get_by_role("dialog")
        expect(question).to_be_visible()
        expect(page.locator(".htmx-request")).to_have_count(
            0
        )  # what waits for an answer is dimmed on purpose
        assert (faint(page), nameless(page), too_wide(page)) == ([], [], [])
        box = question.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360
        page.keyboard.press("Escape")


def test_without_colours_it_says_the_same(busy: Stage, windows: Open) -> None:
    """Every colour repeats a word, a mark or a pattern."""
    page = windows(forced_colors="active").sign_in(SHOP)
    expect(page.locator("#state .legend li")).to_have_text(
        [re.compile("live v1 90 %"), re.compile("candidate v3 10 %")]
    )
    expect(page.locator("#steps li[aria-current=step]")).to_contain_text("(now)")
    expect(page.locator("#verdict")).to_contain_text("Not sure yet")
    expect(page.locator("#rollouts")).to_contain_text("rolled back")
    expect(page.locator("#instances")).to_contain_text("ready")
    for figure in page.locator("figure.chart:visible").all():
        names = ("harm", "safe") if figure.get_attribute("data-trail") else ("v1", "v3")
        for name in names:
            expect(figure.locator("figcaption")).to_contain_text(name)


def test_a_screen_reader_is_told_the_same(busy: Stage, windows: Open) -> None:
    page = windows().sign_in(SHOP)
    tree = page.get_by_role("main").aria_snapshot()
    for part in (
        'heading "shop" [level=1]', 'heading "Steps" [level=2]', 'group "Steer"', 'button "Pause"', 'link "Abort…"',
        'img "v1 90 % of the users, v3 10 % of the users"', 'columnheader "candidate"',
    ):  # fmt: skip
        assert part in tree
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.locator("h1").count() == 1
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(one => one.id)")
    assert len(ids) == len(set(ids))
    said = page.locator("[role=status], [aria-live=polite]").evaluate_all("all => all.map(one => one.id)")
    assert {"contact", "notice"} <= set(said)


def test_who_wants_no_motion_gets_none(busy: Stage, windows: Open) -> None:
    page = windows(reduced_motion="reduce").sign_in(SHOP)
    page.wait_for_timeout(1000)
    assert page.evaluate("document.getAnimations().filter(one => one.playState === 'running').length") == 0
