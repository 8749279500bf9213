"""What the bench of kills found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from bench.results import Result, Table, found, quantile
from bench.rig.machine import version
from bench.rig.users import FIVE, KINDS, OUTCOMES, Samples
from plainsail.drivers.routers.haproxy import binary
from plainsail.web.chart import Chart, Panel, Series

TOGETHER = 3.0
"""Seconds after a kill in which a failed request is put down to it, on the chart."""


class Killed(msgspec.Struct, frozen=True):
    """One kind of kill."""

    kind: str
    kills: int
    requests: int
    rollouts: int
    failed: dict[str, int]
    """By kind of request and outcome."""
    per_kill: list[int]
    """Failed requests between one kill and the next."""
    back_ms: list[float]
    """From each kill to the first request that was answered again, if any had failed."""
    right: bool
    """At the end one whole release has all users."""
    left: list[str]
    """What still ran after `down`."""


class DiskFull(msgspec.Struct, frozen=True):
    """A release that turned bad while the disk was full."""

    requests: int
    failed_by_us: int
    """Lost, or answered with an error that is not the release's own."""
    bad: int
    """Errors of the release that users saw."""
    bad_for_s: float
    """From the first of them to the last request the release answered."""
    full_for_s: float
    still_asked_at_end: int
    """Requests that the release answered in the last second in which the disk was full."""
    phase_while_full: str
    phase: str


def killed(
    kind: str, times: Sequence[float], samples: Samples, rollouts: int, status: Mapping[str, Any], left: list[str]
) -> Killed:  # fmt: skip
    bad = [n for n in range(len(samples)) if samples.outcome[n]]
    kinds = Counter(f"{KINDS[samples.kind[n]]} {OUTCOMES[samples.outcome[n]]}" for n in bad)
    ends = [*times[1:], float("inf")]
    per_kill = [
        sum(begin - 1.0 <= samples.began[n] < end - 1.0 for n in bad)
        for begin, end in zip(times, ends, strict=True)
    ]
    answered = sorted(
        samples.began[n] + samples.took[n] for n in range(len(samples)) if not samples.outcome[n]
    )
    back = []
    for begin, end, failed in zip(times, ends, per_kill, strict=True):
        late = [samples.began[n] for n in bad if begin <= samples.began[n] < end - 1.0]
        if failed and late:
            back.append(1000 * (next((at for at in answered if at > max(late)), max(late)) - begin))
    share = [group["share_bp"] for group in status["groups"] if group["share_bp"]]
    return Killed(
        kind, len(times), len(samples), rollouts, dict(kinds), per_kill, back, share == [10_000], left
    )  # fmt: skip


def disk_full(
    samples: Samples, full_from: float, full_until: float, phase_while_full: str, phase: str
) -> DiskFull:
    during = [n for n in range(len(samples)) if full_from <= samples.began[n] < full_until]
    app = [n for n in during if samples.outcome[n] == FIVE and samples.version[n] == 2]
    by_it = [samples.began[n] for n in during if samples.version[n] == 2]
    first = min((samples.began[n] for n in app), default=full_from)
    return DiskFull(
        len(during), sum(samples.outcome[n] > 0 for n in during) - len(app), len(app),
        max(by_it, default=first) - first, full_until - full_from, sum(at > full_until - 1.0 for at in by_it),
        phase_while_full, phase,
    )  # fmt: skip


def told(arguments: Sequence[str], kinds: Sequence[Killed], full: DiskFull | None) -> Result:
    return found(
        "kills", arguments, [_table(kinds), *([_disk_table(full)] if full else [])],
        findings=[_sentence(one) for one in kinds] + ([_disk_sentence(full)] if full else []),
        losses=_losses(kinds), versions=[f"HAProxy {version(binary.find(None), '-v')}"],
        charts={"bench-kills": _chart(kinds)},
    )  # fmt: skip


def _table(kinds: Sequence[Killed]) -> Table:
    rows = [
        (
            one.kind, f"{one.kills}", f"{one.rollouts - 1}", f"{one.requests:,}", f"{sum(one.failed.values()):,}",
            f"{quantile(one.per_kill, 0.5):.0f}", f"{max(one.per_kill, default=0)}",
            f"{quantile(one.back_ms, 0.5):,.0f}" if one.back_ms else "-",
            f"{max(one.back_ms):,.0f}" if one.back_ms else "-",
            "yes" if one.right else "**no**", f"{len(one.left)}",
        )
        for one in kinds
    ]  # fmt: skip
    return Table(
        "SIGKILL at random moments of rollouts under load",
        ("Killed", "Kills", "Rollouts", "Requests", "Failed", "per kill, median", "at most", "Served again after, ms",
         "at most, ms", "State right", "Left running"),
        tuple(rows),
    )  # fmt: skip


def _disk_table(full: DiskFull) -> Table:
    return Table(
        "A release turns bad while the disk is full",
        ("What", "Number"),
        (
            ("seconds with a full disk", f"{full.full_for_s:.0f}"),
            ("requests meanwhile", f"{full.requests:,}"),
            ("lost, or answered with an error that is not the release's", f"{full.failed_by_us}"),
            ("errors of the release that users saw", f"{full.bad}"),
            ("seconds from the first of them to the last request it was asked", f"{full.bad_for_s:.1f}"),
            ("requests it was asked in the last second of the full disk", f"{full.still_asked_at_end}"),
            ("phase of the rollout on record while the disk was full", full.phase_while_full),
            ("phase after there was room again", full.phase.replace("_", " ")),
        ),
    )


def _sentence(one: Killed) -> str:
    failed = sum(one.failed.values())
    kinds = (
        f" ({', '.join(f'{number} {kind}' for kind, number in sorted(one.failed.items()))})" if failed else ""
    )
    return f"{one.kind[0].upper()}{one.kind[1:]}, killed {one.kills} times: {failed} of {one.requests:,} requests failed{kinds}."


def _disk_sentence(full: DiskFull) -> str:
    if full.still_asked_at_end:
        return (
            f"With a full disk a release that turned bad kept its users for all of {full.full_for_s:.0f} s."
        )
    return (
        f"With a full disk a release that turned bad was off its users {full.bad_for_s:.1f} s after its first error, though "
        f"nothing could be recorded; when there was room again the record said {full.phase.replace('_', ' ')}."
    )


def _losses(kinds: Sequence[Killed]) -> list[str]:
    worst = max(kinds, key=lambda one: sum(one.per_kill) / one.kills)
    if not sum(worst.per_kill):
        return []
    return [
        f"There is one HAProxy process. Whoever kills it takes every user with it until it is back: {worst.kind} costs "
        f"{sum(worst.per_kill) / worst.kills:.0f} requests a kill here. Two HAProxys behind an address that moves would not."
        if worst.kind.startswith("HAProxy")
        else f"Dearest is {worst.kind}: {sum(worst.per_kill) / worst.kills:.1f} failed requests a kill.",
    ]  # fmt: skip


def _chart(kinds: Sequence[Killed]) -> Chart:
    return Chart(
        title="Failed requests, kill by kill",
        about="Failed requests of each kill, by what was killed. " + " ".join(_sentence(one) for one in kinds),
        x_title="Kill",
        panels=(
            Panel(
                "Failed requests",
                tuple(
                    Series(one.kind, tuple((float(n), float(failed)) for n, failed in enumerate(one.per_kill, 1)))
                    for one in kinds
                ),
                low=0.0, height=240,
            ),
        ),
    )  # fmt: skip
