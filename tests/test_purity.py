"""The pure rooms hold to what the import contracts cannot see.

Same inputs, same answer, in any process: so `domain` and `spec` take time, chance and file contents as
arguments, and never let the order of a set (which differs between two runs) reach their result.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "src" / "plainsail"
PURE = ("domain", "spec")

IMPURE_MODULES = {"random", "secrets", "time", "uuid"}
IMPURE_CALLS = {"hash", "input", "open", "print"}
CLOCKS = {"now", "today", "utcnow"}
ORDERED = {"enumerate", "iter", "list", "tuple"}
SET_OPERATORS = (ast.BitAnd, ast.BitOr, ast.BitXor, ast.Sub)


def impurities(source: str) -> Iterator[str]:
    """What in this source depends on more than its arguments, each as `line: why`."""
    for node in ast.walk(ast.parse(source)):
        for why in _impurities_of(node):
            yield f"{getattr(node, 'lineno', '?')}: {why}"


def _impurities_of(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Import(names=names):
            yield from (f"imports {name.name}" for name in names if _top(name.name) in IMPURE_MODULES)
        case ast.ImportFrom(module=str(module), level=0) if _top(module) in IMPURE_MODULES:
            yield f"imports {module}"
        case ast.Attribute(value=value, attr=attr) if attr in CLOCKS and _last_name(value) in {
            "date",
            "datetime",
        }:
            yield f"reads the clock with {attr}"
        case ast.Call(func=ast.Name(id=name)) if name in IMPURE_CALLS:
            yield f"calls {name}"
        case ast.Call(func=ast.Name(id=name), args=[first, *_]) if name in ORDERED and _is_set(first):
            yield f"takes the order of a set with {name}; use sorted"
        case ast.Call(func=ast.Attribute(attr="join"), args=[first]) if _is_set(first):
            yield "takes the order of a set with join; use sorted"
        case ast.For(iter=iterated) | ast.comprehension(iter=iterated) if _is_set(iterated):
            yield f"iterates over the set {ast.unparse(iterated)}; use sorted"


def _is_set(node: ast.expr) -> bool:
    """Is it a set by its very form? (What a variable holds is not followed.)"""
    match node:
        case ast.Set() | ast.SetComp():
            return True
        case ast.Call(func=ast.Name(id="set" | "frozenset")):
            return True
        case ast.BinOp(left=left, op=op, right=right) if isinstance(op, SET_OPERATORS):
            return any(_is_set(side) or _is_keys(side) for side in (left, right))
        case _:
            return False


def _is_keys(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "keys"


def _top(module: str) -> str:
    return module.partition(".")[0]


def _last_name(node: ast.expr) -> str | None:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return None


def test_domain_and_spec_depend_on_their_arguments_alone() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{impurity}"
        for room in PURE
        for path in sorted((PACKAGE / room).rglob("*.py"))
        for impurity in impurities(path.read_text())
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "from random import Random",
        "import uuid as u",
        "import datetime\ndatetime.datetime.now()",
        "from datetime import datetime\nread = datetime.utcnow",
        "open('x')",
        "hash(x)",
        "for x in {1, 2}: pass",
        "for x in set(y): pass",
        "[x for x in frozenset(y)]",
        "[x for x in {z for z in y}]",
        "for x in a.keys() | b.keys(): pass",
        "for x in set(a) - b: pass",
        "tuple({1, 2})",
        "', '.join(set(y))",
    ],
)
def test_an_impurity_is_caught(source: str) -> None:
    assert list(impurities(source))


@pytest.mark.parametrize(
    "source",
    [
        "from datetime import datetime, time\ndatetime.fromtimestamp(0, tz)",
        "seen.now",
        "sorted(set(y))",
        "for x in sorted({1, 2}): pass",
        "x in {1, 2}",
        "for x in a - b: pass",
        "for x in a.keys(): pass",
        "def __hash__(self): return 1",
    ],
)
def test_what_is_pure_passes(source: str) -> None:
    assert not list(impurities(source))
