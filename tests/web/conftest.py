"""Chromium, a control plane with pages in a simulated world, and a window on it in which nothing may go wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from tests.web.stage import Stage, stage
from tests.web.window import CHROMIUM, MISSING, PATIENCE, Window, chromium

expect.set_options(timeout=PATIENCE)

Open = Callable[..., Window]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for a file, not for the session: while it is there, this thread has a running event loop, and a test of others
    could have none of its own."""
    if CHROMIUM is None:
        pytest.skip(MISSING)
    with chromium() as one:
        yield one


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path) as one:
        yield one


@pytest.fixture
def windows(browser: Browser, plane: Stage) -> Iterator[Open]:
    """Opens windows of different people; in none of them may anything go wrong unseen."""
    opened: list[Window] = []

    def new(url: str = plane.url, **options: Any) -> Window:
        opened.append(Window(browser, url, **options))
        return opened[-1]

    yield new
    for one in opened:
        one.context.close()
    assert [wrong for one in opened for wrong in one.wrong] == []


@pytest.fixture
def window(windows: Open) -> Window:
    return windows()
