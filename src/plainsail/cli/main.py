"""`plainsail`: finds the command, loads only what it needs, and turns every error into a sentence and an exit code."""

from __future__ import annotations

import difflib
import io
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from plainsail import __version__
from plainsail.cli.commands import COMMANDS, NAMES
from plainsail.cli.exits import DONE, INTERNAL, INTERRUPTED, NOT_FOUND, UNREACHABLE, USAGE, Refusal, of_status
from plainsail.cli.manual import overview, page, width

if TYPE_CHECKING:
    from cyclopts import App

HELP = ("--help", "-h")

SAID: dict[str, int] = {"NotFound": NOT_FOUND, "Rejected": USAGE, "Unsupported": USAGE, "SpecError": USAGE}
"""Exit codes of what local commands raise, by the names of its classes: this layer does not know the classes."""


def app() -> App:
    """The command line, with nothing of its commands loaded."""
    from cyclopts import App, Parameter

    top = App(
        name="plainsail", version=__version__, help_flags=(), version_flags=(), default_parameter=Parameter(show_default=False),
    )  # fmt: skip
    for command in COMMANDS:
        top.command(command.path, name=command.name)
    return top


def run(tokens: Sequence[str] | None = None) -> NoReturn:
    """The entry point."""
    given = list(sys.argv[1:] if tokens is None else tokens)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # no name of a file may end us
    try:
        if tokens is None and given[:1] == ["__complete"]:  # a process of its own: nobody else's is ended
            from plainsail.cli.complete import end_in_time

            end_in_time()
        code = _run(given)
        sys.stdout.flush()
    except BrokenPipeError:  # `plainsail history | head`: whoever read has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = INTERNAL
    sys.exit(code)


def _run(tokens: list[str]) -> int:
    as_json = "--json" in tokens
    name = tokens[0] if tokens and not tokens[0].startswith("-") else ""
    if name == "__complete":  # what the shells' scripts ask; see `completion`
        from plainsail.cli.complete import complete

        return complete(tokens[1:])
    if name and name not in NAMES:
        near = difflib.get_close_matches(name, NAMES, n=1)
        hint = f"did you mean {near[0]}?" if near else "see plainsail --help"
        return _tell(as_json, USAGE, "usage", f"There is no command {name}", hint)
    options = tokens[: tokens.index("--")] if "--" in tokens else tokens
    if not name and options[:1] == ["--version"]:
        print(__version__)
        return DONE
    if not name and (not tokens or options[0] in HELP):
        sys.stdout.write(overview(width()))
        return DONE
    if not name:
        return _tell(as_json, USAGE, "usage", f"{tokens[0]} is no command", _in_order(tokens))
    try:
        if any(token in HELP for token in options):
            return _help(name)
        return _do(tokens)
    except Exception as error:
        return _failed(as_json, name, error)
    except KeyboardInterrupt:
        return INTERRUPTED


def _in_order(tokens: list[str]) -> str:
    """What to type when an option came first."""
    import shlex

    at = next((index for index, token in enumerate(tokens) if token in NAMES), None)
    if at is None:
        return "options come after the command; see plainsail --help"
    return f"options come after the command: plainsail {shlex.join([*tokens[at:], *tokens[:at]])}"


def _help(name: str) -> int:
    from plainsail.cli.reference import entry

    sys.stdout.write(page(entry(name), width()))
    return DONE


def _do(tokens: list[str]) -> int:
    answer = app()(tokens, exit_on_error=False, print_error=False, result_action="return_value")
    return answer if isinstance(answer, int) else DONE


def _failed(as_json: bool, name: str, error: Exception) -> int:
    from cyclopts.exceptions import CycloptsError

    if isinstance(error, BrokenPipeError):
        raise error
    if isinstance(error, CycloptsError):
        see = " ".join(("see plainsail", name, "--help")).replace("  ", " ")
        return _tell(as_json, USAGE, "usage", str(error).rstrip("."), see)
    if isinstance(error, Refusal):
        return _tell(as_json, error.exit_code, error.code, error.detail, error.next_step)
    return _told(as_json, error)


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
        import msgspec

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
        import traceback

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
        from plainsail.cli.screen import print_json

        problem = {"type": f"urn:plainsail:problem:{code}", "title": code.replace("_", " ").capitalize(),
                   "detail": detail, "code": code, "next_step": next_step}  # fmt: skip
        print_json({**problem, **(document or {}), "exit_code": exit_code})
        return exit_code
    for one in (document or {}).get("diagnostics", ()):
        hint = f"; {one['hint']}" if one.get("hint") else ""
        print(f"{one['file']}:{one['line']}:{one['col']}: {one['message']}{hint}", file=sys.stderr)
    print(f"{detail}; {next_step}" if next_step else detail, file=sys.stderr)
    return exit_code
