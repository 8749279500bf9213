"""What the cost bench found."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import msgspec

from bench.results import Result, Table, found
from bench.rig.machine import version
from bench.rig.turns import Turns
from plainsail.drivers.routers.haproxy import binary
from plainsail.web.chart import Chart, Panel, Series

MOST_MB, MOST_CPU, MOST_STARTS = 200.0, 0.03, 20.0
"""What we ask of ourselves for fifty idle services, and of `--help`."""
TURNS_A_SECOND = 10
"""Of a rollout whose candidate has traffic."""


class Idle(msgspec.Struct, frozen=True):
    """So many services at rest, in front of a control plane and a HAProxy."""

    services: int
    seconds: float
    plane_cpu: float
    """Part of a core."""
    plane_mb: float
    router_cpu: float
    router_mb: float
    instance_mb: float


class Start(msgspec.Struct, frozen=True):
    """`plainsail --help` and `python -c pass`, alternating: seconds each."""

    helps: tuple[float, ...]
    nothings: tuple[float, ...]

    def ratio(self) -> float:
        return statistics.median(self.helps) / statistics.median(self.nothings)


def told(arguments: Sequence[str], idle: Idle, start: Start, costs: Sequence[Turns]) -> Result:
    return found(
        "cost", arguments, [_idle_table(idle), _start_table(start), _turn_table(costs)],
        findings=_findings(idle, start, costs), losses=_losses(idle, start),
        versions=[f"HAProxy {version(binary.find(None), '-v')}"], charts={"bench-cost": _chart(costs)},
    )  # fmt: skip


def _idle_table(idle: Idle) -> Table:
    return Table(
        f"{idle.services} services at rest, one instance each, for {idle.seconds:.0f} s",
        ("Process", "Memory, MB", "of one core"),
        (
            ("control plane", f"{idle.plane_mb:.0f}", f"{idle.plane_cpu:.1%}"),
            ("HAProxy, both processes", f"{idle.router_mb:.0f}", f"{idle.router_cpu:.1%}"),
            ("one instance, for comparison", f"{idle.instance_mb:.0f}", ""),
            ("asked of the control plane for 50", f"< {MOST_MB:.0f}", f"< {MOST_CPU:.0%}"),
        ),
    )


def _start_table(start: Start) -> Table:
    return Table(
        f"Start of the command line, median of {len(start.helps)} alternating runs",
        ("Command", "ms", "times Python's own"),
        (
            ("python -c pass", f"{1000 * statistics.median(start.nothings):.0f}", "1"),
            ("plainsail --help", f"{1000 * statistics.median(start.helps):.0f}", f"{start.ratio():.1f}"),
            ("asked", "", f"< {MOST_STARTS:.0f}"),
        ),
    )


def _turn_table(costs: Sequence[Turns]) -> Table:
    rows = [
        (
            f"{one.rollouts}", f"{one.judged / one.unit:,.0f}", f"{one.at_rest / one.unit:,.0f}", f"{one.judged:,.0f}",
            f"{one.at_rest:,.0f}", f"{one.judged * TURNS_A_SECOND * one.rollouts / 1e6:.0%}",
        )
        for one in costs
    ]  # fmt: skip
    return Table(
        "A turn of the engine, in encodings of its target as JSON (CPU time over CPU time, in one run)",
        ("Rollouts at once", "Judged canary", "At rest", "Judged, microseconds", "At rest, microseconds",
         f"All of them, {TURNS_A_SECOND} turns/s each, of one core"),
        tuple(rows),
    )  # fmt: skip


def _findings(idle: Idle, start: Start, costs: Sequence[Turns]) -> list[str]:
    least, most = costs[0], costs[-1]
    return [
        f"{idle.services} services at rest cost the control plane {idle.plane_mb:.0f} MB and {idle.plane_cpu:.1%} of one core "
        f"(asked for 50: under {MOST_MB:.0f} MB and {MOST_CPU:.0%}).",
        f"`plainsail --help` takes {start.ratio():.1f} times as long as `python -c pass` (asked: under {MOST_STARTS:.0f}).",
        f"With {most.rollouts} rollouts at once a judged turn costs {most.judged / least.judged:.2f} times what it costs with "
        f"{least.rollouts}.",
    ]  # fmt: skip


def _losses(idle: Idle, start: Start) -> list[str]:
    missed = [
        ("The control plane's memory", idle.plane_mb, MOST_MB), ("Its part of a core at rest", idle.plane_cpu, MOST_CPU),
        ("The start of the command line", start.ratio(), MOST_STARTS),
    ]  # fmt: skip
    return [f"{what} misses what we ask of it." for what, is_, most in missed if is_ >= most] + [
        f"A Python control plane of {idle.plane_mb:.0f} MB is several times the size of a small one in Go or Rust, and every "
        f"command pays for Python's start ({1000 * statistics.median(start.helps):.0f} ms here).",
    ]


def _chart(costs: Sequence[Turns]) -> Chart:
    series = (
        Series("judged canary", tuple((float(one.rollouts), one.judged / one.unit) for one in costs)),
        Series("at rest", tuple((float(one.rollouts), one.at_rest / one.unit) for one in costs)),
    )
    return Chart(
        title="A turn of the engine costs the same however many rollouts there are",
        about="Cost of one turn, in JSON encodings of its target, by the number of rollouts at once.",
        x_title="Rollouts at once", x_log=True,
        panels=(Panel("One turn (encodings of its target)", series, low=0.0, height=200),),
    )  # fmt: skip
