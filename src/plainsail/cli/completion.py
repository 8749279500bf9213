"""`plainsail completion`: scripts that complete commands, options and names, made from the command line itself."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from string import Template
from typing import Literal

from plainsail.cli.commands import NAMES
from plainsail.cli.exits import DONE
from plainsail.cli.reference import Entry, Parameter, entries
from plainsail.cli.shells import BASH, FISH, ZSH
from plainsail.cli.topics import TOPICS
from plainsail.domain.strategy import SIMPLE

KINDS = {
    "service": "services", "env": "environments", "environment": "environments", "rollout": "rollouts",
    "artifact": "artifact", "files": "files", "config": "files", "file": "files", "data": "directories",
}  # fmt: skip
"""By the name of a parameter: what it may be. Names of the control plane, or paths."""
OWN = {
    ("deploy", "to"): "environments", ("rollback", "to"): "releases", ("deploy", "strategy"): f"={' '.join(SIMPLE)}",
    ("completion", "shell"): "=bash zsh fish", ("help", "name"): "=" + " ".join((*NAMES, *TOPICS)),
    **{(verb, "rollout"): "busy" for verb in ("pause", "resume", "advance", "approve", "reject", "abort")},
}  # fmt: skip
"""Where that is not enough. After `=`: the words themselves."""


def completion(shell: Literal["bash", "zsh", "fish"], /) -> int:
    """Print a script that completes commands, options, paths, and the names the control plane knows.

    It is read by the shell once; names of services, environments, rollouts and releases are asked for when Tab is
    pressed, within 0.3 s, and not offered when no control plane answers. Print it anew after an upgrade.

    For bash: into ~/.local/share/bash-completion/completions/plainsail. For zsh: into a file called _plainsail in a
    directory of fpath. For fish: into ~/.config/fish/completions/plainsail.fish. Or for this shell only, by eval.

    Example: `plainsail completion bash > plainsail.bash`
    Example: `plainsail completion zsh > ~/.zfunc/_plainsail`
    Example: `plainsail completion fish > ~/.config/fish/completions/plainsail.fish`

    Parameters
    ----------
    shell
        bash, zsh or fish.
    """
    sys.stdout.write(script(shell, tuple(entries())))
    return DONE


def script(shell: Literal["bash", "zsh", "fish"], commands: Sequence[Entry]) -> str:
    """For a shell, of these commands."""
    made = {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell](commands)
    return Template({"bash": BASH, "zsh": ZSH, "fish": FISH}[shell]).substitute(
        commands="\n".join(made), names=" ".join(one.name for one in commands)
    )


def kind(entry: Entry, parameter: Parameter) -> str:
    """What its value may be; empty if anything."""
    return OWN.get((entry.name, parameter.field)) or KINDS.get(parameter.field, "")


def _bash(commands: Sequence[Entry]) -> Iterator[str]:
    for one in commands:
        options = " ".join(name for each in _options(one) for name in each.names)
        values = " ".join(name for each in _options(one) if each.metavar for name in each.names)
        yield f"    {one.name}) options='{options} --help' values=' {values} '"
        yield "      case $at in"
        for each in _options(one):
            if kind(one, each):
                yield f"        {'|'.join(each.names)}) kind='{kind(one, each)}' ;;"
        for number, each in _arguments(one):
            if kind(one, each):
                at = "[0-9]*" if number == "many" else number
                yield f"        {at}) kind='{kind(one, each)}' ;;"
        yield "      esac ;;"


def _zsh(commands: Sequence[Entry]) -> Iterator[str]:
    yield "  commands=("
    for one in commands:
        yield f"    {_quoted(f'{one.name}:{one.short}')}"
    yield "  )"
    yield "  case $words[1] in"
    for one in commands:
        yield f"    {one.name}) given=("
        for each in _options(one):
            for name in each.names:
                told = each.about.replace("[", "(").replace("]", ")").replace(":", ";")
                value = f":{each.metavar}:{_zsh_action(kind(one, each))}" if each.metavar else ""
                yield f"      {_quoted(f'{name}[{told}]{value}')}"
        for number, each in _arguments(one):
            at = "*" if number == "many" else number
            yield f"      {_quoted(f'{at}:{each.names[0]}:{_zsh_action(kind(one, each))}')}"
        yield "      '--help[All about this command.]'"
        yield "    ) ;;"
    yield "  esac"


def _zsh_action(what: str) -> str:
    if what.startswith("="):
        return f"({what[1:]})"
    paths = {"files": "_files", "directories": "_files -/", "artifact": " _plainsail_artifact", "": " "}
    # After a blank, zsh gives the function no options of its own before this word.
    return paths.get(what) or f" _plainsail_names {what}"


def _fish(commands: Sequence[Entry]) -> Iterator[str]:
    for one in commands:
        yield f"complete -c plainsail -n __plainsail_no_command -a {one.name} -d {_quoted(one.short)}"
    for one in commands:
        here = f"complete -c plainsail -n '__plainsail_command {one.name}'"
        for each in _options(one):
            names = " ".join(
                f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in each.names
            )
            value = f" {_fish_action(kind(one, each))}" if each.metavar else ""
            yield f"{here} {names} -d {_quoted(each.about)}{value}"
        values = " ".join(name for each in _options(one) if each.metavar for name in each.names)
        for number, each in _arguments(one):
            if kind(one, each):
                at = f"__plainsail_command {one.name}; and __plainsail_at {number} {values}"
                yield f"complete -c plainsail -n {_quoted(at)} {_fish_action(kind(one, each)).removeprefix('-x ')}"


def _fish_action(what: str) -> str:
    if what.startswith("="):
        return f"-x -a {_quoted(what[1:])}"
    paths = {"files": "-r -F", "directories": "-x -a '(__fish_complete_directories)'", "": "-x"}
    if what == "artifact":
        return "-x -a '(__fish_complete_directories) (__plainsail_names releases)'"
    return paths.get(what) or f"-x -a '(__plainsail_names {what})'"


def _options(entry: Entry) -> list[Parameter]:
    return [one for one in entry.parameters if one.option()]


def _arguments(entry: Entry) -> Iterator[tuple[str, Parameter]]:
    """With their places, from 1; `many` for one that takes all that follow."""
    for number, one in enumerate((one for one in entry.parameters if not one.option()), 1):
        yield "many" if one.several else str(number), one


def _quoted(text: str) -> str:
    """For any of the three shells."""
    return "'" + text.replace("'", "'\\''") + "'"
