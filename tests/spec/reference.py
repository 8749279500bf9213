"""Writes docs/reference/plainsail-yaml.md: `python -m tests.spec.reference`."""

import sys
from inspect import getsource
from pathlib import Path

from plainsail import wiring
from plainsail.spec.keys import keys
from plainsail.spec.reference import docstrings, reference

PAGE = Path(__file__).parent.parent.parent / "docs" / "reference" / "plainsail-yaml.md"


def page() -> str:
    drivers = wiring.drivers()
    structs = [key.owner for key in keys()] + [*drivers.routers.values(), *drivers.providers.values()]
    docs: dict[tuple[str, str], str] = {}
    for module in dict.fromkeys(struct.__module__ for struct in structs):
        docs |= docstrings(module, getsource(sys.modules[module]))
    return reference(docs, drivers)


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page())
