"""Whatever a person or a program wrote is text, wherever it is shown."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from tests.api.practice import until
from tests.web.looks import too_wide
from tests.web.stage import Stage
from tests.web.test_following import SHOP
from tests.web.window import Window

EVIL = """<img src=x onerror=alert(1)>'"</script><script>document.title='owned'</script>${7*7}{{7*7}}\u202e&lt;b&gt;"""
LINES = (
    EVIL,
    "x" * 5_000,
    "\x1b[31mred\x1b[0m\x00\x07",
    "\ud7ff\ufffd\u200b\u0301" * 50,
    "data: forged\n\nevent: beat\ndata: {}",
    "</div></main><hx-partial hx-target='#state'>gone</hx-partial>",
)


@pytest.mark.parametrize("width", [360, 1280])
def test_reasons_versions_and_output_are_text(plane: Stage, window: Window, width: int) -> None:
    plane.live("v1")
    version = '<b onmouseover="alert(1)">2</b>&amp;' + "y" * 30
    page = window.sign_in(SHOP)
    page.set_viewport_size({"width": width, "height": 800})
    plane.engine.said = LINES
    evil = plane.canary(version)
    expect(page.locator("#state .legend")).to_contain_text(version)
    expect(page.get_by_test_id("output")).to_contain_text("<img src=x onerror=alert(1)>")
    expect(page.get_by_test_id("output")).to_contain_text("</main><hx-partial hx-target='#state'>")
    assert too_wide(page) == []
    plane.steer("abort", reason=EVIL[:200])
    until(lambda: plane.share(evil) == 0)
    expect(page.locator("#rollouts")).to_contain_text("<img src=x onerror=alert(1)>")
    for path in ("/", "/history", f"/rollouts/{plane.rollout()['id']}", SHOP):
        window.open(path)
        expect(page.get_by_role("main")).to_contain_text("onerror=alert(1)")
        assert "owned" not in page.title()
        assert page.locator("main img, main script[src], main b[onmouseover]").count() == 0
        assert too_wide(page) == []


def test_an_address_is_not_taken_at_its_word(window: Window) -> None:
    window.expected.add("status of 404")
    page = window.sign_in("/?q=<script>document.title='owned'</script>")
    expect(page.get_by_role("searchbox")).to_have_value("<script>document.title='owned'</script>")
    assert page.title() != "owned"
    for path in (
        "/services/<script>alert(1)/production",
        "/rollouts/%3Cimg%20src=x%3E",
        "/%00",
        "/..%2f..%2fetc",
    ):
        window.open(path)
        expect(page.get_by_role("link", name="All services")).to_be_visible()
    page.context.clear_cookies()
    for place in ("//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"):
        window.open(f"/login?next={place}")
        assert page.locator("input[name=next]").get_attribute("value") == "/"
