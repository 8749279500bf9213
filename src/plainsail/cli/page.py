"""`plainsail open`: the page in a browser, signed in."""

from __future__ import annotations

import os
import sys
from typing import Annotated
from urllib.parse import quote

from cyclopts import Parameter

from plainsail.cli.connect import HERE, Plane
from plainsail.cli.exits import DONE
from plainsail.cli.options import AsJson, Env, Flag
from plainsail.cli.screen import out, print_json


def open_page(
    service: str | None = None, /, *, env: Env = None,
    only_print: Annotated[Flag, Parameter(name="--print")] = False, as_json: AsJson = False, plane: Plane = HERE,
) -> int:  # fmt: skip
    """Open the page in a browser that is signed in by it, without typing the token.

    The link works once, within a minute. Without a screen, as over SSH, it is only printed.

    Example: `plainsail open`
    Example: `plainsail open shop --env production --print`

    Parameters
    ----------
    service
        Show this one; all if left out.
    only_print
        Print the link and open nothing.
    """
    with plane.connect() as client:
        if service is not None:
            client.services(service)  # says now if there is no such service
        answer = client.login_code()
        link = client.url + answer["path"]
    if service is not None:
        place = "/".join(quote(part, safe="") for part in ("services", service, env) if part)
        link += "?next=" + quote(f"/{place}", safe="")
    if as_json:
        print_json({"url": link, "lasts": answer["lasts"]})
        return DONE
    out().print(f"Works once, for {answer['lasts']:.0f} s: {link}", soft_wrap=True)
    if not only_print and _has_screen():
        import webbrowser

        webbrowser.open(link)
    return DONE


def _has_screen() -> bool:
    """A browser that takes over the terminal, as some do without a screen, is not what was meant."""
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
