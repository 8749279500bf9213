"""A page that lost its control plane says so, and catches up on everything by itself when it is back."""

from __future__ import annotations

import time

from playwright.sync_api import Page, Route, expect
from tests.api.practice import until
from tests.web.conftest import Open
from tests.web.stage import Stage
from tests.web.test_following import SHOP, has_stayed, legend, stays
from tests.web.window import Window
from tests.web.wire import Wire, wire

LOST = {"Failed to load resource", "htmx:"}
"""What the console says while contact is lost on purpose."""


def test_a_cut_network_is_said_and_caught_up_on(plane: Stage, windows: Open) -> None:
    with wire(plane.port) as line:
        window, page = followed(plane, windows, line)
        window.expected |= LOST
        line.cut()
        expect(page.locator("#contact")).to_contain_text("No contact")
        v2 = half_way(plane)
        expect(legend(page)).to_have_text(["live v1 100 %"])  # what it last knew, and says how old that is
        line.mend()
        caught_up(page, plane, v2)


def test_a_network_that_falls_silent_is_noticed_too(plane: Stage, windows: Open) -> None:
    """No connection breaks; there is only nothing any more."""
    with wire(plane.port) as line:
        window, page = followed(plane, windows, line)
        window.expected |= LOST
        line.fall_silent()
        expect(page.locator("#contact")).to_contain_text("No contact")
        v2 = half_way(plane)
        line.mend()
        caught_up(page, plane, v2)


def test_a_control_plane_that_is_started_again_is_found_again(plane: Stage, window: Window) -> None:
    """On the same port, with its store; the session holds, and so does the rollout."""
    plane.live("v1")
    v2 = plane.canary("v2")
    page = window.sign_in(SHOP)
    stays(page)
    expect(legend(page)).to_have_text(["live v1 90 %", "candidate v2 10 %"])
    window.expected |= LOST
    plane.stop()
    expect(page.locator("#contact")).to_contain_text("No contact")
    plane.start()
    plane.steer("advance")
    until(lambda: plane.share(v2) == 5000)
    caught_up(page, plane, v2)


def test_scripts_that_come_late_are_waited_for(plane: Stage, window: Window) -> None:
    plane.live("v1")
    page = window.sign_in("/history")
    for late in ("hx-sse.min.js", "plainsail.js", "htmx.min.js"):
        page.route(f"**/{late}", slowly)
        page.goto(f"{plane.url}{SHOP}", wait_until="commit")
        expect(page.locator("#contact")).to_have_text("Live")
        expect(page.locator("#contact")).to_have_attribute("data-state", "live")
        until(lambda: page.evaluate("() => Boolean(document.querySelector('#stream')._htmx?.sse?.reader)"))
        page.unroute(f"**/{late}")


def slowly(route: Route) -> None:
    time.sleep(0.5)
    route.continue_()


def test_a_page_whose_first_connection_fails_begins_another(plane: Stage, windows: Open) -> None:
    """The page came through, and then the network broke."""
    plane.live("v1")
    with wire(plane.port) as line:
        window = windows(url=line.url)
        page = window.sign_in(SHOP)
        window.expected |= LOST
        page.route("**/live/**", lambda route: route.abort())
        page.reload()
        expect(page.locator("#contact")).to_contain_text("No contact")
        page.unroute("**/live/**")
        expect(page.locator("#contact")).to_have_text("Live")
        plane.canary("v2")
        expect(legend(page)).to_have_text(["live v1 90 %", "candidate v2 10 %"])


def test_a_button_pressed_without_contact_says_that_it_is_not_known(plane: Stage, windows: Open) -> None:
    plane.live("v1")
    plane.canary("v2")
    with wire(plane.port) as line:
        window = windows(url=line.url)
        page = window.sign_in(SHOP)
        window.expected |= LOST
        line.cut()
        page.get_by_role("button", name="Pause").click()
        expect(page.locator("#notice")).to_contain_text("look before you try again")
        assert plane.rollout()["phase"] == "progressing"
        line.mend()
        expect(page.locator("#contact")).to_have_text("Live")
        page.get_by_role("button", name="Pause").click()
        until(lambda: plane.rollout()["phase"] == "paused")


def followed(plane: Stage, windows: Open, line: Wire) -> tuple[Window, Page]:
    """A page that follows v1, over a wire."""
    plane.live("v1")
    window = windows(url=line.url)
    page = window.sign_in(SHOP)
    stays(page)
    expect(page.locator("#contact")).to_have_text("Live")
    expect(legend(page)).to_have_text(["live v1 100 %"])
    return window, page


def half_way(plane: Stage) -> str:
    """Much happens: a canary, a pause, and half of the users."""
    v2 = plane.canary("v2")
    plane.steer("advance")
    until(lambda: plane.share(v2) == 5000)
    plane.steer("pause", "lunch")
    until(lambda: plane.rollout()["phase"] == "paused")
    plane.steer("resume")
    until(lambda: plane.rollout()["phase"] == "progressing")
    return v2


def caught_up(page: Page, plane: Stage, release: str) -> None:
    """Everything that happened is there, once each and in order, on the same page; and it goes on."""
    expect(page.locator("#contact")).to_have_text("Live")
    expect(legend(page)).to_have_text(["live v1 50 %", "candidate v2 50 %"])
    told = [one["id"] for one in plane.get("/events", service="shop", after=-1, limit=40)["events"]]
    expect(page.locator("#events li")).to_have_count(len(told))
    assert page.locator("#events li").evaluate_all("all => all.map(one => one.id)") == [
        f"event-{id}" for id in reversed(told)
    ]
    plane.steer("abort")
    expect(legend(page)).to_have_text(["live v1 100 %"])
    assert plane.share(release) == 0
    assert has_stayed(page)
