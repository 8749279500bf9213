"""Golden stories: each file in `simulated` is a command and what it says, the whole way of a rollout for people to read.

After a change on purpose: `python -m tests.stories.test_simulated` writes what is said now; read the difference before you
keep it. Each strategy meets each behaviour; a few more tell of other files and of little traffic.
"""

from __future__ import annotations

import io
import shlex
from contextlib import chdir, redirect_stdout
from pathlib import Path
from unittest import mock

import pytest

from plainsail.local.simulate.command import simulate

STORIES = Path(__file__).parent / "simulated"
FILES = STORIES / "files"
STRATEGIES = ("canary", "blue-green", "recreate")
BEHAVIOURS = ("good", "errors:2%", "latency:+50%", "crash:30s", "never-ready")


def said(command: str) -> str:
    """What the command writes; it is run beside the files of the stories."""
    from cyclopts import App

    words = shlex.split(command.removeprefix("$ plainsail simulate"))
    app = App()
    app.default(simulate)
    told = io.StringIO()
    with (
        chdir(FILES),
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


if __name__ == "__main__":
    for each in sorted(STORIES.glob("*.txt")):
        line = each.read_text().partition("\n\n")[0]
        each.write_text(f"{line}\n\n{said(line)}")
