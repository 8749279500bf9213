"""Finds the control plane and its token: options, environment variables, the data directory. Loads nothing heavy."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from plainsail.cli.exits import UNREACHABLE, USAGE, Refusal


class Whereabouts(NamedTuple):
    """Where a control plane answers, and what it is told of who asks."""

    url: str
    token: str


def find(url: str | None, data: Path | None) -> Whereabouts:
    """Raises Refusal (`plane_unknown`, `data_foreign`, `data_unreadable`) when it is not said anywhere."""
    directory = data or nearest()
    known = _read(directory, "url") if directory else ""
    url = url or known
    if not url and data and (data / ".plainsail").is_dir():
        raise Refusal(
            UNREACHABLE, "plane_unknown", f"No control plane is known in {data}",
            f"did you mean {data / '.plainsail'}?",
        )  # fmt: skip
    if not url:
        raise Refusal(
            UNREACHABLE, "plane_unknown", f"No control plane is known in {directory or 'this directory or above'}",
            "start one with plainsail up, or name it with --url or --data",
        )  # fmt: skip
    if "://" not in url:
        url = f"http://{url}"
    token = os.environ.get("PLAINSAIL_TOKEN", "")
    if not token and directory and (data or url == known or _stays_here(url)):
        # A token that was only found lying near is not sent to another machine.
        token = _read(directory, "token")
    return Whereabouts(url, token)


def _stays_here(url: str) -> bool:
    from plainsail.client import loopback

    return loopback(url)


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
