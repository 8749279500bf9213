"""`plainsail history`: what became of each release."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter
from rich.padding import Padding
from rich.text import Text

from plainsail.cli.connect import HERE, Plane
from plainsail.cli.exits import DONE
from plainsail.cli.options import AsJson
from plainsail.cli.screen import Json, clock, out, phase_text, plain, print_json, release_name, tell
from plainsail.domain.units import percent, seconds


def history(
    service: str | None = None, /, *, limit: Annotated[int, Parameter(name=("--limit", "-n"))] = 20,
    as_json: AsJson = False, plane: Plane = HERE,
) -> int:  # fmt: skip
    """Show releases, rollouts and what became of them, latest first.

    With --json also every event behind them: who asked for what, which step was entered when, and why.

    Example: `plainsail history`
    Example: `plainsail history shop --limit 5`
    Example: `plainsail history --json`

    Parameters
    ----------
    service
        One service; all if left out.
    limit
        Rollouts and releases shown.
    """
    with plane.connect() as client:
        answer = client.history(service, limit)
    if as_json:
        print_json(answer)
        return DONE
    console = out()
    for rollout in answer["rollouts"]:
        tell(console, _line(rollout))
        told = Text.assemble(
            (f"{rollout['id']} by {plain(rollout['by'])}: ", "dim"), plain(rollout["reason"])
        )
        if console.is_terminal:
            console.print(Padding(told, (0, 0, 0, 4), expand=False))
        else:
            tell(console, Text.assemble("    ", told))
    used = {rollout["release"] for rollout in answer["rollouts"]}
    since = _told_since(answer["rollouts"], limit)
    unused = [one for one in answer["releases"] if one["digest"] not in used and one["made_at"] > since]
    if unused:
        console.print("Releases without a rollout here:" if answer["rollouts"] else "Releases:")
        for release in unused:
            tell(
                console,
                f"  {clock(release['made_at'], 'day')}  {release['service']} {release_name(release['version'], release['digest'])}",
            )
    if not answer["rollouts"] and not unused:
        console.print("Nothing was deployed yet")
    return DONE


def _told_since(rollouts: list[Json], limit: int) -> float:
    """Every rollout after this time is in the list; of a release made before, earlier ones may have been cut off."""
    started = [one["started_at"] for one in rollouts if one["started_at"] is not None]
    return min(started, default=0.0) if len(rollouts) >= limit else 0.0


def _line(rollout: Json) -> Text:
    name = release_name(rollout["version"], None) if rollout["version"] else ""
    text = Text.assemble(
        (clock(rollout["started_at"], "day") if rollout["started_at"] else "waiting", "dim"), "  ",
        rollout["service"], " ", rollout["environment"], "  ", (name, "bold"), f"  {rollout['strategy'] if rollout['kind'] == 'deploy' else rollout['kind']}: ",
    )  # fmt: skip
    text.append_text(phase_text(rollout["phase"]))
    if rollout["phase"] in ("rolled_back", "aborted") and rollout["reached_bp"]:
        text.append(f" at {percent(rollout['reached_bp'])}")
    if rollout["ended_at"] and rollout["started_at"]:
        text.append(f" after {seconds(rollout['ended_at'] - rollout['started_at'])}")
    return text
