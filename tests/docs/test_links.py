"""Every link leads somewhere: pages, anchors, images, files of the repository."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.docs.pages import ROOT, Page, page, pages

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
TAG = re.compile(r"<(?:a|img|source)\b[^>]*?(?:href|src|srcset)=\"([^\"]+)\"")
PAGES = [*pages(), page(ROOT / "CONTRIBUTING.md"), page(ROOT / "ARCHITECTURE.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Page) -> None:
    dead = [target for target in _links(page) if not _leads(page, target)]
    assert not dead


def test_pages_say_nothing_of_where_they_were_made() -> None:
    """No path of a machine and no index of packages."""
    assert not [page.name for page in PAGES if re.search(r"/work/|/root/|pypi|npmjs", page.text)]


def _links(page: Page) -> list[str]:
    prose = re.sub(r"`[^`\n]*`", "", page.prose())
    return [*LINK.findall(prose), *TAG.findall(prose)]


def _leads(here: Page, target: str) -> bool:
    if re.match(r"[a-z]+:", target):
        return target.startswith("https://")
    path, _, anchor = target.partition("#")
    there = (here.path.parent / path).resolve() if path else here.path
    if not there.is_file() or not there.is_relative_to(ROOT):
        return False
    return not anchor or anchor in _anchors(there)


def _anchors(path: Path) -> set[str]:
    return page(path).anchors()
