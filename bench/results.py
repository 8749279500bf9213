"""What a bench found: tables, charts and sentences, kept as JSON beside the machine it was measured on.

`python -m bench report` makes docs/benchmarks.md from these files and from nothing else, so no number there can be
another than the one that was measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from bench.rig.machine import Machine, machine
from plainsail.web.chart import Chart

KEPT = Path(__file__).parent / "results"


class Table(msgspec.Struct, frozen=True):
    """Rows of text under columns; the first column names the row, the others are numbers, to the right."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        rule = ("---", *("---:" for _ in self.columns[1:]))
        lines = (self.columns, rule, *self.rows)
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)


class Result(msgspec.Struct, frozen=True):
    """One run of one bench."""

    bench: str
    command: str
    machine: Machine
    tables: tuple[Table, ...]
    findings: tuple[str, ...] = ()
    """What the numbers say, in sentences that are made from them."""
    losses: tuple[str, ...] = ()
    """Where we lose, likewise."""
    versions: tuple[str, ...] = ()
    """Of what was measured."""
    charts: dict[str, Chart] = {}
    """By file name without its ending."""


def found(
    bench: str, arguments: Sequence[str], tables: Sequence[Table], *, findings: Sequence[str] = (),
    losses: Sequence[str] = (), versions: Sequence[str] = (), charts: dict[str, Chart] | None = None,
) -> Result:  # fmt: skip
    """The result of a run on this machine."""
    command = " ".join(["python -m bench", bench, *arguments])
    return Result(
        bench, command, machine(), tuple(tables), tuple(findings), tuple(losses), tuple(versions), charts or {}
    )  # fmt: skip


def publish(result: Result, *, keep: bool) -> None:
    """Print it; and keep it for the page, unless it was only to see that it works."""
    for table in result.tables:
        print(f"\n**{table.title}**\n\n{table.markdown()}")
    for sentence in (*result.findings, *result.losses):
        print(f"\n- {sentence}", end="")
    print()
    if keep:
        KEPT.mkdir(exist_ok=True)
        text = msgspec.json.format(msgspec.json.encode(result), indent=1)
        (KEPT / f"{result.bench}.json").write_bytes(text + b"\n")


def kept() -> dict[str, Result]:
    """By bench."""
    return {
        path.stem: msgspec.json.decode(path.read_bytes(), type=Result) for path in sorted(KEPT.glob("*.json"))
    }


def quantile(values: Sequence[float], part: float) -> float:
    """The value below which this part of them lies; 0 if there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else 0.0
