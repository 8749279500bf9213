"""A control plane over practice drivers, and a browser that is signed in at it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from tests.api.practice import Plane, practice
from tests.api.still import browser, sign_in


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Plane]:
    with practice(tmp_path) as running:
        yield running


@pytest.fixture
def client(plane: Plane) -> Iterator[httpx2.Client]:
    with browser(plane.url) as one:
        sign_in(one)
        yield one
