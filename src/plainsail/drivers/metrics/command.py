"""Any command: what it prints is the number."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import shlex
import shutil
import signal
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from plainsail.domain.measurement import Ask, Reading
from plainsail.domain.units import Duration, seconds
from plainsail.drivers._kit import asking, errand
from plainsail.drivers._kit.asking import Known
from plainsail.ports.errors import Broken, Rejected, Transient
from plainsail.ports.metrics import Metrics
from plainsail.ports.site import Site

PASSED_ON = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ")
"""All that a command gets of the control plane's variables, besides `pass_on`; as instances do."""
NOTHING_KNOWN = 3
"""Exit code for "there is no data": 1 and 2 are what shells and interpreters end with by themselves."""
AT_ONCE = 4
"""Commands of one source that run side by side; further ones wait. They run on the control plane's own machine."""


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of the `command` metric source."""

    timeout: Duration = 10.0
    """Longest time for a command; then it is killed, with all that it started in its process group."""
    pass_on: tuple[str, ...] = ()
    """Names of environment variables of the control plane that commands get too; by themselves they get `PATH`, `HOME`,
    `USER`, `LOGNAME`, `LANG`, `LC_ALL` and `TZ`."""

    def check(self) -> str | None:
        """What is wrong beyond the types; told at its line by `plainsail check`."""
        return "timeout: it must be more than 0" if self.timeout <= 0 else None


class Command:
    """Runs each query as a program with arguments, never through a shell. Queries that are the same run once."""

    def __init__(self, config: Config, site: Site) -> None:
        self._config = config
        self._places = asyncio.Semaphore(AT_ONCE)

    async def start(self) -> None:
        """Nothing is held."""

    async def stop(self) -> None:
        """Nothing is held."""

    def check(self, queries: Mapping[str, str]) -> str | None:
        return asking.checked(queries, _problem)

    async def read(self, ask: Ask) -> Reading:
        """Raises Transient (`metrics_command_failed`, `metrics_command_late`), Rejected (`metrics_query`,
        `metrics_no_number`, `metrics_too_long`), Broken (`metrics_command_missing`)."""
        asking.refuse(ask.metric, self.check(ask.queries))
        if lonely := asking.lonely(ask):
            return asking.reading(ask, dict.fromkeys(ask.queries, lonely))
        argvs = {part: arguments(query, ask) for part, query in ask.queries.items()}
        wanted = list(dict.fromkeys(argvs.values()))
        answers = dict(
            zip(wanted, await asking.all_of(self._answer(argv, ask) for argv in wanted), strict=True)
        )
        return asking.reading(ask, {part: _known(part, answers[argv], ask) for part, argv in argvs.items()})

    async def _answer(self, argv: tuple[str, ...], ask: Ask) -> Any:
        """What it printed, read as JSON; a Missing if it knows of nothing."""
        async with self._places:
            ended = await self._run(argv, ask)
        where = f"The command {argv[0]} for {ask.metric}"
        if ended.code == NOTHING_KNOWN:
            return Missing(_last_words(ended))
        if ended.code != 0:
            how = f"exit code {ended.code}" if ended.code > 0 else signal.strsignal(-ended.code) or "a signal"
            raise Transient("metrics_command_failed", f"{where} failed with {how}: {_last_words(ended)}")
        try:
            return json.loads(ended.out)
        except (ValueError, RecursionError):
            raise Rejected(
                "metrics_no_number", f"{where} prints what is no JSON: {asking.brief(repr(ended.out[:60]))}",
                f"let it print one number, or end with exit code {NOTHING_KNOWN} if there is none",
            ) from None  # fmt: skip

    async def _run(self, argv: tuple[str, ...], ask: Ask) -> errand.Ended:
        names = (*PASSED_ON, *self._config.pass_on)
        env = {name: os.environ[name] for name in names if name in os.environ}
        program = f"The command {argv[0]} for {ask.metric}"
        where = shutil.which(argv[0], path=env.get("PATH", os.defpath))
        try:
            if where is None:
                raise FileNotFoundError(errno.ENOENT, "there is none")
            return await errand.run([where, *argv[1:]], env, self._config.timeout)
        except TimeoutError:
            raise Transient(
                "metrics_command_late", f"{program} did not end within {seconds(self._config.timeout)}",
                "give its source a longer 'timeout'",
            ) from None  # fmt: skip
        except errand.TooMuch:
            raise Rejected(
                "metrics_too_long", f"{program} prints more than {errand.MOST_BYTES:,} bytes", "let it print one number"
            ) from None  # fmt: skip
        except (OSError, ValueError) as error:
            why = (getattr(error, "strerror", None) or str(error)).lower()
            raise Broken(
                "metrics_command_missing", f"{program} can't be run: {why}", "install it, or write its whole path"
            ) from None  # fmt: skip


class Missing(NamedTuple):
    """There is no data, and why."""

    why: str


def arguments(query: str, ask: Ask) -> tuple[str, ...]:
    """Split as a shell would, before anything is replaced: a value is never more than a part of one argument."""
    return tuple(asking.filled(part, ask, str, ",".join) for part in shlex.split(query))


def _problem(part: str, query: str) -> str | None:
    try:
        words = shlex.split(query)
    except ValueError as error:
        return f"it can't be split into arguments: {str(error).lower()}"
    if not words or not words[0]:
        return "it names no program"
    if asking.PLACEHOLDER.search(words[0]):
        return "its first word is the program, which can't be a placeholder"
    return asking.misspelt(query)


def _known(part: str, answer: Any, ask: Ask) -> Known:
    if isinstance(answer, Missing):
        return answer.why
    # Of an object with several parts it is this one; a histogram is an object too, of bounds, which are no parts' names.
    value = (
        answer.get(part)
        if isinstance(answer, dict) and not (part == "buckets" and part not in answer)
        else answer
    )
    try:
        found = asking.histogram(value) if part == "buckets" else asking.number(value)
    except ValueError as error:
        raise Rejected(
            "metrics_no_number", f"The command for {part} of {ask.metric} prints no number: {error}",
            'let it print one, or an object such as {"' + part + '": 12}',
        ) from None  # fmt: skip
    return f"the command prints no {part}" if found is None else found


def _last_words(ended: errand.Ended) -> str:
    lines = ended.err.decode("utf-8", "replace").strip().splitlines()
    return asking.brief(lines[-1]) if lines else "it says nothing"


def _is_source(command: Command) -> Metrics:
    return command
