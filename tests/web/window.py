"""A browser window that notes what a person would not see: errors, foreign requests, broken policy."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from tests.api.practice import TOKEN

CHROMIUM = shutil.which("chromium")
MISSING = "needs Chromium: apt-get install chromium fonts-dejavu-core"
ARGUMENTS = [
    "--no-sandbox",  # CI runs as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 30_000
"""Milliseconds until something has to be seen; machines are slow at times."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's, with a profile of its own that is thrown away."""
    with sync_playwright() as playwright:
        playwright.selectors.set_test_id_attribute("data-test")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


class Window:
    """A person's browser: own cookies, one page at first. What went wrong unseen is in `wrong`."""

    def __init__(self, browser: Browser, url: str, **options: Any) -> None:
        self.url = url
        self.wrong: list[str] = []
        self.expected: set[str] = set()
        """Parts of messages that this story brings about on purpose."""
        self.context: BrowserContext = browser.new_context(
            **{"viewport": {"width": 1280, "height": 900}} | options
        )
        self.context.set_default_timeout(PATIENCE)
        self.context.on("page", self._watch)
        self.context.on("request", lambda request: self._own(request.url))
        self.context.add_init_script(
            "addEventListener('securitypolicyviolation', "
            "event => console.error('policy: ' + event.violatedDirective + ' ' + event.blockedURI))"
        )
        self.page: Page = self.context.new_page()

    def open(self, path: str = "/") -> Page:
        self.page.goto(self.url + path)
        return self.page

    def sign_in(self, path: str = "/") -> Page:
        self.open("/")
        self.page.get_by_label("Token").fill(TOKEN)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_selector("main")
        return self.open(path) if path != "/" else self.page

    def tab(self, path: str) -> Page:
        """Another one of the same person."""
        page = self.context.new_page()
        page.goto(self.url + path)
        return page

    def _watch(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.wrong.append(f"script: {error}"))
        page.on("console", lambda message: self._console(message.type, message.text))
        page.on("dialog", lambda dialog: dialog.dismiss())

    def _console(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and not any(part in text for part in self.expected):
            self.wrong.append(f"{kind}: {text}")

    def _own(self, url: str) -> None:
        if not url.startswith((self.url + "/", "data:", "blob:")):
            self.wrong.append(f"foreign: {url}")
