"""Golden stories: each file in `simulated` is a command and what it says, the whole way of a rollout for people to read.

After a change on purpose: `python -m tests.stories.test_simulated` writes what is said now; read the difference before you
keep it. Each strategy meets each behaviour; a few more tell of other files and of little traffic.
"""

from __future__ import annotations

import io
import shlex
from contextlib import chdir, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import pytest
from cyclopts import App

from plainsail.local.simulate.command import simulate

STORIES = Path(__file__).parent / "simulated"
FILES = STORIES / "files"
PAGE = Path(__file__).parents[2] / "docs/how-to/simulate.md"
PICTURE = PAGE.with_suffix(".svg")
STRATEGIES = ("canary", "blue-green", "recreate")
BEHAVIOURS = ("good", "errors:2%", "latency:+50%", "crash:30s", "never-ready")


def said(command: str, place: Path = FILES) -> str:
    """What the command writes; it is run beside the files of the stories."""
    words = shlex.split(command.removeprefix("$ plainsail simulate"))
    app = App()
    app.default(simulate)
    told = io.StringIO()
    with (
        chdir(place),
        redirect_stdout(told),
        mock.patch.dict("os.environ", {"COLUMNS": "100", "NO_COLOR": "1"}),
    ):
        app(words, exit_on_error=False, print_error=False, result_action="return_value")
    return told.getvalue()


@pytest.mark.parametrize("story", sorted(STORIES.glob("*.txt")), ids=lambda story: story.stem)
def test_what_happens(story: Path) -> None:
    command, _, expected = story.read_text().partition("\n\n")
    assert said(command) == expected


def test_every_strategy_meets_every_behaviour() -> None:
    commands = [story.read_text().partition("\n\n")[0] for story in STORIES.glob("*.txt")]
    for strategy in STRATEGIES:
        for behaviour in BEHAVIOURS:
            assert any(f"--strategy {strategy} --release {behaviour}" in command for command in commands)


def picture() -> str:
    """What the page's first command draws of the page's file."""
    text = PAGE.read_text()
    command = next(line for line in text.splitlines() if line.startswith("$ plainsail simulate"))
    with TemporaryDirectory() as directory:
        (Path(directory) / "plainsail.yaml").write_text(
            text.split('title="plainsail.yaml"\n')[1].split("```")[0]
        )
        said(command, Path(directory))
        return (Path(directory) / "simulate.svg").read_text()


def test_the_picture_in_the_documentation_is_what_is_drawn() -> None:
    assert PICTURE.read_text() == picture()


if __name__ == "__main__":
    PICTURE.write_text(picture())
    for each in sorted(STORIES.glob("*.txt")):
        line = each.read_text().partition("\n\n")[0]
        each.write_text(f"{line}\n\n{said(line)}")
