"""What is wrong with a text that somebody wrote on the command line: at which character, and what to write instead."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


class Wrong(Exception):
    """`at` counts from 0."""

    def __init__(self, at: int, problem: str, hint: str) -> None:
        super().__init__(problem)
        self.at, self.problem, self.hint = at, problem, hint

    def where(self, option: str) -> str:
        """`--release, character 8: the value is ...`"""
        return f"{option}, character {self.at + 1}: {self.problem}"


def meant(text: str, read: Callable[[str], T]) -> str:
    """`did you mean x?` if it is only a space, the case, a sign or a unit that is wrong."""
    for guess in _guesses("".join(text[:100].split()).lower().replace("_", "-")):
        with suppress(Wrong):
            read(guess)
            return f"did you mean {guess}?"
    return ""


def _guesses(bare: str) -> Iterator[str]:
    """Each part as it is, with a sign, with a unit: `errors:2`, `errors:+2`, `errors:2%`."""
    yield bare
    head, at, tail = bare.partition("@")
    name, colon, value = head.partition(":")
    ends = [f"@{end}" for end in _moments(tail)] if at else [""]
    for end in ends:
        yield f"{head}{end}"
        for sign in ("", "+") if colon and value else ():
            yield from (f"{name}:{sign}{value.lstrip('+')}{unit}{end}" for unit in ("", "%", "s"))
        yield f"{name}{end}"
    yield name


def _moments(text: str) -> list[str]:
    """`after=10`, `after=10s`, `after=10m`; of a fault `30s+10s` for `30+10`."""
    bare = text.removeprefix("after").lstrip("=:")
    timed = "+".join(f"{part}s" if part.isdigit() else part for part in bare.split("+"))
    return [text, f"after={timed}", timed]
