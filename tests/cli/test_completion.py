"""Somebody presses Tab in a real bash, zsh and fish."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.api.practice import SPEC, TOKEN, Plane, until
from tests.cli.shells import PLAIN, Shell, shell
from tests.cli.terminal import Terminal

from plainsail.cli.commands import NAMES
from plainsail.cli.completion import script
from plainsail.cli.reference import entries


@pytest.fixture(params=sorted(PLAIN))
def name(request: pytest.FixtureRequest) -> str:
    found = str(request.param)
    if not shutil.which(found):
        pytest.skip(f"needs {found}: apt-get install {found}")
    return found


@pytest.fixture
def tabs(name: str, tmp_path: Path) -> Iterator[Shell]:
    """Without a control plane."""
    with _shell(name, tmp_path, {}) as made:
        yield made


def _shell(name: str, place: Path, variables: dict[str, str]):  # type: ignore[no-untyped-def]  # a context manager
    file = place / "completion"
    made = subprocess.run(
        [sys.executable, "-m", "plainsail", "completion", name],
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    file.write_text(made.stdout)
    directory = place / "here"
    (directory / "dist").mkdir(parents=True)
    (directory / "shop.yaml").write_text("schema: 1\n")
    return shell(name, file, directory, variables)


def test_commands_options_and_paths(tabs: Shell) -> None:
    tabs.becomes("plainsail dep\t", "plainsail deploy")
    tabs.becomes("plainsail deploy --str\t", "plainsail deploy --strategy")
    assert (
        tabs.line("plainsail deploy x dist --strategy blue\t")
        == "plainsail deploy x dist --strategy blue-green"
    )
    tabs.becomes("plainsail check sh\t", "plainsail check shop.yaml")
    tabs.becomes("plainsail check a b sh\t", "plainsail check a b shop.yaml")
    tabs.becomes("plainsail completion fi\t", "plainsail completion fish")
    tabs.becomes("plainsail help exi\t", "plainsail help exit-codes")
    assert "history" in tabs.told("plainsail \t\t", "verdict")


def test_nothing_is_said_when_no_control_plane_answers(tabs: Shell) -> None:
    assert tabs.line("plainsail status sho\t") == "plainsail status sho"
    assert tabs.line("plainsail deploy shop dis\t") in (
        "plainsail deploy shop dist/",
        "plainsail deploy shop dist",
    )


def test_names_of_the_control_plane(name: str, plane: Plane, tmp_path: Path) -> None:
    plane.live("1.0-first")
    plane.apply(SPEC.replace("dwell: 3s", "dwell: 9m"))
    rollout = plane.deploy(plane.release("2.0-second"))
    until(lambda: (plane.get("/services/shop/environments/production")["rollout"] or {}).get("reached_bp"))
    known = {"PLAINSAIL_URL": plane.url, "PLAINSAIL_TOKEN": TOKEN}
    with _shell(name, tmp_path, known) as tabs:
        tabs.becomes("plainsail status sh\t", "plainsail status shop")
        assert (
            tabs.line("plainsail deploy shop dist --to prod\t")
            == "plainsail deploy shop dist --to production"
        )
        assert tabs.line("plainsail status shop --env prod\t") == "plainsail status shop --env production"
        tabs.becomes("plainsail rollback shop --to 1.0\t", "plainsail rollback shop --to 1.0-first")
        tabs.becomes("plainsail deploy shop 2.0\t", "plainsail deploy shop 2.0-second")
        tabs.becomes("plainsail pause s\t", "plainsail pause shop")
        assert tabs.line(f"plainsail verdict {rollout[:-3]}\t").startswith(
            f"plainsail verdict {rollout[:-3]}"
        )


def test_names_are_quick_few_and_harmless(terminal: Terminal, plane: Plane) -> None:
    use = terminal.use(plane)
    plane.release("$(reboot)")
    plane.release("1.0")
    assert "1.0" in use("__complete", "releases", "", "shop").out.split()
    assert "reboot" not in terminal("__complete", "releases", "", "shop").out
    assert use("__complete", "services", "", "").out == "shop\n"
    assert use("__complete", "services", "x", "").out == ""
    assert use("__complete", "environments", "", "").out == "production\n"
    assert use("__complete", "nonsense", "", "").out == ""
    assert use("__complete").code == 0
    terminal.unset("PLAINSAIL_URL")
    assert use("__complete", "services", "", "", "status", "--url", plane.url).out == "shop\n"
    assert use("__complete", "services", "", "", "status", "--url", "=", plane.url).out == "shop\n"


def test_an_answer_that_does_not_come_is_not_waited_for(terminal: Terminal) -> None:
    """A listener that accepts and says nothing: the count of seconds is the completer's own, ours is generous."""
    import socket

    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        terminal.set("PLAINSAIL_URL", f"http://127.0.0.1:{mute.getsockname()[1]}")
        process = terminal.start("__complete", "services", "", "")
        assert process.communicate(timeout=30) == ("", "")
        assert process.returncode == 0


def test_every_option_and_place_is_in_every_script() -> None:
    known = tuple(entries())
    assert [one.name for one in known] == list(NAMES)
    for one in PLAIN:
        made = script(one, known)  # type: ignore[arg-type]  # its keys are the three shells
        for entry in known:
            for parameter in entry.parameters:
                for each in parameter.names if parameter.option() else ():
                    assert (each if one != "fish" else each.lstrip("-")) in made
