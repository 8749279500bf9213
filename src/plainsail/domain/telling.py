"""How an explanation is told: the words and numbers that the terminal and the pages show alike."""

from __future__ import annotations

from typing import Literal

import msgspec

from plainsail.domain.line import Line, Side, Tried
from plainsail.domain.units import ALL, percent, percent_of, plural, seconds

Standing = Literal["bad", "good", "open", "plain"]


LEAST_ODDS = 2.0
"""Odds against chance from which on harm is suspected and they are told (`judge.CALM`, of this alone)."""


class Row(msgspec.Struct, frozen=True):
    """One quantity of both sides."""

    name: str
    candidate: str
    live: str


def heading(line: Line) -> str:
    """`errors`, `slower than 300 ms`, `basket`; what the line is about."""
    match line.name:
        case "max_errors":
            return f"errors, whatever {whom(line)} does"
        case "p50" | "p90" | "p99" if line.kind == "quantile":
            return f"{line.name} of answer times"
        case "latency" if line.bound is not None:
            return f"answers slower than {seconds(line.bound)}"
        case _:
            return line.name


def whom(line: Line) -> str:
    """What the candidate is compared with, in a sentence."""
    return "the baseline" if line.against == "baseline" else "live"


def weight(line: Line) -> str:
    """What it may decide: `critical`, `guardrail`, `only shown`, `dry run`."""
    if line.dry_run:
        return f"dry run, {line.role}"
    return "only shown" if line.role == "informative" else line.role


def outcome(line: Line) -> str:
    """What it says by itself."""
    if line.would:
        said = {"taken_back": "taken it back", "held": "held it", "passed": "let it go on"}[line.would]
        return f"{'no data, ' if line.missing else ''}would have {said}"
    if line.missing:
        return "no data"
    if line.role == "informative":
        return _seen(line)
    if line.tried is not None and line.outcome != "fail":
        return "good by threshold" if line.tried.good else "not measured yet"
    if line.good is None and line.outcome != "fail":
        return _unproven(line)
    return {"pass": "good enough", "fail": "worse", "unsure": "not sure"}[line.outcome]


def _unproven(line: Line) -> str:
    """Of what need not be proven: whether there is anything against it."""
    if line.outcome == "pass" or (line.harm is None and line.beyond == 0):
        return "within"
    if line.harm is None and line.beyond is None:
        return "not known yet"
    return "not sure" if line.beyond or (line.odds or 0.0) >= LEAST_ODDS else "no harm seen"


def _seen(line: Line) -> str:
    """Of what is only shown: of a quantile of the router, what its bands say."""
    if line.candidate.low is None:
        return "only shown"
    found = line.difference
    if found is None or found.low is None or found.high is None:
        return "not known yet"
    return (
        f"longer than {whom(line)}'s"
        if found.low > 0
        else f"shorter than {whom(line)}'s"
        if found.high < 0
        else "no difference seen"
    )


def standing(line: Line) -> Standing:
    """In what tone."""
    if line.would == "taken_back":
        return "bad"
    if line.would:
        return "good" if line.would == "passed" else "open"
    if line.missing or line.role == "informative":
        return "plain"
    if line.tried is not None and line.outcome != "fail":
        return "good" if line.tried.good else "open"
    return {"pass": "good", "fail": "bad", "unsure": "open"}[line.outcome]  # type: ignore[return-value]  # of a literal


def rows(line: Line) -> tuple[Row, ...]:
    """Both sides' numbers."""
    ours, theirs = line.candidate, line.live
    match line.kind:
        case "counts":
            bad = "slow" if line.name == "latency" else "failed"
            shielded = (
                (Row("failed, answered by live", _shielded(ours), _shielded(theirs)),)
                if line.name == "errors"
                else ()
            )
            return (
                Row("requests", _number(ours.n), _number(theirs.n)),
                Row(bad, _bad(ours), _bad(theirs)),
                *shielded,
            )
        case "crashes":
            return (Row("crashes", _number(ours.bad), _number(theirs.bad)),)
        case "mean":
            return (
                Row("units", _number(ours.n), _number(theirs.n)),
                Row("mean", amount(line, ours.rate), amount(line, theirs.rate)),
            )
        case "value":
            return (
                Row("windows", _number(ours.n), _number(theirs.n)),
                Row("mean of them", amount(line, ours.rate), amount(line, theirs.rate)),
            )
        case "quantile" if ours.low is not None:
            return (
                Row("requests", _covered(ours), _covered(theirs)),
                Row(line.name, amount(line, ours.rate), amount(line, theirs.rate)),
                Row("in the band", _band(line, ours), _band(line, theirs)),
            )
        case "quantile" if line.name in ("p50", "p90", "p99"):
            return (
                Row("requests", _number(ours.n), _number(theirs.n)),
                Row("beyond it", _bad(ours), _bad(theirs)),
                Row(line.name, "-", amount(line, theirs.rate)),
            )
        case "quantile":
            return (
                Row("requests", _number(ours.n), _number(theirs.n)),
                Row("at the last look", amount(line, ours.rate), amount(line, theirs.rate)),
            )


def amount(line: Line, value: float | None) -> str:
    """A rate of the line in its unit: `1.2 %`, `35 ms`, `12.4`; a dash where there is none."""
    if value is None:
        return "-"
    match line.unit:
        case "part":
            return percent_of(value)
        case "seconds":
            return f"-{_time(-value)}" if value < 0 else _time(value)
        case _:
            return _number(value)


