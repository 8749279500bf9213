"""`plainsail apply` and `plainsail diff`: from files to what is registered."""

from __future__ import annotations

import json
from pathlib import Path

from rich.text import Text

from plainsail.cli.connect import HERE, Plane
from plainsail.cli.exits import DONE, NOT_FOUND, USAGE, Refusal
from plainsail.cli.options import AsJson
from plainsail.cli.screen import Json, out, plain, print_json
from plainsail.domain.release import short

DEFAULT = Path("plainsail.yaml")
MOST_SHOWN = 100
"""Changes that a person may read through."""


def apply(*files: Path, as_json: AsJson = False, plane: Plane = HERE) -> int:
    """Register or update environments and services.

    All files are taken as one, wholly or not at all. What no file names stays as it is. Instances that run
    change with their next deploy: applying moves no traffic and restarts nothing.

    Example: `plainsail apply`
    Example: `plainsail apply platform.yaml shop.yaml`

    Parameters
    ----------
    files
        Any number, taken as one; ./plainsail.yaml if left out.
    """
    return _send(files, False, as_json, plane)


def diff(*files: Path, as_json: AsJson = False, plane: Plane = HERE) -> int:
    """Show what apply would change, key by key, and change nothing.

    It refuses what apply would refuse, so it is what a pipeline runs on a proposed change.

    Example: `plainsail diff`
    Example: `plainsail diff platform.yaml shop.yaml --json`

    Parameters
    ----------
    files
        Any number, taken as one; ./plainsail.yaml if left out.
    """
    return _send(files, True, as_json, plane)


def _send(files: tuple[Path, ...], dry_run: bool, as_json: bool, plane: Plane) -> int:
    texts = [(str(path), _text(path)) for path in files or (DEFAULT,)]
    with plane.connect() as client:
        answer = client.apply(texts, dry_run)
    if as_json:
        print_json(answer)
    else:
        _show(answer)
    return DONE


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except FileNotFoundError as error:
        raise Refusal(
            NOT_FOUND, "file_missing", f"There is no file {path}", "name it, or write one with plainsail init"
        ) from error
    except OSError as error:
        raise Refusal(USAGE, "file_unreadable", f"{path} can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Refusal(
            USAGE, "file_unreadable", f"{path} is not UTF-8 at byte {error.start}", "save it as UTF-8"
        ) from error


def _show(answer: Json) -> None:
    console = out()
    for change in answer["changes"][:MOST_SHOWN]:
        mark = "+" if change["change"] == "added" else "~"
        name = f"{change['noun']} {change['name']}".strip()
        console.print(Text(f"{mark} {name} {change['change']}", style="green" if mark == "+" else "yellow"))
        for field in change["fields"]:
            console.print(
                f"    {field['path']}: {_value(field['before'])} -> {_value(field['after'])}", soft_wrap=True
            )
    if (more := len(answer["changes"]) - MOST_SHOWN) > 0:
        console.print(f"and {more:,} more; all of them: --json")
    for warning in answer["warnings"]:
        console.print(f"warning: {plain(warning)}; no rollout passes what it is to measure", soft_wrap=True)
    if not answer["changes"]:
        console.print("Nothing changes")
    elif answer["dry_run"]:
        console.print("Nothing was changed; plainsail apply does it")
    else:
        console.print("Applied; instances that run change with their next deploy")
    for one in answer["awaiting"][:MOST_SHOWN]:
        where = f"{one['service']} in {one['environment']}"
        if one["env"]:
            env = ", ".join(f"{key}: {_value(value)}" for key, value in one["env"].items())
            console.print(
                f"{where}: live runs with the configuration of {plain(one['winner'])}, which won its test and which the file"
                f" does not have; write {{{env}}} into its env, or the next deploy undoes it",
                soft_wrap=True,
            )
            continue
        console.print(
            f"{where}: {plain(one['version'])} runs with the configuration it was deployed with; bring it the new one:"
            f" plainsail deploy {one['service']} {short(one['release'])} --to {one['environment']}",
            soft_wrap=True,
        )


def _value(value: object) -> str:
    return "none" if value is None else plain(json.dumps(value, ensure_ascii=False))
