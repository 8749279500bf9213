"""Every bench works: a few seconds each, nothing timed. What is published is what was measured."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from bench.__main__ import BENCHES
from bench.report import ABOUTS, PAGE, images, page
from bench.results import KEPT, kept

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", BENCHES)
def test_it_runs(name: str) -> None:
    before = {path.name: path.read_bytes() for path in KEPT.glob("*.json")}
    done = subprocess.run(
        [sys.executable, "-m", "bench", name, "--quick"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert "| --- |" in done.stdout
    assert {path.name: path.read_bytes() for path in KEPT.glob("*.json")} == before, "nothing quick is kept"


def test_the_page_is_what_the_report_makes_of_the_results() -> None:
    assert PAGE.read_text() == page(kept()), "run: python -m bench report"


def test_the_images_are_too() -> None:
    for name, text in images(kept()).items():
        assert (PAGE.parent / "images" / f"{name}.svg").read_text() == text, "run: python -m bench report"


def test_every_bench_is_on_the_page() -> None:
    assert {about.bench for about in ABOUTS} == set(BENCHES) == set(kept())


def test_results_are_small_and_name_no_machine() -> None:
    for path in KEPT.glob("*.json"):
        assert path.stat().st_size < 100_000
        assert "/tmp/" not in path.read_text()