def difference(line: Line) -> str:
    """`1.1 points more than live (+0.4 to +2.3 points, 99 % sure at any time)`; empty: there is nothing to compare."""
    found = line.difference
    if found is None:
        return ""
    said = f"{_apart(line, found.estimate)} than {whom(line)}"
    if found.low is None or found.high is None or found.level is None:
        return said
    return f"{said} ({_between(line, found.low, found.high)}, {percent_of(found.level)} sure at any time)"


def allowed(line: Line) -> str:
    """What it may be; empty: it is not judged."""
    if line.role == "informative":
        return ""
    if line.kind == "crashes":
        return f"{plural(int(line.max or 0), 'crash', 'crashes')} forgiven"
    parts = []
    own = f"{percent_of(line.relative)} of {whom(line)}'s own" if line.relative else ""
    margin = line.margin
    absolute = "" if margin is None or (own and not margin) else _distance(line, margin)
    if absolute or own:
        worse = "less" if line.better == "higher" else "more"
        parts.append(
            f"at most {' and '.join(one for one in (absolute, own) if one)} {worse} than {whom(line)}"
        )
    if line.max is not None:
        parts.append(f"never more than {amount(line, line.max)}")
    if line.min is not None:
        parts.append(f"never less than {amount(line, line.min)}")
    return "; ".join(parts)


def evidence(line: Line) -> str:
    """`harm 1.32 (odds 400 to 1), safe -0.40`, `2 of 3 windows beyond`, `4 of 4 measurements good`; empty: it is not judged
    by evidence."""
    if line.tried is not None:
        return _measurements(line.tried)
    parts = []
    if line.beyond is not None:
        parts.append(f"{line.beyond} of {plural(line.most or 0, 'window')} beyond")
    if line.kind == "crashes":
        return f"{_number(line.candidate.bad)} of {plural(int(line.max or 0) + 1, 'crash', 'crashes')} that take it back"
    if line.harm is not None:
        sure = f" (odds {_odds(line.odds)} to 1)" if line.odds is not None and line.odds >= LEAST_ODDS else ""
        parts.append(f"harm {part(line.harm)}{sure}")
    if line.good is not None:
        parts.append(f"safe {part(line.good)}")
    return ", ".join(parts)


def _measurements(tried: Tried) -> str:
    """`9 of 10 measurements good, 1 failed (2 forgiven)`."""
    taken = tried.good + tried.failed
    if not taken:
        return "no measurement yet"
    failed = f", {tried.failed:,} failed ({tried.forgiven:,} forgiven)" if tried.failed else ""
    return f"{tried.good:,} of {plural(taken, 'measurement')} good{failed}"


def part(of_line: float) -> str:
    """Evidence as a part of its line, where 1 is on it."""
    return f"{of_line:.2f}"


def reached(share_bp: int, asked: int | None, *, by_threshold: bool = False) -> str:
    """`Proven safe for 50 % of the users; 100 % is asked for`; empty: nothing is asked for, or thresholds prove nothing."""
    if by_threshold or not (share_bp or asked):
        return ""
    whom = (
        "all users" if share_bp == ALL else f"{percent(share_bp)} of the users" if share_bp else "nobody yet"
    )
    more = f"; {percent(asked)} is asked for" if asked and asked > share_bp else ""
    return f"Proven safe for {whom}{more}"


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _bad(side: Side) -> str:
    if side.bad is None or not side.n:
        return _number(side.bad)
    return f"{_number(side.bad)} ({percent_of(side.bad / side.n)})"


def _shielded(side: Side) -> str:
    return f"{side.shielded:,} ({percent_of(side.shielded / side.n)})" if side.n else f"{side.shielded:,}"


def _covered(side: Side) -> str:
    """`1,204`, `1,204 (97 % of all)`: the router's log may lose some."""
    lost = side.coverage is not None and side.coverage < 0.995
    return f"{_number(side.n)} ({percent_of(side.coverage or 0.0)} of all)" if lost else _number(side.n)


def _band(line: Line, side: Side) -> str:
    """`31 ms to 40 ms`."""
    if side.high is None:
        return f"{amount(line, side.low)} or more" if side.low else "any"
    return f"{amount(line, side.low)} to {amount(line, side.high)}"


def _apart(line: Line, value: float) -> str:
    if value == 0.0:
        return "no more"
    return f"{_distance(line, abs(value))} {'more' if value > 0 else 'less'}"


def _between(line: Line, low: float, high: float) -> str:
    if line.unit == "part":
        return f"{low * 100:+.3g} to {high * 100:+.3g} points"
    return " to ".join(
        f"{'-' if one < 0 else '+' * (one > 0)}{_distance(line, abs(one))}" for one in (low, high)
    )


def _distance(line: Line, value: float) -> str:
    if line.unit == "part":
        points = f"{value * 100:.3g}"
        return f"{points} point{'s' * (points != '1')}"
    return amount(line, value)


def _time(duration: float) -> str:
    """Below ten milliseconds with two digits, or a difference of parts of one is none: `0.35 ms`."""
    if 0.0 < duration < 0.00995:
        return f"{max(duration * 1000, 0.01):.2g} ms"
    return seconds(duration)


def _odds(odds: float) -> str:
    if odds > 1e6:
        return "over 1,000,000"
    digits = 10 ** max(0, len(str(int(odds))) - 2)
    return f"{int(odds) // digits * digits:,}"
