"""`plainsail output`: what the instances write."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter
from rich.text import Text

from plainsail.cli.connect import HERE, Plane
from plainsail.cli.exits import DONE
from plainsail.cli.options import AsJson, Env
from plainsail.cli.screen import Json, clock, err, out, plain, print_json, words
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
        where = env or only_environment(client, service)
        answer = client.output(service, where, lines, group)
        groups = {} if as_json else {one["group"]: one for one in client.status(service, where)["groups"]}
    if as_json:
        print_json(answer)
        return DONE
    console = out()
    last = ""
    for line in answer["lines"]:
        if line["instance"] != last:
            last = line["instance"]
            err().print(_who(line, groups.get(line["group"])), style="bold", soft_wrap=True)
        console.print(Text.assemble((f"{line['instance']} | ", "dim"), plain(line["text"])), soft_wrap=True)
    if not answer["lines"]:
        err().print("The instances wrote nothing, or none has run yet")
    return DONE


def _who(line: Json, group: Json | None) -> str:
    """`g1-1: live 1.4, ready since 12:00:03`, beside the lines, which stay as they were written."""
    if group is None:
        return f"{line['instance']}: of {line['group']}, which has ended"
    found = [one for one in group["instances"] if one["id"] == line["instance"]]
    state = f"{words(found[0]['state'])} since {clock(found[0]['since'])}" if found else "ended"
    return f"{line['instance']}: {group['role']} {plain(group['version'])}, {state}"
