"""What commands show: on 80 columns, without colour too, and nothing that another program wrote can move the cursor."""

from __future__ import annotations

import json
import re
import sys
import time
from typing import Any, Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from plainsail.domain.release import short
from plainsail.domain.units import ALL, percent, plural, seconds

Json = dict[str, Any]

BAR = 12
"""Cells of a bar of all users."""

STYLES = {
    "succeeded": "green", "rolled_back": "red", "failed": "red", "aborted": "yellow", "superseded": "dim",
    "paused": "yellow", "gated": "yellow", "rolling_back": "red",
}  # fmt: skip

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b.")
"""Terminal control sequences (ECMA-48): CSI, OSC, and the rest."""


def out() -> Console:
    """Results."""
    return Console(highlight=False, markup=False, emoji=False)


def err() -> Console:
    """Progress and logs."""
    return Console(stderr=True, highlight=False, markup=False, emoji=False)


def tell(console: Console, text: str | Text) -> None:
    """A sentence: wrapped at words on a terminal, one line elsewhere, where lines are what is searched."""
    console.print(text, soft_wrap=not console.is_terminal)


def print_json(document: Any) -> None:
    """The one document."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def print_json_line(document: Any) -> None:
    sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def plain(text: str) -> str:
    """Somebody else's text as one harmless line."""
    return "".join(
        character if character.isprintable() else " " for character in ESCAPES.sub("", text).expandtabs(4)
    )


def words(code: str) -> str:
    """`rolled_back` -> `rolled back`."""
    return code.replace("_", " ")


def phase_text(phase: str) -> Text:
    return Text(words(phase), style=STYLES.get(phase, ""))


def bar(share_bp: int, cells: int = BAR) -> Text:
    """How much of all users; a share above nothing shows something."""
    full = round(share_bp * cells / ALL) or (1 if share_bp else 0)
    mark, rest = ("█", "░") if _can_draw() else ("#", ".")
    return Text(mark * full, style="cyan") + Text(rest * (cells - full), style="dim")


def ago(at: float | None, now: float | None = None) -> str:
    """`42 s ago`."""
    if at is None:
        return ""
    return f"{lasting(max(0.0, (now or time.time()) - at))} ago"


def lasting(duration: float) -> str:
    """Whole units, as people say: `42 s`, `3 min`, `5 h`, `12 d`."""
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if duration >= size * 1.5:
            return f"{duration / size:.0f} {unit}"
    return f"{duration:.0f} s"


def clock(at: float, form: Literal["time", "day"] = "time") -> str:
    """The local time of day, or with the day."""
    return time.strftime("%H:%M:%S" if form == "time" else "%Y-%m-%d %H:%M", time.localtime(at))


def release_name(version: str | None, digest: str | None) -> str:
    """`1.4 (0123456789ab)`, or only what is known."""
    name, digits = plain(version or ""), short(digest or "")
    if name and digits and name != digits:
        return f"{name} ({digits})"
    return name or digits or "the last good release"


def groups_table(groups: list[Json], counts: dict[str, Json] | None = None) -> Table:
    """One line a group: role, release, instances, share; and what its users got, when that is known. Of a release that runs
    with two configurations each has its digest."""
    table = Table.grid(padding=(0, 2))
    for _ in range(2):
        table.add_column(no_wrap=True, overflow="ellipsis")
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column()  # the only one to give way in a narrow terminal
    several = {
        group["release"] for group in groups if any(_configured_otherwise(group, one) for one in groups)
    }
    for group in groups:
        ready, wanted = group["ready"], group["replicas"]
        instances = f"{ready} of {wanted} ready" if wanted else f"{len(group['instances'])} leaving"
        table.add_row(
            Text(group["role"], style="bold" if group["share_bp"] else "dim"),
            Text(_name(group) + f" ({short(group['config'])})" * (group["release"] in several)),
            Text(instances, style="yellow" if ready < wanted else ""),
            percent(group["share_bp"]),
            bar(group["share_bp"]),
            Text(_got((counts or {}).get(group["group"]) or group.get("counts")), style="dim"),
        )
    return table


def _name(group: Json) -> str:
    """The release as people call it, and the variant that it is of it."""
    return " ".join(plain(one) for one in (group["version"], group.get("variant", "")) if one)


def _configured_otherwise(group: Json, other: Json) -> bool:
    return bool(group["release"] == other["release"] and group["config"] != other["config"])


def _got(counts: Json | None) -> str:
    """What the users of a group got."""
    if not counts or not counts["requests"]:
        return ""
    return f"{plural(counts['requests'], 'request')}, {counts['failures']:,} failed"


def way(rollout: Json) -> Text:
    """The steps: done, present, to come."""
    done, here, later = ("✓", "▸", "·") if _can_draw() else ("+", ">", "-")
    text = Text()
    over = rollout["ended_at"] is not None and rollout["phase"] == "succeeded"
    for index, step in enumerate(rollout["steps"]):
        if over or index < rollout["step"]:
            text.append(f"{done} {step['name']}  ", style="green")
        elif index == rollout["step"]:
            text.append(f"{here} {step['name']}  ", style="bold")
        else:
            text.append(f"{later} {step['name']}  ", style="dim")
    return text


HEADLINES = {
    "rollback": "Rollback to",
    "scale": "Scaling of",
    "restart": "Restart of",
    "remove": "Removal of",
}
"""By kind of a rollout; a deploy's is `Rollout of`."""


def headline(rollout: Json) -> Text:
    """`Rollout r-... of 1.4 (canary): progressing for 42 s`."""
    name = HEADLINES.get(rollout["kind"], "Rollout of")
    text = Text(f"{name} {plain(rollout['version'] or '') or 'the last good release'}: ")
    text.append_text(phase_text(rollout["phase"]))
    if rollout["ended_at"] is not None:
        text.append(f" {ago(rollout['ended_at'])}")
        if rollout["started_at"] is not None:
            text.append(f", took {seconds(max(0.0, rollout['ended_at'] - rollout['started_at']))}")
    elif rollout["started_at"] is not None:
        text.append(f" for {lasting(time.time() - rollout['started_at'])}")
    return text.append(f"  {rollout['strategy']}, by {plain(rollout['by'])}, {rollout['id']}", style="dim")


def _can_draw() -> bool:
    """Whether the terminal shows more than ASCII; asked of the real stream, which a live display replaces."""
    return "utf" in str(getattr(sys.__stderr__, "encoding", "")).lower()
