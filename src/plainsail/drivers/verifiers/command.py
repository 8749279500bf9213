"""Any command: its exit code is the answer."""

from __future__ import annotations

import errno
import os
import shutil
import signal

import msgspec

from plainsail.domain.units import Duration, seconds
from plainsail.drivers._kit import errand
from plainsail.drivers._kit.asking import brief
from plainsail.ports.errors import Broken, Rejected, Transient
from plainsail.ports.site import Site
from plainsail.ports.verifier import Answer, Question, Terms, Verifier

PASSED_ON = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ")
"""All that a command gets of the control plane's variables, besides `pass_on`; as instances do."""
NOT_YET = 75
"""EX_TEMPFAIL of BSD's sysexits.h: ask again."""
NOT_RUN = (126, 127)
"""What shells and `env` end with when the program they were to start can't be: no answer of anybody."""
LONGEST_TIMEOUT = 300.0
"""Seconds. What takes longer is started by one question, and its end is asked for by the next."""


class Config(Terms, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings of the `command` check."""

    run: tuple[str, ...]
    """A program and its arguments; no shell is started. What it is asked is in its environment: `PLAINSAIL_SERVICE`,
    `PLAINSAIL_VERSION`, `PLAINSAIL_STEP` and so on."""
    pass_on: tuple[str, ...] = ()
    """Names of environment variables of the control plane that it gets too; by itself it gets `PATH`, `HOME`, `USER`,
    `LOGNAME`, `LANG`, `LC_ALL` and `TZ`."""
    timeout: Duration = 60.0
    """Longest time for it, at most 5 minutes; then it is killed, with all that it started in its process group."""

    def check(self) -> str | None:
        """What is wrong beyond the types; told at its line by `plainsail check`."""
        if not self.run or not self.run[0]:
            return "run: it names no program"
        if not 0.0 < self.timeout <= LONGEST_TIMEOUT:
            return f"timeout: it must be more than 0 and at most {seconds(LONGEST_TIMEOUT)}"
        return self.wrong()


class Command:
    """Exit code 0 is go, 75 is not yet, any other is no-go, with the last line that it said as the reason. One that can't be
    started, ends by a signal or not in time has said nothing."""

    def __init__(self, config: Config, site: Site) -> None:
        """Raises Rejected (`check_settings`)."""
        if problem := config.check():
            raise Rejected("check_settings", f"The command's settings are wrong: {problem}", "mend them")
        self._config = config

    async def ask(self, question: Question) -> Answer:
        """Raises Transient (`check_command_late`, `check_command_failed`), Rejected (`check_too_long`), Broken
        (`check_command_missing`)."""
        program = f"The command {brief(self._config.run[0], 100)}"
        ended = await self._run(program, question)
        if ended.code < 0 or ended.code in NOT_RUN:
            how = signal.strsignal(-ended.code) if ended.code < 0 else f"exit code {ended.code}"
            said = f": {words}" if (words := _last_words(ended)) else ""
            raise Transient("check_command_failed", f"{program} ended with {how}{said}")
        if ended.code == 0:
            return Answer("go", _last_words(ended))
        return Answer(
            "not_yet" if ended.code == NOT_YET else "no_go", _last_words(ended) or f"exit code {ended.code}"
        )

    async def _run(self, program: str, question: Question) -> errand.Ended:
        names = (*PASSED_ON, *self._config.pass_on)
        env = {name: os.environ[name] for name in names if name in os.environ} | variables(question)
        where = shutil.which(self._config.run[0], path=env.get("PATH", os.defpath))
        try:
            if where is None:
                raise FileNotFoundError(errno.ENOENT, "there is none")
            return await errand.run([where, *self._config.run[1:]], env, self._config.timeout)
        except TimeoutError:
            raise Transient(
                "check_command_late", f"{program} did not end within {seconds(self._config.timeout)}",
                "give it a longer 'timeout'",
            ) from None  # fmt: skip
        except errand.TooMuch:
            raise Rejected(
                "check_too_long",
                f"{program} prints more than {errand.MOST_BYTES:,} bytes",
                "let it print less",
            ) from None
        except (OSError, ValueError) as error:
            why = (getattr(error, "strerror", None) or str(error)).lower()
            raise Broken(
                "check_command_missing",
                f"{program} can't be run: {why}",
                "install it, or write its whole path",
            ) from None


def variables(question: Question) -> dict[str, str]:
    """Each field of the question: `PLAINSAIL_SHARE_BP=1000`; empty where there is nothing to say."""
    fields = msgspec.to_builtins(question)
    return {
        f"PLAINSAIL_{name.upper()}": "" if value is None else str(value).replace("\0", " ")
        for name, value in fields.items()
    }


def _last_words(ended: errand.Ended) -> str:
    """The last line of what it said, of standard error first."""
    for said in (ended.err, ended.out):
        if lines := said.decode("utf-8", "replace").strip().splitlines():
            return brief(lines[-1])
    return ""


def _is_verifier(command: Command) -> Verifier:
    return command
