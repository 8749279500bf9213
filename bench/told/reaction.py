"""What the reaction bench found."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from bench.results import Result, Table, found, quantile
from bench.rig.machine import version
from plainsail.domain.decide import FAST
from plainsail.drivers.routers.haproxy import binary
from plainsail.web.chart import Chart, Level, Panel, Series


class Run(msgspec.Struct, frozen=True):
    """One bad release. Seconds count from when the deciding request became countable."""

    fault: str
    rate: float
    """Requests per second of the service; the candidate has a tenth."""
    phase: str
    """That it ended in."""
    replayed: bool = False
    """Whether the deciding request was found by replay."""
    seen: float = 0.0
    """To the look that decided."""
    off: float = 0.0
    """To the router's table saying 0."""
    last: float = 0.0
    """To the last request that the candidate was asked."""
    from_first: float = 0.0
    """From the first request that the candidate was asked to the table saying 0."""
    asked: int = 0
    """Requests of the candidate, all in all."""
    bad: int = 0
    """Those of them that failed, hung or were slow."""
    users: int = 0
    """Requests that users saw go wrong."""


def told(arguments: Sequence[str], runs: Sequence[Run]) -> Result:
    back = [run for run in runs if run.phase == "rolled_back"]
    return found(
        "reaction", arguments, [_table(back), _by_fault(runs)], findings=_findings(runs, back), losses=_losses(back),
        versions=[f"HAProxy {version(binary.find(None), '-v')}"], charts={"bench-reaction": _chart(back)},
    )  # fmt: skip


def _table(runs: Sequence[Run]) -> Table:
    rows = [
        (what, *(f"{quantile(values, part) / FAST:.1f}" for part in (0.5, 0.9, 1.0)),
         *(f"{1000 * quantile(values, part):.0f}" for part in (0.5, 0.9, 1.0)))
        for what, values in (
            ("the look that decided", [run.seen for run in runs]),
            ("the router's table said 0", [run.off for run in runs]),
            ("the last request the candidate was asked", [run.last for run in runs]),
        )
    ]  # fmt: skip
    return Table(
        f"From the deciding request, {len(runs)} bad releases; in looks of {FAST:g} s",
        ("To", "half within", "nine of ten within", "worst", "half, ms", "nine of ten, ms", "worst, ms"),
        tuple(rows),
    )


def _by_fault(runs: Sequence[Run]) -> Table:
    rows = []
    for fault, rate in dict.fromkeys((run.fault, run.rate) for run in runs):
        mine = [run for run in runs if (run.fault, run.rate) == (fault, rate)]
        back = [run for run in mine if run.phase == "rolled_back"]
        rows.append((
            f"{fault}, {rate:g} requests/s", f"{len(back)} of {len(mine)}",
            f"{quantile([run.off for run in back], 0.5) / FAST:.1f}",
            f"{quantile([run.from_first for run in back], 0.5) / FAST:.0f}",
            f"{quantile([run.asked for run in back], 0.5):,.0f}", f"{quantile([run.bad for run in back], 0.5):,.0f}",
            f"{quantile([run.users for run in back], 0.5):,.0f}", f"{max((run.users for run in back), default=0):,}",
        ))  # fmt: skip
    return Table(
        "By fault: a tenth of the users at the candidate; medians, looks of a tenth of a second",
        ("Fault", "Taken back", "Looks from the deciding request to off", "Looks from the first request to off",
         "Requests of the candidate", "of them bad", "seen by users", "seen at most"),
        tuple(rows),
    )  # fmt: skip


def _findings(runs: Sequence[Run], back: Sequence[Run]) -> list[str]:
    off = [run.off / FAST for run in back]
    return [
        f"{len(back)} of {len(runs)} bad releases were taken back by themselves.",
        f"From the deciding request to a table that says 0: half within {quantile(off, 0.5):.1f} looks, nine of ten within "
        f"{quantile(off, 0.9):.1f}, all within {quantile(off, 1.0):.1f}.",
        f"The deciding request was found by replay in {sum(run.replayed for run in back)} of {len(back)} runs; in the others "
        "it is the last mishap that the deciding look can have seen.",
    ]  # fmt: skip


def _losses(back: Sequence[Run]) -> list[str]:
    slowest = max(back, key=lambda run: run.from_first)
    return [
        f"No reaction is sooner than the next look: a look each {FAST:g} s costs half of that on average. A judge inside the "
        "router would have no such floor.",
        f"Before the deciding request there must be evidence: with {slowest.fault} at {slowest.rate:g} requests/s it took "
        f"{slowest.from_first / FAST:.0f} looks from the candidate's first request, the most of all runs. Half the traffic "
        "takes twice as long.",
    ]  # fmt: skip


def _chart(runs: Sequence[Run]) -> Chart:
    def share(values: Sequence[float]) -> tuple[tuple[float, float], ...]:
        ordered = sorted(values)
        return tuple((value / FAST, 100 * (n + 1) / len(ordered)) for n, value in enumerate(ordered))

    return Chart(
        title="From the deciding request to off",
        about="Part of the runs in which it had happened, by looks of a tenth of a second since the deciding request.",
        x_title="Looks (0.1 s) since the deciding request", x_low=0.0,
        panels=(
            Panel(
                "Part of the runs (%)",
                (
                    Series("seen by a look", share([run.seen for run in runs]), "step"),
                    Series("table says 0", share([run.off for run in runs]), "step"),
                    Series("last request", share([run.last for run in runs]), "step"),
                ),
                levels=(Level(90.0, "nine of ten"),), low=0.0, high=100.0, height=220,
            ),
        ),
    )  # fmt: skip
