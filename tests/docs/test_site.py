"""The pages build as a site, strictly and without any other host."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests.docs import site
from tests.docs.pages import DOCS, ROOT


def test_every_page_is_in_the_navigation() -> None:
    assert not site.misplaced()


def test_the_site_builds_and_asks_nobody(tmp_path: Path) -> None:
    shutil.copy(ROOT / "zensical.toml", tmp_path)
    shutil.copytree(DOCS, tmp_path / "docs")
    builder = Path(sys.executable).with_name("zensical")
    done = subprocess.run(
        [builder, "build", "--clean", "--strict"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    site.keep_at_home(tmp_path / "site")
    assert (tmp_path / "site" / "tutorial.html").exists()
    assert not site.foreign(tmp_path / "site")


def test_what_is_foreign_is_found(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(
        '<script src="https://cdn.example/x.js"></script><a href="https://elsewhere.example/">out</a>'
    )
    (tmp_path / "look.css").write_text('body{background:url("//cdn.example/x.png")}')
    (tmp_path / "code.js").write_text('load("https://cdn.example/y.js")')
    assert len(site.foreign(tmp_path)) == 3
    site.keep_at_home(tmp_path)
    assert len(site.foreign(tmp_path)) == 2
