"""One line of an explanation: a thing that a candidate is judged by, with both sides' numbers and what they say."""

from __future__ import annotations

from typing import Literal

import msgspec

from plainsail.domain.evidence import Told

Kind = Literal["counts", "quantile", "mean", "value", "crashes"]
Role = Literal["critical", "guardrail", "informative"]


class Side(msgspec.Struct, frozen=True):
    """What one side had."""

    n: float = 0.0
    """Requests; of a mean, units; of a value, windows in which it was read."""
    bad: float | None = None
    """Of counts: the bad ones among them. Crashes: how many."""
    rate: float | None = None
    """Of counts a part of 1, of a mean the mean, of a value its mean over the windows, of a quantile seconds; null: there
    is nothing to take it from."""
    shielded: int = 0
    """Of errors: those of the bad that live answered instead."""
    low: float | None = None
    high: float | None = None
    """Of a quantile of the router: ends of a band that it is in however often one looks; null: too few requests to say."""
    coverage: float | None = None
    """The part of all requests that it rests on: the router's log may lose some."""


class Difference(msgspec.Struct, frozen=True):
    """Candidate less live, in the unit of the rates."""

    estimate: float
    low: float | None = None
    high: float | None = None
    """Ends of an interval that holds the true difference however often one looks; null: there is none."""
    level: float | None = None
    """With which probability it holds it at all times at once."""


class Tried(msgspec.Struct, frozen=True):
    """What `judge: threshold` has counted of it."""

    good: int
    """Good measurements of the rollout."""
    failed: int
    forgiven: int
    """So many failed ones are."""
    row: int
    """Good ones in a row in this step, ..."""
    wanted: int
    """... of so many that pass it."""


class Line(msgspec.Struct, frozen=True):
    """One thing to judge by."""

    name: str
    kind: Kind
    role: Role
    outcome: Literal["pass", "fail", "unsure"]
    candidate: Side
    live: Side
    unit: Literal["part", "seconds", ""] = "part"
    """Of the rates and of what is allowed: parts of 1, seconds, or whatever the metric is in."""
    against: Literal["live", "baseline"] = "live"
    """Whose the numbers under `live` are: all of live, or a fresh baseline's."""
    better: Literal["lower", "higher"] = "lower"
    dry_run: bool = False
    bound: float | None = None
    """Of latency: seconds from which on a request is slow."""
    difference: Difference | None = None
    margin: float | None = None
    """This much worse than live is allowed, ..."""
    relative: float | None = None
    """... and on top this part of live's own."""
    max: float | None = None
    min: float | None = None
    harm: float | None = None
    """What this brings to the purse of all tests of harm, as a part of the line: at 1.0 this alone takes the candidate back.
    Null: it is not judged that way."""
    good: float | None = None
    """Evidence that it is within the margin for the exposure asked for, as a part of the line."""
    odds: float | None = None
    """Against chance, by this alone with its part of the purse: so many to 1."""
    beyond: int | None = None
    """Of a value with limits: windows in a row beyond them, ..."""
    most: int | None = None
    """... of so many that take the candidate back."""
    tried: Tried | None = None
    """With `judge: threshold`: measurements instead of bets."""
    would: Literal["taken_back", "held", "passed", ""] = ""
    """Of a dry run: what it would have decided."""
    measurements: tuple[Told, ...] = ()
    """The last windows of a metric source, as (until, candidate, live, note)."""
    missing: str = ""
    """Why there is nothing to judge by."""
    note: str = ""
    change: str = ""
    """What would change it, without a full stop."""
