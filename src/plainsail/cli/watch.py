"""`plainsail watch`: the state of things on a terminal, events elsewhere."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from plainsail.cli.connect import HERE, Plane
from plainsail.cli.exits import DONE
from plainsail.cli.options import AsJsonLines, Env
from plainsail.cli.screen import Json, clock, err, out, plain, print_json_line, words
from plainsail.cli.status import Seen, look, picture
from plainsail.client import Client, Unreachable

LOOK_EVERY = 1.0
"""Seconds between two pictures."""
WAIT = 20.0
"""Seconds to wait for an event where only events are shown."""
KEPT = 8
"""Events below the picture."""


def watch(
    service: str | None = None, /, *, env: Env = None, as_json: AsJsonLines = False, plane: Plane = HERE
) -> int:
    """Follow what happens until Ctrl-C.

    On a terminal: the state of things, redrawn. Elsewhere: a line per event; with --json an object per event,
    for other programs. It goes on by itself when the control plane was away.

    Example: `plainsail watch`
    Example: `plainsail watch shop`
    Example: `plainsail watch --json`

    Parameters
    ----------
    service
        One service; all if left out.
    """
    with plane.connect() as client:
        seen = look(client, service, env)  # says now if there is no such service
        try:
            console = out()
            if as_json or not console.is_terminal:
                _lines(client, console, service, env, as_json)
            else:
                _pictures(client, console, seen, service, env)
        except KeyboardInterrupt:
            pass
    return DONE


def _lines(client: Client, console: Console, service: str | None, env: str | None, as_json: bool) -> None:
    for events in _follow(client, service, env, WAIT):
        for event in events:
            if as_json:
                print_json_line(event)
            else:
                console.print(line(event), soft_wrap=True)


def _pictures(client: Client, console: Console, seen: Seen, service: str | None, env: str | None) -> None:
    last: deque[Json] = deque(maxlen=KEPT)
    with Live(_picture(seen, last), console=console, refresh_per_second=4, screen=True) as live:
        for events in _follow(client, service, env, LOOK_EVERY):
            last.extend(events)
            try:
                live.update(_picture(look(client, service, env), last))
            except Unreachable as error:
                live.update(Group(_picture(Seen([]), last), Text(str(error), style="yellow")))


def _picture(seen: Seen, last: deque[Json]) -> RenderableType:
    parts: list[RenderableType] = [Text(seen.rest)] if seen.rest else []
    for document in seen.documents:
        parts += [picture(document), Text()]
    return Group(
        *parts, *(line(event) for event in last), Text("Ctrl-C ends this; nothing else ends", style="dim")
    )


def _follow(client: Client, service: str | None, env: str | None, wait: float) -> Iterator[list[Json]]:
    """New events, again and again; an empty list when there were none. Goes on while the control plane is away."""
    after: int | None = None
    away = False
    while True:
        try:
            if after is None:
                after = client.events(-1, limit=1)["last"]
            answer = client.events(after, service=service, wait=wait)
            away = False
        except Unreachable as error:
            if not away:
                err().print(f"{error}; trying again", soft_wrap=True)
            away = True
            time.sleep(LOOK_EVERY)
            continue
        after = answer["last"]
        yield [one for one in answer["events"] if env is None or one["environment"] in (env, "")]


def line(event: Json) -> Text:
    """`12:00:03 shop production  step entered 10 %: why`"""
    where = " ".join(filter(None, (event["service"], event["environment"])))
    text = Text.assemble((f"{clock(event['at'])} ", "dim"), where, "  ", (words(event["kind"]), "bold"))
    step = event["data"].get("step") if event["kind"] in ("step_entered", "traffic_moved") else None
    if step:
        text.append(f" {step}")
    if event["reason"]:
        text.append(f": {plain(event['reason'])}")
    return text if event["by"] == "plainsail" else text.append(f" (by {plain(event['by'])})", style="dim")
