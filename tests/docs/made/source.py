"""What the code says about itself: comments above values, fields' docstrings, codes of errors."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from inspect import getsource
from pathlib import Path

import msgspec

from plainsail.spec.reference import docstrings

SRC = Path(__file__).parents[3] / "src" / "plainsail"
ROOT_OF_ERRORS = "Failure"


class Raised(msgspec.Struct, frozen=True):
    """A place where an error with a code is made."""

    code: str
    kind: str
    """Its class."""
    where: str
    """Path below src/plainsail."""
    line: int
    says: str
    """The message, with what is filled in as `NAME`."""
    exit_code: str = ""
    """Name of the constant, where the command line itself says it."""


def comments_above(path: str) -> dict[str, str]:
    """Of quoted words that stand alone on a line: the comment lines above each, joined."""
    found: dict[str, str] = {}
    comment: list[str] = []
    for line in (SRC / path).read_text().splitlines():
        text = line.strip()
        if text.startswith("# "):
            comment.append(text[2:])
            continue
        if value := re.fullmatch(r'"(\w+)",', text):
            found[value[1]] = " ".join(comment)
        comment = []
    return found


def fields(struct: type[msgspec.Struct]) -> dict[str, str]:
    """Docstrings of a Struct and (by name) of its fields."""
    module = __import__(struct.__module__, fromlist=["_"])
    docs = docstrings(struct.__module__, getsource(module))
    own = f"{struct.__module__}.{struct.__name__}"
    return {field: text for (name, field), text in docs.items() if name == own}


@cache
def trees() -> Mapping[str, ast.Module]:
    """Every module by its path below src/plainsail; what only simulates is left out."""
    paths = (path for path in sorted(SRC.rglob("*.py")) if "testing" not in path.parts)
    return {str(path.relative_to(SRC)): ast.parse(path.read_text()) for path in paths}


@cache
def classes() -> Mapping[str, str]:
    """Classes of errors with a code, each with the one of `ports/errors.py` or `app/` that decides what it means."""
    known = {ROOT_OF_ERRORS: ROOT_OF_ERRORS}
    before = 0
    while before != len(known):
        before = len(known)
        for tree in trees().values():
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef):
                    bases = [base.id for base in node.bases if isinstance(base, ast.Name)]
                    if node.name not in known and any(base in known for base in bases):
                        known[node.name] = node.name
    return known


def raised() -> Iterator[Raised]:
    """Every place where an error with a literal code is made; a code that is no literal is an error of ours."""
    for where, tree in trees().items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            kind = node.func.id
            given = [*node.args, *(word.value for word in node.keywords)]
            if kind in classes():
                yield Raised(_literal(given[0], where), kind, where, node.lineno, _words(given[1]))
            elif kind == "Refusal":
                yield Raised(
                    _literal(given[1], where),
                    kind,
                    where,
                    node.lineno,
                    _words(given[2]),
                    ast.unparse(given[0]),
                )


def _literal(node: ast.expr, where: str) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    raise AssertionError(f"{where}:{node.lineno}: the code of an error is not written out there")


def _words(node: ast.expr) -> str:
    """A message as it is written in the code: `{name} is over` becomes `NAME is over`."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(_words(part) for part in parts)
        case ast.FormattedValue(value=value):
            names = re.findall(r"[a-z_]{2,}", ast.unparse(value).split("(")[-1]) or ["..."]
            return "…" if names == ["..."] else names[-1].upper().strip("_")
        case _:
            return "…"
