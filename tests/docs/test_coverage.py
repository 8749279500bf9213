"""Everything a user can meet has its place in the docs: commands, keys, events, errors, exit codes, drivers, paths."""

from __future__ import annotations

import re
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import get_args

import pytest
from tests.docs.made import api, errors, example
from tests.docs.pages import DOCS, Page, page, pages

from plainsail.app.access import ALLOWED
from plainsail.cli.commands import COMMANDS
from plainsail.cli.exits import MEANING
from plainsail.cli.topics import VARIABLES
from plainsail.domain.events import Kind
from plainsail.domain.rollout import ENDED
from plainsail.spec.keys import keys


def reference(name: str) -> Page:
    return page(DOCS / "reference" / f"{name}.md")


def test_commands() -> None:
    headings = set(re.findall(r"^## plainsail ([\w-]+)", reference("cli").text, re.MULTILINE))
    assert {command.name for command in COMMANDS} <= headings


def test_every_command_is_shown_in_a_page_for_people() -> None:
    """Once at least, beside the list of commands."""
    told = " ".join(page.text for page in pages() if page.path.name != "cli.md")
    assert not [command.name for command in COMMANDS if not re.search(rf"plainsail {command.name}\b", told)]


def test_keys() -> None:
    text = reference("plainsail-yaml").text
    assert not [key.path for key in keys() if f"`{key.path[-1]}`" not in text]


def test_events() -> None:
    assert set(get_args(Kind)) <= reference("events").anchors()


def test_errors() -> None:
    assert set(errors.by_code()) <= reference("errors").anchors()


def test_exit_codes() -> None:
    text = reference("exit-codes").text
    assert not [code for code in MEANING if f"| {code} |" not in text]


def test_drivers() -> None:
    found = {
        point.name
        for kind in ("router", "provider", "store", "notifier", "metric", "verifier")
        for point in entry_points(group=f"plainsail.{kind}s")
    }
    assert found <= reference("drivers").anchors()


def test_paths_of_the_api() -> None:
    text = reference("api").text
    for path, methods in api.schema()["paths"].items():
        for method in methods:
            assert f"\n### {method.upper()} {path.removeprefix(api.ROOT)}\n" in text


def test_environment_variables() -> None:
    told = " ".join(page.text for page in pages())
    assert not [name for name, _ in VARIABLES if name not in told]


def test_modules_that_pages_run_exist() -> None:
    told = {
        found
        for page in pages()
        for found in re.findall(r"python3? -m ([\w.]+)(?: ([a-z_]+)\b(?=[ `]))?", page.text)
    }
    for module, word in told:
        wanted = f"bench.{word}" if module == "bench" and word else module
        assert find_spec(wanted) is not None, f"python -m {module} {word}"


def test_how_a_rollout_ends() -> None:
    text = page(DOCS / "explanation" / "how-a-rollout-is-decided.md").text
    assert not [phase for phase in ENDED if f"| `{phase}` |" not in text]


def test_there_is_one_role() -> None:
    """The pages say that a token may do everything; who adds a role mends them."""
    assert set(ALLOWED) == {"owner"}


def test_the_worked_example_is_the_judges() -> None:
    text = page(DOCS / "explanation" / "evidence.md").text
    assert not [row for row in example.rows() if row not in text]
    assert example.looks()[-1].sentence in " ".join(text.split())
    assert (DOCS / "explanation" / "evidence.svg").read_text() == example.picture(), (
        "run: python -m tests.docs.made"
    )


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_blocks_say_what_they_are(page: Page) -> None:
    """A block is run, checked, or says why not."""
    for block in page.blocks:
        where = f"{page.name}:{block.line}"
        assert block.language or not block.text.lstrip().startswith("$ "), (
            f"{where} is a console block without saying so"
        )
        if block.language in ("sh", "bash", "ini", "nginx"):
            assert block.remark.startswith("not run: "), f"{where}: write <!-- not run: why --> above it"


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_the_tone(page: Page) -> None:
    """Plain words: no exclamation marks, no adjectives that sell."""
    prose = re.sub(r"`[^`]*`|<!--.*?-->", "", page.prose().replace("![", "["))
    assert "!" not in prose
    assert not re.findall(
        r"(?i)\b(?:simply|seamless\w*|powerful|blazing\w*|effortless\w*|awesome|robust)\b", prose
    )
