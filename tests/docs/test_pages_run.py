"""Every console block of every page runs, in order, and shows what the page says it shows."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.docs.pages import Page, pages
from tests.docs.stage import perform

PLAYED = [page for page in pages() if any(block.language == "console" for block in page.blocks)]


@pytest.mark.skipif(shutil.which("curl") is None, reason="apt-get install curl")
@pytest.mark.parametrize("page", PLAYED, ids=lambda page: page.name)
def test_what_the_page_shows_happens(page: Page, tmp_path: Path) -> None:
    perform(page, tmp_path)
