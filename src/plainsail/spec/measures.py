"""What metrics of sources, and the judge, must be beyond their types. As `checks`, which this goes with."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping

from plainsail.domain.criteria import Metric
from plainsail.domain.service import Placement
from plainsail.domain.units import percent
from plainsail.spec.checks import Check, Fault
from plainsail.spec.diagnostics import listed, shown
from plainsail.spec.ways import exposures

KINDS = ("counts", "mean", "value", "histogram")
NAME = re.compile(r"[a-z][a-z0-9_-]{0,40}")
BUILT_IN = (
    "errors",
    "max_errors",
    "latency",
    "p50",
    "p90",
    "p99",
    "crashes",
    "shares",
    "errors_past",
    "latency_past",
)
"""What the judge has of its own: a verdict names one of these or a metric, and nobody should have to ask which."""
MOST = 20
"""Metrics of one service in one environment: all of them share the odds of a false alarm (alpha), so each more makes the
others slower to tell."""
LONGEST = 4000
"""Characters of a query; servers take 8 kB of a URL, and some characters become three there."""
WORDS = ("service", "environment", "group", "version", "release", "instances", "window", "since", "until")
"""What is put in for them: `domain/measurement.py`."""
OF_WHOM = ("{group}", "{version}", "{release}", "{instances}")
"""What differs between the candidate and whom it is compared with."""
IN_BRACES = re.compile(r"\{([a-z_]{3,15})\}")
"""What might be one of ours; other braces are the query language's."""
LIKE_OURS = 0.75
"""Part of its letters that a word must share with one of ours (difflib) to be taken for a slip of the pen."""


def name(given: str) -> Iterator[Fault]:
    if given in BUILT_IN:
        yield Fault(f"{shown(given)} is a test that plainsail has of its own", "give the metric another name")
    elif not NAME.fullmatch(given):
        meant = re.sub(r"[^a-z0-9_-]+", "-", given.lower()).strip("-_0123456789")
        yield Fault(
            f"{shown(given)} can't be the name of a metric: a small letter, then at most 40 of a-z, 0-9, '_' and '-'",
            f"did you mean '{meant}'?" if NAME.fullmatch(meant) else "write one such as 'failed-logins'",
        )


def not_too_many(given: Mapping[str, Metric]) -> Iterator[Fault]:
    for one in list(given)[MOST:][:1]:
        yield Fault(
            f"There are {len(given)} metrics, and {MOST} are the most",
            "leave out those that nobody would go back for",
            (one,),
            at_key=True,
        )


def query(text: str) -> Iterator[Fault]:
    if not text.strip():
        yield Fault("The query is empty", "write what the source is to be asked")
    elif len(text) > LONGEST:
        yield Fault(
            f"The query has {len(text):,} characters, and {LONGEST:,} are the most", "make it shorter"
        )
    for word in dict.fromkeys(IN_BRACES.findall(text)):
        near = difflib.get_close_matches(word, WORDS, n=1, cutoff=LIKE_OURS)
        if near and word not in WORDS:
            yield Fault(f"Nothing is put in for {shown('{' + word + '}')}", f"did you mean '{{{near[0]}}}'?")


def during(given: tuple[str, ...]) -> Iterator[Fault]:
    if not given:
        yield Fault(
            "The metric is never read", "write one or more of start, steps and bake, or leave the key out"
        )
    yield from _once(given)


def at(given: tuple[int, ...]) -> Iterator[Fault]:
    yield from _once([percent(share).replace(" ", "") for share in given])


def _once(given: tuple[str, ...] | list[str]) -> Iterator[Fault]:
    for index, one in enumerate(given):
        if one in given[:index]:
            yield Fault(f"{shown(one)} is here twice", "keep one", (index,))


def not_below(key: str, least: float, written: str) -> Check:
    def check(number: float) -> Iterator[Fault]:
        if number < least:
            yield Fault(f"'{key}' must be at least {written}, and is {number:g}s", f"write {written} or more")

    return check


