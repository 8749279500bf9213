"""A person at a real shell: keys in at a pseudo-terminal, and the line that Tab made of them."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HOME_KEY = "\x01"
PLAIN = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "-i"],
}
SETTING = {
    "bash": "PS1='> '; bind 'set bell-style none'; bind 'set enable-bracketed-paste off'; source {script}",
    "zsh": "PS1='> '; unset zle_bracketed_paste; unsetopt prompt_sp; autoload -U compinit; compinit -u -D; source {script}",
    "fish": "function fish_prompt; echo '> '; end; source {script}",
}
WITHIN = 60.0
"""Seconds; the machine may be busy."""


class Shell:
    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        self._seen = ""
        self._lines = 0

    def line(self, keys: str) -> str:
        """What stands on the line after these keys, without blanks at its end. A Tab is waited for."""
        self._lines += 1
        for part in re.split("(\t)", keys):
            self._send(part)
            if part == "\t":
                self._settle()
        # The mark is put together by the shell, so the echo of the keys is not taken for it.
        self._send(f'{HOME_KEY}echo "MA""RK{self._lines}:" ')
        self._send("\r")
        found = self._until(rf"MARK{self._lines}: ?([^\r\n]*)[\r\n]")
        return found[1].strip()

    def becomes(self, keys: str, expected: str) -> None:
        """The keys make this line; typed again while a busy machine is late."""
        end = time.monotonic() + WITHIN
        while (found := self.line(keys)) != expected:
            assert time.monotonic() < end, (
                f"{keys!r} becomes {found!r}; the terminal shows {self._seen[-2000:]!r}"
            )

    def told(self, keys: str, expected: str) -> str:
        """What the terminal shows after these keys, as soon as it shows what is expected; the line is dropped."""
        start = len(self._seen)
        for part in re.split("(\t)", keys):
            self._send(part)
            if part == "\t":
                self._settle()
        self._until(expected, start)
        self._send("\x03")
        return self._seen[start:]

    def run(self, command: str) -> None:
        self._lines += 1
        self._send(f'{command}; echo "DO""NE{self._lines}"\r')
        self._until(rf"DONE{self._lines}[\r\n]")

    def _send(self, keys: str) -> None:
        os.write(self._terminal, keys.encode())

    def _settle(self) -> None:
        """Until nothing has come for a while after something did, or for long."""
        self._read(3.0)
        while self._read(0.5):
            pass

    def _until(self, pattern: str, start: int = 0) -> re.Match[str]:
        end = time.monotonic() + WITHIN
        while time.monotonic() < end:
            if found := re.search(pattern, self._seen[start:]):
                return found
            self._read(0.2)
        raise AssertionError(f"{pattern} does not come; the terminal shows {self._seen!r}")

    def _read(self, seconds: float) -> bool:
        if not select.select([self._terminal], [], [], seconds)[0]:
            return False
        try:
            text = os.read(self._terminal, 65536).decode(errors="replace")
        except OSError as gone:
            raise AssertionError(f"the shell has ended; the terminal showed {self._seen!r}") from gone
        self._seen += re.sub(r"\x1b(\[[0-9;?>=]*[ -/]*[@-~]|\][^\x07]*\x07|[()].|[=>78M])", "", text)
        return True


@contextmanager
def shell(name: str, script: Path, directory: Path, variables: dict[str, str]) -> Iterator[Shell]:
    """A shell that has read the completion script, in this directory."""
    ours, theirs = pty.openpty()
    environment = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(directory), "TERM": "vt100", "LANG": "C.UTF-8",
        **variables,
    }  # fmt: skip
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 100, 0, 0))
    process = subprocess.Popen(
        ["setsid", "--ctty", *PLAIN[name]],  # job control wants a terminal of its own
        cwd=directory, env=environment, stdin=theirs, stdout=theirs, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    try:
        made = Shell(ours)
        made.run(SETTING[name].format(script=script))
        yield made
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        os.close(ours)
