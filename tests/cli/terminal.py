"""A terminal for tests: commands in this process, with what they print and how they exit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.api.practice import TOKEN, Plane

from plainsail.cli.main import run


class Said(msgspec.Struct, frozen=True):
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """The one document on stdout."""
        return json.loads(self.out)


class Terminal:
    """In a directory of its own, without colour, 80 columns wide."""

    def __init__(
        self, directory: Path, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch
    ) -> None:
        self.directory = directory
        self._capsys, self._patch = capsys, patch
        for name in [name for name in os.environ if name.startswith("PLAINSAIL_")]:
            patch.delenv(name)
        patch.setenv("COLUMNS", "80")
        patch.setenv("NO_COLOR", "1")
        patch.chdir(directory)

    def use(self, plane: Plane) -> Terminal:
        self._patch.setenv("PLAINSAIL_URL", plane.url)
        self._patch.setenv("PLAINSAIL_TOKEN", TOKEN)
        return self

    def set(self, name: str, value: str) -> None:
        self._patch.setenv(name, value)

    def unset(self, name: str) -> None:
        self._patch.delenv(name)

    def __call__(self, *tokens: str) -> Said:
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            run(tokens)
        printed = self._capsys.readouterr()
        code = ended.value.code
        assert isinstance(code, int)
        return Said(code, printed.out, printed.err)

    def start(self, *tokens: str) -> subprocess.Popen[str]:
        """In a process of its own, which can be interrupted."""
        return subprocess.Popen(
            [sys.executable, "-m", "plainsail", *tokens], cwd=self.directory,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def tree(self, version: str) -> Path:
        """A directory to deploy."""
        place = self.directory / version
        (place / "bin").mkdir(parents=True)
        (place / "bin" / "serve").write_text(f"#!/bin/sh\n# {version}\n")
        (place / "bin" / "serve").chmod(0o755)
        return place
