"""Much at once: a thousand events a second, ten thousand services."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.web.stage import Stage, stage
from tests.web.test_following import SHOP, legend
from tests.web.window import Window

from plainsail.domain.events import Event

SECONDS = 5.0
A_SECOND = 1000

_COUNT = """seconds => new Promise(done => {
  let frames = 0, updates = 0;
  const end = performance.now() + seconds * 1000;
  const watch = new MutationObserver(() => { updates += 1; });
  watch.observe(document.body, {subtree: true, childList: true, characterData: true, attributes: true});
  const frame = now => {
    frames += 1;
    if (now < end) requestAnimationFrame(frame);
    else { watch.disconnect(); done({frames, updates}); }
  };
  requestAnimationFrame(frame);
})"""


@pytest.mark.parametrize("path", [SHOP, "/"])
def test_a_thousand_events_a_second_do_not_make_it_stutter(plane: Stage, window: Window, path: str) -> None:
    plane.live("v1")
    plane.canary("v2")
    page = window.sign_in(path)
    expect(page.locator("#contact")).to_have_text("Live")
    before = plane.store.events(-1, limit=1)[-1].id
    flood = Flood(plane)
    flood.start()
    busy = watched(page)
    flood.end()
    written = plane.store.events(-1, limit=1)[-1].id - before
    assert written > A_SECOND  # however slow the machine is, these are many more than a page can draw
    assert busy["frames"] > SECONDS  # it never stood still for long
    assert busy["updates"] < written / 2  # the newest state is drawn, not each event
    expect(page.locator("#contact")).to_have_text("Live")
    plane.steer("abort", reason="enough")
    if path == SHOP:
        expect(legend(page)).to_have_text(["live v1 100 %"])
        expect(page.locator("#events")).to_contain_text("enough")
        assert page.locator("#events li").count() <= 100


class Flood(threading.Thread):
    """Writes events of the shop for as long as it is let."""

    def __init__(self, plane: Stage) -> None:
        super().__init__(daemon=True)
        self._plane, self._enough = plane, threading.Event()

    def run(self) -> None:
        began, written = time.monotonic(), 0
        while not self._enough.wait(0.05):
            due = int((time.monotonic() - began) * A_SECOND) - written
            self._plane.flood([
                Event("drift_corrected", self._plane.world.now, "shop", "production", reason=f"number {written + n}")
                for n in range(due)
            ])  # fmt: skip
            written += due

    def end(self) -> None:
        self._enough.set()
        self.join(30)


def watched(page: Page) -> Any:
    """Frames, and how often the page was changed (by however much at once), in some seconds."""
    return page.evaluate(_COUNT, SECONDS)


@pytest.mark.timeout(300)
def test_of_ten_thousand_services_one_is_found_and_opened(browser: Browser, tmp_path: Path) -> None:
    with stage(tmp_path, spec=many(10_000), idle=True) as plane:
        window = Window(browser, plane.url)
        page = window.sign_in("/")
        expect(page.locator("#summary")).to_contain_text("10,000 services")
        assert page.locator("tr[data-service]").count() <= 100
        page.get_by_role("link", name="Next").click()
        expect(page.locator("#services")).to_contain_text("Page 2 of")
        page.get_by_role("searchbox").fill("service-08765")
        expect(page.locator("tr[data-service]")).to_have_count(1)
        page.get_by_role("link", name="service-08765", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("service-08765")
        assert window.wrong == []
        window.context.close()


def many(count: int) -> str:
    return "\n".join([
        "schema: 1",
        "environments:",
        "  production: {router: {haproxy: {listen: 127.0.0.1:8081}}}",
        "services:",
        *(
            f"  service-{n:05}: {{run: {{command: [bin/serve]}}, in: {{production: {{hosts: [s{n}.example]}}}}}}"
            for n in range(count)
        ),
        "",
    ])  # fmt: skip