def metric(given: Metric) -> Iterator[Fault]:
    """One way to measure, and limits and margins that it can be judged by."""
    ways = [kind for kind in KINDS if getattr(given, kind) is not None]
    if not ways:
        yield Fault(
            "A metric needs one of 'counts', 'mean', 'value' and 'histogram'",
            "add one such as 'value: QUERY'",
        )
        return
    if len(ways) > 1:
        told = f"A metric is measured in one way, and this one has {listed(ways, 'and')}"
        yield Fault(told, "keep one, and make another metric of the other", (ways[1],), at_key=True)
        return
    yield from _numbers(given, ways[0])
    if given.better == "higher" and ways[0] in ("counts", "histogram"):
        why = "bad ones are counted" if ways[0] == "counts" else "durations are compared"
        yield Fault(f"Of '{ways[0]}' lower is always better: {why}", "leave 'better' out", ("better",))
    if ways[0] == "mean" and given.at:
        yield Fault(
            "A mean is taken over all the time since the candidate has its users, so it can't be 'at' some shares only",
            "leave it out",
            ("at",),
            at_key=True,
        )
    yield from _compared(given, ways[0])
    if given.role == "critical" and not given.dry_run:
        yield from _provable(given, ways[0])
    limits = given.max is not None or given.min is not None
    if "start" in given.during and not limits and _decides(given):
        yield Fault(
            "Before the first user there is nobody to compare with, so 'start' needs a limit",
            "add 'max' or 'min', or leave 'start' out" if ways[0] in ("value", "mean") else
            "add 'max', or leave 'start' out" if ways[0] == "counts" else "leave 'start' out",
            ("during",),
        )  # fmt: skip


def _compared(given: Metric, kind: str) -> Iterator[Fault]:
    """Each side is asked for, so a query says whom it is about. A limit alone needs no other side."""
    asked = [text for text in given.queries().values() if text.strip()]
    if (
        asked
        and (given.margin or given.relative)
        and not any(word in text for text in asked for word in OF_WHOM)
    ):
        yield Fault(
            "The query is the same for the candidate and for live, so they can never differ",
            "put '{group}' where it says whose numbers are meant",
            (kind,),
        )


def _provable(given: Metric, kind: str) -> Iterator[Fault]:
    """Nothing passes before a critical metric is proven, so there must be a margin within which it can be."""
    if kind == "histogram":
        yield Fault(
            "A histogram can't be proven to be good, so it can't be critical",
            "leave 'role' out: as a guardrail it takes the candidate back too",
            ("role",),
        )
    elif not given.margin and not given.relative:
        yield Fault(
            "What is critical must be proven to be within a margin of live, and this has none",
            "add 'margin' or 'relative', or leave 'role' out",
            ("role",),
        )


def fitting(placement: Placement) -> Iterator[Fault]:
    """`at` names shares that the strategy has; the last one, 100 %, every strategy has."""
    steps = exposures(placement)
    for called, one in placement.evidence.metrics.items():
        for index, share in enumerate(one.at):
            if steps and share not in steps:
                there = listed([percent(step).replace(" ", "") for step in sorted(steps)], "and")
                yield Fault(
                    f"The strategy has no step of {percent(share).replace(' ', '')}, so this is never read there",
                    f"there {'are' if len(steps) > 1 else 'is only'} {there}",
                    ("evidence", "metrics", called, "at", index),
                )


def _numbers(given: Metric, kind: str) -> Iterator[Fault]:
    if given.margin < 0:
        yield Fault(
            f"'margin' must be 0 or more, and is {given.margin:g}",
            "write how much worse is allowed",
            ("margin",),
        )
    if kind == "counts":
        yield from _parts(given)
    elif kind == "histogram":
        for key, number in (("margin", given.margin or None), ("max", given.max), ("min", given.min)):
            if number is not None:
                yield Fault(
                    f"'{key}' has no meaning for a histogram, whose quantiles may grow by a part",
                    "write 'relative' instead",
                    (key,),
                    at_key=True,
                )
    elif given.max is not None and given.min is not None and given.max <= given.min:
        yield Fault(f"'max' ({given.max:g}) must be above 'min' ({given.min:g})", "exchange them", ("max",))
    if _decides(given) and not (
        given.margin or given.relative or given.max is not None or given.min is not None
    ):
        what = {"counts": "'margin' or 'max'", "histogram": "'relative'"}.get(
            kind, "'margin', 'relative', 'max' or 'min'"
        )
        yield Fault(
            f"Nothing says what would be too bad: {what} is missing",
            f"add one, such as '{'relative: 10%' if kind != 'counts' else 'margin: 0.01'}', or 'role: informative' to only look at it",
        )


def _parts(given: Metric) -> Iterator[Fault]:
    for key, part in (("margin", given.margin), ("max", given.max)):
        if part is not None and (part > 1 or (part < 0 and key == "max")):
            yield Fault(
                f"Of counts '{key}' is a part of all, from 0 to 1, and is {part:g}",
                f"did you mean {part / 100:g}?" if 1 < part <= 100 else "write one such as 0.01",
                (key,),
            )
    if given.min is not None:
        yield Fault(
            "Bad ones are counted, and too few of them are no harm", "leave 'min' out", ("min",), at_key=True
        )


def _decides(given: Metric) -> bool:
    return given.role != "informative"
