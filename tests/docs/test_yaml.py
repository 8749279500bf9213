"""Every piece of YAML in the pages is one that `plainsail check` takes.

A piece that is not a whole file is completed by where it belongs: keys of the file as they are; keys of `run` under a service's
`run`; else keys of a placement. What is missing then is filled in: an environment `production`, a service `shop`.
"""

from __future__ import annotations

from textwrap import indent
from typing import Any

import pytest
import yaml
from tests.docs.pages import Block, Page, pages

from plainsail import wiring
from plainsail.domain.service import Document, Run
from plainsail.spec.merge import read

PIECES = [
    (page, block)
    for page in pages()
    for block in page.blocks
    if block.language == "yaml" and not block.remark
]

ENVIRONMENTS = "environments:\n  production:\n    router: haproxy\n"
SERVICE = "services:\n  shop:\n    run:\n      command: [serve]\n"


@pytest.mark.parametrize(
    ("page", "block"), PIECES, ids=lambda one: one.name if isinstance(one, Page) else str(one.line)
)
def test_the_piece_is_taken(page: Page, block: Block) -> None:
    text = whole(block.text)
    read([(f"{page.name}:{block.line}", text)], wiring.drivers())


def whole(piece: str) -> str:
    """A file with this piece in it."""
    keys = set(yaml.load(piece, yaml.BaseLoader))
    if "schema" in keys:
        return piece
    if keys <= set(Document.__struct_fields__):
        missing = "" if "environments" in keys else ENVIRONMENTS
        return f"schema: 1\n{missing}{piece}\n"
    if keys <= set(Run.__struct_fields__) - {"env", "secrets"}:
        command = "" if "command" in keys else "      command: [serve]\n"
        return f"schema: 1\n{ENVIRONMENTS}services:\n  shop:\n    run:\n{command}{indent(piece, ' ' * 6)}\n    in: {{production: {{}}}}\n"
    return f"schema: 1\n{ENVIRONMENTS}{SERVICE}    in:\n      production:\n{indent(piece, ' ' * 8)}\n"


def test_the_rule_finds_mistakes() -> None:
    for piece in ("pace: {dwel: 3s}", "ready: {htp: /}", "environments: {production: {}}"):
        with pytest.raises(Exception) as caught:
            read([("piece", whole(piece))], wiring.drivers())
        found: Any = caught.value
        assert found.diagnostics
