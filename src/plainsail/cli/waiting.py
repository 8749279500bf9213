"""Waits for a rollout to end, and shows how it goes: live on a terminal, a line per change elsewhere."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Protocol

import msgspec
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from plainsail.cli.exits import GATED, INTERRUPTED, TIMED_OUT, of_rollout
from plainsail.cli.screen import Json, clock, err, groups_table, headline, plain, tell, way, words
from plainsail.client import Client, ProblemError, Unreachable
from plainsail.domain.units import percent, seconds

LOOK_EVERY = 1.0
"""Seconds between looks; an event shortens it."""
AWAY_WITHIN = 60.0
"""Seconds a control plane may be away (it is being upgraded, say) before we stop waiting."""
OUTPUT_LINES = 20
REPEAT = 15.0
"""Seconds after which a line says again why nothing changes."""


class Waited(msgspec.Struct, frozen=True):
    """How the waiting ended: the rollout as last seen, the exit code, and what a failed release's instances said."""

    rollout: Json
    exit_code: int
    output: tuple[Json, ...] = ()


class Display(Protocol):
    def show(self, rollout: Json, status: Json) -> None: ...

    def say(self, text: str) -> None: ...


def wait(client: Client, rollout: Json, timeout: float | None, abort_with: str) -> Waited:
    """Until the rollout has ended, the time is over, or Ctrl-C. The rollout goes on in any case.

    Raises Unreachable when the control plane stays away, and ProblemError.
    """
    console = err()
    try:
        with display(console) as screen:
            waited = _follow(client, rollout, timeout, screen)
    except KeyboardInterrupt:
        tell(console, f"Detached; rollout {rollout['id']} goes on. Abort it with: {abort_with}")
        return Waited(rollout, INTERRUPTED)
    if waited.exit_code in (TIMED_OUT, GATED):
        tell(
            console,
            f"Not over after {seconds(timeout or 0)}; rollout {rollout['id']} goes on. Abort it with: {abort_with}",
        )
    if waited.rollout["phase"] in ("failed", "rolled_back"):
        return msgspec.structs.replace(waited, output=_last_words(client, waited.rollout))
    return waited


def _follow(client: Client, rollout: Json, timeout: float | None, screen: Display) -> Waited:
    until = time.monotonic() + timeout if timeout is not None else float("inf")
    heard = time.monotonic()
    after = 0
    gone = False
    while True:
        try:
            rollout = client.rollout(rollout["id"])
            if rollout["ended_at"] is not None and rollout["kind"] == "remove":
                return Waited(rollout, of_rollout(rollout))
            screen.show(rollout, client.status(rollout["service"], rollout["environment"]))
            if rollout["ended_at"] is not None:
                return Waited(rollout, of_rollout(rollout))
            left = until - time.monotonic()
            if left <= 0:
                return Waited(rollout, GATED if rollout["phase"] == "gated" else TIMED_OUT)
            events = client.events(after, rollout=rollout["id"], wait=max(0.1, min(LOOK_EVERY, left)))
            after, heard = events["last"], time.monotonic()
        except (Unreachable, ProblemError) as error:
            unknown = isinstance(error, ProblemError) and error.status == 404
            if unknown and rollout["kind"] == "remove" and not gone:
                gone = True  # it has just ended, most likely; its rollout says so
                continue
            answers = isinstance(error, ProblemError) and error.status < 500
            if answers or time.monotonic() > min(until, heard + AWAY_WITHIN):
                raise
            screen.say(f"{error}; traffic stays where it is, trying again")
            time.sleep(LOOK_EVERY)


def _last_words(client: Client, rollout: Json) -> tuple[Json, ...]:
    """Of one instance: the others failed in the same way, or will."""
    if rollout["candidate"] is None or rollout["reason_code"] == "quarantined":
        return ()
    with contextlib.suppress(ProblemError, Unreachable):
        answer = client.output(rollout["service"], rollout["environment"], OUTPUT_LINES, rollout["candidate"])
        lines: list[Json] = answer["lines"]
        return tuple(line for line in lines if line["instance"] == lines[-1]["instance"])[-OUTPUT_LINES:]
    return ()


@contextlib.contextmanager
def display(console: Console) -> Iterator[Display]:
    if not console.is_terminal:
        yield Lines(console)
        return
    with Live(console=console, refresh_per_second=4, transient=True) as live:
        yield Picture(live)


class Picture:
    """On a terminal: steps, both sides, the reason; redrawn in place."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def show(self, rollout: Json, status: Json) -> None:
        groups = [one for one in status["groups"] if one["group"] in (rollout["live"], rollout["candidate"])]
        self._live.update(Group(
            headline(rollout), way(rollout), groups_table(groups, arms(rollout)), Text(plain(rollout["reason"]), style="italic"),
        ))  # fmt: skip

    def say(self, text: str) -> None:
        self._live.update(Text(text, style="yellow"))


class Lines:
    """Elsewhere: a line per change, and now and then why nothing changes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last: tuple[object, ...] = ()
        self._said_at = 0.0

    def show(self, rollout: Json, status: Json) -> None:
        state = (rollout["phase"], rollout["step"], rollout["reason_code"])
        if state == self._last and time.monotonic() - self._said_at < REPEAT:
            return
        self._last = state
        step = (
            rollout["steps"][rollout["step"]]["name"]
            if rollout["steps"] and rollout["ended_at"] is None
            else ""
        )
        parts = [words(rollout["phase"]), f"step {step}" if step else "", plain(rollout["reason"])]
        self.say(": ".join(filter(None, parts)))

    def say(self, text: str) -> None:
        self._said_at = time.monotonic()
        tell(self._console, f"{clock(time.time())} {text}")


def arms(rollout: Json) -> dict[str, Json]:
    """By group: what its users got in the blocks that were compared."""
    verdict = rollout["verdict"]
    if verdict is None:
        return {}
    return {rollout["candidate"]: verdict["candidate"], rollout["live"]: verdict["live"]}


def conclusion(rollout: Json) -> str:
    """One sentence: what became of it."""
    doing = {"scale": "scaling ", "restart": "restarting ", "remove": "removing "}.get(rollout["kind"], "")
    what = f"{doing}{rollout['service']} {plain(rollout['version'] or '')} in {rollout['environment']}"
    reached = (
        f" at {percent(rollout['reached_bp'])}"
        if rollout["phase"] == "rolled_back" and rollout["reached_bp"]
        else ""
    )
    why = f": {plain(rollout['reason'])}" if rollout["reason"] else ""
    return f"{what} {words(rollout['phase'])}{reached}{why}"
