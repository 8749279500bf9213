"""The pages that are made from the code are what the code says, and leave nothing out."""

from __future__ import annotations

import ast
from importlib.metadata import entry_points

import pytest
from tests.docs.made import drivers, errors
from tests.docs.made.all import PAGES
from tests.docs.made.reasons import REASONS
from tests.docs.made.source import trees
from tests.docs.pages import DOCS

MADE_BY = {"turn_back": 4, "end": 4, "_never_began": 4, "_refused": None}
"""Functions that are given a reason's code, and the place of it."""


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_current(name: str) -> None:
    text = (DOCS / "reference" / f"{name}.md").read_text()
    assert text == PAGES[name](), "run: python -m tests.docs.made"


def test_every_error_code_has_its_line() -> None:
    made, told = set(errors.by_code()), errors.explained()
    assert not made - told, (
        "say what they mean in tests/docs/made/meanings.py, then: python -m tests.docs.made"
    )
    assert told == made | set(errors.ELSEWHERE), "no such error is made any more"


def test_every_reason_has_its_line() -> None:
    found: set[str] = set()
    for where in ("domain/steer.py", "domain/progress.py", "app/documents.py", "domain/finding.py"):
        for node in ast.walk(trees()[where]):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                place = MADE_BY.get(node.func.id)
                given = [word.value for word in node.keywords if word.arg == "reason_code"]
                given += node.args[place : place + 1] if place is not None else []
                found |= {
                    one.value for one in given if isinstance(one, ast.Constant) and isinstance(one.value, str)
                }
    assert found - {""} <= set(REASONS)
    assert len(found) > 8


def test_every_driver_has_its_section() -> None:
    names = {
        drivers.title(kind, point.name)
        for kind in drivers.KINDS
        for point in entry_points(group=f"plainsail.{kind}s")
    }
    assert names == set(drivers.MORE)
