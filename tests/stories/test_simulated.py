"""Golden stories: each file in `simulated` is a command and what it says, the whole way of a rollout for people to read.

After a change on purpose: `python -m tests.stories.test_simulated` writes what is said now; read the difference before you
keep it. Each strategy meets a good release and a bad one, and those that differ most each behaviour; a few more tell of chains,
of other files and of little traffic.
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

from plainsail.domain.strategy import KINDS
from plainsail.local.simulate.command import simulate

STORIES = Path(__file__).parent / "simulated"
FILES = STORIES / "files"
PAGE = Path(__file__).parents[2] / "docs/how-to/simulate.md"
PICTURE = PAGE.with_suffix(".svg")
STRATEGIES = ("canary", "blue-green", "recreate")
BEHAVIOURS = ("good", "errors:2%", "latency:+50%", "crash:30s", "never-ready")


def said(command: str, place: Path = FILES, columns: int = 100) -> str:
    """What the command writes; it is run beside the files of the stories."""
    words = shlex.split(command.removeprefix("$ plainsail simulate"))
    app = App()
    app.default(simulate)
    told = io.StringIO()
    with (
        chdir(place),
        redirect_stdout(told),
        mock.patch.dict("os.environ", {"COLUMNS": str(columns), "NO_COLOR": "1"}),
    ):
        app(words, exit_on_error=False, print_error=False, result_action="return_value")
    return told.getvalue()


@pytest.mark.parametrize("story", sorted(STORIES.glob("*.txt")), ids=lambda story: story.stem)
def test_what_happens(story: Path) -> None:
    command, _, expected = story.read_text().partition("\n\n")
    assert said(command) == expected


def test_every_strategy_meets_a_good_release_and_a_bad_one() -> None:
    commands = [story.read_text().partition("\n\n")[0] for story in STORIES.glob("*.txt")]
    for strategy in KINDS:
        for behaviour in ("good", "errors:2%"):
            assert any(f"--strategy {strategy} --release {behaviour}" in command for command in commands)
    for strategy in STRATEGIES:
        for behaviour in BEHAVIOURS:
            assert any(f"--strategy {strategy} --release {behaviour}" in command for command in commands)


def shown() -> tuple[str, str]:
    """What the page's first command says of the page's file, as the page has it, and what it draws."""
    text = PAGE.read_text()
    command = next(line for line in text.splitlines() if line.startswith("$ plainsail simulate"))
    with TemporaryDirectory() as directory:
        (Path(directory) / "plainsail.yaml").write_text(
            text.split('title="plainsail.yaml"\n')[1].split("```")[0]
        )
        told = said(command, Path(directory), columns=88)
        drawn = (Path(directory) / "simulate.svg").read_text()
    before, _, rest = text.partition(f"{command}\n")
    block = f"{told.partition('Assumed:')[0]}Assumed:\n...\nWrote simulate.svg\n"
    return f"{before}{command}\n{block}```{rest.partition('```')[2]}", drawn


def test_the_page_and_its_picture_are_what_is_said_and_drawn() -> None:
    assert (PAGE.read_text(), PICTURE.read_text()) == shown()


if __name__ == "__main__":
    page, drawn = shown()
    PAGE.write_text(page)
    PICTURE.write_text(drawn)
    for each in sorted(STORIES.glob("*.txt")):
        line = each.read_text().partition("\n\n")[0]
        each.write_text(f"{line}\n\n{said(line)}")
