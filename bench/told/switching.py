"""What the switching bench found."""

from __future__ import annotations

from collections.abc import Sequence

from bench.results import Result, Table, found
from bench.rig.counted import Carried, Cell
from plainsail.web.chart import Chart, Panel, Series

OURS, NOBODY = "plainsail", "no router"
LOADS = ("half of its own", "the same for all", "as fast as it goes")


def told(
    arguments: Sequence[str], notes: Sequence[str], carried: Sequence[Carried], cells: Sequence[Cell]
) -> Result:
    lost = [_lost(load, [cell for cell in cells if cell.load == load]) for load in LOADS]
    return found(
        "switching", arguments, [*lost, _felt(cells), _capacity(carried)],
        findings=[*(_sentence(way, cells) for way in _names(cells)), *_doubts(carried, cells)],
        losses=_losses(carried, cells), versions=notes, charts={"bench-switching": _chart(cells)},
    )  # fmt: skip


def _lost(load: str, cells: Sequence[Cell]) -> Table:
    rows = []
    for cell in cells:
        rows.append((
            cell.way, f"{cell.requests:,}", f"{cell.lost():,}", f"{_of(cell, 'GET'):,}", f"{_of(cell, 'POST'):,}",
            f"{1000 * cell.lost() / cell.switches:,.0f}",
            f"{cell.told_to_close + cell.closed_idle:,}", f"{cell.streams_cut}",
        ))  # fmt: skip
    switches = " / ".join(sorted({str(cell.switches) for cell in cells}))
    return Table(
        f"Lost in {switches} switches, load: {load}",
        ("Router", "Requests", "Lost", "of them GET", "of them POST", "Lost per 1,000 switches",
         "Kept connections closed", "Streams cut, of 4"),
        tuple(rows),
    )  # fmt: skip


def _felt(cells: Sequence[Cell]) -> Table:
    rows = [
        (
            f"{cell.way}, {cell.load}", f"{cell.rate:,.0f}", _ratio(cell.ms_during[1], cell.ms_before[1]),
            _ratio(cell.ms_during[0], cell.ms_before[0]), f"{cell.stale_ms[0]:,.0f}", f"{cell.stale_ms[1]:,.0f}",
            f"{cell.command_ms[0]:,.1f}", f"{cell.router_cpu:.0%}",
        )
        for cell in cells
    ]  # fmt: skip
    return Table(
        "What else users felt: latency while switching over latency before, and how long the old version was still asked",
        ("Router, load", "Requests/s", "99th percentile", "Median", "Old asked on, median ms", "worst ms",
         "An order took, median ms", "Router's CPU"),
        tuple(rows),
    )  # fmt: skip


def _capacity(carried: Sequence[Carried]) -> Table:
    direct = next(one.rate for one in carried if one.way == NOBODY)
    rows = [
        (
            one.way,
            f"{one.rate / direct:.2f}",
            f"{one.rate:,.0f}",
            f"{one.router_cpu:.0%}",
            f"{one.users_cpu:.0%}",
        )
        for one in carried
    ]
    return Table(
        "How much each carries on one core, without a change",
        ("Router", "Of what users and instances do alone", "Requests/s", "Router's CPU", "Users' CPU"),
        tuple(rows),
    )


def _sentence(way: str, cells: Sequence[Cell]) -> str:
    mine = [cell for cell in cells if cell.way == way]
    requests, switches, lost = (
        sum(one.requests for one in mine), sum(one.switches for one in mine), sum(one.lost() for one in mine),
    )  # fmt: skip
    kinds: dict[str, int] = {}
    for cell in mine:
        for kind, number in cell.failed.items():
            kinds[kind] = kinds.get(kind, 0) + number
    which = f" ({', '.join(f'{number:,} {kind}' for kind, number in sorted(kinds.items()))})" if kinds else ""
    cut = sum(one.streams_cut for one in mine)
    streams = f"{cut} of {4 * len(mine)} held streams were cut" if cut else "no held stream was cut"
    return f"{way}: {lost:,} of {requests:,} requests lost in {switches:,} switches{which}; {streams}."


BUSY = 0.8
"""The part of its core that a router, or else the users, must need before one can say that it is at its limit."""


def _at_its_limit(one: Carried) -> bool:
    return max(one.router_cpu, one.users_cpu) >= BUSY


def _doubts(carried: Sequence[Carried], cells: Sequence[Cell]) -> list[str]:
    """Runs in which something else needed the machine: users could not keep their rate, or nobody was at its limit."""
    idle = [one.way for one in carried if one.way != NOBODY and not _at_its_limit(one)]
    unsaturated = [
        f"Not to be relied on: at full speed neither the router nor the users came to {BUSY:.0%} of their core with "
        f"{', '.join(idle)}; so what each carries, and 'as fast as it goes', say little there. Run it again on a machine "
        "with nothing else to do."
    ]
    return [
        *(unsaturated if idle else ()),
        *_behind(cells),
    ]


def _behind(cells: Sequence[Cell]) -> list[str]:
    return [
        f"Not to be relied on: {cell.way}, {cell.load}: {cell.rate:,.0f} of {cell.asked_rate:,.0f} requests/s asked for were "
        "answered in their time. Run it again on a machine with nothing else to do."
        for cell in cells
        if cell.asked_rate and cell.rate < 0.9 * cell.asked_rate
    ]  # fmt: skip


def _losses(carried: Sequence[Carried], cells: Sequence[Cell]) -> list[str]:
    ours = next(one for one in carried if one.way == OURS)
    losses = [
        f"{one.way} carries {one.rate / ours.rate:.1f} times as much on one core as our HAProxy, which counts and "
        "splits by maps for each request."
        for one in carried
        if one.way not in (OURS, NOBODY)
        and one.rate > ours.rate
        and _at_its_limit(one)
        and _at_its_limit(ours)
    ]
    for load in LOADS:
        rest = {cell.way: _over(cell) for cell in cells if cell.load == load}
        mine = rest.pop(OURS, 0.0)
        calmer = [f"{way} ({ratio:.1f})" for way, ratio in rest.items() if 0 < ratio < mine]
        if calmer:
            losses.append(
                f"While switching, load {load}, our 99th percentile was {mine:.1f} times that of before; "
                f"smaller were {', '.join(calmer)}."
            )
    return losses


def _chart(cells: Sequence[Cell]) -> Chart:
    names = _names(cells)
    series = [
        Series(
            way,
            tuple(
                (float(place), 1000 * cell.lost() / cell.switches)
                for place, load in enumerate(LOADS, 1)
                for cell in cells
                if cell.way == way and cell.load == load
            ),
        )
        for way in names
    ]
    return Chart(
        title="Requests lost per 1,000 switches",
        about="Requests lost per 1,000 switches by router under three loads: half of what it carries, the same for "
        "all, as fast as it goes. " + " ".join(_sentence(way, cells) for way in names),
        x_title="Load: 1 half of its own, 2 the same for all, 3 as fast as it goes",
        panels=(Panel("Requests lost per 1,000 switches", tuple(series), low=0.0, height=220),),
    )  # fmt: skip


def _names(cells: Sequence[Cell]) -> list[str]:
    return list(dict.fromkeys(cell.way for cell in cells))


def _of(cell: Cell, method: str) -> int:
    return sum(number for kind, number in cell.failed.items() if method in kind)


def _over(cell: Cell) -> float:
    return cell.ms_during[1] / cell.ms_before[1] if cell.ms_before[1] else 0.0


def _ratio(during: float, before: float) -> str:
    return f"{during / before:.1f}" if before else "-"
