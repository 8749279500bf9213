"""What pytest has to know: which drivers there are, and which tests are for them."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, get_type_hints

import msgspec
import pytest

from plainsail.testing.conformance.bench import Bench

OPTION = "--plainsail-driver"
ALSO: list[Subject] = []
"""Drivers that are tested although nobody registered them."""


class Subject(msgspec.Struct, frozen=True):
    """A driver under test."""

    name: str
    driver: Any
    """What its entry point leads to: a class, or another callable that makes one."""
    bench: type[Bench]

    @property
    def kind(self) -> str:
        return self.bench.kind

    def placed(self, directory: Path) -> Bench:
        return self.bench(self.name, self.driver, directory)


def registered(default: type[Bench]) -> Iterator[Subject]:
    """All drivers of the kind that this bench is for, each with its own bench if it has one."""
    kind = default.kind
    own = {point.name: point for point in entry_points(group="plainsail.conformance")}
    for point in entry_points(group=f"plainsail.{kind.removesuffix('s')}s"):
        found = own.get(f"{kind}.{point.name}")
        yield Subject(point.name, point.load(), found.load() if found else default)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(OPTION, metavar="NAME", help="only this driver; all that are registered if left out")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "bench" not in metafunc.fixturenames:
        return
    default: type[Bench] = get_type_hints(metafunc.function)["bench"]
    only = metafunc.config.getoption(OPTION, default=None)
    subjects = [one for one in (*registered(default), *ALSO) if one.kind == default.kind]
    wanted = sorted((one for one in subjects if only in (None, one.name)), key=lambda one: one.name)
    metafunc.parametrize(
        "bench", wanted or [None], indirect=True, ids=[one.name for one in wanted] or ["none"]
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A test for what a driver cannot do is no test of this driver."""
    chosen = {item: _fits(item) for item in items}
    out = [item for item, fits in chosen.items() if not fits]
    if out:
        config.hook.pytest_deselected(items=out)
        items[:] = [item for item, fits in chosen.items() if fits]


@pytest.fixture
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """The driver under test at a place of its own, with nothing left running afterwards."""
    placed = request.param.placed(tmp_path)
    try:
        yield placed
    finally:
        placed.clear()


def _fits(item: pytest.Item) -> bool:
    spec = getattr(item, "callspec", None)
    if spec is None or "bench" not in spec.params:
        return True
    subject: Subject | None = spec.params["bench"]
    if subject is None:
        return False
    bench, driver = subject.bench, subject.driver
    needed: tuple[str, ...] = getattr(getattr(item, "function", None), "__needs__", ())
    return all(bench.able(driver, what.removeprefix("not ")) != what.startswith("not ") for what in needed)
