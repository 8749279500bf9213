"""The driver in docs/how-to/write-a-driver.md: its two files, built and installed as the page says, pass the suite of
their port; with a promise broken they do not."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from tests.docs.pages import DOCS, page

PAGE = page(DOCS / "how-to" / "write-a-driver.md")
COMMAND = next(
    line
    for block in PAGE.blocks
    for line in block.text.split("\n")
    if line.startswith("python -m plainsail.testing")
)
SPEC = """\
schema: 1
environments:
  production:
    router: {haproxy: {listen: 127.0.0.1:8080}}
    provider: {through: {program: %s}}
services:
  shop:
    run: {command: [serve]}
    in: {production: {}}
"""


def installed(place: Path, old: str = "", new: str = "") -> Path:
    """The page's files, with a mistake if one is given, built and unpacked as an installer would: a directory for the
    path that Python looks in."""
    project, target = place / "project", place / "installed"
    project.mkdir()
    files = {block.title: block.text + "\n" for block in PAGE.blocks if block.title}
    assert len(files) == 2, "a driver touches two files"
    for name, text in files.items():
        assert not old or old in "".join(files.values())
        (project / name).write_text(text.replace(old, new) if old else text)
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel"]
    subprocess.run(build, cwd=project, check=True, capture_output=True)
    (wheel,) = (project / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    return target


def run(target: Path, command: list[str]) -> tuple[int, str]:
    environment = {**os.environ, "PYTHONPATH": str(target), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, *command[1:]],
        cwd=target,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.timeout(300)
def test_the_driver_of_the_page_passes_the_suite(tmp_path: Path) -> None:
    code, said = run(installed(tmp_path), COMMAND.split())
    assert code == 0, said
    assert " passed" in said
    assert not any(word in said for word in ("failed", "skipped", "error")), said


@pytest.mark.parametrize(
    ("old", "new", "notices"),
    [
        (
            "groups=wrapped), epoch)", "groups=wrapped), 1)",
            "test_an_order_of_an_older_epoch_is_refused_and_changes_nothing",
        ),
        ("self._processes.changed = tell", "pass", "test_the_engine_is_told_when_something_changed"),
        ("await self._processes.stop()", "await self._processes.end()",
         "test_stopping_lets_everything_run_and_starting_finds_it"),
        ("(*self._program, *order.run.command)", '("sh", "-c", " ".join(order.run.command))',
         "test_what_people_write_never_reaches_a_shell"),
    ],
    ids=["forgets the epoch", "tells nobody", "ends what it lets go", "asks a shell"],
)  # fmt: skip
def test_a_driver_with_a_mistake_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, notices: str
) -> None:
    monkeypatch.setenv("PLAINSAIL_CONFORMANCE_PATIENCE", "5")
    code, said = run(installed(tmp_path, old, new), [*COMMAND.split(), "-k", notices])
    assert code == 1, said
    assert f"::{notices}[through]" in said


def test_its_settings_are_read_like_those_of_any_other(tmp_path: Path) -> None:
    target = installed(tmp_path)
    for written, code, found in (
        ('[taskset, -c, "2,3"]', 0, "nothing is wrong"),
        ("[]", 2, "is empty"),
        ("5", 2, "plainsail.yaml:5"),
    ):
        (target / "plainsail.yaml").write_text(SPEC % written)
        assert (code, True) == (
            (told := run(target, ["python", "-m", "plainsail", "check"]))[0],
            found in told[1],
        ), told


def test_a_driver_that_is_not_there_is_said(tmp_path: Path) -> None:
    code, said = run(tmp_path, [*COMMAND.split()[:-1], "nobody"])
    assert code == 2, said
    assert "There is no provider driver nobody; there are process" in said
