from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.api.practice import Plane, practice
from tests.cli.terminal import Terminal


@pytest.fixture
def terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Terminal:
    directory = tmp_path / "project"
    directory.mkdir()
    return Terminal(directory, capsys, monkeypatch)


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Plane]:
    directory = tmp_path / "plane"
    directory.mkdir()
    with practice(directory) as running:
        yield running
