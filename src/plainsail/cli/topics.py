"""What help tells besides commands: `plainsail help exit-codes`, `plainsail help environment`."""

from __future__ import annotations

from typing import NamedTuple

from plainsail.cli.exits import MEANING


class Topic(NamedTuple):
    title: str
    about: str
    opening: str
    rows: tuple[tuple[str, str], ...]


VARIABLES = (
    ("PLAINSAIL_URL", "Address of the control plane, as --url; else the data directory says it."),
    ("PLAINSAIL_TOKEN", "Who you are to it; else the data directory's, and only if its control plane is the one asked."),
    ("PLAINSAIL_DATA", "Data directory, as --data; else .plainsail here or in a directory above."),
    ("PLAINSAIL_TRACEBACK", "Set to anything: an internal error shows where it happened."),
    ("NO_COLOR", "Set to anything: no colour and no bold (no-color.org)."),
    ("COLUMNS", "Width to write in; else the terminal's."),
)  # fmt: skip

TOPICS = {
    "exit-codes": Topic(
        "Exit codes", "How commands end.",
        "How a command ends, for scripts. The numbers are a contract. With --json a failure is an RFC 9457 problem on"
        " stdout, with the same number as exit_code.",
        tuple((str(code), meaning) for code, meaning in MEANING.items()),
    ),
    "environment": Topic(
        "Environment variables", "Variables that commands read.",
        "What commands read from their environment. An option given on the command line wins.",
        VARIABLES,
    ),
}  # fmt: skip
