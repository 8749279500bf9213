"""Every console block of every page runs, in order, and shows what the page says it shows."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.docs.pages import Page, commands, pages
from tests.docs.stage import perform

PLAYED = sorted(
    (page for page in pages() if any(block.language == "console" for block in page.blocks)),
    key=lambda page: -sum(len(commands(block)) for block in page.blocks if block.language == "console"),
)
"""The long ones first, so that no worker is left alone with one."""


@pytest.mark.timeout(900)  # a page is some dozens of commands, on a machine that may be busy
@pytest.mark.skipif(shutil.which("curl") is None, reason="apt-get install curl")
@pytest.mark.parametrize("page", PLAYED, ids=lambda page: page.name)
def test_what_the_page_shows_happens(page: Page, tmp_path: Path) -> None:
    perform(page, tmp_path)
