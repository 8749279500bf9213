"""`plainsail history` and `plainsail verdict`: what became of each release, and the numbers behind it."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from plainsail.cli.connect import HERE, Plane
from plainsail.cli.exits import DONE
from plainsail.cli.options import AsJson, Env
from plainsail.cli.screen import Json, clock, headline, out, phase_text, plain, print_json, release_name, tell
from plainsail.domain.units import ALL, percent, percent_of, seconds


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


def verdict(rollout: str, /, *, env: Env = None, as_json: AsJson = False, plane: Plane = HERE) -> int:
    """Show the numbers behind a decision: what the users of both releases got, and what follows from it.

    For a rollout under way: what is proven so far, and how many more requests are needed.

    Example: `plainsail verdict shop`
    Example: `plainsail verdict shop --env production --json`

    Parameters
    ----------
    rollout
        Its id, or a service.
    """
    with plane.connect() as client:
        answer = client.verdict(rollout, env)
    if as_json:
        print_json(answer)
        return DONE
    console = out()
    told, found = answer["rollout"], answer["verdict"]
    console.print(headline(told))
    if told["reason"] and (found is None or told["reason"] != found["sentence"]):
        console.print(Text(plain(told["reason"])))
    compared = found is not None and told["live"] is not None and found["candidate"]["requests"]
    if found is None or (not compared and found["outcome"] != "fail"):
        console.print("Nothing was judged: the release had no users beside a live one")
        return DONE
    console.print()
    console.print(_arms(found))
    console.print()
    console.print(Text.assemble((f"{_outcome(found, told)}: ", "bold"), _sentence(found, told)))
    if found["proven_bp"]:
        console.print(f"Proven safe for {percent(found['proven_bp'])} of the users")
    if found["outcome"] == "unsure" and found["needs"] and told["ended_at"] is None:
        console.print(f"Needs {found['needs']:,} more requests to be sure, if none of them fails")
    _criteria(answer["criteria"])
    return DONE


def _told_since(rollouts: list[Json], limit: int) -> float:
    """Every rollout after this time is in the list; of a release made before, earlier ones may have been cut off."""
    started = [one["started_at"] for one in rollouts if one["started_at"] is not None]
    return min(started, default=0.0) if len(rollouts) >= limit else 0.0


def _line(rollout: Json) -> Text:
    name = release_name(rollout["version"], None) if rollout["version"] else ""
    text = Text.assemble(
        (clock(rollout["started_at"], "day") if rollout["started_at"] else "waiting", "dim"), "  ",
        rollout["service"], " ", rollout["environment"], "  ", (name, "bold"), f"  {rollout['strategy']}: ",
    )  # fmt: skip
    text.append_text(phase_text(rollout["phase"]))
    if rollout["phase"] in ("rolled_back", "aborted") and rollout["reached_bp"]:
        text.append(f" at {percent(rollout['reached_bp'])}")
    if rollout["ended_at"] and rollout["started_at"]:
        text.append(f" after {seconds(rollout['ended_at'] - rollout['started_at'])}")
    return text


def _outcome(verdict: Json, rollout: Json) -> str:
    if verdict["outcome"] != "fail" and verdict["proven_bp"] == ALL:
        return "Good enough"
    unsure = "Not sure yet" if rollout["ended_at"] is None else "Was not sure yet"
    return {"pass": "Good enough", "fail": "Worse", "unsure": unsure}[verdict["outcome"]]


def _sentence(verdict: Json, rollout: Json) -> str:
    """The judge spoke while it was under way; of an ended rollout what it still needed is past."""
    said = plain(verdict["sentence"])
    if rollout["ended_at"] is None or verdict["outcome"] != "unsure" or not said.startswith("needs "):
        return said
    return f"needed {said.removeprefix('needs ')}".replace(", has had ", ", had had ")


def _arms(verdict: Json) -> Table:
    table = Table(box=None, padding=(0, 3, 0, 0))
    for column, justify in (("", "left"), ("candidate", "right"), ("live", "right")):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]  # one of rich's literals
    rows = (
        ("requests", "requests"),
        ("failed", "failures"),
        ("failed, answered by live", "shielded"),
        ("slow", "slow"),
        ("crashes", "crashes"),
    )
    for name, key in rows:
        table.add_row(name, *(_number(verdict[arm], key) for arm in ("candidate", "live")))
    return table


def _number(arm: Json, key: str) -> str:
    part = (
        f" ({percent_of(arm[key] / arm['requests'])})"
        if key not in ("requests", "crashes") and arm["requests"]
        else ""
    )
    return f"{arm[key]:,}{part}"


def _criteria(criteria: Json) -> None:
    errors, latency = criteria["errors"], criteria["latency"]
    sides = [
        f"at most {_points(errors['margin'])} more failures than live",
        f"never more than {percent_of(errors['max'])}",
        f"at most {_points(latency['margin'])} more requests slower than {seconds(latency['bound'])}",
    ]
    out().print(Text(f"Allowed: {'; '.join(sides)}", style="dim"))


def _points(margin: float) -> str:
    """A difference of two parts: 0.005 -> `0.5 points`."""
    return f"{margin * 100:.3g} point{'s' * (margin != 0.01)}"
