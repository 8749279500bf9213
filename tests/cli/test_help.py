"""Help: one manner for every command, complete, and fitting the terminal."""

from __future__ import annotations

import inspect
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.cli.reference import PAGE, page
from tests.cli.terminal import Terminal

from plainsail.cli import exits, manual
from plainsail.cli.commands import COMMANDS, NAMES
from plainsail.cli.main import app
from plainsail.cli.reference import entries, entry
from plainsail.cli.roff import manual_page
from plainsail.cli.topics import TOPICS

ENTRIES = {one.name: one for one in entries()}
WITHOUT_DATA = {"init", "up", "down", "demo", "schema", "completion"}
"""What they print is no data: they do something, or write another format."""


@pytest.mark.parametrize("name", NAMES)
def test_help_says_everything(terminal: Terminal, name: str) -> None:
    said = terminal(name, "--help")
    assert said.code == 0
    assert terminal("help", name).out == said.out
    assert said.out.splitlines()[0][0].isupper()
    for title in ("Usage", "Examples", "Exit codes"):
        assert f"\n{title}\n" in said.out
    assert f"  plainsail {name}" in said.out
    assert name in terminal("--help").out


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("columns", [80, 120])
def test_help_fits_the_terminal(name: str, columns: int) -> None:
    lines = manual.page(ENTRIES[name], columns).splitlines()
    examples = {f"  {example}" for example in ENTRIES[name].examples}
    assert not [line for line in lines if len(line) > columns and line not in examples]
    assert not [example for example in examples if len(example) > 80], "an example is one line, to be copied"
    assert not [line for line in lines if line != line.rstrip()]
    assert not [line for line in lines if "`" in line]


@pytest.mark.parametrize("name", NAMES)
def test_a_default_is_said_once(name: str) -> None:
    twice = [one for one in ENTRIES[name].parameters if one.default and "if left out" in one.about]
    assert not twice


@pytest.mark.parametrize("name", NAMES)
def test_its_examples_are_commands_of_ours(name: str) -> None:
    told = ENTRIES[name]
    assert told.examples
    for example in told.examples:
        program, command, *words = shlex.split(example.partition(" > ")[0])
        assert (program, command) == ("plainsail", name)
        app().parse_args([command, *words], exit_on_error=False, print_error=False)


def test_every_parameter_is_explained() -> None:
    bare = [(one.name, each.names) for one in ENTRIES.values() for each in one.parameters if not each.about]
    assert not bare


def test_every_command_that_prints_data_has_json() -> None:
    assert {name for name, one in ENTRIES.items() if not one.takes_json()} <= WITHOUT_DATA


def test_exit_codes_are_those_of_the_contract() -> None:
    codes = {value for name, value in inspect.getmembers(exits) if name.isupper() and isinstance(value, int)}
    assert codes == set(exits.MEANING) == {*range(12), 130}
    assert {code for command in COMMANDS for code in command.exits} == {*range(3, 12)}
    assert {int(code) for code, _ in TOPICS["exit-codes"].rows} == codes


def test_commands_lead_to_commands() -> None:
    assert {name for command in COMMANDS for name in command.see} <= set(NAMES)


def test_topics_and_what_there_is_not(terminal: Terminal) -> None:
    assert "PLAINSAIL_TOKEN" in terminal("help", "environment").out
    assert "superseded" in terminal("help", "exit-codes").out
    assert terminal("help").out == terminal("--help").out == terminal().out
    wrong = terminal("help", "deplyo")
    assert (wrong.code, "did you mean deploy?" in wrong.err) == (3, True)
    assert terminal("help", "deploy", "--json").json()["commands"][0]["parameters"][0]["names"] == ["SERVICE"]
    assert len(terminal("help", "--json").json()["commands"]) == len(COMMANDS)


def test_variables_that_options_read_are_told() -> None:
    read = {each.env for one in ENTRIES.values() for each in one.parameters if each.env}
    assert read <= {name for name, _ in TOPICS["environment"].rows}


def test_man_reads_the_manual_page(tmp_path: Path) -> None:
    text = manual_page(tuple(ENTRIES.values()))
    assert not re.search(r"^(?!\.(TH|SH|SS|B|PP|TP|nf|fi)\b)\.", text, re.MULTILINE)
    if not shutil.which("groff"):
        pytest.skip("needs groff: apt-get install groff-base")
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww"], input=text, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stderr == ""
    assert "plainsail deploy SERVICE ARTIFACT" in re.sub(r"\x1b\[[0-9;]*m|.\x08", "", done.stdout)


def test_the_page_in_the_docs_is_current() -> None:
    assert PAGE.read_text() == page(), "run: python -m tests.cli.reference"


def test_one_command_can_be_asked_for_alone() -> None:
    assert entry("status") == ENTRIES["status"]
    with pytest.raises(KeyError):
        entry("deploi")
