"""A rollout is followed as it happens, on a page that is never loaded again."""

from __future__ import annotations

import re
from functools import partial

from playwright.sync_api import Locator, Page, expect
from tests.api.practice import until
from tests.web.stage import Stage
from tests.web.window import Window

from plainsail.testing.world import Behaviour

SHOP = "/services/shop/production"


def test_a_canary_is_followed_to_all_users(plane: Stage, window: Window) -> None:
    v1 = plane.live("v1")
    page = window.sign_in(SHOP)
    stays(page)
    expect(legend(page)).to_have_text(["live v1 100 %"])
    v2 = plane.canary("v2")
    expect(legend(page)).to_have_text(["live v1 90 %", "candidate v2 10 %"])
    expect(steps(page, "now")).to_contain_text("10 %")
    expect(page.locator("#verdict")).to_contain_text("Not sure yet")
    expect(page.locator("#instances")).to_contain_text("v2")
    plane.steer("advance")
    until(lambda: plane.share(v2) == 5000)
    expect(legend(page)).to_have_text(["live v1 50 %", "candidate v2 50 %"])
    expect(steps(page, "now")).to_contain_text("50 %")
    expect(steps(page, "done").first).to_be_visible()
    expect(page.locator("#events")).to_contain_text("by owner")
    plane.steer("advance")
    ended = until(lambda: one if (one := plane.rollout())["ended_at"] else None)
    assert ended["phase"] == "succeeded"
    assert plane.share(v2) == 10_000
    assert plane.share(v1) == 0
    expect(legend(page)).to_have_text(["live v2 100 %"])
    expect(page.locator("#rollouts tbody tr")).to_have_count(2)
    assert has_stayed(page)


def test_a_bad_release_is_seen_going_back_and_why(plane: Stage, window: Window) -> None:
    v1 = plane.live("v1")
    page = window.sign_in(SHOP)
    stays(page)
    bad = plane.release("v2-bad", Behaviour(errors=0.4))
    plane.deploy(bad)
    ended = until(
        lambda: one if (one := plane.rollout())["version"] == "v2-bad" and one["ended_at"] else None
    )
    assert ended["phase"] == "rolled_back"
    assert plane.share(v1) == 10_000
    expect(legend(page)).to_have_text(["live v1 100 %"])
    expect(page.locator("#verdict")).to_contain_text(ended["verdict"]["sentence"])
    expect(page.locator("#rollouts tbody tr").first).to_contain_text("rolled back")
    expect(page.locator("#rollouts tbody tr").first).to_contain_text(ended["reason"])
    expect(page.locator("#facts")).to_contain_text("v2-bad")  # in quarantine
    assert has_stayed(page)
    page.locator("#rollouts tbody tr").first.get_by_role("link").click()
    expect(page.locator("#rollout")).to_contain_text(ended["reason"][1:])
    expect(page.get_by_role("heading", level=1)).to_contain_text("v2-bad")


def test_the_charts_have_lines_of_both_releases(plane: Stage, window: Window) -> None:
    plane.live("v1")
    page = window.sign_in(SHOP)
    plane.canary("v2", Behaviour(errors=0.01, slow=0.02))
    for chart in ("chart-share", "chart-failed", "chart-slow", "chart-rate"):
        figure = page.get_by_test_id(chart)
        expect(figure.locator(".values > span")).to_have_text(
            [re.compile("^v1 [0-9]"), re.compile("^v2 [0-9]")]
        )
        until(partial(both_inks, figure))


def test_what_the_instances_say_is_shown_and_followed(plane: Stage, window: Window) -> None:
    plane.live("v1")
    page = window.sign_in(SHOP)
    output = page.get_by_test_id("output")
    expect(output).to_contain_text("line 100")
    plane.engine.said = (*plane.engine.said, "a line of now")
    expect(output).to_contain_text("a line of now")
    assert output.evaluate("box => box.scrollHeight - box.scrollTop - box.clientHeight < 24")
    output.evaluate("box => box.scrollTop = 0")
    plane.engine.said = (*plane.engine.said, "a line of later")
    expect(output).to_contain_text("a line of later")
    assert output.evaluate("box => box.scrollTop") == 0  # whoever reads further up is left there


def test_a_rollout_has_a_page_of_its_own_while_it_runs_and_after(plane: Stage, window: Window) -> None:
    plane.live("v1")
    plane.canary("v2")
    id = plane.rollout()["id"]
    page = window.sign_in(f"/rollouts/{id}")
    stays(page)
    expect(page.locator("#rollout")).to_contain_text("Progressing")
    plane.steer("abort", reason="the menu is upside down")
    expect(page.locator("#rollout")).to_contain_text("Aborted")
    expect(page.locator("#rollout")).to_contain_text("he menu is upside down")
    assert has_stayed(page)
    window.open("/history")
    expect(page.get_by_role("main")).to_contain_text("the menu is upside down")


def legend(page: Page) -> Locator:
    return page.locator("#state .legend li")


def steps(page: Page, mark: str) -> Locator:
    return page.locator(f"#steps li.{mark}")


def stays(page: Page) -> None:
    """From here on a load of the page is noticed."""
    page.evaluate("window.stays = true")


def has_stayed(page: Page) -> bool:
    return bool(page.evaluate("window.stays === true"))


def both_inks(figure: Locator) -> bool:
    return inks(figure) == {"--live", "--candidate"}


def inks(figure: Locator) -> set[str]:
    """Which of the page's colours of releases are drawn with, in its canvas; read from a copy, which the page won't notice."""
    return set(figure.locator("canvas").evaluate(_INKS))


_INKS = """canvas => {
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', {willReadFrequently: true});
  const read = (w, h) => copy.getImageData(0, 0, w, h).data;
  const style = getComputedStyle(document.documentElement);
  return ['--live', '--candidate'].filter(name => {
    copy.fillStyle = style.getPropertyValue(name);
    copy.fillRect(0, 0, 1, 1);
    const [r, g, b] = read(1, 1);
    copy.clearRect(0, 0, canvas.width, canvas.height);
    copy.drawImage(canvas, 0, 0);
    const data = read(canvas.width, canvas.height);
    let count = 0;
    for (let i = 0; i < data.length; i += 4)
      if (data[i] === r && data[i + 1] === g && data[i + 2] === b && data[i + 3] === 255) count += 1;
    return count > 20;
  });
}"""
