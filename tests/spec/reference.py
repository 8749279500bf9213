"""Writes what docs/reference/ says of plainsail.yaml: `python -m tests.spec.reference`."""

from pathlib import Path

from plainsail import wiring
from plainsail.local.schema import docs, text
from plainsail.spec.reference import reference

FOLDER = Path(__file__).parent.parent.parent / "docs" / "reference"
PAGE = FOLDER / "plainsail-yaml.md"
SCHEMA = FOLDER / "plainsail.schema.json"


def page() -> str:
    drivers = wiring.drivers()
    return reference(docs(drivers), drivers)


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page())
    SCHEMA.write_text(text())
