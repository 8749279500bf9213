"""Writes the pages."""

from tests.docs.made import example
from tests.docs.made.all import PAGES
from tests.docs.pages import DOCS

for name, text in PAGES.items():
    (DOCS / "reference" / f"{name}.md").write_text(text())
(DOCS / "explanation" / "evidence.svg").write_text(example.picture())
