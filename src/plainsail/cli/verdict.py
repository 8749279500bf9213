"""`plainsail verdict`: why a rollout was decided as it was, and what would change it."""

from __future__ import annotations

import msgspec
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from plainsail.cli.connect import HERE, Plane
from plainsail.cli.exits import DONE
from plainsail.cli.options import AsJson, Env
from plainsail.cli.plot import LEGEND, plot
from plainsail.cli.screen import Json, clock, headline, out, plain, print_json, tell
from plainsail.domain import telling, trial_told
from plainsail.domain.explain import Explanation, with_users
from plainsail.domain.line import Line
from plainsail.domain.shadows import summed_up
from plainsail.domain.trial_told import Test
from plainsail.domain.units import seconds

WIDEST = 78
"""Columns of the plot: a line of a mail, also where the terminal is wider."""
TOLD = 3
"""Measurements of a metric source that are shown; `--json` has all that are kept."""
TONES = {"bad": "red", "good": "green", "open": "", "plain": "dim"}


def verdict(rollout: str, /, *, env: Env = None, as_json: AsJson = False, plane: Plane = HERE) -> int:
    """Say why: what was decided, the numbers behind it, and what would change it.

    First one sentence; then for each thing that is judged both sides' numbers, how far apart they are and what is
    allowed; the evidence over time against the line where it decides; what would change it; what makes it weaker than
    it looks. For a service: of the rollout under way, else of the last.

    Example: `plainsail verdict shop`
    Example: `plainsail verdict r-20261121-064830-1f --json`

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
    if answer["explanation"] is None:
        console.print(headline(answer["rollout"]))
        tell(console, "Nothing is judged yet: the rollout has not begun")
        return DONE
    show(console, msgspec.convert(answer["explanation"], Explanation), answer["rollout"])
    return DONE


def show(console: Console, why: Explanation, rollout: Json) -> None:
    """All of it, for people."""
    tell(console, Text(plain(why.sentence), style="bold"))
    console.print(headline(rollout))
    if rollout["phase"] == "paused" and rollout["reason"]:
        tell(console, plain(rollout["reason"]))
    if not why.judged:
        return
    if why.test is not None:
        _test(console, why.test)
    for line in trial_told.beside(why.test, why.metrics):
        console.print()
        _line(console, line, why.test.judged or "candidate" if why.test is not None else "candidate")
    if why.aside:
        console.print()
        tell(console, plain(why.aside))
    drawn = plot(with_users(why), min(WIDEST, console.width))
    if drawn:
        console.print()
        console.print(Text("Evidence, as a part of the line where it decides", style="bold"))
        for row in drawn:
            console.print(Text(row), soft_wrap=True)
        tell(console, Text(f"      {LEGEND}", style="dim"))
    if why.copies is not None:
        tell(console, f"Copies of requests: {summed_up(why.copies)}")
    _ahead(console, why)
    for warning in (*([f"Voided: {why.voided}"] if why.voided else ()), *why.warnings):
        tell(console, Text.assemble(("Warning: ", "yellow"), plain(warning)))
    if why.replaced:
        tell(console, f"Replaced, because they alone were bad: {', '.join(map(plain, why.replaced))}")


def _test(console: Console, test: Test) -> None:
    """The arms, each against live, and the variants against each other."""
    console.print()
    tell(console, Text.assemble((plain(test.kpi), "bold"), (" (decides the test)", "dim")))
    table = Table(box=None, padding=(0, 3, 0, 0), pad_edge=False)
    for column, justify in (
        ("", "left"),
        ("users", "right"),
        (plain(test.kpi), "right"),
        ("against live", "left"),
    ):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]  # one of rich's literals
    for row in trial_told.rows(test):
        table.add_row(*map(plain, row))
    for cells in console.render_lines(Padding(table, (0, 0, 0, 2), expand=False), pad=False):
        console.print(Text.assemble(*((one.text, one.style or "") for one in cells)))
    for said in trial_told.others(test):
        tell(console, f"  {plain(said)}")
    if test.missing:
        tell(console, Text.assemble("  ", ("no data: ", "dim"), plain(test.missing)))


def _line(console: Console, line: Line, ours: str) -> None:
    """One thing that is judged: what it says, both sides' numbers, and what is allowed. `ours`: whose the first ones are."""
    title = Text.assemble(
        (plain(telling.heading(line)), "bold"),
        (f" ({telling.weight(line)}): ", "dim"),
        (telling.outcome(line), TONES[telling.standing(line)]),
    )
    tell(console, title)
    table = Table(box=None, padding=(0, 3, 0, 0), pad_edge=False)
    for column, justify in (("", "left"), (plain(ours), "right"), (line.against, "right")):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]  # one of rich's literals
    for row in telling.rows(line):
        table.add_row(row.name, row.candidate, row.live)
    for cells in console.render_lines(Padding(table, (0, 0, 0, 2), expand=False), pad=False):
        console.print(Text.assemble(*((one.text, one.style or "") for one in cells)))
    for label, said in (
        ("difference", telling.difference(line)),
        ("allowed", telling.allowed(line)),
        ("evidence", telling.evidence(line)),
        ("no data", plain(line.missing)),
        ("note", plain(line.note)),
    ):
        if said:
            tell(console, Text.assemble("  ", (f"{label}: ", "dim"), said))
    for one in line.measurements[-TOLD:]:
        sides = f"{plain(ours)} {telling.amount(line, one.candidate)}, {line.against} {telling.amount(line, one.live)}"
        note = f" ({plain(one.note)})" if one.note else ""
        tell(console, Text(f"  {clock(one.until)}  {sides}{note}", style="dim"))


def _ahead(console: Console, why: Explanation) -> None:
    """How far it came, and what would change it."""
    console.print()
    if reached := telling.reached(why.proven, why.exposure, by_threshold=why.by_threshold):
        tell(console, reached)
    if why.decided_after is not None:
        begun = next((point for point in why.trail if point.share_bp or point.candidate.requests), None)
        first = "copies" if why.copies is not None and begun is not None and not begun.share_bp else "users"
        tell(console, f"Decided {seconds(why.decided_after)} after the first {first} came")
    told = [line for line in trial_told.beside(why.test, why.metrics) if line.change]
    if not told:
        tell(console, plain(why.change))
        return
    tell(console, "What would change it:")
    if why.test is not None:
        tell(
            console, f"  {plain(why.test.kpi)}: {plain(why.change[:1].lower() + why.change[1:].rstrip('.'))}"
        )
    for line in told:
        tell(console, f"  {plain(line.name)}: {plain(line.change)}")
