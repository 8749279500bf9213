"""The cases: good and bad releases, each with the margins it is judged by.

Every case has 1,000 requests a second, 5 % of them the candidate's, 0.1 % failing on both sides, unless it says otherwise.
The share stays what it is, for all systems: the peers' own samples raise it while they look, and would serve more.
"""

from __future__ import annotations

from typing import Literal

import msgspec

SLOW_AFTER = 0.5
"""Seconds. The bound of Flagger's documented sample (`request-duration`, max 500 ms), taken for all."""
MEDIAN, SIGMA = 0.1, 0.6
"""Of the time a request takes when all is well: log-normal, median 100 ms, 99th percentile 404 ms."""
TAIL = 0.02
"""Part of the requests that a fault of the tail makes slower: those behind the 98th percentile."""

Fault = Literal[
    "none", "errors", "median", "tail", "leak", "crashes", "replica", "users", "outage", "bursts", "drift"
]


class Case(msgspec.Struct, frozen=True):
    """A release and its traffic. `size` is how bad it is: a part of the requests, or how much longer they take."""

    name: str
    fault: Fault
    size: float = 0.0
    good: bool = False
    """It is within its margins: to take it back is a false alarm."""
    traffic: float = 1000.0
    """Requests per second of both sides."""
    share: float = 0.05
    base: float = 0.001
    """Part of the requests that fail on both sides."""
    margin: float = 0.005
    """How many more failures than live the candidate may have; absolute."""
    slow_margin: float = 0.01
    """How many more slow requests, likewise."""
    onset: float = 0.0
    """Seconds of the candidate's traffic before the fault begins."""
    replicas: int = 10
    """Instances of the candidate."""


CASES = (
    Case("total-failure", "errors", 1.0),
    Case("total-failure-late", "errors", 1.0, onset=30.0),
    Case("errors-5", "errors", 0.05),
    Case("errors-1", "errors", 0.01),
    Case("errors-0.3", "errors", 0.003, good=True),
    Case("latency-p50", "median", 0.5),
    Case("latency-p99", "tail", 2.0),
    Case("leak", "leak", 0.05),
    Case("crash-loop", "crashes", 1.0, replicas=2),
    Case("one-bad-replica", "replica", 1.0),
    Case("one-tenth-of-users", "users", 0.1),
    Case("good", "none", good=True),
    Case("good-bursts", "bursts", good=True, base=0.002),
    Case("good-drift", "drift", good=True, base=0.01),
    Case("dependency-outage", "outage", 0.3, good=True),
)

_WHERE: tuple[tuple[str, Fault], ...] = (("p50", "median"), ("p99", "tail"))
SLOWNESS = tuple(
    Case(f"latency-{name}+{size:.0%}", fault, size, good=size < 0.2)
    for name, fault in _WHERE
    for size in (0.1, 0.5, 2.0)
    if (name, size) not in (("p50", 0.5), ("p99", 2.0))
)
"""The other sizes of slowness; 10 % longer is within the margin for slow requests."""

TRAFFIC = (1.0, 10.0, 100.0, 1000.0, 10_000.0)
SHARES = (0.001, 0.01, 0.05, 0.5)
GRID = tuple(
    Case(f"{name}, {share:.1%} of {traffic:g}/s", "errors", size, traffic=traffic, share=share)
    for name, size in (("total-failure", 1.0), ("errors-5", 0.05), ("errors-1", 0.01))
    for traffic in TRAFFIC
    for share in SHARES
)
"""What share and traffic make of it; where the candidate has less than a request in ten minutes, nobody can see anything."""
