"""`plainsail help`: all about one command, or a topic."""

from __future__ import annotations

import difflib
import sys
from typing import Annotated

from cyclopts import Parameter

from plainsail.cli import manual
from plainsail.cli.commands import NAMES
from plainsail.cli.exits import DONE, NOT_FOUND, Refusal
from plainsail.cli.options import AsJson, Flag
from plainsail.cli.screen import print_json
from plainsail.cli.topics import TOPICS


def help(
    name: Annotated[str, Parameter(name="NAME")] = "", /, *, man: Flag = False, as_json: AsJson = False
) -> int:
    """Tell all about one command, as its --help does; or about a topic: exit-codes, environment.

    With --man the whole command line is one page of the manual (section 7), to be read with man or installed where man
    looks for it. With --json it is data: names, options, defaults, variables, exit codes and examples.

    Example: `plainsail help deploy`
    Example: `plainsail help exit-codes`
    Example: `plainsail help --man > plainsail.7`

    Parameters
    ----------
    name
        A command or a topic; the list of commands if left out.
    man
        As a manual page in roff, of all commands.
    """
    from plainsail.cli.reference import entries, entry

    if name and name not in NAMES and name not in TOPICS:
        near = difflib.get_close_matches(name, (*NAMES, *TOPICS), n=1)
        hint = f"did you mean {near[0]}?" if near else "plainsail help lists what there is"
        raise Refusal(NOT_FOUND, "help_unknown", f"There is no command or topic {name}", hint)
    if man:
        from plainsail.cli.roff import manual_page

        sys.stdout.write(manual_page(tuple(entries())))
    elif as_json:
        import msgspec

        told = tuple(entries()) if name not in NAMES else (entry(name),)
        print_json({"commands": msgspec.to_builtins(told)})
    elif name in TOPICS:
        sys.stdout.write(manual.topic(name, manual.width()))
    else:
        sys.stdout.write(
            manual.page(entry(name), manual.width()) if name else manual.overview(manual.width())
        )
    return DONE
