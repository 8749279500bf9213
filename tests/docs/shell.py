"""One bash for a whole page, fed a command at a time, so that `cd`, variables and `$?` last."""

from __future__ import annotations

import os
import re
import selectors
import subprocess
import time
from pathlib import Path

WITHIN = 180.0
"""Seconds for one command on a machine that is busy with other things."""
MARK = "--- done here:"
COLOURS = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")


class Shell:
    def __init__(self, home: Path, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"], cwd=home, env=environment, bufsize=0, start_new_session=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._status = 0
        self.run("set -m")  # each background job in a group of its own, to be ended whole

    def run(self, command: str) -> tuple[str, int]:
        """Output and status. Raises AssertionError when it takes too long."""
        assert self._process.stdin is not None
        fed = f"(exit {self._status})\n{{ {command}\n}} </dev/null\nprintf '%s %s\\n' '{MARK}' $?\n"
        self._process.stdin.write(fed.encode())
        output = self._until_mark(command)
        text, _, status = output.rpartition(MARK)
        self._status = int(status)
        return text, self._status

    def start(self, command: str, into: Path) -> None:
        """Leave it running, its output in a file."""
        self.run(f"{{ {command}\n}} >{into} 2>&1 &")

    def close(self) -> None:
        """Ends the shell and what it left running; what has a session of its own is not its business."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(
            b"for job in $(jobs -p); do kill -KILL -- -$job; done 2>/dev/null; wait; exit\n"
        )
        try:
            self._process.wait(30)
        finally:
            self._process.kill()
            self._process.wait()
            self._process.stdin.close()
            self._process.stdout.close()

    def _until_mark(self, command: str) -> str:
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        heard = b""
        until = time.monotonic() + WITHIN
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, selectors.EVENT_READ)
            while not re.search(rf"{MARK} \d+\n$".encode(), heard):
                if not selector.select(max(0.0, until - time.monotonic())):
                    raise AssertionError(
                        f"{command}\nis not over after {WITHIN:g} s; so far:\n{heard.decode()}"
                    )
                block = os.read(descriptor, 65536)
                assert block, f"the shell ended in: {command}\n{heard.decode()}"
                heard += block
        return heard.decode(errors="replace")


def fits(shown: tuple[str, ...], output: str) -> bool:
    """Whether what came out is what is shown. Blanks at ends and their number don't count."""
    return re.fullmatch(_pattern(shown), _calm(output)) is not None


def begins(shown: tuple[str, ...], output: str) -> bool:
    """Whether all that is shown has come out; there may be more."""
    return re.match(_pattern(shown), _calm(output)) is not None


def _pattern(shown: tuple[str, ...]) -> str:
    lines = [line for line in (_squeezed(line) for line in shown) if line]
    return "".join(
        r"(?:.*\n)*?" if line == "..." else re.escape(line).replace(r"\.\.\.", ".*?") + r"\n"
        for line in lines
    )


def _calm(output: str) -> str:
    lines = (_squeezed(line) for line in COLOURS.sub("", output).split("\n"))
    return "".join(f"{line}\n" for line in lines if line)


def _squeezed(line: str) -> str:
    return " ".join(line.split())
