"""`plainsail schema`: what editors need to complete and check a plainsail.yaml."""

from __future__ import annotations

import json
import sys
from inspect import getsource
from pathlib import Path

from plainsail.cli.exits import DONE
from plainsail.cli.options import Flag
from plainsail.cli.screen import out
from plainsail.ports.errors import Rejected
from plainsail.spec.drivers import Drivers
from plainsail.spec.keys import keys
from plainsail.spec.reference import docstrings
from plainsail.spec.schema import schema as schema_of
from plainsail.wiring import drivers

PLACE = Path(".plainsail") / "schema.json"
"""Where the first line of a plainsail.yaml looks for it; beside the file, so that it is found without a network."""


def schema(*, write: Flag = False) -> int:
    """Print the JSON Schema of plainsail.yaml, with the drivers that are installed here.

    Editors complete and check the file by it. `plainsail init` writes it to .plainsail/schema.json and puts a first line
    into plainsail.yaml that leads there; `plainsail up` writes it anew, so it knows what the version that runs knows. In
    a fresh clone, where neither has run: `plainsail schema --write`.

    Example: `plainsail schema > plainsail.schema.json`
    Example: `plainsail schema --write`

    Parameters
    ----------
    write
        Write it to .plainsail/schema.json instead, where the file's first line looks for it.
    """
    if not write:
        sys.stdout.write(text())
        return DONE
    write_schema(PLACE.parent)
    out().print(f"Wrote {PLACE}; editors find it by the first line of plainsail.yaml:", soft_wrap=True)
    out().print(f"# yaml-language-server: $schema={PLACE}", soft_wrap=True)
    return DONE


def write_schema(directory: Path) -> None:
    """Into a data directory, made if it is not there, if what is there differs. Raises Rejected."""
    place, now = directory / PLACE.name, text()
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not place.exists() or place.read_text(errors="replace") != now:
            place.write_text(now)
    except OSError as failure:
        raise Rejected(
            "file_unwritable", f"{place} can't be written: {failure.strerror}", "is the directory yours?"
        ) from failure


def text() -> str:
    """The schema, as it is written to files."""
    installed = drivers()
    return json.dumps(schema_of(docs(installed), installed), indent=1, ensure_ascii=False) + "\n"


def docs(installed: Drivers) -> dict[tuple[str, str], str]:
    """Docstrings of every Struct that a plainsail.yaml is made of; a driver without its source has none."""
    configs = [
        config for key in ("router", "provider", "metrics", "checks") for config in installed.of(key).values()
    ]
    owners = [*(key.owner for key in keys()), *configs]
    structs = [one for owner in owners for one in owner.__mro__ if one.__module__ != "builtins"]
    found: dict[tuple[str, str], str] = {}
    for module in dict.fromkeys(struct.__module__ for struct in structs):
        try:
            found |= docstrings(module, getsource(sys.modules[module]))
        except (OSError, KeyError):
            continue
    return found
