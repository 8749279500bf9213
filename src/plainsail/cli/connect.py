"""Finds the control plane and its token: options, environment variables, the data directory."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Group, Parameter

from plainsail.cli.exits import UNREACHABLE, USAGE, Refusal
from plainsail.client import Client, loopback

GROUP = Group("Control plane", sort_key=9)


@Parameter(name="*")
@dataclass(frozen=True)
class Plane:
    """Which control plane is asked."""

    url: Annotated[
        str | None,
        Parameter(group=GROUP, env_var="PLAINSAIL_URL", help="Its address; else the data directory says it."),
    ] = None
    data: Annotated[
        Path | None,
        Parameter(
            group=GROUP,
            env_var="PLAINSAIL_DATA",
            help="Data directory; else .plainsail here or in a directory above.",
        ),
    ] = None

    def connect(self) -> Client:
        """Raises Refusal (`plane_unknown`, `data_foreign`) when it is not said anywhere."""
        directory = self.data or nearest()
        known = _read(directory, "url") if directory else ""
        url = self.url or known
        if not url:
            raise Refusal(
                UNREACHABLE, "plane_unknown", f"No control plane is known in {directory or 'this directory or above'}",
                "start one with plainsail up, or name it with --url or --data",
            )  # fmt: skip
        if "://" not in url:
            url = f"http://{url}"
        token = os.environ.get("PLAINSAIL_TOKEN", "")
        if not token and directory and (self.data or url == known or loopback(url)):
            # A token that was only found lying near is not sent to another machine.
            token = _read(directory, "token")
        return Client(url, token)


HERE = Plane()


def nearest() -> Path | None:
    """`.plainsail` here or above. Somebody else's is refused: it would say whom we send our releases to."""
    here = Path.cwd()
    for directory in (here, *here.parents):
        found = directory / ".plainsail"
        if not found.is_dir():
            continue
        owner = found.stat().st_uid
        if owner not in (os.getuid(), 0) and os.getuid() != 0:
            raise Refusal(
                USAGE,
                "data_foreign",
                f"{found} belongs to somebody else",
                "if that is meant, name it with --data",
            )
        return found
    return None


def _read(directory: Path, name: str) -> str:
    try:
        return (directory / name).read_text().strip()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not text"
        raise Refusal(
            USAGE, "data_unreadable", f"{directory / name} can't be read: {why}", "is it yours?"
        ) from error
