"""What the rows say: tables, charts, sentences, and where we lose. Nothing here measures anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from bench.blast import goals
from bench.blast.cases import CASES, SLOWNESS
from bench.blast.day import BAD, CLUSTERED, GOOD, UNPROMISED, Day, allowed
from bench.blast.goals import FLOOR, OURS, Goal
from bench.blast.rows import ALPHA, Row, bound, failing
from bench.results import Result, Table, found
from plainsail.domain.criteria import EvidenceCriteria
from plainsail.domain.stats.oracle import one_sample
from plainsail.web.chart import Chart, Panel, Series

Price = tuple[Table, list[str], list[Goal]]


class Blast(Result, frozen=True):
    """The result with its rows as they are printed by `--json`."""

    rows: tuple[Row, ...] = ()


def blast(
    arguments: Sequence[str], rows: Sequence[Row], grid: Sequence[Row], days: Mapping[str, Sequence[Day]], price: Price
) -> Blast:  # fmt: skip
    """All of it, for the page."""
    watched, held = _days(days)
    table, said, cheap = price
    asked = [*goals.of_rows(rows), *held, *cheap]
    met, missed = [one for one in asked if one.met], [one for one in asked if not one.met]
    result = found(
        "blast", arguments, [goals.table(asked), *_compared(rows), _bounds(rows), _power(grid), watched, table],
        findings=[f"{len(met)} of {len(asked)} goals are met; why the others are not stands under Where we lose.", *said],
        losses=[*(one.told() for one in missed), *_losses(rows)],
        charts={"bench-blast": _chart(rows)},
    )  # fmt: skip
    return Blast(**{name: getattr(result, name) for name in result.__struct_fields__}, rows=(*rows, *grid))


def cost(arguments: Sequence[str], table: Table, said: list[str], asked: list[Goal]) -> Result:
    return found("blast", arguments, [goals.table(asked), table], findings=said)


def _compared(rows: Sequence[Row]) -> list[Table]:
    """One table for bad requests, one for seconds, one for false alarms; a column per system and setting."""
    systems = list(dict.fromkeys((row.system, row.setting) for row in rows))
    cases = list(dict.fromkeys(row.case for row in rows))
    by = {(row.case, row.system, row.setting): row for row in rows}
    columns = ("Case", *(f"{name}, {setting}" for name, setting in systems))

    def table(title: str, cell: str, chosen: Sequence[str]) -> Table:
        return Table(
            title,
            columns,
            tuple((case, *(_cell(by.get((case, *one)), cell) for one in systems)) for case in chosen),
        )

    good = [case for case in cases if by[case, *systems[0]].case in _good()]
    bad = [case for case in cases if case not in good]
    runs = max(row.runs for row in rows)
    return [
        table(f"Requests spoiled until the candidate has no users, median (and runs of {runs} it was taken back in)",
              "bad_requests", bad),
        table("Seconds from the fault until the candidate has no users, median", "detection_s", bad),
        table(f"Good releases that were taken back, of {runs}", "false_alarms", good),
    ]  # fmt: skip


def _good() -> set[str]:
    return {case.name for case in (*CASES, *SLOWNESS) if case.good}


def _cell(row: Row | None, what: str) -> str:
    if row is None:
        return ""
    value = getattr(row, what)
    if what == "false_alarms":
        return f"{value}"
    if value is None:
        return "never"
    text = f"{value:,.1f}" if value < 10 else f"{value:,.0f}"
    return text if row.detected == row.runs or what != "bad_requests" else f"{text} ({row.detected})"


def _bounds(rows: Sequence[Row]) -> Table:
    """Ours against what is possible."""
    cases = {case.name: case for case in CASES}
    found = []
    for row in rows:
        if (row.system, row.setting) == OURS and row.bound_ratio is not None and row.case in cases:
            case = cases[row.case]
            wald = one_sample(failing(case), case.base, ALPHA, case.margin)
            alone = f"{wald:,.1f}" if case.fault == "errors" else ""
            found.append((row.case, f"{bound(case):,.1f}", alone, f"{row.bound_ratio:.2f}"))
    return Table(
        "Requests of the candidate that any test needs, and what ours took",
        ("Case", "Two-sample bound", "Wald's, live's rate known", "Ours, in two-sample bounds"), tuple(found),
    )  # fmt: skip


def _power(grid: Sequence[Row]) -> Table:
    return Table(
        "What share and traffic make of it: ours",
        ("Case", "Taken back", "of", "Seconds, median", "Spoiled, median"),
        tuple(
            (
                row.case,
                f"{row.detected}",
                f"{row.runs}",
                _cell(row, "detection_s"),
                _cell(row, "bad_requests"),
            )
            for row in grid
        ),
    )


def _days(days: Mapping[str, Sequence[Day]]) -> tuple[Table, list[Goal]]:
    """False alarms and false passes, by kind and against what is promised of all and of each."""
    criteria = EvidenceCriteria()
    rows = []
    for kinds, what, promise in (
        (GOOD, "taken back", criteria.alpha), (UNPROMISED, "taken back", None), (BAD, "called proven", criteria.beta),
        (CLUSTERED, "called proven", None)
    ):  # fmt: skip
        for kind in kinds:
            ends = days[kind.name]
            rows.append(
                (kind.name, what, f"{_count(ends, what)}", f"{len(ends)}", "none" if promise is None else f"{promise:.0%}")
            )  # fmt: skip
    asked = [
        _promised("good releases taken back within a day", [end for kind in GOOD for end in days[kind.name]],
                  "taken back", criteria.alpha),
        _promised("releases just beyond the margin called proven", [end for kind in BAD for end in days[kind.name]],
                  "called proven", criteria.beta),
    ]  # fmt: skip
    each = [_promised(kind.name, days[kind.name], "taken back", criteria.alpha) for kind in GOOD]
    table = Table(
        "A day of watching, by events", ("Kind", "What", "Counted", "of", "Promised at most"), tuple(rows)
    )
    return table, [*asked, *(one for one in each if not one.met)]


def _promised(what: str, ends: Sequence[Day], counted: str, level: float) -> Goal:
    count, most = _count(ends, counted), allowed(len(ends), level)
    return Goal(
        what, f"at most {most}, {level:.0%} and its noise", f"{count} of {len(ends):,}", count <= most
    )


def _count(ends: Sequence[Day], what: str) -> int:
    return sum(end.proven if what == "called proven" else end.failed for end in ends)


def _losses(rows: Sequence[Row]) -> list[str]:
    """Every case in which somebody spoiled fewer requests than ours did, in medians."""
    lines = []
    for case in dict.fromkeys(row.case for row in rows):
        mine = next(row for row in rows if row.case == case and (row.system, row.setting) == OURS)
        better = [
            f"{row.system}, {row.setting} ({row.bad_requests:,.0f})"
            for row in rows
            if row.case == case and row is not mine and row.bad_requests is not None
            and row.detected >= mine.detected
            and (mine.bad_requests is None or row.bad_requests < mine.bad_requests)
        ]  # fmt: skip
        if better:
            spoiled = "never" if mine.bad_requests is None else f"{mine.bad_requests:,.0f}"
            lines.append(f"{case}: ours spoils {spoiled} requests; fewer: {'; '.join(better)}.")
    return lines


def _chart(rows: Sequence[Row]) -> Chart:
    """Requests spoiled, by case, on a logarithmic axis."""
    bad = [case for case in dict.fromkeys(row.case for row in rows) if case not in _good()]
    systems = (
        OURS,
        FLOOR,
        ("argo-rollouts", "interval 10 s, limit 0"),
        ("kayenta", "interval 5 min, critical"),
    )
    by = {(row.case, row.system, row.setting): row.bad_requests for row in rows}
    series = [
        Series(f"{name}, {setting}", [(float(n), by.get((case, name, setting))) for n, case in enumerate(bad, 1)], "dots")
        for name, setting in systems
    ]  # fmt: skip
    return Chart(
        "Requests that a bad release spoils before it is off",
        "Dots, one per case and system, on a logarithmic axis: "
        + ", ".join(f"{n} is {case}" for n, case in enumerate(bad, 1)),
        "Case: "
        + ", ".join(f"{n} {case}" for n, case in enumerate(bad[:4], 1))
        + ", ... in the order of the table",
        [Panel("Requests spoiled, median", series, log=True, height=240)],
    )


def rows_of(text: bytes) -> tuple[Row, ...]:
    """Those of a printed document."""
    return msgspec.json.decode(text, type=dict[str, tuple[Row, ...]])["rows"]
