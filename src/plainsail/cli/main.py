"""`plainsail`: finds the command, loads only what it needs, and turns every error into a sentence and an exit code."""

from __future__ import annotations

import difflib
import io
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any, NamedTuple, NoReturn

import msgspec
from cyclopts import App, Group, Parameter
from cyclopts.exceptions import CycloptsError

from plainsail import __version__
from plainsail.cli.exits import DONE, INTERNAL, INTERRUPTED, NOT_FOUND, UNREACHABLE, USAGE, Refusal, of_status
from plainsail.cli.screen import print_json

BEGIN = Group("Begin", sort_key=1)
SHIP = Group("Ship", sort_key=2)
STEER = Group("Steer", sort_key=3)
LOOK = Group("Look", sort_key=4)


class Command(NamedTuple):
    """A command before it is loaded: what the list of commands shows."""

    name: str
    path: str
    group: Group
    about: str


COMMANDS = (
    Command("init", "plainsail.local.init:init", BEGIN, "Write a first plainsail.yaml for this directory."),
    Command("up", "plainsail.local.up:up", BEGIN, "Run the control plane in the foreground."),
    Command("down", "plainsail.local.down:down", BEGIN, "Stop every instance and router of a data directory."),
    Command("demo", "plainsail.local.demo:demo", BEGIN, "Play the main job on this machine, end to end."),
    Command("check", "plainsail.local.check:check", SHIP, "Say everything that is wrong with a plainsail.yaml."),
    Command("diff", "plainsail.cli.spec:diff", SHIP, "Show what apply would change."),
    Command("apply", "plainsail.cli.spec:apply", SHIP, "Register or update environments and services."),
    Command("deploy", "plainsail.cli.deploy:deploy", SHIP, "Bring a version of a service to its users."),
    Command("pause", "plainsail.cli.steer:pause", STEER, "Hold a rollout where it is."),
    Command("resume", "plainsail.cli.steer:resume", STEER, "Let a paused rollout go on."),
    Command("advance", "plainsail.cli.steer:advance", STEER, "Take the next step now, whatever the evidence lacks."),
    Command("abort", "plainsail.cli.steer:abort", STEER, "Take a rollout back, or all of them."),
    Command("rollback", "plainsail.cli.steer:rollback", STEER, "Go back to the last good release, at once."),
    Command("status", "plainsail.cli.status:status", LOOK, "What runs where, which share of users it has, and why."),
    Command("watch", "plainsail.cli.watch:watch", LOOK, "Follow what happens."),
    Command("output", "plainsail.cli.output:output", LOOK, "The instances' own output."),
    Command("history", "plainsail.cli.history:history", LOOK, "Every release, rollout and outcome."),
    Command("verdict", "plainsail.cli.history:verdict", LOOK, "The numbers behind a decision."),
)  # fmt: skip
NAMES = tuple(command.name for command in COMMANDS)

SAID: dict[str, int] = {"NotFound": NOT_FOUND, "Rejected": USAGE, "Unsupported": USAGE, "SpecError": USAGE}
"""Exit codes of what local commands raise, by the names of its classes: this layer does not know the classes."""


def app() -> App:
    """The command line, with nothing of its commands loaded."""
    top = App(
        name="plainsail", version=__version__, help_format="markdown", default_parameter=Parameter(show_default=False),
        help="Progressive delivery: release step by step, judge by evidence, roll back by itself.\n\n"
             "Begin with `plainsail init` and `plainsail up`, then: `plainsail deploy shop ./dist --to production --wait`",
    )  # fmt: skip
    for number, command in enumerate(COMMANDS):
        top.command(command.path, name=command.name, group=command.group, help=command.about, sort_key=number)
    top["--help"].group = top["--version"].group = Group("Options", sort_key=9)
    return top


def run(tokens: Sequence[str] | None = None) -> NoReturn:
    """The entry point."""
    given = list(sys.argv[1:] if tokens is None else tokens)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # no name of a file may end us
    try:
        code = _run(given)
        sys.stdout.flush()
    except BrokenPipeError:  # `plainsail history | head`: whoever read has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = INTERNAL
    sys.exit(code)


def _run(tokens: list[str]) -> int:
    as_json = "--json" in tokens
    name = tokens[0] if tokens and not tokens[0].startswith("-") else ""
    if name and name not in NAMES:
        near = difflib.get_close_matches(name, NAMES, n=1)
        hint = f"did you mean {near[0]}?" if near else "see plainsail --help"
        return _tell(as_json, USAGE, "usage", f"There is no command {name}", hint)
    top = app()
    try:
        if name:
            top[name].help = None  # from here on its own words, not the list's
        answer = top(tokens, exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        return _tell(
            as_json, USAGE, "usage", str(error).rstrip("."), " ".join(("see plainsail", name, "--help"))
        )
    except Refusal as error:
        return _tell(as_json, error.exit_code, error.code, error.detail, error.next_step)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except Exception as error:
        return _told(as_json, error)
    return answer if isinstance(answer, int) else DONE


def _told(as_json: bool, error: Exception) -> int:
    """What the control plane, or a command that runs here, said."""
    document: dict[str, Any] | None = getattr(error, "document", None)
    if document is not None:
        code = of_status(int(document.get("status", 500)))
        return _tell(
            as_json,
            code,
            str(document.get("code")),
            str(document.get("detail")),
            str(document.get("next_step", "")),
            document,
        )
    if type(error).__name__ == "Unreachable":
        return _tell(as_json, UNREACHABLE, "unreachable", str(error), "is it up? start it with plainsail up")
    exit_code = next((SAID[kind.__name__] for kind in type(error).__mro__ if kind.__name__ in SAID), INTERNAL)
    if hasattr(error, "diagnostics"):
        wrong = msgspec.to_builtins(error.diagnostics)
        count = f"{len(wrong)} problem{'s' * (len(wrong) != 1)}"
        return _tell(
            as_json, exit_code, "spec_invalid", count, "correct them and try again", {"diagnostics": wrong}
        )
    if hasattr(error, "next_step"):
        return _tell(
            as_json,
            exit_code,
            getattr(error, "code", ""),
            getattr(error, "message", ""),
            str(error.next_step),
        )
    if os.environ.get("PLAINSAIL_TRACEBACK"):
        traceback.print_exc()
    detail = f"plainsail failed here: {type(error).__name__}: {error}"
    return _tell(as_json, INTERNAL, "internal", detail, "please report it; PLAINSAIL_TRACEBACK=1 shows where")


def _tell(
    as_json: bool,
    exit_code: int,
    code: str,
    detail: str,
    next_step: str,
    document: dict[str, Any] | None = None,
) -> int:
    """As text on stderr; with --json as an RFC 9457 problem on stdout."""
    if as_json:
        problem = {"type": f"urn:plainsail:problem:{code}", "title": code.replace("_", " ").capitalize(),
                   "detail": detail, "code": code, "next_step": next_step}  # fmt: skip
        print_json({**problem, **(document or {}), "exit_code": exit_code})
        return exit_code
    for one in (document or {}).get("diagnostics", ()):
        hint = f"; {one['hint']}" if one.get("hint") else ""
        print(f"{one['file']}:{one['line']}:{one['col']}: {one['message']}{hint}", file=sys.stderr)
    print(f"{detail}; {next_step}" if next_step else detail, file=sys.stderr)
    return exit_code
