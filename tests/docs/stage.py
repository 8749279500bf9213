"""Where a page's blocks are run: an empty home, ports of its own, and if the page wants it a shop that is up."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
import time
from itertools import zip_longest
from pathlib import Path

from tests.docs.pages import DOCS, Block, Command, Page, commands, page
from tests.docs.shell import Shell, begins, fits

from plainsail.testing.conformance.bench import free_port

PORTS = ("7676", "8080", "8081", "8082", "9000")
"""Those that pages name; each becomes a free one while they are run."""
SOON = 180.0
"""Seconds for what runs in the background to show what is shown."""

PROGRAM = """\
#!{python}
# The program, on ports that are free: a page says the usual ones.
import os, pathlib, re, subprocess, sys
arguments = sys.argv[1:]
ports = {ports!r}
if arguments[:1] == ["up"] and "--listen" not in arguments:
    arguments += ["--listen", "127.0.0.1:" + ports["7676"]]
if arguments[:1] != ["init"]:
    os.execv(sys.executable, [sys.executable, "-m", "plainsail", *arguments])
code = subprocess.call([sys.executable, "-m", "plainsail", *arguments])
spec = pathlib.Path("plainsail.yaml")
if spec.exists():
    spec.write_text(re.sub("8080", ports["8080"], spec.read_text()))
sys.exit(code)
"""

SHOP = """\
schema: 1
environments:
  production:
    router: {haproxy: {listen: 127.0.0.1:8080}}
services:
  shop:
    run:
      command: [python3, app.py]
      stop: {drain: 1s, grace: 1s}
    in:
      production:
        strategy: [{canary: {steps: [10%, 50%]}}]
        pace: {until: dwell, dwell: 1s}
"""


class Stage:
    def __init__(self, place: Path, setting: str) -> None:
        self._place, self.home = place, place / "shop"
        self.home.mkdir()
        self.ports = {port: str(free_port()) for port in PORTS}
        self._setting = setting
        self._count = 0
        bin = place / "bin"
        bin.mkdir()
        program = bin / "plainsail"
        program.write_text(PROGRAM.format(python=sys.executable, ports=self.ports))
        program.chmod(0o755)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PLAINSAIL_")}
        self._environment = {
            **kept, "HOME": str(self.home), "PATH": f"{bin}:{os.environ['PATH']}", "COLUMNS": "88", "LANG": "C.UTF-8",
            "PYTHONUTF8": "1", "NO_COLOR": "1", "GIT_CEILING_DIRECTORIES": str(place), "PYTHONDONTWRITEBYTECODE": "1",
        }  # fmt: skip

    def __enter__(self) -> Stage:
        self._shell = Shell(self.home, self._environment)
        if self._setting == "application":
            (self.home / "app.py").write_text(_of_the_tutorial("v1/app.py"))
        elif self._setting:
            self._set_up()
        return self

    def __exit__(self, *_: object) -> None:
        self._shell.close()  # and the control plane with it, so that nothing is started again
        until = time.monotonic() + SOON
        while left := _processes_below(self._place):
            assert time.monotonic() < until, f"{left} don't end"
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.1)

    def play(self, block: Block, where: str) -> None:
        """Run or write a block. Raises AssertionError with the place in the page."""
        if block.title:
            place = self.home / block.title
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(self._mapped(block.text) + "\n")
        elif block.language == "console":
            told = commands(block)
            for command, following in zip_longest(told, told[1:]):
                here = f"{where}:{command.line}: $ {command.text}"
                if block.remark == "background":
                    self._leave(command, here)
                else:
                    asked = following is not None and following.text == "echo $?"
                    self._run(command, here, asked or block.remark == "any outcome")

    def _run(self, command: Command, here: str, may_fail: bool = False) -> None:
        output, status = self._shell.run(self._mapped(command.text))
        told = self._unmapped(output)
        assert status == 0 or may_fail, f"{here}\nended with {status}:\n{told}"
        assert not any(command.shown) or fits(command.shown, told), f"{here}\nsaid:\n{told}"

    def _leave(self, command: Command, here: str) -> None:
        self._count += 1
        into = self._place / f"output-{self._count}"
        into.touch()
        self._shell.start(self._mapped(command.text), into)
        until = time.monotonic() + SOON
        while not begins(command.shown, self._unmapped(into.read_text())):
            assert time.monotonic() < until, f"{here}\nsaid:\n{into.read_text()}"
            time.sleep(0.1)

    def _set_up(self) -> None:
        """The tutorial's application, live in release 1.0 (or 2.0 after it); later versions lie beside it."""
        app = _of_the_tutorial("v1/app.py")
        for version in ("1", "2", "3"):
            place = self.home / f"v{version}" / "app.py"
            place.parent.mkdir()
            place.write_text(app.replace("version 1", f"version {version}"))
        slowly = SHOP.replace("dwell: 1s", "dwell: 10m")
        spec = slowly if "slowly" in self._setting else SHOP
        (self.home / "plainsail.yaml").write_text(self._mapped(spec))
        self._leave(Command(0, "plainsail up", ("ready ...",)), "the stage")
        first = "plainsail deploy shop ./v1 --to production --version 1.0 --wait"
        self._run(Command(0, first, ()), "the stage")
        if "on 2.0" in self._setting:
            second = "plainsail deploy shop ./v2 --to production --version 2.0 --strategy recreate --wait"
            self._run(Command(0, second, ()), "the stage")
        if "visitors" in self._setting:
            (self._place / "visitors.py").write_text(self._mapped(_of_the_tutorial("visitors.py")))
            self._leave(Command(0, "python3 -u ../visitors.py", ()), "the stage")

    def _mapped(self, text: str) -> str:
        return _replaced(text, self.ports)

    def _unmapped(self, text: str) -> str:
        return _replaced(text, {there: here for here, there in self.ports.items()}).replace(
            str(self.home), "~"
        )


def perform(page: Page, place: Path) -> None:
    """Everything a page shows, in order."""
    with Stage(place, page.stage) as stage:
        for block in page.blocks:
            stage.play(block, page.name)


def _processes_below(place: Path) -> list[int]:
    """Whatever was started by a page: it works in a directory of this stage, also after that was removed."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
                if str((entry / "cwd").readlink()).startswith(f"{place}/") and state not in "ZX":
                    found.append(int(entry.name))
    return found


def _of_the_tutorial(title: str) -> str:
    return next(block.text for block in page(DOCS / "tutorial.md").blocks if block.title == title) + "\n"


def _replaced(text: str, ports: dict[str, str]) -> str:
    names = "|".join(ports)
    return re.sub(rf"(?<![\d.])({names})(?!\d)", lambda found: ports[found[1]], text)
