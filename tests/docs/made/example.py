"""The worked example of docs/explanation/evidence.md, by the judge itself: its table and its picture."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache

import msgspec

from plainsail.domain.criteria import EvidenceCriteria
from plainsail.domain.judge import WEIGHTS, begin, judge
from plainsail.domain.observation import Counts
from plainsail.domain.stats.betting import log_sum

CRITERIA = EvidenceCriteria()
LIVE_FAILS = (7, 33)
CANDIDATE_FAILS = 20
BREAKS = 60
"""From the look after this one on, 3 of its 10 requests fail."""
SHOWN = (1, 10, 20, 40, 60, 61, 62, 63, 64, 65, 66)


class Look(msgspec.Struct, frozen=True):
    """What is known after a look; each brings 10 requests of the candidate and 90 of live."""

    number: int
    failures: int
    live_failures: int
    harm: float
    """Money of the bets that it is worse, in units of the first stake."""
    good: float
    """Money of the bets that it is good enough for half the users."""
    outcome: str
    sentence: str


@cache
def looks() -> tuple[Look, ...]:
    return tuple(_looks())


def rows() -> list[str]:
    """The table's."""
    return [
        f"| {look.number} | {10 * look.number} | {look.failures} | {look.live_failures} | {_money(look.harm)} | {_money(look.good)} | {look.outcome} |"
        for look in looks()
        if look.number in SHOWN
    ]


def picture() -> str:
    """Money over time, on a scale of powers of ten, and the line it must reach."""
    width, height, left, bottom = 640, 260, 60, 220
    last = looks()[-1].number

    def x(number: float) -> float:
        return left + (width - left - 20) * number / last

    def y(money: float) -> float:
        return bottom - 70 * (math.log10(max(money, 0.1)) + 1)

    line = " ".join(f"{x(look.number):.1f},{y(look.harm):.1f}" for look in looks())
    text = 'font-family="sans-serif" font-size="12" fill="#333"'
    marks = "".join(
        f'<line x1="{left}" y1="{y(money):.1f}" x2="{width - 20}" y2="{y(money):.1f}" stroke="#ddd"/>'
        f'<text x="{left - 8}" y="{y(money) + 4:.1f}" text-anchor="end" {text}>{money:g}</text>'
        for money in (0.1, 1, 10)
    )
    events = "".join(
        f'<line x1="{x(number):.1f}" y1="{bottom}" x2="{x(number):.1f}" y2="{bottom - 8}" stroke="{colour}" stroke-width="2"/>'
        for number, colour in (*((one, "#888") for one in LIVE_FAILS), (CANDIDATE_FAILS, "#b3261e"))
    )
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="Money of the bets over {last} looks">
<rect width="{width}" height="{height}" fill="#fff"/>
{marks}
<line x1="{left}" y1="{y(100):.1f}" x2="{width - 20}" y2="{y(100):.1f}" stroke="#b3261e" stroke-dasharray="6 4"/>
<text x="{left - 8}" y="{y(100) + 4:.1f}" text-anchor="end" {text}>100</text>
<text x="{left + 8}" y="{y(100) - 6:.1f}" {text}>worse: taken back</text>
<polyline points="{line}" fill="none" stroke="#1f5fbf" stroke-width="2"/>
{events}
<line x1="{x(BREAKS):.1f}" y1="{bottom}" x2="{x(BREAKS):.1f}" y2="{y(100):.1f}" stroke="#888" stroke-dasharray="2 3"/>
<text x="{x(BREAKS) - 6:.1f}" y="{bottom - 60}" text-anchor="end" {text}>it breaks</text>
<text x="{left}" y="{height - 12}" {text}>look 1</text>
<text x="{width - 20}" y="{height - 12}" text-anchor="end" {text}>look {last}</text>
</svg>
"""


def _looks() -> Iterator[Look]:
    evidence, _ = judge(
        begin(0.0), {"c": Counts(), "l": Counts()}, {}, "c", "l", CRITERIA, (5000,), 5000, 0.0
    )
    failed = live_failed = 0
    for number in range(1, 200):
        failed += 3 if number > BREAKS else number == CANDIDATE_FAILS
        live_failed += number in LIVE_FAILS
        counts = {"c": Counts(10 * number, failed), "l": Counts(90 * number, live_failed)}
        evidence, verdict = judge(evidence, counts, {}, "c", "l", CRITERIA, (5000,), 5000, number / 10)
        logs = verdict.log_evidence
        harm = {name: logs[f"harm_{name}"] for name in WEIGHTS if f"harm_{name}" in logs}
        total = sum(WEIGHTS[name] for name in harm)
        purse = log_sum([money + math.log(WEIGHTS[name] / total) for name, money in harm.items()])
        good = math.exp(verdict.log_evidence["good_errors_5000"])
        yield Look(number, failed, live_failed, math.exp(purse), good, verdict.outcome, verdict.sentence)
        if verdict.outcome == "fail":
            return


def _money(money: float) -> str:
    return f"{money:.2f}" if money < 10 else f"{money:.0f}"
