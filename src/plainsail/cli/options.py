"""Options that several commands have, and how their values are read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any

from cyclopts import Group, Parameter

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
PART = r"(\d+(?:\.\d+)?)(ms|s|m|h|d)"


def read_duration(_: Any, tokens: Sequence[Any]) -> float:
    """Seconds from `90s`, `5m`, `1h30m`."""
    text = str(tokens[0].value)
    if not re.fullmatch(f"(?:{PART})+", text):
        raise ValueError(f"{text} is no duration; write one such as 90s, 5m or 1h30m")
    return sum(float(number) * UNITS[unit] for number, unit in re.findall(PART, text))


Duration = Annotated[float, Parameter(converter=read_duration, metavar="DURATION")]

OUTPUT = Group("Output", sort_key=8)

AsJson = Annotated[
    bool,
    Parameter(
        name="--json", negative="", group=OUTPUT, help="One JSON document on stdout, and nothing else."
    ),
]
AsJsonLines = Annotated[
    bool, Parameter(name="--json", negative="", group=OUTPUT, help="One JSON object a line on stdout.")
]
Flag = Annotated[bool, Parameter(negative="")]
Env = Annotated[
    str | None,
    Parameter(name=("--env", "-e"), metavar="ENV", help="The environment, if the service has several."),
]
Reason = Annotated[str, Parameter(help="Why; it is shown and kept.")]
