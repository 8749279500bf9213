"""`plainsail output`: what the instances write."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter
from rich.text import Text

from plainsail.cli.connect import HERE, Plane
from plainsail.cli.exits import DONE
from plainsail.cli.options import AsJson, Env
from plainsail.cli.screen import err, out, plain, print_json
from plainsail.cli.steer import only_environment


def output(
    service: str, /, *, env: Env = None, group: str | None = None,
    lines: Annotated[int, Parameter(name=("--lines", "-n"))] = 50, as_json: AsJson = False, plane: Plane = HERE,
) -> int:  # fmt: skip
    """Show the last lines that each instance wrote, also of ended ones as long as they are kept.

    The first place to look when a release does not start.

    Example: `plainsail output shop`
    Example: `plainsail output shop --lines 100`

    Parameters
    ----------
    service
        The service.
    group
        Only of this group of instances; status names them.
    lines
        Lines of each instance.
    """
    with plane.connect() as client:
        answer = client.output(service, env or only_environment(client, service), lines, group)
    if as_json:
        print_json(answer)
        return DONE
    console = out()
    for line in answer["lines"]:
        console.print(Text.assemble((f"{line['instance']} | ", "dim"), plain(line["text"])), soft_wrap=True)
    if not answer["lines"]:
        err().print("The instances wrote nothing, or none has run yet")
    return DONE
