"""Writes docs/reference/cli.md: `python -m tests.cli.reference`."""

from pathlib import Path

from plainsail.cli.reference import entries
from plainsail.cli.roff import markdown

PAGE = Path(__file__).parent.parent.parent / "docs" / "reference" / "cli.md"


def page() -> str:
    return markdown(tuple(entries()))


if __name__ == "__main__":
    PAGE.write_text(page())
